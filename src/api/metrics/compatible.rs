//! Metrics under the names of others, so that dashboards go on working: node_exporter's
//! `node_ipvs_*`, and `keepalived_*` of the exporters of keepalived, as far as there is such a
//! thing here (a farm without VRRP has no `keepalived_vrrp_*`).
//!
//! node_exporter reads `/proc/net/ip_vs`, which is empty where nftables forwards.

use std::net::IpAddr;

use crate::dataplane::{Counters, DestinationCounters, Observation};
use crate::spec::MetricsNames;
use crate::state::{DestinationKey, Protocol, ServiceKey};

use super::{Family, number};

const BACKEND: &[&str] = &[
    "local_address",
    "local_port",
    "remote_address",
    "remote_port",
    "proto",
    "local_mark",
];
const KEEPALIVED: &[&str] = &["addr", "proto"];

/// All metrics under one's names.
pub(super) fn families(names: MetricsNames, observed: &Observation) -> Vec<Family> {
    match names {
        MetricsNames::NodeIpvs => [totals(observed), backends(observed)].concat(),
        MetricsNames::Keepalived => keepalived(observed),
    }
}

/// What node_exporter reads from `/proc/net/ip_vs_stats`: the sums of all services.
fn totals(observed: &Observation) -> Vec<Family> {
    let sum = |of: fn(&Counters) -> u64| number(observed.services.values().map(of).sum());
    let total = |name, help, value| Family::counter(name, help, &[]).with([], value);
    vec![
        total(
            "node_ipvs_connections_total",
            "The total number of connections made.",
            sum(|counters| counters.connections),
        ),
        total(
            "node_ipvs_incoming_packets_total",
            "The total number of incoming packets.",
            sum(|counters| counters.packets_in),
        ),
        total(
            "node_ipvs_outgoing_packets_total",
            "The total number of outgoing packets.",
            sum(|counters| counters.packets_out),
        ),
        total(
            "node_ipvs_incoming_bytes_total",
            "The total amount of incoming data.",
            sum(|counters| counters.bytes_in),
        ),
        total(
            "node_ipvs_outgoing_bytes_total",
            "The total amount of outgoing data.",
            sum(|counters| counters.bytes_out),
        ),
    ]
}

/// What node_exporter reads from `/proc/net/ip_vs`.
fn backends(observed: &Observation) -> Vec<Family> {
    let mut active = Family::gauge(
        "node_ipvs_backend_connections_active",
        "The current active connections by local and remote address.",
        BACKEND,
    );
    let mut inactive = Family::gauge(
        "node_ipvs_backend_connections_inactive",
        "The current inactive connections by local and remote address.",
        BACKEND,
    );
    let mut weight = Family::gauge(
        "node_ipvs_backend_weight",
        "The current backend weight by local and remote address.",
        BACKEND,
    );
    for (service, entry) in &observed.state.services {
        for (server, values) in &entry.destinations {
            let labels = backend(service, server);
            let labels = labels.each_ref().map(String::as_str);
            let counters = counters(observed, service, server);
            active.add(labels, f64::from(counters.active));
            inactive.add(labels, f64::from(counters.inactive));
            weight.add(labels, f64::from(values.weight));
        }
    }
    vec![active, inactive, weight]
}

fn counters(
    observed: &Observation,
    service: &ServiceKey,
    server: &DestinationKey,
) -> DestinationCounters {
    observed
        .destinations
        .get(&(*service, *server))
        .copied()
        .unwrap_or_default()
}

/// The labels as the kernel prints them there: `TCP`, and for a mark `FWM` with eight digits.
fn backend(service: &ServiceKey, server: &DestinationKey) -> [String; 6] {
    let (address, port, protocol, mark) = match *service {
        ServiceKey::Address {
            protocol,
            address,
            port,
        } => (
            address.to_string(),
            port,
            protocol.to_string().to_uppercase(),
            String::new(),
        ),
        ServiceKey::Mark { mark, .. } => {
            (String::new(), 0, "FWM".to_owned(), format!("{mark:08X}"))
        }
    };
    [
        address,
        port.to_string(),
        server.address.to_string(),
        server.port.to_string(),
        protocol,
        mark,
    ]
}

/// `keepalived_up`, and what gen2brain's exporter has of services. It names a real server by its
/// address alone and so told the same series twice where two services share one (its issue 6, and
/// the page was lost); here such series are added up. They are gauges: their names lack the
/// `_total` of a counter, and `rate` works on them all the same.
fn keepalived(observed: &Observation) -> Vec<Family> {
    let up = Family::gauge(
        "keepalived_up",
        "Whether the director works: always 1 here.",
        &[],
    );
    let mut families = vec![up.with([], 1.0)];
    for (name, help, of) in SERVICES {
        let mut family = Family::gauge(name, help, KEEPALIVED);
        for (service, counters) in &observed.services {
            let (address, protocol) = place(service);
            family.add([&address, protocol], number(of(counters)));
        }
        families.push(family);
    }
    for (name, help, of) in SERVERS {
        let mut family = Family::gauge(name, help, KEEPALIVED);
        for ((service, server), counters) in &observed.destinations {
            let address = joined(server.address, server.port);
            family.add([&address, place(service).1], number(of(&counters.counters)));
        }
        families.push(family);
    }
    families
}

/// A metric of gen2brain's exporter: its name, what it is, and where it comes from.
type Column = (&'static str, &'static str, fn(&Counters) -> u64);

const SERVICES: [Column; 5] = [
    ("keepalived_lvs_vip_in_packets", "VIP in packets", |one| {
        one.packets_in
    }),
    ("keepalived_lvs_vip_out_packets", "VIP out packets", |one| {
        one.packets_out
    }),
    ("keepalived_lvs_vip_in_bytes", "VIP in bytes", |one| {
        one.bytes_in
    }),
    ("keepalived_lvs_vip_out_bytes", "VIP out bytes", |one| {
        one.bytes_out
    }),
    ("keepalived_lvs_vip_conn", "VIP connections", |one| {
        one.connections
    }),
];

const SERVERS: [Column; 5] = [
    ("keepalived_lvs_rs_in_packets", "RS in packets", |one| {
        one.packets_in
    }),
    ("keepalived_lvs_rs_out_packets", "RS out packets", |one| {
        one.packets_out
    }),
    ("keepalived_lvs_rs_in_bytes", "RS in bytes", |one| {
        one.bytes_in
    }),
    ("keepalived_lvs_rs_out_bytes", "RS out bytes", |one| {
        one.bytes_out
    }),
    ("keepalived_lvs_rs_conn", "RS connections", |one| {
        one.connections
    }),
];

/// The address and the number of the protocol (IANA); a mark has neither.
fn place(service: &ServiceKey) -> (String, &'static str) {
    match *service {
        ServiceKey::Address {
            protocol,
            address,
            port,
        } => {
            let number = match protocol {
                Protocol::Tcp => "6",
                Protocol::Udp => "17",
                Protocol::Sctp => "132",
            };
            (joined(address, port), number)
        }
        ServiceKey::Mark { mark, .. } => (format!("mark:{mark}"), "0"),
    }
}

/// As that exporter joins them: IPv6 without brackets.
fn joined(address: IpAddr, port: u16) -> String {
    format!("{address}:{port}")
}
