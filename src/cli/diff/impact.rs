//! What a change means for clients, in sentences: how many servers, connections and shares.

use std::collections::BTreeMap;

use crate::cli::names::Names;
use crate::dataplane::DestinationCounters;
use crate::spec::DataplaneKind;
use crate::state::{DestinationKey, Protocol, Service, ServiceKey, State};

/// The live numbers of the destinations, where they were read.
pub(super) type Live = BTreeMap<(ServiceKey, DestinationKey), DestinationCounters>;

/// What clients will feel, a sentence for each service or address that changes.
pub(super) fn sentences(
    before: &State,
    after: &State,
    live: &Live,
    names: &Names,
    dataplane: Option<DataplaneKind>,
) -> Vec<String> {
    let mut sentences = addresses(before, after);
    for (key, service) in &after.services {
        match before.services.get(key) {
            None => sentences.push(starts(key, service, names)),
            Some(old) if old != service => edits(key, old, service, live, names, &mut sentences),
            Some(_) => {}
        }
    }
    for (key, service) in &before.services {
        if !after.services.contains_key(key) {
            sentences.push(stops(key, service, live, names, dataplane));
        }
    }
    sentences
}

fn addresses(before: &State, after: &State) -> Vec<String> {
    let up = after
        .addresses
        .keys()
        .filter(|key| !before.addresses.contains_key(key));
    let down = before
        .addresses
        .keys()
        .filter(|key| !after.addresses.contains_key(key));
    up.map(|key| format!("{key} goes up"))
        .chain(down.map(|key| format!("{key} goes down: its clients are cut off")))
        .collect()
}

fn starts(key: &ServiceKey, service: &Service, names: &Names) -> String {
    let servers = count(service.destinations.len(), "real server");
    let usable = service
        .destinations
        .values()
        .filter(|one| one.weight > 0)
        .count();
    let warning = if usable == 0 {
        "; none of them takes connections"
    } else {
        ""
    };
    format!(
        "{} starts with {servers}{warning}",
        names.service_title(key)
    )
}

fn stops(
    key: &ServiceKey,
    service: &Service,
    live: &Live,
    names: &Names,
    dataplane: Option<DataplaneKind>,
) -> String {
    let connections = connections(key, service.destinations.keys(), live);
    // nftables forgets flows of UDP and leaves other connections alone.
    let fate = match (dataplane, key) {
        (
            Some(DataplaneKind::Nftables),
            ServiceKey::Address {
                protocol: Protocol::Tcp | Protocol::Sctp,
                ..
            },
        ) => "go on until they end",
        _ => "cut",
    };
    format!("{} stops: {connections} {fate}", names.service_title(key))
}

fn edits(
    key: &ServiceKey,
    old: &Service,
    new: &Service,
    live: &Live,
    names: &Names,
    into: &mut Vec<String>,
) {
    let name = names.service_title(key);
    if old.attributes != new.attributes {
        into.push(format!("{name}: edited in place, connections stay"));
    }
    removed(key, old, new, live, names, into);
    let added = new
        .destinations
        .keys()
        .filter(|one| !old.destinations.contains_key(one))
        .count();
    if added > 0 {
        into.push(format!("adds {} to {name}", count(added, "real server")));
    }
    shares(key, old, new, names, into);
    if old.weight() > 0 && new.weight() == 0 {
        into.push(format!(
            "{name} takes no new connection any more: every weight is 0"
        ));
    }
}

fn removed(
    key: &ServiceKey,
    old: &Service,
    new: &Service,
    live: &Live,
    names: &Names,
    into: &mut Vec<String>,
) {
    let gone: Vec<&DestinationKey> = old
        .destinations
        .keys()
        .filter(|one| !new.destinations.contains_key(one))
        .collect();
    if gone.is_empty() {
        return;
    }
    let stay = old.destinations.len() - gone.len();
    into.push(format!(
        "removes {} of {} of {} ({}): {}, {stay} stay",
        gone.len(),
        count(old.destinations.len(), "real server"),
        names.service_title(key),
        gone.iter()
            .map(|one| names.server(key, one))
            .collect::<Vec<_>>()
            .join(", "),
        connections(key, gone.iter().copied(), live),
    ));
}

/// The new connections that each server gets, where that changes.
fn shares(key: &ServiceKey, old: &Service, new: &Service, names: &Names, into: &mut Vec<String>) {
    for (server, destination) in &new.destinations {
        let Some(before) = old.destinations.get(server) else {
            continue;
        };
        if before.weight == destination.weight {
            continue;
        }
        into.push(format!(
            "{} of {}: weight {} to {}, share {} to {}",
            names.server(key, server),
            names.service_title(key),
            before.weight,
            destination.weight,
            share(before.weight, old.weight()),
            share(destination.weight, new.weight()),
        ));
    }
}

fn share(weight: u32, of: u64) -> String {
    match (u64::from(weight) * 100 + of / 2).checked_div(of) {
        Some(percent) => format!("{percent}%"),
        None => "none".into(),
    }
}

fn connections<'a>(
    service: &ServiceKey,
    servers: impl Iterator<Item = &'a DestinationKey>,
    live: &Live,
) -> String {
    let mut total = 0;
    for server in servers {
        match live.get(&(*service, *server)) {
            Some(counters) => total += counters.live(),
            None => return "an unknown number of live connections".into(),
        }
    }
    match total {
        1 => "1 live connection".into(),
        many => format!("{many} live connections"),
    }
}

fn count(number: usize, thing: &str) -> String {
    if number == 1 {
        format!("1 {thing}")
    } else {
        format!("{number} {thing}s")
    }
}
