//! On which port a check is asked.
//!
//! The check's own port, else the real server's, else the first one of the service. Called by
//! `validate`.

use super::super::context::{Context, at, service_path};
use super::super::directors::out_of_range;
use super::{Asked, asked, written};
use crate::spec::{Kind, OrNone, Path, Place, Problem};

/// Kinds that need a port have one, and kinds without a port are given none.
pub(in crate::spec::validate) fn checks_have_a_port(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    for written in written(context) {
        let agent = match &written.check.agent {
            Some(OrNone::Some(agent)) => agent.port,
            Some(OrNone::None) | None => None,
        };
        problems.extend(zero(written.path.key("port"), written.check.port));
        problems.extend(zero(written.path.key("agent").key("port"), agent));
    }
    for asked in asked(context) {
        let Some(kind) = &asked.check.kind else {
            continue;
        };
        if has_port(kind) {
            problems.extend(no_port(context, &asked));
        } else {
            problems.extend(unused_port(&asked, kind.word()));
        }
    }
}

fn zero(path: Path, port: Option<u16>) -> Option<Problem> {
    let port = port.filter(|port| *port == 0)?;
    let range = "a port from 1 to 65535";
    Some(out_of_range(path, "port", u64::from(port), range))
}

fn has_port(kind: &Kind) -> bool {
    !matches!(kind, Kind::Ping(_) | Kind::Exec(_) | Kind::File(_))
}

/// A service on every port, or with a firewall mark, does not say on which one to ask.
fn no_port(context: &Context<'_>, asked: &Asked<'_, '_>) -> Option<Problem> {
    let service = asked.service;
    if service.effective.check_port(asked.server).is_some() {
        return None;
    }
    let path = service_path(service.name);
    let listens = ["port", "ports", "firewall_mark"];
    if listens.iter().any(|key| context.lost(&path.key(key))) || listens_on_nothing(asked) {
        return None;
    }
    let key = match service.written.firewall_mark {
        Some(_) => "firewall_mark",
        None => "port",
    };
    Some(
        Problem::error(
            "check-port",
            Place::Key(asked.nearest()),
            format!(
                "nothing says on which port the real servers of `{}` are checked",
                service.name
            ),
        )
        .labelled("needs a `port`")
        .helped("write `port: …` in the check, or check with `ping`, which needs none")
        .related(at(path.key(key)), "the service has no port of its own"),
    )
}

/// A service that does not say what it listens on is told so elsewhere.
fn listens_on_nothing(asked: &Asked<'_, '_>) -> bool {
    let written = asked.service.written;
    written.port.is_none() && written.ports.is_empty() && written.firewall_mark.is_none()
}

fn unused_port(asked: &Asked<'_, '_>, word: &str) -> Option<Problem> {
    let level = asked
        .levels
        .first()
        .filter(|level| level.check.port.is_some())?;
    let own_kind = level.check.kind().is_some_and(|kind| kind.word() == word);
    own_kind.then(|| {
        Problem::warning(
            "check-port-unused",
            at(level.path.key("port")),
            format!("`{word}` asks no port"),
        )
        .labelled("has no effect")
        .helped("leave `port` out, or choose another kind, such as `tcp`")
    })
}
