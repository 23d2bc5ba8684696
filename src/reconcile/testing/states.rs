//! Small states, written out and generated.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::super::Origin;
use crate::state::{
    Address, AddressKey, Destination, DestinationKey, Forwarding, MarkRule, PortRange, Protocol,
    SchedulerFlags, Service, ServiceAttributes, ServiceKey, Setting, State, SyncDaemon, SyncRole,
};

/// The namespace `1:1` of a boot.
pub(in super::super) fn origin(boot: &str) -> Origin {
    Origin {
        boot_id: boot.to_owned(),
        namespace: "1:1".to_owned(),
    }
}

/// 192.0.2.x.
pub(in super::super) fn vip(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
}

pub(in super::super) fn address_key(interface: &str, address: IpAddr) -> AddressKey {
    AddressKey {
        interface: interface.to_owned(),
        address,
    }
}

/// `tcp 192.0.2.10:port`.
pub(in super::super) fn service_key(port: u16) -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: vip(10),
        port,
    }
}

pub(in super::super) fn destination_key(last: u8) -> DestinationKey {
    DestinationKey {
        address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)),
        port: 8080,
    }
}

fn destination(weight: u32) -> Destination {
    Destination {
        forwarding: Forwarding::Masquerade,
        weight,
        upper_threshold: 0,
        lower_threshold: 0,
    }
}

fn service(scheduler: &str, weights: impl IntoIterator<Item = (u8, u32)>) -> Service {
    let weights = weights.into_iter();
    Service {
        attributes: ServiceAttributes {
            scheduler: scheduler.to_owned(),
            scheduler_flags: SchedulerFlags::default(),
            persistence: None,
            one_packet: false,
        },
        destinations: weights
            .map(|(last, weight)| (destination_key(last), destination(weight)))
            .collect(),
    }
}

/// A service on each port, each with one server of weight 1.
pub(in super::super) fn state_of_ports(ports: &[u16]) -> State {
    let mut state = State::default();
    for port in ports {
        state
            .services
            .insert(service_key(*port), service("rr", [(21, 1)]));
    }
    state
}

/// A service on port 80 with servers 1, 2, … of these weights.
pub(in super::super) fn state_of_weights(weights: &[u32]) -> State {
    let mut state = State::default();
    let weights = (1..).zip(weights.iter().copied());
    state
        .services
        .insert(service_key(80), service("wlc", weights));
    state
}

/// The state, and an address of the machine's own.
pub(in super::super) fn with_node_address(mut state: State) -> State {
    let address = Address {
        prefix: 24,
        no_prefix_route: false,
    };
    state.addresses.insert(address_key("eth0", vip(1)), address);
    state
}

/// All of two states that have no key in common.
pub(in super::super) fn with_address(mut state: State, key: &AddressKey) -> State {
    let address = Address {
        prefix: 32,
        no_prefix_route: false,
    };
    state.addresses.insert(key.clone(), address);
    state
}

pub(in super::super) fn merged(left: &State, right: &State) -> State {
    let mut state = left.clone();
    state.services.extend(right.services.clone());
    state.addresses.extend(right.addresses.clone());
    state.marks.extend(right.marks.iter().copied());
    state.settings.extend(right.settings.clone());
    state.sync_daemons.extend(right.sync_daemons.clone());
    state
}

/// Any state over few keys, so that two of them overlap.
pub(in super::super) fn any_state() -> impl Strategy<Value = State> {
    let weights = proptest::collection::btree_map(21..24_u8, 0..3_u32, 0..3);
    let services = proptest::sample::subsequence(vec![80_u16, 81, 82, 83], 0..=4)
        .prop_flat_map(move |ports| {
            let services =
                proptest::collection::vec((any_scheduler(), weights.clone()), ports.len());
            services.prop_map(move |services| ports.iter().copied().zip(services).collect())
        })
        .prop_map(services_of);
    let addresses = proptest::collection::btree_map(any_address(), 31..33_u8, 0..3);
    let settings = proptest::collection::btree_map(any_setting(), 0..2_u64, 0..3);
    let sync = proptest::option::of(1..3_u8);
    (services, addresses, any::<bool>(), settings, sync).prop_map(
        |(services, addresses, marked, settings, sync)| State {
            services,
            addresses: addresses.into_iter().map(placed).collect(),
            marks: marked.then(mark_rule).into_iter().collect(),
            settings,
            sync_daemons: sync.map(sync_daemon).into_iter().collect(),
        },
    )
}

fn any_scheduler() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("rr"), Just("wlc")]
}

type Drawn = Vec<(u16, (&'static str, BTreeMap<u8, u32>))>;

fn services_of(drawn: Drawn) -> BTreeMap<ServiceKey, Service> {
    let drawn = drawn.into_iter();
    drawn
        .map(|(port, (scheduler, weights))| (service_key(port), service(scheduler, weights)))
        .collect()
}

fn any_address() -> impl Strategy<Value = AddressKey> {
    let interface = prop_oneof![Just("eth0"), Just("eth1")];
    (interface, 10..12_u8).prop_map(|(interface, last)| address_key(interface, vip(last)))
}

fn placed((key, prefix): (AddressKey, u8)) -> (AddressKey, Address) {
    let address = Address {
        prefix,
        no_prefix_route: true,
    };
    (key, address)
}

fn any_setting() -> impl Strategy<Value = Setting> {
    prop_oneof![Just(Setting::ForwardV4), Just(Setting::TimeoutTcp)]
}

fn mark_rule() -> MarkRule {
    MarkRule {
        mark: 7,
        address: vip(10),
        protocol: Protocol::Tcp,
        ports: PortRange {
            first: 443,
            last: 443,
        },
    }
}

fn sync_daemon(id: u8) -> (SyncRole, SyncDaemon) {
    let daemon = SyncDaemon {
        interface: "eth1".to_owned(),
        id,
        max_length: 0,
        group: IpAddr::V4(Ipv4Addr::new(224, 0, 0, 81)),
        port: 8848,
        ttl: 1,
    };
    (SyncRole::Master, daemon)
}

/// The same state under keys that no file of these tests names: somebody else's.
pub(in super::super) fn moved(state: State) -> State {
    let services = state.services.into_iter().map(|(key, service)| {
        let port = 1000 + key.port();
        (service_key(port), service)
    });
    let addresses = state.addresses.into_iter().map(|(key, address)| {
        let interface = format!("other-{}", key.interface);
        (address_key(&interface, key.address), address)
    });
    State {
        services: services.collect(),
        addresses: addresses.collect(),
        ..State::default()
    }
}
