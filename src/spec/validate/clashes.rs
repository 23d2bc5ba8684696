//! Services that claim the same packets.
//!
//! Addresses are not compared here: two VIPs never share one (`addresses` reports that). Called
//! by `validate`.

use std::collections::BTreeMap;

use super::context::{Context, Service, at, service_path};
use super::listeners::protocol_word;
use crate::spec::{Name, Path, PortSpec, Ports, Problem, Protocol};

/// Some ports of a service on one VIP and protocol.
#[derive(Clone)]
struct Claim<'a> {
    ports: PortSpec,
    service: &'a Name,
    path: Path,
}

/// Each port of a VIP and protocol belongs to one service.
pub(super) fn ports_have_one_service(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let mut groups: BTreeMap<(&Name, Protocol), Vec<Claim<'_>>> = BTreeMap::new();
    for service in context.services() {
        for claim in claims(service) {
            for protocol in &service.effective.protocols {
                let group = groups.entry((&service.written.vip, *protocol)).or_default();
                group.push(claim.clone());
            }
        }
    }
    for ((vip, protocol), mut claims) in groups {
        claims.sort_by_key(|claim| claim.ports);
        problems.extend(clashes(vip, protocol, &claims));
    }
}

fn claims<'a>(service: Service<'_, 'a>) -> Vec<Claim<'a>> {
    let path = service_path(service.name);
    let place = |index: usize| match service.effective.ports {
        Ports::One(_) | Ports::Every | Ports::Mark(_) => path.key("port"),
        Ports::Several(_) | Ports::Together(_) => path.key("ports").index(index),
    };
    let ranges = service.effective.ports.ranges().into_iter().enumerate();
    ranges
        .map(|(index, ports)| Claim {
            ports,
            service: service.name,
            path: place(index),
        })
        .collect()
}

/// The claims come sorted by their lowest port.
fn clashes(vip: &Name, protocol: Protocol, claims: &[Claim<'_>]) -> Vec<Problem> {
    let mut widest: Option<&Claim<'_>> = None;
    let mut problems = Vec::new();
    for claim in claims {
        let before = widest.filter(|before| before.ports.last >= claim.ports.first);
        if let Some(before) = before.filter(|before| before.service != claim.service) {
            problems.push(clash(vip, protocol, before, claim));
        }
        if widest.is_none_or(|before| before.ports.last < claim.ports.last) {
            widest = Some(claim);
        }
    }
    problems
}

fn clash(vip: &Name, protocol: Protocol, before: &Claim<'_>, claim: &Claim<'_>) -> Problem {
    let shared = PortSpec {
        first: before.ports.first.max(claim.ports.first),
        last: before.ports.last.min(claim.ports.last),
    };
    let (one, other) = (before.service, claim.service);
    Problem::error(
        "service-clash",
        at(claim.path.clone()),
        format!(
            "the services `{other}` and `{one}` both listen on `{vip}` {} {shared}",
            protocol_word(protocol)
        ),
    )
    .labelled(format!("`{other}` listens here"))
    .helped("give one of them another port, protocol or VIP, or remove it")
    .related(at(before.path.clone()), format!("`{one}` listens here"))
}

/// Each firewall mark belongs to one service of each family.
pub(super) fn marks_have_one_service(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let mut first: BTreeMap<(u32, bool), &Name> = BTreeMap::new();
    for service in context.services() {
        let Ports::Mark(mark) = service.effective.ports else {
            continue;
        };
        let families = context
            .vip_of(service)
            .iter()
            .map(|vip| vip.address.address.is_ipv4());
        let owners: Vec<&Name> = families
            .map(|family| *first.entry((mark, family)).or_insert(service.name))
            .collect();
        let taken = owners.into_iter().find(|owner| *owner != service.name);
        problems.extend(taken.map(|owner| mark_clash(mark, owner, service.name)));
    }
}

fn mark_clash(mark: u32, one: &Name, other: &Name) -> Problem {
    let path = |name| at(service_path(name).key("firewall_mark"));
    Problem::error(
        "mark-clash",
        path(other),
        format!("the services `{other}` and `{one}` both have the firewall mark {mark}"),
    )
    .labelled("the same mark")
    .helped("let the firewall set another mark for one of them, or remove one")
    .related(path(one), format!("`{one}` has it here"))
}
