//! Kinds of services beside plain TCP on one port.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use super::{Live, Method, Site, Text};
use crate::bed::{Datagrams, Echo, Family, Farm, Net, Server};

const ALL: &str = "real_servers: [{ node: rs1 }, { node: rs2 }, { node: rs3 }]";

fn site(method: Method, services: &str) -> Site {
    let site = Site::new(method);
    site.farmctl
        .converge(&Text::of_services(method, services), &[]);
    site
}

fn sorry(weight: u32) -> String {
    let service = format!(
        "  http:\n    vip: www\n    port: 80\n    sorry_server: {{ node: rs3, port: 8080 }}\n    \
         real_servers:\n      - {{ node: rs1, port: 8080, weight: {weight} }}\n      - {{ node: \
         rs2, port: 8080, weight: {weight} }}\n"
    );
    Text::of_services(Method::Nat, &service)
}

#[test]
fn the_sorry_server_answers_only_while_every_weight_is_zero() {
    let site = Site::new(Method::Nat);
    let spreads = |expected: [usize; 3]| {
        for family in Family::BOTH {
            assert_eq!(site.spread(family, 6), expected, "{family:?}");
        }
    };
    site.farmctl.converge(&sorry(1), &[]);
    spreads([3, 3, 0]);
    let service = site.service(Family::V4);
    let mut kept = site.farm.client.connect(service).unwrap();
    let before = kept.get().unwrap();
    site.farmctl.converge(&sorry(0), &["--allow-shrink"]);
    spreads([0, 0, 6]);
    assert_eq!(
        kept.get().unwrap(),
        before,
        "a server of weight 0 keeps its connections"
    );
    site.farmctl.converge(&sorry(1), &[]);
    spreads([3, 3, 0]);
}

/// Name servers on every real server, at the addresses where packets reach them.
fn datagrams(method: Method, more: &str) -> (Site, Vec<Echo>) {
    let service = format!("  dns: {{ vip: www, port: 53, protocol: udp, {more} {ALL} }}\n");
    let site = site(method, &service);
    let mut servers = Vec::new();
    for (node, host) in site.farm.real_servers.iter().zip(Farm::REAL_SERVERS) {
        for family in Family::BOTH {
            let at = match method {
                Method::Nat => Net::Back.address(family, host),
                Method::DirectRouting | Method::Tunnel => method.vip(family),
            };
            servers.push(Echo::start(node, SocketAddr::new(at, 53)));
        }
    }
    (site, servers)
}

fn asks(site: &Site, method: Method, family: Family) -> Vec<usize> {
    let to = SocketAddr::new(method.vip(family), 53);
    let client = Datagrams::open(&site.farm.client, to).unwrap();
    client.spread(9).unwrap().into_values().collect()
}

#[test]
fn datagrams_of_one_client_port_stay_with_one_server() {
    for method in [Method::Nat, Method::DirectRouting] {
        let (site, _servers) = datagrams(method, "");
        for family in Family::BOTH {
            assert_eq!(asks(&site, method, family), [9], "{method:?} {family:?}");
        }
    }
}

#[test]
fn with_one_packet_each_datagram_of_one_client_port_is_scheduled_by_itself() {
    for method in [Method::DirectRouting, Method::Tunnel] {
        let (site, _servers) = datagrams(method, "one_packet: true,");
        for family in Family::BOTH {
            assert_eq!(
                asks(&site, method, family),
                [3, 3, 3],
                "{method:?} {family:?}"
            );
        }
    }
}

#[test]
fn with_one_packet_by_nat_no_answer_comes_back_as_validate_warns() {
    let method = Method::Nat;
    let (site, _servers) = datagrams(method, "one_packet: true,");
    site.farmctl.run(&["validate"]).exits(0).says("one_packet");
    for family in Family::BOTH {
        let to = SocketAddr::new(method.vip(family), 53);
        let client = Datagrams::open(&site.farm.client, to).unwrap();
        assert_eq!(
            client.ask().unwrap_err().kind(),
            ErrorKind::WouldBlock,
            "{family:?}"
        );
    }
}

/// The server that answers each of these hosts of the client's network.
fn answers(site: &Site, family: Family, hosts: [u8; 3], port: u16) -> [String; 3] {
    hosts.map(|host| {
        let from = Net::Uplink.address(family, host);
        let prefix = if family == Family::V4 { 24 } else { 64 };
        site.farm
            .client
            .add_address("uplink", &format!("{from}/{prefix}"));
        who(site, from, Method::Nat.vip(family), port)
    })
}

fn who(site: &Site, from: IpAddr, vip: IpAddr, port: u16) -> String {
    let to = SocketAddr::new(vip, port);
    let mut connection = site.farm.client.connect_from(from, to).unwrap();
    connection.get().unwrap().server
}

fn persistent(masks: &str) -> Site {
    let service = format!(
        "  http: {{ vip: www, port: 80, persistence: {{ timeout: 5m, {masks} }}, real_servers: [{{ \
         node: rs1, port: 8080 }}, {{ node: rs2, port: 8080 }}, {{ node: rs3, port: 8080 }}] }}\n"
    );
    site(Method::Nat, &service)
}

#[test]
fn clients_of_one_network_stay_together_where_the_mask_is_as_wide() {
    let site = persistent("mask4: 24, mask6: 64");
    for family in Family::BOTH {
        let servers = answers(&site, family, [41, 42, 43], 80);
        assert!(
            servers.iter().all(|server| *server == servers[0]),
            "{servers:?}"
        );
    }
}

#[test]
fn clients_with_a_mask_of_their_own_address_take_turns_and_each_stays() {
    let site = persistent("mask4: 32, mask6: 128");
    for family in Family::BOTH {
        let first = answers(&site, family, [41, 42, 43], 80);
        let mut each = first.clone();
        each.sort();
        assert_eq!(each, ["rs1", "rs2", "rs3"]);
        let again = [41, 42, 43].map(|host| {
            let from = Net::Uplink.address(family, host);
            who(&site, from, Method::Nat.vip(family), 80)
        });
        assert_eq!(again, first);
    }
}

#[test]
fn a_service_on_every_port_keeps_a_client_with_one_server() {
    let service =
        format!("  any: {{ vip: www, port: 0, persistence: {{ timeout: 5m }}, {ALL} }}\n");
    let site = site(Method::Nat, &service);
    let _servers: Vec<Server> = [80, 443, 5000]
        .into_iter()
        .flat_map(|port| site.farm.serve(port))
        .collect();
    for family in Family::BOTH {
        let from = Net::Uplink.address(family, 1);
        let seen = [80, 443, 5000].map(|port| who(&site, from, Method::Nat.vip(family), port));
        assert!(seen.iter().all(|server| *server == seen[0]), "{seen:?}");
    }
}

/// Every scheduler with each of its options, in the words of the file.
const SCHEDULERS: [&str; 19] = [
    "rr",
    "wrr",
    "lc",
    "wlc",
    "lblc",
    "lblcr",
    "dh",
    "sh",
    "mh",
    "sed",
    "nq",
    "fo",
    "ovf",
    "twos",
    "{ sh: { port: true } }",
    "{ sh: { fallback: true } }",
    "{ sh: { port: true, fallback: true } }",
    "{ mh: { port: true } }",
    "{ mh: { port: true, fallback: true } }",
];

#[test]
fn every_scheduler_is_taken_read_back_and_answers() {
    let mut services = String::new();
    for (scheduler, port) in SCHEDULERS.iter().zip(1000..) {
        services += &format!(
            "  s{port}: {{ vip: www, port: {port}, scheduler: {scheduler}, real_servers: [{{ node: \
             rs1, port: 8080 }}, {{ node: rs2, port: 8080 }}] }}\n"
        );
    }
    let site = site(Method::Nat, &services);
    for family in Family::BOTH {
        for port in (1000..).take(SCHEDULERS.len()) {
            let to = SocketAddr::new(Method::Nat.vip(family), port);
            site.farm.client.ask(to).unwrap();
        }
    }
}

#[test]
fn one_scheduler_after_another_serves_the_same_live_connection() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let mut live = Live::start(&site, 2);
    for scheduler in SCHEDULERS {
        let text = text.with_scheduler(scheduler).to_string();
        site.farmctl.apply(&text, &[]).exits(0);
        live.is_whole();
    }
    live.finish();
}

#[test]
fn thresholds_marks_and_other_protocols_are_taken_and_read_back() {
    let services = "  \
        signalling: { vip: www, port: 2905, protocol: sctp, real_servers: [{ node: rs1 }] }\n  \
        both: { vip: www, port: 53, protocol: [tcp, udp], real_servers: [{ node: rs1, \
        upper_threshold: 50, lower_threshold: 20, weight: 65535 }] }\n  \
        marked: { vip: www, firewall_mark: 9, persistence: { timeout: 1m, mask4: 16, mask6: 48 }, \
        real_servers: [{ node: rs1 }, { node: rs3, forwarding: { tunnel: { gre: { checksum: full \
        } } } }] }\n";
    let site = site(Method::Nat, services);
    assert_eq!(site.farmctl.kernel().services.len(), 8);
}
