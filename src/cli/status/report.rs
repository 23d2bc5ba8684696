//! What is so now, as values: made from what was observed and what the file wants.

use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use crate::api::{AddressStatus, Health};
use crate::cli::diff::blocks;
use crate::cli::names::Names;
use crate::dataplane::{DestinationCounters, Observation};
use crate::spec::DataplaneKind;
use crate::state::{Destination, DestinationKey, Service, ServiceKey, State};

/// What `farmctl status -o json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct StatusReport {
    /// The version of this format; a change that breaks readers raises it.
    pub format_version: u32,
    /// The farm's name.
    pub farm: String,
    /// What forwards here.
    pub dataplane: DataplaneKind,
    /// The worst of everything below.
    pub health: Health,
    /// Why it is not `full`: full sentences.
    pub reasons: Vec<String>,
    /// The floating addresses of the file that belong on this machine.
    pub addresses: Vec<AddressStatus>,
    /// The services of the file.
    pub services: Vec<ServiceStatus>,
    /// What a person should know besides: full sentences.
    pub notes: Vec<String>,
    /// How many services of other makers the kernel has.
    pub foreign_services: usize,
    /// What could not be seen, and why.
    pub blind_spots: Vec<String>,
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
    dataplane: DataplaneKind,
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
    let rest = rest(wanted, observed, &mut reasons);
    StatusReport {
        format_version: 1,
        farm: farm.to_owned(),
        dataplane,
        health: worst_service
            .unwrap_or(Health::Full)
            .max(address_health)
            .max(rest),
        notes: Vec::new(),
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
        let there = observed.state.addresses.contains_key(key);
        let interface = observed.host.interfaces.get(&key.interface);
        let down = interface.is_some_and(|interface| !interface.up);
        if !there {
            reasons.push(format!("{key} is not up."));
        } else if down {
            reasons.push(format!("{key} can't be reached: the interface is down."));
        }
        let up = there && !down;
        AddressStatus {
            address: key.address.to_string(),
            interface: key.interface.clone(),
            up,
        }
    };
    wanted.addresses.keys().map(one).collect()
}

/// What services need beside themselves: settings, firewall marks, connection synchronisation.
fn rest(wanted: &State, observed: &Observation, reasons: &mut Vec<String>) -> Health {
    let live = &observed.state;
    let before = reasons.len();
    for (setting, value) in &wanted.settings {
        if let Some(seen) = live.settings.get(setting).filter(|seen| *seen != value) {
            reasons.push(format!("{setting} is {seen}; the file asks for {value}."));
        }
    }
    if live.marks != wanted.marks {
        reasons.push("The firewall marks differ from the file; `farmctl diff` shows how.".into());
    }
    for (role, daemon) in &wanted.sync_daemons {
        let running = live.sync_daemons.get(role);
        if !running.is_some_and(|running| daemon.is_met_by(running)) {
            reasons.push(format!(
                "The {role} of connection synchronisation does not run as the file says."
            ));
        }
    }
    if reasons.len() == before {
        Health::Full
    } else {
        Health::Degraded
    }
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
    let sorry = |server: &DestinationKey| names.is_sorry(key, server);
    let mut takers = live.destinations.iter().filter(|(_, one)| one.weight > 0);
    if takers.all(|(server, _)| sorry(server)) {
        reasons.push(format!("{title}: only its sorry server answers."));
        return Health::Degraded;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{HostFacts, InterfaceFacts, Setting, desired};

    const FILE: &str = "
version: 1
vips: { www: { addresses: [192.0.2.10/24], interface: eth0 } }
services:
  many: { vip: www, ports: [443, 8443], together: true, persistence: { timeout: 5m },
          real_servers: [{ address: 10.0.0.21 }] }
";

    /// The status of a file on a machine that holds all of it but for one thing.
    fn status(file: &str, spoil: impl Fn(&mut Observation)) -> StatusReport {
        let farm = serde_yaml::from_str(file).unwrap();
        let wanted = desired(&farm, None, &HostFacts::default(), DataplaneKind::Ipvs);
        let mut observed = Observation {
            state: wanted.state.clone(),
            ..Observation::default()
        };
        let up = InterfaceFacts {
            up: true,
            addresses: Vec::new(),
        };
        observed.host.interfaces.insert("eth0".into(), up);
        spoil(&mut observed);
        report(
            "farm",
            DataplaneKind::Ipvs,
            &wanted.state,
            &observed,
            0,
            &Names::new(wanted.services, wanted.destinations),
        )
    }

    #[test]
    fn what_is_as_the_file_says_is_full() {
        let report = status(FILE, |_| {});
        assert_eq!((report.health, report.reasons.len()), (Health::Full, 0));
    }

    #[test]
    fn an_address_on_an_interface_that_is_down_is_down() {
        let report = status(FILE, |observed| {
            for interface in observed.host.interfaces.values_mut() {
                interface.up = false;
            }
        });
        assert_eq!(report.health, Health::Down);
        assert!(!report.addresses[0].up);
        assert!(report.reasons[0].contains("the interface is down"));
    }

    #[test]
    fn a_lost_table_of_marks_and_a_setting_put_back_are_told() {
        let report = status(FILE, |observed| observed.state.marks.clear());
        assert_eq!(report.health, Health::Degraded);
        assert!(report.reasons[0].contains("firewall marks"));
        let report = status(FILE, |observed| {
            observed.state.settings.insert(Setting::ForwardV4, 0);
        });
        assert_eq!(report.health, Health::Degraded);
        let reason = "net.ipv4.ip_forward is 0; the file asks for 1.";
        assert_eq!(report.reasons, [reason]);
    }

    #[test]
    fn a_service_whose_sorry_server_answers_is_degraded() {
        let file = "
version: 1
vips: { www: { addresses: [192.0.2.10/24], interface: eth0 } }
services:
  http: { vip: www, port: 80, real_servers: [{ address: 10.0.0.21, weight: 0 }],
          sorry_server: { address: 10.0.0.99, port: 8080 } }
";
        let report = status(file, |_| {});
        assert_eq!(report.health, Health::Degraded);
        assert!(report.reasons[0].contains("only its sorry server answers"));
    }
}
