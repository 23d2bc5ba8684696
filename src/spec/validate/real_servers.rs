//! Lists of real servers: each once, with numbers that the kernel takes.
//!
//! Called by `validate`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::context::{
    Context, ServerList, Service, at, section, server_list_path, server_path, server_words,
    service_path,
};
use super::directors::out_of_range;
use crate::spec::{
    EffectiveRealServer, Path, Place, Ports, Problem, RealServer, RealServerDefaults,
    real_server_name,
};

/// The largest weight: that of `ipvsadm`, and enough for any share.
const HEAVIEST: u32 = 65_535;

/// No two servers of a list are called the same.
pub(super) fn servers_are_named_once(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for list in context.server_lists() {
        let mut first: BTreeMap<String, usize> = BTreeMap::new();
        for (index, server) in list.servers.iter().enumerate() {
            let Some(before) = first.get(&real_server_name(server)).copied() else {
                first.insert(real_server_name(server), index);
                continue;
            };
            let explicit = server.name.is_some() || list.servers[before].name.is_some();
            if explicit {
                problems.push(named_twice(&list, before, index));
            }
        }
    }
}

fn named_twice(list: &ServerList<'_>, first: usize, second: usize) -> Problem {
    let name = list
        .servers
        .get(second)
        .map_or_else(String::new, real_server_name);
    Problem::error(
        "duplicate-name",
        at(list.path.index(second)),
        format!("two real servers of one list are called `{name}`"),
    )
    .labelled("the same name")
    .helped("give one of them another `name`")
    .related(at(list.path.index(first)), "called the same")
}

/// Weights and thresholds are in the kernel's range.
pub(super) fn server_numbers_are_in_range(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let defaults = context
        .farm
        .defaults
        .as_ref()
        .and_then(|defaults| defaults.real_server.clone())
        .unwrap_or_default();
    let path = section("defaults").key("real_server");
    problems.extend(weight(&path, defaults.weight));
    problems.extend(thresholds(
        &path,
        defaults.lower_threshold,
        defaults.upper_threshold,
    ));
    for list in context.server_lists() {
        for (index, server) in list.servers.iter().enumerate() {
            let path = list.path.index(index);
            problems.extend(weight(&path, server.weight));
            problems.extend(own_thresholds(&path, server, &defaults));
        }
    }
}

fn weight(path: &Path, weight: Option<u32>) -> Option<Problem> {
    let weight = weight.filter(|weight| *weight > HEAVIEST)?;
    let range = format!("0 to {HEAVIEST}; only the ratio to the other weights matters");
    Some(out_of_range(
        path.key("weight"),
        "weight",
        u64::from(weight),
        &range,
    ))
}

/// The thresholds of a server, where it writes at least one itself.
fn own_thresholds(
    path: &Path,
    server: &RealServer,
    defaults: &RealServerDefaults,
) -> Option<Problem> {
    server.lower_threshold.or(server.upper_threshold)?;
    let lower = server.lower_threshold.or(defaults.lower_threshold);
    let upper = server.upper_threshold.or(defaults.upper_threshold);
    thresholds(path, lower, upper)
}

fn thresholds(path: &Path, lower: Option<u32>, upper: Option<u32>) -> Option<Problem> {
    let (lower, upper) = (lower.unwrap_or(0), upper.unwrap_or(0));
    let message = if upper == 0 {
        format!("`lower_threshold` is {lower}, but there is no `upper_threshold`")
    } else {
        format!("`lower_threshold` is {lower}, above the `upper_threshold` {upper}")
    };
    (lower > upper).then(|| {
        Problem::error("thresholds", at(path.clone()), message)
            .labelled("the kernel refuses this")
            .helped(
                "above the upper threshold no new connection goes to the server, until it is below \
                 the lower one: write a lower one that is smaller, or leave it out",
            )
    })
}

/// No service sends connections to one address and port by two entries.
pub(super) fn servers_are_listed_once(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let mut reported: BTreeSet<Path> = BTreeSet::new();
    for service in context.services() {
        let mut first: BTreeMap<(IpAddr, u16), usize> = BTreeMap::new();
        for server in &service.effective.real_servers {
            let Some((before, key)) = claim(&mut first, service, server) else {
                continue;
            };
            let path = server_path(service, server.index);
            if reported.insert(path.clone()) {
                let before = server_path(service, before);
                problems.push(listed_twice(service, server, key, before, path));
            }
        }
    }
}

/// Takes the server's addresses; the entry that has one of them already, where there is one.
fn claim(
    first: &mut BTreeMap<(IpAddr, u16), usize>,
    service: Service<'_, '_>,
    server: &EffectiveRealServer,
) -> Option<(usize, (IpAddr, u16))> {
    let own_port = match service.effective.ports {
        Ports::One(port) => port,
        Ports::Every | Ports::Several(_) | Ports::Together(_) | Ports::Mark(_) => 0,
    };
    let port = server.port.unwrap_or(own_port);
    let taken: Vec<_> = server
        .addresses
        .iter()
        .map(|address| {
            (
                (*address, port),
                *first.entry((*address, port)).or_insert(server.index),
            )
        })
        .collect();
    taken
        .into_iter()
        .find(|(_, owner)| *owner != server.index)
        .map(|(key, owner)| (owner, key))
}

fn listed_twice(
    service: Service<'_, '_>,
    server: &EffectiveRealServer,
    (address, port): (IpAddr, u16),
    first: Path,
    second: Path,
) -> Problem {
    let at_port = if port == 0 {
        String::new()
    } else {
        format!(" port {port}")
    };
    Problem::error(
        "duplicate-real-server",
        at(second),
        format!(
            "the service `{}` has the real server {}{at_port} twice",
            service.name,
            server_words(&server.name, address)
        ),
    )
    .labelled("the same address and port")
    .helped("remove one of them; for a bigger share raise the `weight`")
    .related(at(first), "listed here too")
}

/// A service has real servers, from one place.
pub(super) fn services_have_real_servers(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for service in context.services() {
        let path = service_path(service.name);
        let own = !service.written.real_servers.is_empty();
        match &service.written.pool {
            Some(_) if own => problems.push(both(service)),
            Some(pool) if !context.farm.pools.contains_key(pool) => {}
            Some(_) | None => {
                let list = server_list_path(service);
                let bare = service.effective.real_servers.is_empty();
                let sorry = service.effective.sorry_server.is_some();
                if bare && !sorry && !context.lost(&list) && !context.lost(&path.key("pool")) {
                    problems.push(no_servers(service));
                }
            }
        }
    }
}

fn both(service: Service<'_, '_>) -> Problem {
    let path = service_path(service.name);
    Problem::error(
        "both-given",
        Place::Key(path.key("real_servers")),
        format!(
            "the service `{}` has both `pool` and `real_servers`",
            service.name
        ),
    )
    .labelled("a list of its own")
    .helped("keep one of them: a pool is shared by several services")
    .related(Place::Key(path.key("pool")), "and a pool")
}

fn no_servers(service: Service<'_, '_>) -> Problem {
    let problem = Problem::error(
        "no-real-servers",
        Place::Key(service_path(service.name)),
        format!(
            "the service `{}` has no real server: every connection would be refused",
            service.name
        ),
    );
    match service.effective.pool {
        None => problem
            .labelled("neither `pool` nor `real_servers`")
            .helped("add `real_servers: [{ address: 10.0.0.21 }]`, or `pool: NAME`"),
        Some(pool) => problem
            .labelled(format!("its pool `{pool}` is empty"))
            .helped("add a real server to the pool, or give the service a `sorry_server`")
            .related(at(section("pools").key(pool)), "the empty pool"),
    }
}

/// Some server of a list takes new connections.
pub(super) fn some_server_has_a_weight(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let mut reported: BTreeSet<Path> = BTreeSet::new();
    for service in context.services() {
        let list = server_list_path(service);
        let servers = &service.effective.real_servers;
        let idle = !servers.is_empty() && servers.iter().all(|server| server.weight == 0);
        if idle && !context.lost(&list) && reported.insert(list.clone()) {
            let outcome = match service.effective.sorry_server {
                Some(_) => "the sorry server gets all new connections",
                None => "new connections are refused",
            };
            problems.push(
                Problem::warning(
                    "all-weights-zero",
                    Place::Key(list),
                    format!("every real server of this list has weight 0: {outcome}"),
                )
                .labelled(format!("used by the service `{}`", service.name))
                .helped("give a server that should take connections a `weight` of 1 or more"),
            );
        }
    }
}
