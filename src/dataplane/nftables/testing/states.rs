//! States that nftables can carry out: drawn from few keys and few values, so that two of them
//! overlap richly.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use proptest::prelude::*;

use super::super::content::{self, Context};
use super::super::terrain::Terrain;
use crate::state::{
    ClientMask, Destination, DestinationKey, Family, Forwarding, HostFacts, InterfaceFacts,
    MarkRule, Persistence, PortRange, Protocol, SchedulerFlags, Service, ServiceAttributes,
    ServiceKey, Setting, State,
};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A director with clients on one side and servers on the other.
pub(in super::super) fn terrain() -> Terrain {
    let facts = |addresses: &[(&str, u8)]| InterfaceFacts {
        up: true,
        addresses: addresses
            .iter()
            .map(|(it, prefix)| (ip(it), *prefix))
            .collect(),
    };
    let host = HostFacts {
        interfaces: BTreeMap::from([
            (
                "eth0".to_owned(),
                facts(&[("192.0.2.11", 24), ("2001:db8::11", 64)]),
            ),
            (
                "eth1".to_owned(),
                facts(&[("10.0.0.11", 24), ("fd00::11", 64)]),
            ),
        ]),
    };
    let indexes = BTreeMap::from([("eth0".to_owned(), 2), ("eth1".to_owned(), 3)]);
    Terrain::new(indexes, &host, &BTreeMap::new())
}

/// Any state that this machine can hold, by one of two seeds.
pub(in super::super) fn state() -> impl Strategy<Value = State> {
    let services = service_keys().into_iter().map(|key| {
        let some = prop::option::weighted(0.5, service(key));
        some.prop_map(move |service| service.map(|service| (key, service)))
    });
    let services = services.collect::<Vec<_>>();
    let marks = prop::sample::subsequence(mark_rules(), 0..=4);
    (services, marks, 7..9_u64).prop_map(|(services, marks, seed)| {
        let mut state = State {
            services: services.into_iter().flatten().collect(),
            marks: marks.into_iter().collect(),
            settings: BTreeMap::from([(Setting::HashSeed, seed)]),
            ..State::default()
        };
        keep_fit(&mut state);
        state
    })
}

/// Leaves out what the machine can't carry out.
fn keep_fit(state: &mut State) {
    let terrain = terrain();
    let marks: BTreeSet<MarkRule> = state.marks.clone();
    let context = Context {
        marks: &marks,
        terrain: &terrain,
    };
    state
        .services
        .retain(|key, service| content::compile(*key, service, &context).is_ok());
}

fn service_keys() -> Vec<ServiceKey> {
    let at = |protocol, address, port| ServiceKey::Address {
        protocol,
        address: ip(address),
        port,
    };
    let mark = |family, mark| ServiceKey::Mark { family, mark };
    vec![
        at(Protocol::Tcp, "192.0.2.10", 80),
        at(Protocol::Tcp, "192.0.2.10", 443),
        at(Protocol::Udp, "192.0.2.10", 53),
        at(Protocol::Tcp, "192.0.2.20", 0),
        at(Protocol::Tcp, "2001:db8::10", 80),
        at(Protocol::Sctp, "2001:db8::10", 0),
        mark(Family::V4, 7),
        mark(Family::V6, 7),
        mark(Family::V4, 9),
    ]
}

fn mark_rules() -> Vec<MarkRule> {
    let rule = |mark, protocol, address, first, last| MarkRule {
        mark,
        address: ip(address),
        protocol,
        ports: PortRange { first, last },
    };
    vec![
        rule(7, Protocol::Tcp, "192.0.2.10", 30000, 30100),
        rule(7, Protocol::Udp, "192.0.2.10", 5000, 5000),
        rule(7, Protocol::Tcp, "2001:db8::10", 443, 444),
        rule(8, Protocol::Tcp, "192.0.2.10", 30101, 30101),
    ]
}

fn service(key: ServiceKey) -> impl Strategy<Value = Service> {
    let routed = prop::bool::weighted(0.4);
    (attributes(key.family()), routed).prop_flat_map(move |(attributes, routed)| {
        let servers = prop::collection::btree_map(server(key, routed), destination(routed), 0..4);
        servers.prop_map(move |destinations| Service {
            attributes: attributes.clone(),
            destinations,
        })
    })
}

fn attributes(family: Family) -> impl Strategy<Value = ServiceAttributes> {
    let none = SchedulerFlags::default();
    let (exact, port) = (SchedulerFlags::EXACT, SchedulerFlags::PORT);
    let scheduler = prop::sample::select(vec![
        ("wrr", none),
        ("rr", none),
        ("wrr", exact),
        ("rr", exact),
        ("wlc", none),
        ("fo", none),
        ("sh", port),
    ]);
    let masks = match family {
        Family::V4 => {
            ["255.255.255.255", "255.255.255.0"].map(|it| ClientMask::V4(it.parse().unwrap()))
        }
        Family::V6 => [128, 56].map(ClientMask::V6),
    };
    let persistence =
        (1..3_u32, prop::sample::select(masks.to_vec())).prop_map(|(timeout, mask)| Persistence {
            timeout: timeout * 300,
            mask,
            engine: None,
        });
    (scheduler, prop::option::of(persistence)).prop_map(|((scheduler, flags), persistence)| {
        ServiceAttributes {
            scheduler: scheduler.to_owned(),
            scheduler_flags: flags,
            persistence,
            one_packet: false,
        }
    })
}

fn server(key: ServiceKey, routed: bool) -> impl Strategy<Value = DestinationKey> {
    let addresses = match key.family() {
        Family::V4 => ["10.0.0.21", "10.0.0.22", "10.0.0.23"],
        Family::V6 => ["fd00::21", "fd00::22", "fd00::23"],
    };
    let ports = if routed {
        vec![key.port()]
    } else {
        vec![8080, 8081, key.port()]
    };
    let address = prop::sample::select(addresses.to_vec());
    (address, prop::sample::select(ports)).prop_map(|(address, port)| DestinationKey {
        address: ip(address),
        port,
    })
}

fn destination(routed: bool) -> impl Strategy<Value = Destination> {
    let forwarding = if routed {
        vec![Forwarding::Route]
    } else {
        vec![Forwarding::Masquerade, Forwarding::FullNat]
    };
    (prop::sample::select(forwarding), 0..5_u32).prop_map(|(forwarding, weight)| Destination {
        forwarding,
        weight,
        upper_threshold: 0,
        lower_threshold: 0,
    })
}
