//! States for the laws: drawn from few keys and few values, so that two of them overlap richly.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use crate::state::{
    Address, AddressKey, ClientMask, Destination, DestinationKey, Family, Forwarding, MarkRule,
    Persistence, PortRange, Protocol, SchedulerFlags, Service, ServiceAttributes, ServiceKey,
    Setting, State, SyncDaemon, SyncRole, TunnelChecksum, TunnelKind, VsSysctl,
};

const VIP4: &str = "192.0.2.10";
const VIP6: &str = "2001:db8::10";

/// Any state that could be somebody's farm: marks lead to services, and nothing that the kernel
/// refuses stands side by side.
pub(super) fn state() -> impl Strategy<Value = State> {
    (
        some_of(service_keys(), service()),
        some_of(address_keys(), address()),
        some_of(mark_rules(), Just(())),
        some_of(setting_keys(), 0..3_u64),
        some_of(vec![SyncRole::Master, SyncRole::Backup], sync_daemon()),
    )
        .prop_map(|(services, addresses, marks, settings, sync_daemons)| {
            consistent(State {
                services,
                addresses,
                marks: marks.into_keys().collect(),
                settings,
                sync_daemons,
            })
        })
}

fn consistent(mut state: State) -> State {
    let services = &state.services;
    state
        .marks
        .retain(|rule| services.contains_key(&led_to(rule)));
    if state.mixes_families() {
        state.sync_daemons.clear();
    }
    state
}

/// The service that takes what the rule marks.
pub(super) fn led_to(rule: &MarkRule) -> ServiceKey {
    ServiceKey::Mark {
        family: Family::of(rule.address),
        mark: rule.mark,
    }
}

fn some_of<K: Ord + Clone + std::fmt::Debug, V: std::fmt::Debug>(
    keys: Vec<K>,
    value: impl Strategy<Value = V>,
) -> impl Strategy<Value = BTreeMap<K, V>> {
    prop::collection::vec(prop::option::of(value), keys.len()).prop_map(move |values| {
        keys.iter()
            .cloned()
            .zip(values)
            .filter_map(|(key, value)| value.map(|value| (key, value)))
            .collect()
    })
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn service_keys() -> Vec<ServiceKey> {
    let tcp = |address, port| ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: ip(address),
        port,
    };
    let mark = |family| ServiceKey::Mark { family, mark: 7 };
    vec![
        tcp(VIP4, 80),
        tcp(VIP4, 443),
        tcp(VIP6, 80),
        mark(Family::V4),
        mark(Family::V6),
    ]
}

fn service() -> impl Strategy<Value = Service> {
    (attributes(), some_of(destination_keys(), destination())).prop_map(
        |(attributes, destinations)| Service {
            attributes,
            destinations,
        },
    )
}

fn attributes() -> impl Strategy<Value = ServiceAttributes> {
    let scheduler = prop::sample::select(vec!["wrr", "mh"]);
    (scheduler, any::<bool>()).prop_map(|(scheduler, persistent)| ServiceAttributes {
        scheduler: scheduler.to_owned(),
        scheduler_flags: SchedulerFlags::default(),
        persistence: persistent.then_some(Persistence {
            timeout: 300,
            mask: ClientMask::V6(64),
            engine: None,
        }),
        one_packet: false,
    })
}

fn destination_keys() -> Vec<DestinationKey> {
    ["10.0.0.21", "10.0.0.22", "10.0.0.23", "2001:db8:1::21"]
        .into_iter()
        .map(|address| DestinationKey {
            address: ip(address),
            port: 8080,
        })
        .collect()
}

fn destination() -> impl Strategy<Value = Destination> {
    let forwarding = prop::sample::select(vec![
        Forwarding::Masquerade,
        Forwarding::Route,
        Forwarding::Tunnel(TunnelKind::Gue {
            port: 6080,
            checksum: TunnelChecksum::Remote,
        }),
    ]);
    (forwarding, 0..4_u32, 0..2_u32).prop_map(|(forwarding, weight, upper_threshold)| Destination {
        forwarding,
        weight,
        upper_threshold,
        lower_threshold: 0,
    })
}

fn address_keys() -> Vec<AddressKey> {
    [(VIP4, "eth0"), (VIP6, "eth0"), (VIP4, "eth1")]
        .into_iter()
        .map(|(address, interface)| AddressKey {
            interface: interface.to_owned(),
            address: ip(address),
        })
        .collect()
}

fn address() -> impl Strategy<Value = Address> {
    (24..26_u8, any::<bool>()).prop_map(|(prefix, no_prefix_route)| Address {
        prefix,
        no_prefix_route,
    })
}

fn mark_rules() -> Vec<MarkRule> {
    let rules: BTreeSet<MarkRule> = [(VIP4, 443), (VIP4, 8443), (VIP6, 443)]
        .into_iter()
        .map(|(address, port)| MarkRule {
            mark: 7,
            address: ip(address),
            protocol: Protocol::Tcp,
            ports: PortRange {
                first: port,
                last: port + 10,
            },
        })
        .collect();
    rules.into_iter().collect()
}

fn setting_keys() -> Vec<Setting> {
    vec![
        Setting::TimeoutTcp,
        Setting::Vs(VsSysctl::ExpireNodestConn),
        Setting::ForwardV4,
        Setting::PromoteSecondaries("eth0".to_owned()),
    ]
}

fn sync_daemon() -> impl Strategy<Value = SyncDaemon> {
    let length = prop::sample::select(vec![0, 1400, 1472]);
    (1..3_u8, length).prop_map(|(id, max_length)| SyncDaemon {
        interface: "eth1".to_owned(),
        id,
        max_length,
        group: IpAddr::V4(Ipv4Addr::new(224, 0, 0, 81)),
        port: 8848,
        ttl: 1,
    })
}
