//! Services and real servers: what the file says and what comes of it.

use crate::spec::Name;
use crate::state::{
    ClientMask, DestinationKey, Family, HostFacts, Protocol, SchedulerFlags, ServiceKey, Setting,
};

use super::marks::first_choice;
use super::tests::{lines, made};
use super::{Desired, MARKS_FIRST, MARKS_LAST, NoteKind, Part};

/// A farm with a dual-stack VIP, a dual-stack machine `web1`, an IPv4 one `web2`, and this service.
fn farm(service: &str) -> Desired {
    let file = format!(
        r#"
version: 1
farm: shop
nodes:
  web1: {{ addresses: [10.0.0.21, "2001:db8:1::21"] }}
  web2: {{ address: 10.0.0.22 }}
vips:
  www: {{ addresses: [192.0.2.10/32, "2001:db8::10/128"], ownership: none }}
  four: {{ addresses: [192.0.2.10/32], ownership: none }}
pools:
  web: {{ real_servers: [{{ node: web1, port: 8080, weight: 3 }}, {{ node: web2, port: 8080 }}] }}
{service}
"#
    );
    made(&file, None, &HostFacts::default())
}

fn services(desired: &Desired) -> Vec<String> {
    let mut state = desired.state.clone();
    state.settings.clear();
    state.marks.clear();
    lines(&state)
}

fn tcp(address: &str, port: u16) -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: address.parse().unwrap(),
        port,
    }
}

fn real_server(text: &str) -> DestinationKey {
    let address: std::net::SocketAddr = text.parse().unwrap();
    DestinationKey {
        address: address.ip(),
        port: address.port(),
    }
}

fn mark_of(service: &str) -> u32 {
    let name = |text: &str| text.parse::<Name>().unwrap();
    first_choice(&name("shop"), &name(service))
}

#[test]
fn a_service_exists_once_for_each_address_of_its_vip() {
    let desired = farm("services: { http: { vip: www, port: 80, scheduler: wrr, pool: web } }");
    assert_eq!(
        services(&desired),
        [
            "add service tcp 192.0.2.10:80 scheduler wrr",
            "add real server 10.0.0.21:8080 weight 3 by nat to tcp 192.0.2.10:80",
            "add real server 10.0.0.22:8080 weight 1 by nat to tcp 192.0.2.10:80",
            "add service tcp [2001:db8::10]:80 scheduler wrr",
            "add real server [2001:db8:1::21]:8080 weight 3 by nat to tcp [2001:db8::10]:80",
        ]
    );
}

#[test]
fn a_real_server_without_an_address_of_a_family_is_left_out_and_noted_once() {
    let desired = farm("services: { http: { vip: www, ports: [80, 90-99], pool: web } }");
    assert_eq!(desired.notes.len(), 1);
    let note = &desired.notes[0];
    assert_eq!(note.kind, NoteKind::LeftOut);
    assert_eq!(note.path.to_string(), "pools.web.real_servers[1]");
    assert_eq!(
        note.message,
        "Real server web2 has no IPv6 address and takes no part in service http over IPv6."
    );
}

#[test]
fn a_tunnel_may_lead_to_the_other_family() {
    let desired = farm(
        "services: { http: { vip: www, port: 80, forwarding: tunnel, real_servers: [{ node: web2 }] } }",
    );
    assert!(desired.notes.is_empty());
    let behind = &desired.state.services[&tcp("2001:db8::10", 80)].destinations;
    assert!(behind.contains_key(&real_server("10.0.0.22:80")));
}

#[test]
fn each_protocol_and_each_port_is_a_service_that_keeps_the_clients_port() {
    let desired = farm(
        "services: { dns: { vip: four, ports: [53, 5353-5354], protocol: [udp, tcp], pool: web } }",
    );
    let keys: Vec<String> = desired
        .state
        .services
        .keys()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        keys,
        [
            "tcp 192.0.2.10:53",
            "tcp 192.0.2.10:5353",
            "tcp 192.0.2.10:5354",
            "udp 192.0.2.10:53",
            "udp 192.0.2.10:5353",
            "udp 192.0.2.10:5354",
        ]
    );
    for (key, service) in &desired.state.services {
        assert!(
            service
                .destinations
                .keys()
                .all(|server| server.port == key.port())
        );
    }
}

#[test]
fn a_port_range_up_to_the_last_port_ends() {
    let desired = farm("services: { all: { vip: four, ports: [65534-65535], pool: web } }");
    assert_eq!(desired.state.services.len(), 2);
}

#[test]
fn direct_routing_and_tunnels_have_the_services_own_port() {
    let desired = farm(
        r"services:
  http:
    vip: four
    port: 80
    forwarding: direct_routing
    real_servers:
      - { node: web1, port: 8080 }
      - { node: web2, port: 8080, forwarding: { tunnel: { gue: { port: 6080, checksum: remote } } } }
      - { address: 10.0.0.23, port: 8080, forwarding: nat }
",
    );
    assert_eq!(
        services(&desired)[1..],
        [
            "add real server 10.0.0.21:80 weight 1 by direct_routing to tcp 192.0.2.10:80",
            "add real server 10.0.0.22:80 weight 1 by tunnel gue port 6080 checksum remote to tcp 192.0.2.10:80",
            "add real server 10.0.0.23:8080 weight 1 by nat to tcp 192.0.2.10:80",
        ]
    );
}

#[test]
fn ports_together_are_one_marked_service_for_each_family() {
    let desired = farm(
        "services: { shop: { vip: www, ports: [443, 30000-30100], together: true, pool: web } }",
    );
    let mark = mark_of("shop");
    let keys: Vec<ServiceKey> = desired.state.services.keys().copied().collect();
    assert_eq!(
        keys,
        [Family::V4, Family::V6].map(|family| ServiceKey::Mark { family, mark })
    );
    let rules: Vec<String> = desired
        .state
        .marks
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        rules,
        [
            format!("tcp to 192.0.2.10 ports 443: mark {mark}"),
            format!("tcp to 192.0.2.10 ports 30000-30100: mark {mark}"),
            format!("tcp to 2001:db8::10 ports 443: mark {mark}"),
            format!("tcp to 2001:db8::10 ports 30000-30100: mark {mark}"),
        ]
    );
    for service in desired.state.services.values() {
        assert!(service.destinations.keys().all(|server| server.port == 0));
    }
}

#[test]
fn a_mark_that_is_taken_gives_way_to_the_next() {
    let mark = mark_of("shop");
    let desired = farm(&format!(
        "services:\n  shop: {{ vip: four, ports: [443], together: true, pool: web }}\n  \
         other: {{ vip: four, firewall_mark: {mark}, pool: web }}\n"
    ));
    let marks: Vec<u32> = desired.state.marks.iter().map(|rule| rule.mark).collect();
    assert_eq!(marks, [mark + 1]);
    assert_eq!(desired.state.services.len(), 2);
    assert!((MARKS_FIRST..=MARKS_LAST).contains(&mark));
}

#[test]
fn a_users_own_mark_needs_no_rules() {
    let desired = farm("services: { ftp: { vip: www, firewall_mark: 7, pool: web } }");
    assert!(desired.state.marks.is_empty());
    assert_eq!(
        services(&desired),
        [
            "add service mark 7 IPv4 scheduler wlc",
            "add real server 10.0.0.21:8080 weight 3 by nat to mark 7 IPv4",
            "add real server 10.0.0.22:8080 weight 1 by nat to mark 7 IPv4",
            "add service mark 7 IPv6 scheduler wlc",
            "add real server [2001:db8:1::21]:8080 weight 3 by nat to mark 7 IPv6",
        ]
    );
}

#[test]
fn persistence_has_a_mask_for_each_family() {
    let desired = farm(
        "services: { http: { vip: www, port: 80, persistence: { timeout: 5m, mask4: 24, mask6: 64 }, pool: web } }",
    );
    let mask = |address| {
        let service = &desired.state.services[&tcp(address, 80)];
        let persistence = service.attributes.persistence.clone().unwrap();
        (persistence.timeout, persistence.mask)
    };
    let netmask = ClientMask::V4([255, 255, 255, 0].into());
    assert_eq!(mask("192.0.2.10"), (300, netmask));
    assert_eq!(mask("2001:db8::10"), (300, ClientMask::V6(64)));
}

#[test]
fn a_whole_address_is_the_mask_that_is_left_out() {
    let desired = farm("services: { any: { vip: www, port: 0, persistence: {}, pool: web } }");
    let services = &desired.state.services;
    let mask = |address| {
        services[&tcp(address, 0)]
            .attributes
            .persistence
            .clone()
            .unwrap()
            .mask
    };
    assert_eq!(mask("192.0.2.10"), ClientMask::host(Family::V4));
    assert_eq!(mask("2001:db8::10"), ClientMask::host(Family::V6));
}

#[test]
fn a_scheduler_brings_its_flags() {
    let desired = farm(
        "services: { http: { vip: four, port: 80, scheduler: { mh: { port: true, fallback: true } }, pool: web } }",
    );
    let attributes = &desired.state.services[&tcp("192.0.2.10", 80)].attributes;
    assert_eq!(attributes.scheduler, "mh");
    let both = SchedulerFlags::PORT.with(SchedulerFlags::FALLBACK);
    assert_eq!(attributes.scheduler_flags, both);
}

#[test]
fn one_packet_is_for_udp_only() {
    let desired = farm(
        "services: { dns: { vip: four, port: 53, protocol: [tcp, udp], one_packet: true, pool: web } }",
    );
    let one_packet: Vec<bool> = desired
        .state
        .services
        .values()
        .map(|service| service.attributes.one_packet)
        .collect();
    assert_eq!(one_packet, [false, true]);
}

#[test]
fn thresholds_and_a_weight_of_zero_are_kept() {
    let desired = farm(
        "services: { http: { vip: four, port: 80, real_servers: [{ node: web1, weight: 0, upper_threshold: 100, lower_threshold: 80 }] } }",
    );
    assert_eq!(
        services(&desired)[1],
        "add real server 10.0.0.21:80 weight 0 connections 80-100 by nat to tcp 192.0.2.10:80"
    );
}

#[test]
fn the_sorry_server_joins_only_the_family_that_has_no_usable_real_server() {
    let desired = farm(
        r#"services:
  http:
    vip: www
    port: 80
    real_servers: [{ node: web1, weight: 0 }, { node: web2 }]
    sorry_server: { address: "2001:db8:1::99", port: 8080, forwarding: nat }
"#,
    );
    let of = tcp("2001:db8::10", 80);
    let sorry = real_server("[2001:db8:1::99]:8080");
    assert_eq!(desired.state.services[&of].destinations[&sorry].weight, 1);
    assert_eq!(desired.destinations[&(of, sorry)].part, Part::SorryServer);
    assert_eq!(
        desired.destinations[&(of, sorry)].path.to_string(),
        "services.http.sorry_server"
    );
    assert_eq!(
        desired.state.services[&tcp("192.0.2.10", 80)]
            .destinations
            .len(),
        2
    );
}

#[test]
fn a_machine_forwards_for_the_families_that_it_translates() {
    let nat = farm("services: { http: { vip: www, port: 80, real_servers: [{ node: web2 }] } }");
    let settings: Vec<&Setting> = nat.state.settings.keys().collect();
    assert_eq!(settings, [&Setting::ForwardV4]);
    let routed =
        farm("services: { http: { vip: www, port: 80, forwarding: direct_routing, pool: web } }");
    assert!(routed.state.settings.is_empty());
}

#[test]
fn every_object_knows_its_place_in_the_file() {
    let desired = farm(
        "services: { http: { vip: four, port: 80, real_servers: [{ node: web1 }, { name: rented, address: 203.0.113.9 }] } }",
    );
    let of = tcp("192.0.2.10", 80);
    assert_eq!(desired.services[&of].name.as_str(), "http");
    assert_eq!(desired.services[&of].path.to_string(), "services.http");
    let rented = &desired.destinations[&(of, real_server("203.0.113.9:80"))];
    assert_eq!(
        (rented.name.as_str(), rented.part),
        ("rented", Part::RealServer)
    );
    assert_eq!(rented.path.to_string(), "services.http.real_servers[1]");
}

#[test]
fn what_the_kernel_can_hold_only_once_is_taken_from_the_first() {
    let desired = farm(
        r"services:
  one: { vip: four, port: 80, real_servers: [{ node: web1, weight: 2 }, { address: 10.0.0.21 }] }
  two: { vip: four, port: 80, real_servers: [{ node: web2 }] }
",
    );
    assert_eq!(
        services(&desired),
        [
            "add service tcp 192.0.2.10:80 scheduler wlc",
            "add real server 10.0.0.21:80 weight 2 by nat to tcp 192.0.2.10:80",
        ]
    );
    let messages: Vec<&str> = desired
        .notes
        .iter()
        .map(|note| note.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "The kernel can hold real server 10.0.0.21:80 of tcp 192.0.2.10:80 only once; that of web1 is taken.",
            "The kernel can hold tcp 192.0.2.10:80 only once; that of one is taken.",
        ]
    );
}
