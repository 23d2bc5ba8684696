//! Clients in unusual places: the director itself, and real servers that call their own VIP.
//! What happens is what happens on `ip_vs` (the parity tests say so of the same farm).

use std::net::SocketAddr;

use farmctl::state::Protocol;

use crate::bed::{Family, Net, Server};
use crate::site::Site;
use crate::wish::{Way, Wish, destination, exact, front_door, plain};

#[test]
fn a_client_on_the_director_itself_is_served_by_nat() {
    for way in [Way::Nat, Way::Masquerade] {
        let wish = Wish::balanced(way, "wrr", [1, 2, 3]).each(exact);
        let site = Site::holding(&wish);
        for family in Family::BOTH {
            let answers = site.farm.director.spread(front_door(way, family), 12);
            let counts: Vec<usize> = answers.unwrap().into_values().collect();
            assert_eq!(counts, [2, 4, 6], "{way:?} {family:?}");
        }
    }
}

#[test]
fn a_real_server_on_the_director_itself_is_served_by_nat() {
    let family = Family::V4;
    let site = Site::new();
    let here = Server::start(&site.farm.director, 8080);
    let mut service = plain("rr");
    let key = farmctl::state::DestinationKey {
        address: Net::Back.address(family, 2),
        port: 8080,
    };
    let way = Way::Nat.forwarding();
    service.destinations.insert(key, destination(way, 1));
    site.make(&Wish::new().with(Way::Nat, family, Protocol::Tcp, 80, service));
    for node in [&site.farm.client, &site.farm.director] {
        let answer = node.ask(front_door(Way::Nat, family)).unwrap();
        assert_eq!(answer.server, "director");
    }
    assert_eq!(here.answered(), 2);
}

/// Another server answers by its own address past the director, or the caller gets its own packet
/// back: neither is a connection. It is the file's `masquerade` that makes it one.
#[test]
fn a_real_server_that_calls_its_own_vip_is_served_only_with_masquerade() {
    for family in Family::BOTH {
        let site = Site::holding(&Wish::balanced(Way::Masquerade, "rr", [1; 3]).each(exact));
        let door = front_door(Way::Masquerade, family);
        let spread = site.farm.real_servers[0].spread(door, 6).unwrap();
        assert_eq!(spread.values().copied().collect::<Vec<_>>(), [2, 2, 2]);
    }
}

#[test]
fn a_real_server_of_direct_routing_that_calls_its_own_vip_answers_itself() {
    let site = Site::holding(&Wish::balanced(Way::DirectRouting, "rr", [1; 3]));
    for family in Family::BOTH {
        let door: SocketAddr = front_door(Way::DirectRouting, family);
        let answer = site.farm.real_servers[1].ask(door).unwrap();
        assert_eq!(answer.server, "rs2");
    }
}
