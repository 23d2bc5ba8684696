//! Schedulers that not every data plane has.

use super::super::context::{Context, Service, option_path};
use super::{Findings, all_servers};
use crate::spec::{
    Capability, EXACT_SERVICES, EXACT_STEPS, LeastConnections, Path, Ports, Scheduler, TurnOptions,
};

pub(super) fn connections_are_counted(context: &Context<'_>, findings: &mut Findings) {
    let directors = context.farm.directors.as_ref();
    let options = directors.and_then(|directors| directors.nftables);
    let least = options.unwrap_or_default().least_connections;
    for service in context.services() {
        let Some(scheduler) = service.effective.scheduler else {
            continue;
        };
        let Some(capability) = needed(scheduler) else {
            continue;
        };
        let approximated = least == LeastConnections::Approximate;
        if capability == Capability::LeastConnections && approximated {
            continue;
        }
        let subject = format!(
            "the service `{}` is balanced by `{}`",
            service.name,
            scheduler.as_str()
        );
        findings.asks(capability, &path(service), subject);
    }
}

fn path(service: Service<'_, '_>) -> Path {
    option_path(service, "scheduler", service.written.scheduler.as_ref())
}

/// What a scheduler needs of a data plane; none for those that every one has.
fn needed(scheduler: Scheduler) -> Option<Capability> {
    match scheduler {
        Scheduler::Lc | Scheduler::Wlc => Some(Capability::LeastConnections),
        Scheduler::Sed | Scheduler::Nq | Scheduler::Ovf | Scheduler::Twos => {
            Some(Capability::CountingSchedulers)
        }
        Scheduler::Lblc | Scheduler::Lblcr => Some(Capability::LocalitySchedulers),
        Scheduler::Rr(_)
        | Scheduler::Wrr(_)
        | Scheduler::Dh
        | Scheduler::Sh(_)
        | Scheduler::Mh(_)
        | Scheduler::Fo => None,
    }
}

/// Counts services as the kernel does: one for each address, protocol and port.
pub(super) fn turns_are_exact(context: &Context<'_>, findings: &mut Findings) {
    let mut count = 0;
    for service in context.services().filter(|service| is_exact(*service)) {
        let before = count;
        count += services_in_the_kernel(context, service);
        if before <= EXACT_SERVICES && count > EXACT_SERVICES {
            let subject = format!(
                "with `{}` there are {count} services in exact turn",
                service.name
            );
            findings.asks(Capability::ManyExactServices, &path(service), subject);
        }
    }
}

fn is_exact(service: Service<'_, '_>) -> bool {
    matches!(
        service.effective.scheduler,
        Some(
            Scheduler::Rr(TurnOptions { exact: true })
                | Scheduler::Wrr(TurnOptions { exact: true })
        )
    )
}

fn services_in_the_kernel(context: &Context<'_>, service: Service<'_, '_>) -> usize {
    let addresses = context.vip_of(service);
    let sixes = addresses
        .iter()
        .filter(|written| written.address.address.is_ipv6());
    let families =
        usize::from(sixes.clone().count() > 0) + usize::from(sixes.count() < addresses.len());
    let each = addresses.len() * service.effective.protocols.len();
    match &service.effective.ports {
        Ports::One(_) | Ports::Every => each,
        Ports::Together(_) | Ports::Mark(_) => families,
        Ports::Several(ports) => {
            let count = |range: &crate::spec::PortSpec| {
                usize::from(range.last.saturating_sub(range.first)) + 1
            };
            each * ports.iter().map(count).sum::<usize>()
        }
    }
}

pub(super) fn turns_are_long(context: &Context<'_>, findings: &mut Findings) {
    for service in context.services().filter(|service| is_exact(*service)) {
        let steps = steps(service);
        if steps > EXACT_STEPS {
            let subject = format!(
                "exact turns by the weights of the service `{}` take {steps} steps",
                service.name
            );
            findings.asks(Capability::LongTurns, &path(service), subject);
        }
    }
}

/// How many steps the turns of a service take until they begin again.
fn steps(service: Service<'_, '_>) -> u64 {
    let weighted = matches!(service.effective.scheduler, Some(Scheduler::Wrr(_)));
    let servers = service.effective.real_servers.iter();
    let weights = servers
        .map(|server| server.weight)
        .filter(|weight| *weight > 0);
    let weights: Vec<u64> = weights
        .map(|weight| if weighted { weight.into() } else { 1 })
        .collect();
    let common = weights.iter().fold(0, |all, weight| divisor(all, *weight));
    weights.iter().sum::<u64>() / common.max(1)
}

fn divisor(one: u64, other: u64) -> u64 {
    if other == 0 {
        one
    } else {
        divisor(other, one % other)
    }
}

/// Only where clients come on many ports may a real server keep the client's.
pub(super) fn turns_go_over_mixed_ports(context: &Context<'_>, findings: &mut Findings) {
    for service in context.services().filter(|service| is_exact(*service)) {
        let many = matches!(service.effective.ports, Ports::Every | Ports::Mark(_));
        let mut ports = all_servers(service.effective).map(|server| server.port.is_some());
        let first = ports.next();
        if many && ports.any(|has_port| Some(has_port) != first) {
            let subject = format!(
                "only some real servers of the service `{}`, which takes them in exact turn, have a \
                 port",
                service.name
            );
            findings.asks(Capability::TurnsOverMixedPorts, &path(service), subject);
        }
    }
}
