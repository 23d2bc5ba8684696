//! Lists of ports: no port twice, and not a kernel service for each of thousands.
//!
//! Called by `validate`.

use super::context::{Context, at, service_path};
use crate::spec::{PortSpec, Ports, Problem};

/// More kernel services than this from one entry are surely not meant.
const MANY: usize = 1000;

/// A port is in one entry of its list.
pub(super) fn port_lists_do_not_overlap(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for (name, service) in &context.farm.services {
        let list = service_path(name).key("ports");
        for (first, second) in overlaps(&service.ports) {
            let (one, other) = (service.ports[first], service.ports[second]);
            problems.push(
                Problem::error(
                    "port-twice",
                    at(list.index(second)),
                    format!("the service `{name}` has the {} twice", shared(one, other)),
                )
                .labelled("listed again")
                .helped(format!("remove it from `{other}` or from `{one}`"))
                .related(at(list.index(first)), "listed here too"),
            );
        }
    }
}

/// The places of entries that share a port with an entry of lower ports.
fn overlaps(ports: &[PortSpec]) -> Vec<(usize, usize)> {
    let mut order: Vec<(PortSpec, usize)> = ports
        .iter()
        .enumerate()
        .map(|(index, spec)| (*spec, index))
        .collect();
    order.sort_unstable();
    let mut overlaps = Vec::new();
    let mut widest: Option<(PortSpec, usize)> = None;
    for (spec, index) in order {
        match widest {
            Some((before, place)) if before.last >= spec.first => {
                overlaps.push((place.min(index), place.max(index)));
            }
            Some(_) | None => {}
        }
        if widest.is_none_or(|(before, _)| before.last < spec.last) {
            widest = Some((spec, index));
        }
    }
    overlaps
}

/// The ports that two entries share, in words.
fn shared(one: PortSpec, other: PortSpec) -> String {
    let shared = PortSpec {
        first: one.first.max(other.first),
        last: one.last.min(other.last),
    };
    if shared.first == shared.last {
        format!("port {shared}")
    } else {
        format!("ports {shared}")
    }
}

/// A long list of separate ports is a long list of kernel services.
pub(super) fn port_lists_are_not_huge(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for service in context.services() {
        let Ports::Several(ports) = &service.effective.ports else {
            continue;
        };
        let ports: usize = ports
            .iter()
            .map(|spec| usize::from(spec.last - spec.first) + 1)
            .sum();
        let addresses = context.vip_of(service).len().max(1);
        let services = ports * addresses * service.effective.protocols.len().max(1);
        if services > MANY {
            problems.push(
                Problem::warning(
                    "many-services",
                    at(service_path(service.name).key("ports")),
                    format!("`{}` makes {services} services in the kernel", service.name),
                )
                .labelled(format!("{ports} ports, each a service of its own"))
                .helped("add `together: true`: one service for all ports"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(first: u16, last: u16) -> PortSpec {
        PortSpec { first, last }
    }

    #[test]
    fn an_overlap_is_found_whatever_the_order_and_the_distance() {
        let ports = [spec(443, 443), spec(100, 500), spec(80, 80), spec(450, 460)];
        assert_eq!(overlaps(&ports), [(0, 1), (1, 3)]);
        assert_eq!(overlaps(&[spec(1, 2), spec(3, 4), spec(5, 5)]), []);
    }

    #[test]
    fn the_shared_ports_are_named() {
        assert_eq!(shared(spec(100, 500), spec(443, 443)), "port 443");
        assert_eq!(shared(spec(100, 500), spec(400, 600)), "ports 400-500");
    }
}
