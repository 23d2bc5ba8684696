//! Schedulers that not every data plane has.

use super::super::context::{Context, Service, option_path};
use super::Findings;
use crate::spec::{
    Capability, EXACT_SERVICES, LeastConnections, Path, Ports, Scheduler, TurnOptions,
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
