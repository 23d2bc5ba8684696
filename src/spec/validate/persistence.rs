//! Persistence: what the kernel accepts, and what it needs.
//!
//! Called by `validate`.

use super::context::{Context, Service, at, option_path, section, service_path};
use super::directors::out_of_range;
use super::listeners::{protocol_path, protocol_word};
use super::settings::whole_seconds;
use crate::spec::{OrNone, Path, Persistence, Ports, Problem, Protocol};

/// The only persistence engine of the kernel.
const ENGINE: &str = "sip";

/// Time-outs, masks and engines are such as the kernel has.
pub(super) fn persistence_is_accepted_by_the_kernel(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    for (path, persistence) in written(context) {
        let timeout = persistence.timeout;
        problems
            .extend(timeout.and_then(|time| whole_seconds(path.key("timeout"), "timeout", time)));
        problems.extend(mask(&path, "mask4", persistence.mask4, 32));
        problems.extend(mask(&path, "mask6", persistence.mask6, 128));
        problems.extend(
            persistence
                .engine
                .as_deref()
                .and_then(|engine| unknown_engine(&path, engine)),
        );
    }
}

fn written<'a>(context: &Context<'a>) -> Vec<(Path, &'a Persistence)> {
    let default = context
        .farm
        .defaults
        .iter()
        .filter_map(|defaults| defaults.service.as_ref()?.persistence.as_ref())
        .map(|persistence| {
            (
                section("defaults").key("service").key("persistence"),
                persistence,
            )
        });
    let own = context.farm.services.iter().filter_map(|(name, service)| {
        match service.persistence.as_ref()? {
            OrNone::Some(persistence) => Some((service_path(name).key("persistence"), persistence)),
            OrNone::None => None,
        }
    });
    default.chain(own).collect()
}

fn mask(path: &Path, key: &str, mask: Option<u8>, longest: u8) -> Option<Problem> {
    let mask = mask.filter(|mask| !(1..=longest).contains(mask))?;
    let range = format!("a prefix length from 1 to {longest}; {longest} tells all clients apart");
    Some(out_of_range(path.key(key), key, u64::from(mask), &range))
}

fn unknown_engine(path: &Path, engine: &str) -> Option<Problem> {
    (engine != ENGINE).then(|| {
        Problem::error(
            "persistence-engine",
            at(path.key("engine")),
            format!(
                "the kernel has no persistence engine `{}`",
                engine.escape_debug()
            ),
        )
        .labelled("not an engine")
        .helped("write `sip`, the only one, or leave it out: clients are told apart by address")
    })
}

/// The engine looks into UDP packets; it drops the packets of every other protocol.
pub(super) fn engines_see_their_protocol(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for service in context.services() {
        let effective = service.effective;
        let engine = effective
            .persistence
            .as_ref()
            .and_then(|kept| kept.engine.as_deref());
        let marked = matches!(effective.ports, Ports::Mark(_));
        let other = effective
            .protocols
            .iter()
            .find(|protocol| **protocol != Protocol::Udp);
        if let (Some(ENGINE), false, Some(protocol)) = (engine, marked, other) {
            problems.push(wrong_protocol(service, *protocol));
        }
    }
}

fn wrong_protocol(service: Service<'_, '_>, protocol: Protocol) -> Problem {
    let path = option_path(service, "persistence", service.written.persistence.as_ref());
    let word = protocol_word(protocol);
    let problem = Problem::error(
        "engine-needs-udp",
        at(path),
        format!(
            "the engine `sip` reads udp only, but the service `{}` is for {word} too",
            service.name
        ),
    )
    .labelled(format!("{word} packets would be dropped"))
    .helped("write `protocol: udp`, and a service of its own for the other protocol");
    match service.written.protocol {
        Some(_) => problem.related(at(protocol_path(service)), "the protocol"),
        None => problem,
    }
}

/// A service on every port remembers its clients.
pub(super) fn port_zero_is_persistent(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for service in context.services() {
        let path = service_path(service.name);
        let every = service.effective.ports == Ports::Every;
        if every
            && service.effective.persistence.is_none()
            && !context.lost(&path.key("persistence"))
        {
            problems.push(
                Problem::error(
                    "port-zero-needs-persistence",
                    at(path.key("port")),
                    format!(
                        "the service `{}` is on every port (0) without persistence",
                        service.name
                    ),
                )
                .labelled("the kernel would drop every connection")
                .helped("add `persistence: {}`, or write the ports: `ports: [80, 443]`"),
            );
        }
    }
}
