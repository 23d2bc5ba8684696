//! What a service listens on: exactly one of a port, a list of ports and a firewall mark.
//!
//! Compares no two services (`clashes` does). Called by `validate`.

use super::context::{Context, Service, at, option_path, service_path};
use crate::spec::{OneOrMany, Path, Place, Ports, Problem, Protocol};

/// The firewall marks that farmctl takes for its own services of many ports.
pub(super) const OWN_MARKS: std::ops::RangeInclusive<u32> = 0x0fa0_0000..=0x0faf_ffff;

/// A service has a port, or ports, or a firewall mark.
pub(super) fn services_listen_on_one_thing(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for (name, service) in &context.farm.services {
        let path = service_path(name);
        let keys = [
            ("port", service.port.is_some()),
            ("ports", !service.ports.is_empty()),
            ("firewall_mark", service.firewall_mark.is_some()),
        ];
        let written: Vec<&str> = keys
            .into_iter()
            .filter(|(_, written)| *written)
            .map(|(key, _)| key)
            .collect();
        match written.as_slice() {
            [] if ["port", "ports", "firewall_mark"]
                .iter()
                .all(|key| !context.lost(&path.key(key))) =>
            {
                problems.push(on_nothing(path, name));
            }
            [first, second, ..] => problems.push(on_both(&path, name, first, second)),
            [] | [_] => {}
        }
    }
}

fn on_nothing(path: Path, name: &crate::spec::Name) -> Problem {
    Problem::error(
        "neither-given",
        Place::Key(path),
        format!("the service `{name}` does not say what it listens on"),
    )
    .labelled("no `port`, `ports` or `firewall_mark`")
    .helped("write one of `port: 80`, `ports: [80, 443]` and `firewall_mark: 1`")
}

fn on_both(path: &Path, name: &crate::spec::Name, first: &str, second: &str) -> Problem {
    Problem::error(
        "both-given",
        Place::Key(path.key(second)),
        format!("the service `{name}` has both `{first}` and `{second}`"),
    )
    .labelled("listens on this")
    .helped("keep one of them, and make a second service for the other")
    .related(Place::Key(path.key(first)), "and on this")
}

/// Firewall marks are numbers that a packet can carry and that are not farmctl's own.
pub(super) fn marks_can_be_used(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for (name, service) in &context.farm.services {
        let path = service_path(name).key("firewall_mark");
        match service.firewall_mark {
            Some(0) => problems.push(
                Problem::error(
                    "firewall-mark-zero",
                    at(path),
                    "the firewall mark 0 is no mark: every packet starts with it",
                )
                .labelled("no mark")
                .helped("write the number that your firewall rules set, 1 or more"),
            ),
            Some(mark) if OWN_MARKS.contains(&mark) => problems.push(reserved(path, mark)),
            Some(_) | None => {}
        }
    }
}

fn reserved(path: Path, mark: u32) -> Problem {
    let (first, last) = (OWN_MARKS.start(), OWN_MARKS.end());
    Problem::error(
        "firewall-mark-reserved",
        at(path),
        format!("the firewall mark {mark} is one of those that farmctl sets itself"),
    )
    .labelled("farmctl's own")
    .helped(format!(
        "choose a mark outside {first} to {last} ({first:#010x} to {last:#010x})"
    ))
}

/// Protocols are listed once, and the options of a service fit them.
pub(super) fn protocols_fit(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for (path, list) in written_protocols(context) {
        problems.extend(list_of_protocols(list, &path));
    }
    for service in context.services() {
        let marked = matches!(service.effective.ports, Ports::Mark(_));
        if marked && service.written.protocol.is_some() {
            problems.push(protocol_of_mark(service));
        }
        if service.effective.one_packet && !marked && !has_udp(service) {
            problems.push(one_packet(service));
        }
    }
}

pub(super) fn has_udp(service: Service<'_, '_>) -> bool {
    service.effective.protocols.contains(&Protocol::Udp)
}

fn written_protocols<'a>(context: &Context<'a>) -> Vec<(Path, &'a OneOrMany<Protocol>)> {
    let default = context
        .farm
        .defaults
        .iter()
        .filter_map(|defaults| defaults.service.as_ref()?.protocol.as_ref())
        .map(|list| {
            (
                super::context::section("defaults")
                    .key("service")
                    .key("protocol"),
                list,
            )
        });
    let own = context.farm.services.iter().filter_map(|(name, service)| {
        Some((
            service_path(name).key("protocol"),
            service.protocol.as_ref()?,
        ))
    });
    default.chain(own).collect()
}

fn list_of_protocols(list: &OneOrMany<Protocol>, path: &Path) -> Option<Problem> {
    if list.0.is_empty() {
        return Some(
            Problem::error(
                "empty-list",
                at(path.clone()),
                "the list of protocols is empty",
            )
            .labelled("no protocol")
            .helped("write `tcp`, `udp`, `sctp` or a list of them, or leave it out for tcp"),
        );
    }
    let mut sorted = list.0.clone();
    sorted.sort_unstable();
    let again = sorted.windows(2).find(|pair| pair.first() == pair.last())?;
    let word = again
        .first()
        .map_or("", |protocol| protocol_word(*protocol));
    Some(
        Problem::error(
            "duplicate-entry",
            at(path.clone()),
            format!("`{word}` is listed twice"),
        )
        .labelled("listed again")
        .helped("remove one of them"),
    )
}

fn protocol_of_mark(service: Service<'_, '_>) -> Problem {
    let path = service_path(service.name);
    Problem::warning(
        "protocol-of-mark",
        Place::Key(path.key("protocol")),
        format!(
            "`protocol` has no effect on the service `{}`, which has a firewall mark",
            service.name
        ),
    )
    .labelled("not used")
    .helped("remove it; the firewall rule that sets the mark chooses the protocol")
    .related(
        at(path.key("firewall_mark")),
        "takes packets of every protocol with this mark",
    )
}

fn one_packet(service: Service<'_, '_>) -> Problem {
    let protocols: Vec<_> = service
        .effective
        .protocols
        .iter()
        .map(|protocol| protocol_word(*protocol))
        .collect();
    Problem::error(
        "one-packet-needs-udp",
        at(service_path(service.name).key("one_packet")),
        format!(
            "`one_packet` is for udp, but the service `{}` is {}",
            service.name,
            protocols.join(" and ")
        ),
    )
    .labelled("the kernel ignores it here")
    .helped("write `protocol: udp`, or remove `one_packet`")
}

/// `together` stands with a list of ports, and with the persistence that it joins.
pub(super) fn together_has_a_meaning(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for service in context.services() {
        if service.written.together != Some(true) {
            continue;
        }
        let path = service_path(service.name);
        if service.written.ports.is_empty() {
            if !context.lost(&path.key("ports")) {
                problems.push(together_alone(path.key("together")));
            }
        } else if service.effective.persistence.is_none() && !context.lost(&path.key("persistence"))
        {
            problems.push(together_forgets(path.key("together")));
        }
    }
}

fn together_alone(path: Path) -> Problem {
    Problem::error(
        "together-without-ports",
        at(path),
        "`together` needs a list of `ports`",
    )
    .labelled("nothing to join")
    .helped("write `ports: [80, 443]`, or remove `together`")
}

fn together_forgets(path: Path) -> Problem {
    Problem::warning(
        "together-without-persistence",
        at(path),
        "`together` joins the persistence of all ports, but the service has no persistence",
    )
    .labelled("a client may get another real server on each port")
    .helped("add `persistence: {}` (a client is remembered for 6m)")
}

/// A protocol as the file writes it.
pub(super) fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    }
}

/// Where a service's protocols come from.
pub(super) fn protocol_path(service: Service<'_, '_>) -> Path {
    option_path(service, "protocol", service.written.protocol.as_ref())
}
