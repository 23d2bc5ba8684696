//! Metrics of services and their real servers.

use crate::api::{GroupStatus, Health, RealServerStatus, ServerState, Status};
use crate::state::Family as AddressFamily;

use super::{Family, flag, number};

const GROUP: &[&str] = &["service", "family"];
const SERVER: &[&str] = &["service", "family", "server", "address", "port"];
const CONNECTIONS: &[&str] = &["service", "family", "server", "address", "port", "state"];

/// All of them.
pub(super) fn families(status: &Status) -> Vec<Family> {
    let mut groups = Groups::new();
    let mut servers = Servers::new();
    for service in &status.services {
        for group in &service.groups {
            let family = word(group.family);
            groups.add([&service.name, family], group);
            for server in &group.real_servers {
                servers.add(&service.name, family, server);
            }
        }
    }
    let mut families = groups.into_families();
    families.extend(servers.into_families());
    families
}

struct Groups {
    health: Family,
    up: Family,
    total: Family,
    quorum: Family,
    sorry: Family,
    held: Family,
}

impl Groups {
    fn new() -> Self {
        Self {
            health: Family::gauge(
                "farmctl_service_health",
                "A service in one family of addresses: 0 full, 1 degraded, 2 down.",
                GROUP,
            ),
            up: Family::gauge(
                "farmctl_service_realservers_up",
                "How many real servers of a service are up.",
                GROUP,
            ),
            total: Family::gauge(
                "farmctl_service_realservers",
                "How many real servers a service has.",
                GROUP,
            ),
            quorum: Family::gauge(
                "farmctl_service_quorum_reached",
                "Whether enough real servers of a service are up.",
                GROUP,
            ),
            sorry: Family::gauge(
                "farmctl_sorry_server_active",
                "Whether the sorry server serves.",
                GROUP,
            ),
            held: Family::gauge(
                "farmctl_mass_failure_active",
                "Whether many real servers of a service failed at once.",
                GROUP,
            ),
        }
    }

    fn add(&mut self, labels: [&str; 2], group: &GroupStatus) {
        let health = match group.health {
            Health::Full => 0.0,
            Health::Degraded => 1.0,
            Health::Down => 2.0,
        };
        self.health.set(labels, health);
        self.up.set(labels, f64::from(group.up));
        self.total.set(labels, f64::from(group.total));
        if let Some(quorum) = &group.quorum {
            self.quorum.set(labels, flag(quorum.reached));
        }
        if let Some(sorry) = &group.sorry_server {
            self.sorry.set(labels, flag(sorry.active));
        }
        self.held.set(labels, flag(group.mass_failure.is_some()));
    }

    fn into_families(self) -> Vec<Family> {
        let Self {
            health,
            up,
            total,
            quorum,
            sorry,
            held,
        } = self;
        vec![health, up, total, quorum, sorry, held]
    }
}

struct Servers {
    up: Family,
    weight: Family,
    effective: Family,
    connections: Family,
    duration: Family,
    failures: Family,
}

impl Servers {
    fn new() -> Self {
        Self {
            up: Family::gauge(
                "farmctl_realserver_up",
                "Whether a real server is up, or is not checked.",
                SERVER,
            ),
            weight: Family::gauge(
                "farmctl_realserver_weight",
                "The weight of a real server by the file.",
                SERVER,
            ),
            effective: Family::gauge(
                "farmctl_realserver_effective_weight",
                "The weight that a real server has now; 0 where it is out.",
                SERVER,
            ),
            connections: Family::gauge(
                "farmctl_realserver_connections",
                "Connections that a real server has, and persistence templates.",
                CONNECTIONS,
            ),
            duration: Family::gauge(
                "farmctl_check_duration_seconds",
                "How long the last answer of a real server took.",
                SERVER,
            ),
            failures: Family::counter(
                "farmctl_check_failures_total",
                "How many checks of a real server failed.",
                SERVER,
            ),
        }
    }

    fn add(&mut self, service: &str, family: &str, server: &RealServerStatus) {
        let address = server.address.to_string();
        let port = server.port.map(|port| port.to_string()).unwrap_or_default();
        let labels = [service, family, server.name.as_str(), &address, &port];
        let up = matches!(server.state, ServerState::Up | ServerState::Unchecked);
        self.up.set(labels, flag(up));
        if let Some(weight) = server.weight.file {
            self.weight.set(labels, f64::from(weight));
        }
        self.effective
            .set(labels, f64::from(server.weight.effective.unwrap_or(0)));
        self.add_connections(labels, server);
        if let Some(last) = &server.last_answer {
            self.duration.set(labels, number(last.took_us) / 1e6);
            self.failures.set(labels, number(last.failures));
        }
    }

    fn add_connections(&mut self, labels: [&str; 5], server: &RealServerStatus) {
        let [service, family, name, address, port] = labels;
        let counts = server.connections;
        let states = [
            ("active", counts.active),
            ("inactive", counts.inactive),
            ("persistent", counts.persistent),
        ];
        for (state, count) in states {
            let labels = [service, family, name, address, port, state];
            self.connections.set(labels, number(count));
        }
    }

    fn into_families(self) -> Vec<Family> {
        let Self {
            up,
            weight,
            effective,
            connections,
            duration,
            failures,
        } = self;
        vec![up, weight, effective, connections, duration, failures]
    }
}

fn word(family: AddressFamily) -> &'static str {
    match family {
        AddressFamily::V4 => "ipv4",
        AddressFamily::V6 => "ipv6",
    }
}
