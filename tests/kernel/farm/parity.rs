//! The same file on both data planes: the same services, the same shares, and the same where a
//! client stands in an unusual place. What is alike and what is not is written down in
//! `docs/decisions/0008-two-data-planes.md`.

use std::collections::BTreeMap;
use std::io;

use farmctl::dataplane;
use farmctl::spec::DataplaneKind;
use farmctl::state::{Service, ServiceKey};

use super::{Method, Site, Text};
use crate::bed::{Family, Node};

/// The file with its data plane named.
fn on(kind: DataplaneKind, text: &Text) -> String {
    let members = format!("members: [lb1]\n  dataplane: {kind}");
    text.to_string().replace("members: [lb1]", &members)
}

/// A site where the text is applied, on this data plane.
fn site(kind: DataplaneKind, text: &Text) -> Site {
    let site = Site::new(text.method);
    site.farmctl.apply(&on(kind, text), &[]).exits(0);
    site
}

fn both(text: &Text) -> [Site; 2] {
    DataplaneKind::ALL.map(|kind| site(kind, text))
}

fn services(kind: DataplaneKind, site: &Site) -> BTreeMap<ServiceKey, Service> {
    let observe = || dataplane::open(kind).and_then(|mut plane| plane.observe());
    site.farm.director.run(observe).unwrap().state.services
}

const METHODS: [Method; 2] = [Method::Nat, Method::DirectRouting];

fn texts(method: Method) -> [Text; 5] {
    let text = Text::new(method);
    [
        text.clone(),
        text.with_scheduler("rr").with_servers(&[(1, 1), (3, 0)]),
        text.with_scheduler("{ mh: { port: true } }"),
        text.with_scheduler("sh").with_servers(&[(2, 7)]),
        text.with("persistence: { timeout: 5m, mask4: 24, mask6: 64 }"),
    ]
}

#[test]
fn the_same_file_is_the_same_services_on_both() {
    for method in METHODS {
        for text in texts(method) {
            let kinds = DataplaneKind::ALL;
            let [one, other] = kinds.map(|kind| services(kind, &site(kind, &text)));
            assert_eq!(one, other);
            assert_eq!(one.len(), 2);
        }
    }
}

#[test]
fn connections_are_spread_by_the_same_weights_on_both() {
    for method in METHODS {
        let [ipvs, nftables] = both(&Text::new(method));
        for family in Family::BOTH {
            assert_eq!(ipvs.spread(family, 60), [10, 20, 30]);
            let counts = nftables.spread(family, 240);
            // Three times the standard deviation of each share, and a little.
            for (count, expected) in counts.into_iter().zip([40_usize, 80, 120]) {
                assert!(count.abs_diff(expected) <= 30, "{method:?} {counts:?}");
            }
        }
    }
}

#[test]
fn exact_turns_are_the_same_on_both() {
    for method in METHODS {
        let exact = Text::new(method).with_scheduler("{ wrr: { exact: true } }");
        let ipvs = site(DataplaneKind::Ipvs, &Text::new(method));
        let nftables = site(DataplaneKind::Nftables, &exact);
        for family in Family::BOTH {
            assert_eq!(nftables.spread(family, 60), ipvs.spread(family, 60));
        }
    }
}

#[test]
fn persistence_keeps_a_client_at_one_server_on_both() {
    for method in METHODS {
        let text = Text::new(method).with("persistence: { timeout: 5m }");
        for site in both(&text) {
            for family in Family::BOTH {
                let mut counts = site.spread(family, 8);
                counts.sort_unstable();
                assert_eq!(counts, [0, 0, 8], "{method:?}");
            }
        }
    }
}

/// Whether a node is served by the VIP, asked several times.
fn is_served(node: &Node, site: &Site, family: Family) -> [bool; 6] {
    let asked: [io::Result<_>; 6] = std::array::from_fn(|_| node.ask(site.service(family)));
    asked.map(|answer| answer.is_ok())
}

#[test]
fn a_client_on_the_director_is_served_by_nat_on_both() {
    for site in both(&Text::new(Method::Nat)) {
        for family in Family::BOTH {
            let served = is_served(&site.farm.director, &site, family);
            assert_eq!(served, [true; 6], "{family:?}");
        }
    }
}

/// The director itself holds the VIP, so it is also the client's address: a real server that has
/// it too takes such a packet for its own.
#[test]
fn a_client_on_the_director_is_not_served_by_direct_routing_on_either() {
    for site in both(&Text::new(Method::DirectRouting)) {
        for family in Family::BOTH {
            let served = is_served(&site.farm.director, &site, family);
            assert_eq!(served, [false; 6], "{family:?}");
        }
    }
}

/// Another server answers past the director, and the caller itself does not take a packet from
/// itself: without `masquerade` neither is a connection.
#[test]
fn a_real_server_that_calls_its_own_vip_is_not_served_by_nat_on_either() {
    for site in both(&Text::new(Method::Nat)) {
        for family in Family::BOTH {
            let served = is_served(&site.farm.real_servers[0], &site, family);
            assert_eq!(served, [false; 6], "{family:?}");
        }
    }
}

#[test]
fn a_real_server_that_calls_its_own_vip_answers_itself_by_direct_routing_on_both() {
    for site in both(&Text::new(Method::DirectRouting)) {
        for family in Family::BOTH {
            let caller = &site.farm.real_servers[1];
            let answer = caller.ask(site.service(family)).unwrap();
            assert_eq!(answer.server, "rs2");
        }
    }
}

#[test]
fn a_service_without_a_usable_server_refuses_at_once_on_both() {
    for method in METHODS {
        let text = Text::new(method).with_servers(&[(1, 0), (2, 0)]);
        for site in both(&text) {
            for family in Family::BOTH {
                let refused = site.farm.client.ask(site.service(family)).unwrap_err();
                assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
            }
        }
    }
}
