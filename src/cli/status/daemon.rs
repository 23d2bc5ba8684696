//! The status as a daemon tells it, as text: every real server on one line, and why its weight is
//! not the file's.

use crate::api::{
    ApplyStatus, DriftPolicy, DriftStatus, FileRevision, GroupStatus, Health, OverrideStatus,
    RealServerStatus, Reason, RefusedFile, ServerState, ServiceStatus, Status, WaitingFile,
};
use crate::cli::output::Paint;

/// A length of time as a person says it: `12 s`, `5 min`, `3 h`, `2 days`.
pub(super) fn span(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The whole status.
pub(super) fn render(status: &Status, paint: Paint) -> String {
    let mut lines = vec![title(status, paint)];
    lines.extend(status.reasons.iter().map(|reason| format!("  {reason}")));
    lines.extend(file(status, paint));
    lines.extend(
        status
            .last_apply
            .as_ref()
            .and_then(|last| apply(last, status.at, paint)),
    );
    lines.extend(drift(&status.drift, paint));
    lines.push(daemon(status));
    lines.extend(
        status
            .overrides
            .iter()
            .map(|one| order(one, status.at, paint)),
    );
    lines.extend(addresses(status, paint));
    for service in &status.services {
        lines.push(String::new());
        lines.extend(self::service(service, status.at, paint));
    }
    lines.extend(rest(status, paint));
    lines.join("\n")
}

fn title(status: &Status, paint: Paint) -> String {
    let node = status
        .node
        .as_ref()
        .map(|node| format!(" on {node}"))
        .unwrap_or_default();
    let dataplane = status
        .dataplane
        .map(|kind| format!(" ({kind})"))
        .unwrap_or_default();
    let name = match status.farm.as_str() {
        "" => "(no file was accepted yet)",
        name => name,
    };
    format!(
        "farm {name}{node}: {}{dataplane}",
        health(status.health, paint)
    )
}

/// A health in its colour.
pub(super) fn health(health: Health, paint: Paint) -> String {
    match health {
        Health::Full => paint.good(health.word()),
        Health::Degraded | Health::Down => paint.alert(health.word()),
    }
}

fn file(status: &Status, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    match &status.revision {
        Some(running) => {
            let memory = if running.from_memory {
                ", from memory: the file itself can't be used"
            } else {
                ""
            };
            lines.push(format!("file: {}{memory}", revision(running, status.at)));
        }
        None => lines.push(format!("file: {}", paint.alert("none was accepted yet"))),
    }
    if let Some(refused) = &status.refused {
        lines.extend(refusal(refused, status.at, paint));
    }
    if let Some(waiting) = &status.waiting {
        lines.extend(waits(waiting, status.at, paint));
    }
    lines
}

fn revision(revision: &FileRevision, now: u64) -> String {
    let commit = revision
        .commit
        .as_ref()
        .map(|it| format!(" commit {it}"))
        .unwrap_or_default();
    let signed = revision
        .signed_by
        .as_ref()
        .map(|it| format!(" signed by {it}"))
        .unwrap_or_default();
    let age = span(now.saturating_sub(revision.since));
    format!(
        "{} {}{commit}{signed}, for {age}",
        revision.file, revision.hash
    )
}

fn refusal(refused: &RefusedFile, now: u64, paint: Paint) -> Vec<String> {
    let which = revision(&refused.revision, now);
    let title = paint.alert("a newer file is refused:");
    let mut lines = vec![format!("{title} {which}"), format!("  {}", refused.message)];
    for problem in &refused.problems {
        let help = problem
            .help
            .as_ref()
            .map(|help| format!(" ({help})"))
            .unwrap_or_default();
        lines.push(format!(
            "  {}:{}:{} {}: {}{help}",
            problem.file, problem.line, problem.column, problem.path, problem.message
        ));
    }
    lines
}

fn waits(waiting: &WaitingFile, now: u64, paint: Paint) -> Vec<String> {
    let title = paint.alert("a newer file waits:");
    let mut lines = vec![format!("{title} {}", revision(&waiting.revision, now))];
    lines.extend(waiting.because.iter().map(|reason| format!("  {reason}")));
    if waiting.needs_approval {
        let name = waiting
            .revision
            .commit
            .as_ref()
            .unwrap_or(&waiting.revision.hash);
        lines.push(format!("  To use it: farmctl approve {name}"));
    }
    if let Some(until) = waiting.until {
        lines.push(format!(
            "  It is used by itself in {}.",
            span(until.saturating_sub(now))
        ));
    }
    lines
}

/// Only a failure is news here; `farmctl events` has the rest.
fn apply(last: &ApplyStatus, now: u64, paint: Paint) -> Option<String> {
    if last.converged {
        return None;
    }
    let ago = span(now.saturating_sub(last.at));
    let again = last
        .retry_at
        .map(|at| format!("; tried again in {}", span(at.saturating_sub(now))));
    Some(format!(
        "{} {ago} ago{}: {}",
        paint.alert("not applied"),
        again.unwrap_or_default(),
        last.messages.join(" ")
    ))
}

fn drift(drift: &DriftStatus, paint: Paint) -> Vec<String> {
    let mut lines: Vec<String> = drift
        .fight
        .iter()
        .map(|fight| format!("{} {fight}", paint.alert("fight:")))
        .collect();
    if drift.differences.is_empty() {
        return lines;
    }
    let what = match drift.policy {
        DriftPolicy::Correct => "it is put right",
        DriftPolicy::Report => "it is told and left",
        DriftPolicy::Pause => "nothing is done about it",
    };
    let count = drift.differences.len();
    lines.push(format!(
        "{} {count} differences; {what}",
        paint.alert("drift:")
    ));
    lines.extend(
        drift
            .differences
            .iter()
            .take(10)
            .map(|step| format!("  {step}")),
    );
    if count > 10 {
        lines.push(format!("  and {} more: farmctl diff", count - 10));
    }
    lines
}

fn daemon(status: &Status) -> String {
    let daemon = &status.daemon;
    let starting = if daemon.converged {
        ""
    } else {
        ", starting: the kernel has not held what is wanted yet"
    };
    format!(
        "daemon: farmctl {}, process {}, for {}, {:.0} probes/s, 99 of 100 at most {:.1} ms late{starting}",
        daemon.version,
        daemon.pid,
        span(status.at.saturating_sub(daemon.started)),
        daemon.probes_per_second,
        daemon.lateness_p99_ms,
    )
}

fn order(one: &OverrideStatus, now: u64, paint: Paint) -> String {
    let weight = one
        .weight
        .map(|weight| format!(" {weight}"))
        .unwrap_or_default();
    let reason = one
        .reason
        .as_ref()
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    let drain = one
        .drain
        .as_ref()
        .map(|drain| match (drain.ended, drain.deadline) {
            (true, _) => "; drained".to_owned(),
            (false, Some(deadline)) => {
                let left = span(deadline.saturating_sub(now));
                format!("; {} connections left, {left} more", drain.remaining)
            }
            (false, None) => format!("; {} connections left", drain.remaining),
        });
    let end = one
        .expires
        .map(|at| format!("; ends in {}", span(at.saturating_sub(now))));
    format!(
        "{} {} {}{weight}, by {} for {}{reason}{}{}",
        paint.heading(&format!("override {}:", one.id)),
        one.kind.word(),
        one.subject,
        one.by,
        span(now.saturating_sub(one.since)),
        drain.unwrap_or_default(),
        end.unwrap_or_default(),
    )
}

fn addresses(status: &Status, paint: Paint) -> Vec<String> {
    let line = |address: &crate::api::AddressStatus| {
        let state = if address.up {
            "up".to_owned()
        } else {
            paint.alert("not up")
        };
        format!(
            "address {} on {}: {state}",
            address.address, address.interface
        )
    };
    status.addresses.iter().map(line).collect()
}

fn service(service: &ServiceStatus, now: u64, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for group in &service.groups {
        lines.push(group_title(&service.name, group, paint));
        let name = width(group, |server| server.name.clone());
        let place = width(group, place);
        for one in &group.real_servers {
            lines.push(format!(
                "  {:name$}  {:place$}  {}",
                one.name,
                self::place(one),
                words(one, now, paint)
            ));
        }
    }
    lines
}

fn group_title(name: &str, group: &GroupStatus, paint: Paint) -> String {
    let quorum = match group.quorum {
        Some(quorum) if !quorum.reached => {
            paint.alert(&format!(", quorum of {} lost", quorum.minimum))
        }
        Some(_) | None => String::new(),
    };
    let sorry = match &group.sorry_server {
        Some(sorry) if sorry.active => {
            format!(
                ", {}",
                paint.alert(&format!("the sorry server {} serves", sorry.server))
            )
        }
        Some(_) | None => String::new(),
    };
    let mass = match &group.mass_failure {
        Some(mass) if mass.held => {
            paint.alert(&format!(", {} failed at once and are kept", mass.failed))
        }
        Some(mass) => paint.alert(&format!(", {} failed at once", mass.failed)),
        None => String::new(),
    };
    format!(
        "{name} {}: {}, {} of {} up, {} to spare{quorum}{sorry}{mass}",
        group.keys.join(", "),
        health(group.health, paint),
        group.up,
        group.total,
        group.spare,
    )
}

/// Address and port, as they are written in one word.
pub(super) fn place(server: &RealServerStatus) -> String {
    match server.port {
        Some(port) => std::net::SocketAddr::new(server.address, port).to_string(),
        None => server.address.to_string(),
    }
}

fn width(group: &GroupStatus, of: impl Fn(&RealServerStatus) -> String) -> usize {
    group
        .real_servers
        .iter()
        .map(|one| of(one).len())
        .max()
        .unwrap_or(0)
}

/// State, weight, why, connections.
fn words(server: &RealServerStatus, now: u64, paint: Paint) -> String {
    let counts = server.connections;
    let persistent = match counts.persistent {
        0 => String::new(),
        count => format!("  persistent {count}"),
    };
    format!(
        "{}  {}  active {}  inactive {}{persistent}",
        state(server, now, paint),
        weight(server, paint),
        counts.active,
        counts.inactive,
    )
}

/// The state and since when.
pub(super) fn state(server: &RealServerStatus, now: u64, paint: Paint) -> String {
    let age = server
        .since
        .map(|since| format!(" {}", span(now.saturating_sub(since))));
    let age = age.unwrap_or_default();
    match server.state {
        ServerState::Up => format!("{}{age}", paint.good("up")),
        ServerState::Down => format!("{}{age}", paint.alert("down")),
        ServerState::Unknown => paint.alert("not asked yet"),
        ServerState::Unchecked => "unchecked".to_owned(),
    }
}

/// The weight, and why it is not the file's.
fn weight(server: &RealServerStatus, paint: Paint) -> String {
    let weight = &server.weight;
    let now = share(weight.effective);
    if weight.why.is_empty() {
        return match weight.file {
            Some(file) if Some(file) != weight.effective => format!("{now} (file {file})"),
            Some(_) => now,
            None => format!("{now} (no longer in the file)"),
        };
    }
    let file = weight
        .file
        .map_or_else(|| "gone".to_owned(), |file| file.to_string());
    let steps: Vec<String> = weight
        .why
        .iter()
        .map(|step| self::step(step, weight.why.len()))
        .collect();
    format!(
        "{} (file {file}; {})",
        paint.heading(&now),
        steps.join("; ")
    )
}

fn step(reason: &Reason, count: usize) -> String {
    if count == 1 {
        reason.text.clone()
    } else {
        format!("{} -> {}", reason.text, share(reason.weight))
    }
}

/// What a real server gets.
pub(super) fn share(weight: Option<u32>) -> String {
    weight.map_or_else(|| "out".to_owned(), |weight| format!("weight {weight}"))
}

fn rest(status: &Status, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for one in status.certificates.iter().filter(|one| one.soon) {
        let left = (one.expires * 1000).saturating_sub(status.at);
        lines.push(format!(
            "{} {} of {} ({}): expires in {}",
            paint.alert("certificate:"),
            one.server,
            one.service,
            one.address,
            span(left)
        ));
    }
    if status.foreign_services > 0 {
        lines.push(format!(
            "{} services of other makers: not touched",
            status.foreign_services
        ));
    }
    lines.extend(status.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(
        status
            .blind_spots
            .iter()
            .map(|spot| format!("not seen: {spot}")),
    );
    lines
}

/// One line for a monitoring plugin.
pub(super) fn plugin_line(status: &Status) -> String {
    let up = status
        .services
        .iter()
        .filter(|one| one.health != Health::Down)
        .count();
    let reason = status.reasons.first().map(|reason| format!(" - {reason}"));
    format!(
        "FARM {} {}: {up} of {} services take connections{}",
        status.farm,
        status.health.word().to_uppercase(),
        status.services.len(),
        reason.unwrap_or_default(),
    )
}
