//! What the engine tells people, in full sentences.

use std::time::Duration;

use crate::event::{Kind, Severity, Subject};
use crate::spec::{self, EffectiveMassFailure, MassFailureThen};
use crate::state::Member;

use super::group::GroupState;
use super::word::Told;

fn of_member(member: &Member) -> Subject {
    Subject {
        service: Some(member.service.clone()),
        server: Some(member.server.clone()),
        address: Some(member.address),
        ..Subject::default()
    }
}

/// What is about a real server in all services that ask the same of it.
fn of_server(member: &Member) -> Subject {
    Subject {
        service: None,
        ..of_member(member)
    }
}

fn of_group(group: &GroupState) -> Subject {
    Subject {
        service: Some(group.key.service.to_string()),
        ..Subject::default()
    }
}

fn tell(kind: Kind, severity: Severity, subject: Subject, message: String) -> Told {
    Told {
        kind,
        severity,
        subject,
        message,
    }
}

/// A length of time as a person reads it: whole seconds from a second on.
fn length(length: Duration) -> spec::Duration {
    if length < Duration::from_secs(1) {
        spec::Duration(Duration::from_millis(
            u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
        ))
    } else {
        spec::Duration(Duration::from_secs(length.as_secs()))
    }
}

pub(super) fn server_up(member: &Member, text: &str, down: Option<Duration>) -> Told {
    let message = match down {
        Some(down) => format!(
            "Real server {member} is up again after {}: {text}.",
            length(down)
        ),
        None => format!("Real server {member} is up: {text}."),
    };
    tell(Kind::ServerUp, Severity::Info, of_member(member), message)
}

pub(super) fn server_down(member: &Member, text: &str) -> Told {
    let message = format!("Real server {member} is down: {text}.");
    tell(
        Kind::ServerDown,
        Severity::Warning,
        of_member(member),
        message,
    )
}

pub(super) fn agent_percent(member: &Member, percent: u32) -> Told {
    let message = format!(
        "The agent of real server {} wants {percent} % of its weight.",
        member.server
    );
    tell(
        Kind::AgentChanged,
        Severity::Info,
        of_server(member),
        message,
    )
}

pub(super) fn agent_drains(member: &Member) -> Told {
    let message = format!(
        "The agent of real server {} wants no new connections.",
        member.server
    );
    tell(
        Kind::AgentChanged,
        Severity::Info,
        of_server(member),
        message,
    )
}

pub(super) fn agent_is_ready(member: &Member) -> Told {
    let message = format!(
        "The agent of real server {} wants connections again.",
        member.server
    );
    tell(
        Kind::AgentChanged,
        Severity::Info,
        of_server(member),
        message,
    )
}

pub(super) fn agent_is_silent(member: &Member, stale_after: Duration) -> Told {
    let message = format!(
        "The agent of real server {} has said nothing for {}: the weight of the file holds. Look \
         whether the agent runs.",
        member.server,
        length(stale_after)
    );
    tell(
        Kind::AgentChanged,
        Severity::Warning,
        of_server(member),
        message,
    )
}

pub(super) fn cannot_ask(member: &Member, text: &str, lasting: Duration) -> Told {
    let message = format!(
        "Real server {} can't be checked since {}: {text}. The fault is on this machine; the real \
         server is taken to be as it was before.",
        member.server,
        length(lasting)
    );
    tell(Kind::CannotAsk, Severity::Alarm, of_server(member), message)
}

pub(super) fn asks_again(member: &Member) -> Told {
    let message = format!("Real server {} can be checked again.", member.server);
    tell(Kind::AsksAgain, Severity::Info, of_server(member), message)
}

pub(super) fn certificate(member: &Member, left: Option<Duration>) -> Told {
    let (severity, message) = match left {
        Some(left) => (
            Severity::Warning,
            format!(
                "The certificate of real server {} expires in {}. Renew it.",
                member.server,
                days(left)
            ),
        ),
        None => (
            Severity::Alarm,
            format!(
                "The certificate of real server {} has expired. Renew it.",
                member.server
            ),
        ),
    };
    tell(
        Kind::CertificateExpires,
        severity,
        of_server(member),
        message,
    )
}

pub(super) fn certificate_renewed(member: &Member) -> Told {
    let message = format!(
        "Real server {} has a new certificate that is good for long enough.",
        member.server
    );
    tell(
        Kind::CertificateRenewed,
        Severity::Info,
        of_server(member),
        message,
    )
}

/// Whole days from two days on, else whole hours.
fn days(left: Duration) -> String {
    let hours = left.as_secs() / 3_600;
    match hours {
        48.. => format!("{} days", hours / 24),
        2.. => format!("{hours} hours"),
        _ => "less than two hours".to_owned(),
    }
}

pub(super) fn quorum_lost(group: &GroupState) -> Told {
    let (service, family) = (&group.key.service, group.key.family);
    let usable = group.sums.usable.number;
    let message = if usable == 0 {
        format!("Service {service} has no usable real server left over {family}.")
    } else {
        format!(
            "Service {service} has too few usable real servers left over {family}: {usable} of {}.",
            group.members.len()
        )
    };
    tell(Kind::QuorumLost, Severity::Alarm, of_group(group), message)
}

pub(super) fn quorum_reached(group: &GroupState) -> Told {
    let message = format!(
        "Service {} has enough usable real servers again over {}: {} of {}.",
        group.key.service,
        group.key.family,
        group.sums.usable.number,
        group.members.len()
    );
    tell(
        Kind::QuorumReached,
        Severity::Info,
        of_group(group),
        message,
    )
}

pub(super) fn sorry_on(group: &GroupState) -> Told {
    let message = format!(
        "The sorry server takes the connections of service {} over {}.",
        group.key.service, group.key.family
    );
    tell(
        Kind::SorryServerOn,
        Severity::Alarm,
        of_group(group),
        message,
    )
}

pub(super) fn sorry_off(group: &GroupState) -> Told {
    let message = format!(
        "Real servers take the connections of service {} over {} again.",
        group.key.service, group.key.family
    );
    tell(
        Kind::SorryServerOff,
        Severity::Info,
        of_group(group),
        message,
    )
}

pub(super) fn redundancy_lost(group: &GroupState) -> Told {
    let message = format!(
        "Service {} has nothing spare over {}: {} of {} real servers are usable, and one more \
         failure is one too many.",
        group.key.service,
        group.key.family,
        group.sums.usable.number,
        group.members.len()
    );
    tell(
        Kind::RedundancyLost,
        Severity::Warning,
        of_group(group),
        message,
    )
}

pub(super) fn redundancy_restored(group: &GroupState) -> Told {
    let message = format!(
        "Service {} has something spare again over {}: {} of {} real servers are usable.",
        group.key.service,
        group.key.family,
        group.sums.usable.number,
        group.members.len()
    );
    tell(
        Kind::RedundancyRestored,
        Severity::Info,
        of_group(group),
        message,
    )
}

pub(super) fn mass_failure(
    group: &GroupState,
    rule: &EffectiveMassFailure,
    failing: usize,
    of: usize,
) -> Told {
    let done = match rule.then {
        MassFailureThen::Hold => "They are kept in service, all but those that refuse connections",
        MassFailureThen::Alarm => "Their failures count",
    };
    let message = format!(
        "{failing} of {of} real servers of service {} failed over {} within {}. {done}: look at \
         the network between this director and them.",
        group.key.service,
        group.key.family,
        length(rule.within)
    );
    tell(Kind::MassFailure, Severity::Alarm, of_group(group), message)
}

pub(super) fn mass_failure_over(group: &GroupState, failing: usize) -> Told {
    let message = format!(
        "Most real servers of service {} that failed at once over {} are back; {failing} still \
         fail, and that counts from now on.",
        group.key.service, group.key.family
    );
    tell(
        Kind::MassFailureOver,
        Severity::Info,
        of_group(group),
        message,
    )
}
