//! From the file to the layout.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::spec::{
    EffectiveCheck, EffectiveDaemon, EffectiveRealServer, EffectiveService, Farm, Kind, Name,
    Timing, Way,
};
use crate::state::{Family, Member};

use super::layout::{Group, GroupKey, Layout, Server, SorryServer};
use super::question::Question;

impl Layout {
    /// What the file wants to be looked after. Names that lead nowhere are left out in silence: a
    /// file with such names does not pass `validate`.
    pub fn of(farm: &Farm) -> Self {
        let mut layout = Self::default();
        let concurrency = EffectiveDaemon::of(farm).concurrency;
        if let Some(concurrency) = usize::try_from(concurrency)
            .ok()
            .and_then(NonZeroUsize::new)
        {
            layout.concurrency = concurrency;
        }
        for (name, service) in &farm.services {
            let Some(vip) = farm.vips.get(&service.vip) else {
                continue;
            };
            let effective = EffectiveService::of(farm, service);
            for written in vip.addresses.iter().rev() {
                let vip = written.address.address;
                let key = GroupKey {
                    service: name.clone(),
                    family: Family::of(vip),
                };
                layout.groups.insert(key, group(name, &effective, vip));
            }
        }
        layout
    }
}

/// The group of the clients of a floating address; the first address of a family speaks for it.
fn group(name: &Name, service: &EffectiveService<'_>, vip: IpAddr) -> Group {
    let sorry = service.sorry_server.as_ref();
    let servers = service.real_servers.iter();
    Group {
        servers: servers
            .filter_map(|server| look_after(name, service, server, vip))
            .collect(),
        on_failure: service.on_failure,
        quorum: service.quorum,
        mass_failure: service.mass_failure,
        slow_start: service.slow_start,
        sorry: match sorry.and_then(|sorry| sorry.address_for(vip)) {
            Some(_) => SorryServer::Present,
            None => SorryServer::Absent,
        },
    }
}

fn look_after(
    name: &Name,
    service: &EffectiveService<'_>,
    server: &EffectiveRealServer,
    vip: IpAddr,
) -> Option<Server> {
    let address = server.address_for(vip)?;
    let member = Member {
        service: name.to_string(),
        server: server.name.clone(),
        address,
        port: server.port,
    };
    let port = server.port.or_else(|| first_port(service)).unwrap_or(0);
    let check = server.check.as_deref();
    Some(Server {
        check: check.and_then(|check| of_kind(check, &member, port, vip)),
        agent: check.and_then(|check| of_agent(check, address)),
        weight: server.weight,
        member,
    })
}

/// A service with several ports is asked on its first one.
fn first_port(service: &EffectiveService<'_>) -> Option<u16> {
    service.ports.ranges().first().map(|range| range.first)
}

/// The question of the check itself, without its agent.
fn of_kind(
    check: &EffectiveCheck,
    member: &Member,
    port: u16,
    vip: IpAddr,
) -> Option<Arc<Question>> {
    let kind = check.kind.as_ref()?;
    let way = check.vantage.way;
    Some(Arc::new(Question {
        address: check.address.unwrap_or(member.address),
        port: if has_no_port(kind) {
            0
        } else {
            check.port.unwrap_or(port)
        },
        vip: (way == Way::DataPath).then_some(vip),
        name: if wants_name(kind) {
            member.server.clone()
        } else {
            String::new()
        },
        check: EffectiveCheck {
            agent: None,
            port: None,
            address: None,
            ..check.clone()
        },
    }))
}

fn has_no_port(kind: &Kind) -> bool {
    matches!(kind, Kind::Ping(_) | Kind::Exec(_) | Kind::File(_))
}

fn wants_name(kind: &Kind) -> bool {
    matches!(kind, Kind::Exec(_) | Kind::File(_))
}

/// The question to the agent beside the check. It goes to the server itself, whatever way the
/// check's question takes.
fn of_agent(check: &EffectiveCheck, address: IpAddr) -> Option<Arc<Question>> {
    let agent = check.agent.as_ref()?;
    let interval = agent.interval();
    let mut vantage = check.vantage.clone();
    vantage.way = Way::Server;
    Some(Arc::new(Question {
        address: check.address.unwrap_or(address),
        port: agent.port(),
        vip: None,
        name: String::new(),
        check: EffectiveCheck {
            kind: None,
            agent: Some(agent.clone()),
            timing: Timing {
                interval,
                timeout: check.timing.timeout.min(interval),
                rise: 1,
                fall: 1,
                fast_retry: interval,
                warm_up: check.timing.warm_up,
            },
            port: None,
            address: None,
            vantage,
        },
    }))
}
