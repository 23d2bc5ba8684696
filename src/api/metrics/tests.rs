//! What holds of every page. What a whole page looks like, and what promtool says of it, is in
//! `tests/api`.

use super::*;
use crate::dataplane::{Counters, DestinationCounters};
use crate::state::{DestinationKey, Protocol, ServiceKey};

const BOTH: [MetricsNames; 2] = [MetricsNames::NodeIpvs, MetricsNames::Keepalived];

fn snapshot(observed: Observation, names: &[MetricsNames]) -> Snapshot {
    Snapshot {
        status: Arc::new(Status::of("shop")),
        observed: Arc::new(observed),
        events: Arc::new(EventLog::new(1)),
        meters: Arc::new(Meters::new()),
        names: names.to_vec(),
    }
}

fn service(port: u16) -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: "192.0.2.10".parse().unwrap(),
        port,
    }
}

/// Two services that share one real server.
fn shared_server() -> Observation {
    let server = DestinationKey {
        address: "192.168.89.25".parse().unwrap(),
        port: 5432,
    };
    let counters = DestinationCounters {
        counters: Counters {
            connections: 21,
            ..Counters::default()
        },
        ..DestinationCounters::default()
    };
    let mut observed = Observation::default();
    for port in [80, 81] {
        observed
            .destinations
            .insert((service(port), server), counters);
    }
    observed
}

fn series(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(series, _)| series)
        .collect()
}

/// gen2brain/keepalived_exporter#6: a real server of two services was told twice, and Prometheus
/// threw the whole page away.
#[test]
fn a_real_server_of_two_services_is_no_duplicate() {
    let text = page(&snapshot(shared_server(), &BOTH)).unwrap();
    let mut all = series(&text);
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
    let line = "keepalived_lvs_rs_conn{addr=\"192.168.89.25:5432\",proto=\"6\"} 42";
    assert!(text.lines().any(|found| found == line), "{text}");
}

#[test]
fn names_of_others_are_there_only_where_they_are_asked_for() {
    let own = page(&snapshot(shared_server(), &[])).unwrap();
    assert!(!own.contains("node_ipvs_") && !own.contains("keepalived_"));
    let all = page(&snapshot(shared_server(), &BOTH)).unwrap();
    assert!(all.contains("node_ipvs_connections_total") && all.contains("keepalived_up 1"));
    let one = page(&snapshot(shared_server(), &[MetricsNames::NodeIpvs])).unwrap();
    assert!(one.contains("node_ipvs_connections_total") && !one.contains("keepalived_"));
}

#[test]
fn a_daemon_that_knows_nothing_yet_has_a_page() {
    let text = page(&snapshot(Observation::default(), &BOTH)).unwrap();
    assert!(text.contains("farmctl_ready 0"), "{text}");
}
