//! What is so now, as values: made from what was observed and what the file wants.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::diff::blocks;
use crate::cli::names::Names;
use crate::dataplane::{DestinationCounters, Observation};
use crate::state::{Destination, DestinationKey, Service, ServiceKey, State};

/// What `farmctl status -o json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct StatusReport {
    /// The version of this format; a change that breaks readers raises it.
    pub format_version: u32,
    /// The farm's name.
    pub farm: String,
    /// The worst of everything below.
    pub health: Health,
    /// Why it is not `full`: full sentences.
    pub reasons: Vec<String>,
    /// The floating addresses of the file that belong on this machine.
    pub addresses: Vec<AddressStatus>,
    /// The services of the file.
    pub services: Vec<ServiceStatus>,
    /// How many services of other makers the kernel has.
    pub foreign_services: usize,
    /// What could not be seen, and why.
    pub blind_spots: Vec<String>,
}

/// How well something is; the numbers are those of monitoring plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Health {
    /// Everything that the file wants is there.
    Full,
    /// Clients are served, but something is missing or different.
    Degraded,
    /// A service takes no connection.
    Down,
}

impl Health {
    /// The exit code of a monitoring plugin.
    pub(crate) fn plugin_code(self) -> u8 {
        match self {
            Self::Full => 0,
            Self::Degraded => 1,
            Self::Down => 2,
        }
    }

    /// The word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

/// One floating address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct AddressStatus {
    /// The address.
    pub address: String,
    /// The interface that it belongs on.
    pub interface: String,
    /// Whether it is there.
    pub up: bool,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ServiceStatus {
    /// Its name in the file.
    pub name: String,
    /// The kernel's key, such as `tcp 192.0.2.10:80`.
    pub key: String,
    /// Its scheduler in the kernel; null where the kernel does not have the service.
    pub scheduler: Option<String>,
    /// How well it is.
    pub health: Health,
    /// Connections since it was made.
    pub connections: u64,
    /// Connections a second, of late.
    pub connections_per_second: u64,
    /// Bytes in a second, of late.
    pub bytes_in_per_second: u64,
    /// Bytes out a second, of late.
    pub bytes_out_per_second: u64,
    /// Its real servers, those of the kernel and those that are missing there.
    pub real_servers: Vec<RealServerStatus>,
}

/// One real server of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct RealServerStatus {
    /// Its name in the file.
    pub name: String,
    /// Its address and port.
    pub key: String,
    /// How packets reach it.
    pub forwarding: String,
    /// Its weight in the kernel; null where the kernel does not have it.
    pub weight: Option<u32>,
    /// Its weight by the file; null where the file does not have it.
    pub wanted_weight: Option<u32>,
    /// Connections in an active state.
    pub active: u32,
    /// Connections in any other state.
    pub inactive: u32,
    /// Persistence templates.
    pub persistent: u32,
    /// Connections since it was added.
    pub connections: u64,
    /// Connections a second, of late.
    pub connections_per_second: u64,
}

/// What is so now. `foreign` is how many services belong to others.
pub(crate) fn report(
    farm: &str,
    wanted: &State,
    observed: &Observation,
    foreign: usize,
    names: &Names,
) -> StatusReport {
    let mut reasons = Vec::new();
    let addresses = addresses(wanted, observed, &mut reasons);
    let services: Vec<ServiceStatus> = wanted
        .services
        .iter()
        .map(|(key, service)| self::service(key, service, observed, names, &mut reasons))
        .collect();
    let worst_service = services.iter().map(|service| service.health).max();
    let address_health = if addresses.iter().all(|one| one.up) {
        Health::Full
    } else {
        Health::Down
    };
    StatusReport {
        format_version: 1,
        farm: farm.to_owned(),
        health: worst_service.unwrap_or(Health::Full).max(address_health),
        reasons,
        addresses,
        services,
        foreign_services: foreign,
        blind_spots: observed
            .blind_spots
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}

fn addresses(
    wanted: &State,
    observed: &Observation,
    reasons: &mut Vec<String>,
) -> Vec<AddressStatus> {
    let one = |key: &crate::state::AddressKey| {
        let up = observed.state.addresses.contains_key(key);
        if !up {
            reasons.push(format!("{key} is not up."));
        }
        AddressStatus {
            address: key.address.to_string(),
            interface: key.interface.clone(),
            up,
        }
    };
    wanted.addresses.keys().map(one).collect()
}

fn service(
    key: &ServiceKey,
    wanted: &Service,
    observed: &Observation,
    names: &Names,
    reasons: &mut Vec<String>,
) -> ServiceStatus {
    let live = observed.state.services.get(key);
    let health = health(key, wanted, live, names, reasons);
    let counters = observed.services.get(key).copied().unwrap_or_default();
    ServiceStatus {
        name: names.service(key),
        key: key.to_string(),
        scheduler: live.map(|live| live.attributes.scheduler.clone()),
        health,
        connections: counters.connections,
        connections_per_second: counters.connections_per_second,
        bytes_in_per_second: counters.bytes_in_per_second,
        bytes_out_per_second: counters.bytes_out_per_second,
        real_servers: real_servers(key, wanted, live, observed, names),
    }
}

fn health(
    key: &ServiceKey,
    wanted: &Service,
    live: Option<&Service>,
    names: &Names,
    reasons: &mut Vec<String>,
) -> Health {
    let title = names.service_title(key);
    let Some(live) = live else {
        reasons.push(format!("{title} is not in the kernel."));
        return Health::Down;
    };
    if live.weight() == 0 && wanted.weight() > 0 {
        reasons.push(format!(
            "{title} has no real server that takes connections."
        ));
        return Health::Down;
    }
    if live.weight() == 0 {
        reasons.push(format!(
            "{title} takes no connections: the file gives every server weight 0."
        ));
        return Health::Down;
    }
    if live != wanted {
        reasons.push(format!(
            "{title} differs from the file; `farmctl diff` shows how."
        ));
        return Health::Degraded;
    }
    Health::Full
}

fn real_servers(
    key: &ServiceKey,
    wanted: &Service,
    live: Option<&Service>,
    observed: &Observation,
    names: &Names,
) -> Vec<RealServerStatus> {
    let live_keys = live.into_iter().flat_map(|live| live.destinations.keys());
    let mut keys: Vec<&DestinationKey> = wanted.destinations.keys().chain(live_keys).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .map(|server| {
            let there = live.and_then(|live| live.destinations.get(server));
            let wanted = wanted.destinations.get(server);
            let counters = observed
                .destinations
                .get(&(*key, *server))
                .copied()
                .unwrap_or_default();
            real_server(names.server(key, server), server, there, wanted, counters)
        })
        .collect()
}

fn real_server(
    name: String,
    key: &DestinationKey,
    live: Option<&Destination>,
    wanted: Option<&Destination>,
    counters: DestinationCounters,
) -> RealServerStatus {
    RealServerStatus {
        name,
        key: key.to_string(),
        forwarding: live
            .or(wanted)
            .map(|destination| blocks::forwarding(destination.forwarding))
            .unwrap_or_default(),
        weight: live.map(|live| live.weight),
        wanted_weight: wanted.map(|wanted| wanted.weight),
        active: counters.active,
        inactive: counters.inactive,
        persistent: counters.persistent,
        connections: counters.counters.connections,
        connections_per_second: counters.counters.connections_per_second,
    }
}
