//! Every kind of service: marks, ranges of ports, protocols, none that is usable.

use std::io::ErrorKind;
use std::net::SocketAddr;

use farmctl::state::{ClientMask, Family as StateFamily, Protocol, ServiceKey};

use crate::bed::{Datagrams, Echo, Family, Server};
use crate::site::Site;
use crate::wish::{Way, Wish, at, destination, exact, front_door, mark_rule, persistent, plain};

fn of_mark(mark: u32, family: Family) -> ServiceKey {
    let family = match family {
        Family::V4 => StateFamily::V4,
        Family::V6 => StateFamily::V6,
    };
    ServiceKey::Mark { family, mark }
}

/// Two ports and a range, as one service with one persistence.
fn together(way: Way, family: Family) -> Wish {
    let service = exact(way.service(family, 0, "rr", &[1; 3]));
    let mask = ClientMask::host(of_mark(1, family).family());
    let service = persistent(service, 60, mask);
    let mut wish = Wish::new()
        .holding(way, family)
        .serving(of_mark(0x4000_0001, family), service);
    for (first, last) in [(80, 80), (8000, 8100)] {
        let rule = mark_rule(0x4000_0001, way.vip(family), first, last);
        wish.0.marks.insert(rule);
    }
    wish
}

#[test]
fn many_ports_together_are_one_service_for_a_client() {
    for way in [Way::Nat, Way::DirectRouting] {
        for family in Family::BOTH {
            let site = Site::holding(&together(way, family));
            let mut door = front_door(way, family);
            let first = site.farm.client.ask(door).unwrap().server;
            door.set_port(8080);
            for _ in 0..4 {
                let again = site.farm.client.ask(door).unwrap().server;
                assert_eq!(again, first, "{way:?} {family:?}");
            }
            door.set_port(8101);
            assert!(site.farm.client.ask(door).is_err(), "no port of the list");
        }
    }
}

#[test]
fn many_ports_together_are_spread_by_weight() {
    let family = Family::V4;
    let service = exact(Way::Nat.service(family, 0, "wrr", &[1, 2, 3]));
    let mut wish = Wish::new()
        .holding(Way::Nat, family)
        .serving(of_mark(0x4000_0001, family), service);
    wish.0
        .marks
        .insert(mark_rule(0x4000_0001, Way::Nat.vip(family), 1, 9000));
    let site = Site::holding(&wish);
    assert_eq!(site.spread(front_door(Way::Nat, family), 12), [2, 4, 6]);
}

#[test]
fn a_service_without_a_usable_server_refuses_at_once() {
    for way in Way::ALL {
        for weights in [&[0, 0, 0][..], &[]] {
            for family in Family::BOTH {
                let service = way.service(family, 80, "wrr", weights);
                let wish = Wish::new().with(way, family, Protocol::Tcp, 80, service);
                let site = Site::holding(&wish);
                let refused = site.farm.client.ask(front_door(way, family)).unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::ConnectionRefused, "{way:?}");
            }
        }
    }
}

#[test]
fn a_sorry_server_is_a_server_like_any_other() {
    let family = Family::V4;
    let site = Site::new();
    let sorry = Server::start(&site.farm.real_servers[2], 8081);
    let mut service = Way::Nat.service(family, 80, "wrr", &[0, 0]);
    let mut key = Way::Nat.server(family, 2, 80);
    key.port = 8081;
    let way = Way::Nat.forwarding();
    service.destinations.insert(key, destination(way, 1));
    site.make(&Wish::new().with(Way::Nat, family, Protocol::Tcp, 80, service));
    assert_eq!(site.spread(front_door(Way::Nat, family), 5), [0, 0, 5]);
    assert_eq!(sorry.answered(), 5);
}

#[test]
fn udp_is_spread_by_flow() {
    for way in [Way::Nat, Way::DirectRouting] {
        for family in Family::BOTH {
            let service = exact(way.service(family, 53, "wrr", &[1, 2, 3]));
            let wish = Wish::new().with(way, family, Protocol::Udp, 53, service);
            let site = Site::holding(&wish);
            let door = SocketAddr::new(way.vip(family), 53);
            let servers = site.farm.real_servers.iter().enumerate();
            let held = |number| match way {
                Way::DirectRouting => way.vip(family),
                Way::Nat | Way::Masquerade => way.server(family, number, 53).address,
            };
            let echoes: Vec<Echo> = servers
                .map(|(number, node)| Echo::start(node, SocketAddr::new(held(number), 53)))
                .collect();
            let mut counts = [0; 3];
            for _ in 0..12 {
                let port = Datagrams::open(&site.farm.client, door).unwrap();
                let first = port.ask().unwrap();
                assert_eq!(port.ask().unwrap(), first, "{way:?} {family:?}");
                let number: usize = first[2..].parse().unwrap();
                counts[number - 1] += 1;
            }
            assert_eq!(counts, [2, 4, 6], "{way:?} {family:?}");
            assert_eq!(echoes.len(), 3);
        }
    }
}

/// The kernel of this test may have no SCTP sockets; its address translation has it all the same.
#[test]
fn sctp_reads_back_as_it_was_written() {
    for way in Way::ALL {
        let wish = Family::BOTH.into_iter().fold(Wish::new(), |wish, family| {
            let service = way.service(family, 9899, "wrr", &[1, 2, 3]);
            wish.with(way, family, Protocol::Sctp, 9899, service)
        });
        let site = Site::holding(&wish);
        assert_eq!(site.observe().state.services, wish.0.services);
    }
}

#[test]
fn a_service_of_another_protocol_at_the_same_port_is_another_service() {
    let family = Family::V4;
    let wish = Wish::balanced(Way::Nat, "rr", [1, 0, 0]).with(
        Way::Nat,
        family,
        Protocol::Udp,
        80,
        Way::Nat.service(family, 80, "rr", &[0, 0, 1]),
    );
    let site = Site::holding(&wish);
    assert_eq!(site.spread(front_door(Way::Nat, family), 3), [3, 0, 0]);
    let server = Way::Nat.server(family, 2, 80);
    let echo = SocketAddr::new(server.address, server.port);
    let _echo = Echo::start(&site.farm.real_servers[2], echo);
    let port = Datagrams::open(&site.farm.client, front_door(Way::Nat, family)).unwrap();
    assert_eq!(port.ask().unwrap(), "rs3");
}

#[test]
fn an_exact_port_goes_before_every_port() {
    let family = Family::V4;
    let mask = ClientMask::host(StateFamily::V4);
    let every = persistent(Way::Nat.service(family, 0, "rr", &[0, 0, 1]), 60, mask);
    let wish =
        Wish::balanced(Way::Nat, "rr", [1, 0, 0]).with(Way::Nat, family, Protocol::Tcp, 0, every);
    let site = Site::holding(&wish);
    let mut door = front_door(Way::Nat, family);
    assert_eq!(site.spread(door, 3), [3, 0, 0]);
    door.set_port(8080);
    assert_eq!(site.spread(door, 3), [0, 0, 3]);
}

#[test]
fn what_is_no_service_is_left_alone() {
    let site = Site::holding(&Wish::balanced(Way::Nat, "rr", [1; 3]));
    let server = Way::Nat.server(Family::V4, 1, 80);
    let direct = SocketAddr::new(server.address, 80);
    assert_eq!(site.farm.client.ask(direct).unwrap().server, "rs2");
    let other = at(Protocol::Tcp, Way::Nat.vip(Family::V4), 81);
    assert!(!site.observe().state.services.contains_key(&other));
    assert_eq!(plain("rr").destinations.len(), 0);
}
