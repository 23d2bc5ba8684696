//! The same file on both data planes: the same services, and nothing that one of them can't hold.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::spec::{DataplaneKind, EXACT_SERVICES, Farm, lacking};
use crate::state::{
    Desired, Forwarding, HostFacts, NoteKind, SchedulerFlags, Service, Setting, State, desired,
};

/// Mostly the plain thing, sometimes one that not every data plane has.
fn mostly(plain: Vec<Value>, special: Vec<Value>) -> impl Strategy<Value = Value> {
    prop_oneof![
        24 => prop::sample::select(plain),
        1 => prop::sample::select(special),
    ]
}

fn scheduler() -> impl Strategy<Value = Value> {
    let words = ["rr", "wrr", "sh", "mh", "dh", "fo"].map(|word| json!(word));
    let mut plain = words.to_vec();
    plain.extend([
        Value::Null,
        json!({ "wrr": { "exact": true } }),
        json!({ "mh": { "port": true } }),
    ]);
    let special = ["wlc", "lc", "sed", "nq", "ovf", "twos", "lblc", "lblcr"];
    mostly(plain, special.map(|word| json!(word)).to_vec())
}

fn forwarding() -> impl Strategy<Value = Value> {
    mostly(
        vec![Value::Null, json!("nat"), json!("direct_routing")],
        vec![
            json!({ "nat": { "masquerade": true } }),
            json!("tunnel"),
            json!({ "tunnel": { "gue": { "port": 6080 } } }),
        ],
    )
}

fn persistence() -> impl Strategy<Value = Value> {
    let plain = vec![json!("none"), json!({ "timeout": "5m", "mask4": 24 })];
    mostly(plain, vec![json!({ "engine": "sip" })])
}

fn listens() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({ "port": 80 }),
        json!({ "port": 53, "protocol": ["tcp", "udp"] }),
        json!({ "ports": [443, "8000-8003"], "protocol": "udp" }),
        json!({ "ports": [21, "30000-30100"], "together": true }),
        json!({ "ports": ["1000-1200"], "protocol": ["tcp", "sctp"] }),
        json!({ "firewall_mark": 7 }),
    ])
}

fn server() -> impl Strategy<Value = Value> {
    let way = prop_oneof![24 => Just(Value::Null), 1 => forwarding()];
    let limit = prop_oneof![24 => Just(Value::Null), 1 => Just(json!(100))];
    (0..4_u32, 21..26_u8, way, limit).prop_map(|(weight, host, forwarding, limit)| {
        present(json!({
            "name": format!("s{host}"),
            "node": format!("n{host}"),
            "weight": weight,
            "forwarding": forwarding,
            "upper_threshold": limit,
        }))
    })
}

fn service() -> impl Strategy<Value = Value> {
    let servers = prop::collection::vec(server(), 1..4);
    let one_packet = prop_oneof![24 => Just(Value::Null), 1 => Just(json!(true))];
    let sorry = prop_oneof![
        2 => Just(Value::Null),
        1 => Just(json!({ "address": "10.0.0.99" })),
        1 => Just(json!({ "address": "10.0.0.99", "forwarding": "nat" })),
    ];
    let parts = (listens(), scheduler(), forwarding(), persistence(), servers);
    (parts, one_packet, sorry).prop_map(|(parts, one_packet, sorry)| {
        let (listens, scheduler, forwarding, persistence, servers) = parts;
        let mut service = json!({
            "vip": "www",
            "scheduler": scheduler,
            "forwarding": forwarding,
            "persistence": persistence,
            "one_packet": one_packet,
            "sorry_server": sorry,
            "real_servers": servers,
        });
        merge(&mut service, listens);
        present(service)
    })
}

/// A map without the keys that were left out.
fn present(mut map: Value) -> Value {
    if let Some(map) = map.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    map
}

fn merge(map: &mut Value, more: Value) {
    if let (Some(map), Value::Object(more)) = (map.as_object_mut(), more) {
        map.extend(more);
    }
}

fn directors() -> impl Strategy<Value = Value> {
    let least = prop::sample::select(vec!["refuse", "approximate"]);
    let sync = prop_oneof![12 => Just(Value::Null), 1 => Just(json!({ "interface": "eth1" }))];
    (least, sync).prop_map(|(least, sync)| {
        present(json!({
            "members": ["lb1"],
            "connection_sync": sync,
            "ipvs": { "timeouts": { "tcp": "15m" }, "sysctls": { "sloppy_tcp": true } },
            "nftables": { "least_connections": least },
        }))
    })
}

fn farm() -> impl Strategy<Value = Farm> {
    let services = prop::collection::vec(service(), 1..4);
    let default = (scheduler(), forwarding()).prop_map(|(scheduler, forwarding)| {
        present(json!({ "scheduler": scheduler, "forwarding": forwarding }))
    });
    (directors(), services, default).prop_map(|(directors, services, default)| {
        let node = |host: u8| {
            let address = format!("10.0.0.{host}");
            (
                format!("n{host}"),
                json!({ "addresses": [address, format!("fd00::{host}")] }),
            )
        };
        let mut nodes: BTreeMap<String, Value> = (21..26).map(node).collect();
        nodes.insert(
            "lb1".to_owned(),
            json!({ "address": "10.0.0.11/24", "interface": "eth1" }),
        );
        let numbered = services.into_iter().enumerate();
        let services: BTreeMap<String, Value> = numbered
            .map(|(number, one)| (format!("s{number}"), one))
            .collect();
        let file = json!({
            "version": 1,
            "farm": "shop",
            "nodes": nodes,
            "directors": directors,
            "vips": { "www": {
                "addresses": ["192.0.2.10/24", "2001:db8::10/64"], "interface": "eth0",
            } },
            "defaults": { "service": default },
            "services": services,
        });
        serde_json::from_value(file).unwrap()
    })
}

fn on(farm: &Farm, dataplane: DataplaneKind) -> Desired {
    desired(farm, None, &HostFacts::default(), dataplane)
}

fn can(farm: &Farm, dataplane: DataplaneKind) -> bool {
    lacking(farm, dataplane).is_empty()
}

/// The services as both data planes are to have them: what each is free in is taken out.
fn common(state: &State) -> BTreeMap<crate::state::ServiceKey, Service> {
    let mut services = state.services.clone();
    for service in services.values_mut() {
        let attributes = &mut service.attributes;
        let bits = attributes.scheduler_flags.bits();
        attributes.scheduler_flags = SchedulerFlags::from_service_flags(bits);
    }
    services
}

/// The settings that are the machine's and no data plane's.
fn of_the_machine(state: &State) -> BTreeSet<(&Setting, u64)> {
    let settings = state
        .settings
        .iter()
        .map(|(setting, value)| (setting, *value));
    settings
        .filter(|(setting, _)| match setting {
            Setting::ForwardV4 | Setting::ForwardV6 | Setting::PromoteSecondaries(_) => true,
            Setting::TimeoutTcp
            | Setting::TimeoutTcpFin
            | Setting::TimeoutUdp
            | Setting::Vs(_)
            | Setting::HashSeed => false,
        })
        .collect()
}

/// Why the nftables data plane can't hold a service; empty where it can.
fn strange_to_nftables(service: &Service) -> Vec<String> {
    let attributes = &service.attributes;
    let persistence = attributes.persistence.as_ref();
    let ways: BTreeSet<Forwarding> = service
        .destinations
        .values()
        .map(|it| it.forwarding)
        .collect();
    let known = ["rr", "wrr", "lc", "wlc", "sh", "mh", "dh", "fo"];
    let limited = |it: &crate::state::Destination| it.upper_threshold != 0;
    let plain = |way: &Forwarding| {
        matches!(
            way,
            Forwarding::Masquerade | Forwarding::FullNat | Forwarding::Route
        )
    };
    let troubles = [
        (attributes.one_packet, "one-packet"),
        (persistence.is_some_and(|it| it.engine.is_some()), "engine"),
        (ways.len() > 1, "several ways"),
        (!ways.iter().all(plain), "a way"),
        (!known.contains(&attributes.scheduler.as_str()), "scheduler"),
        (service.destinations.values().any(limited), "threshold"),
    ];
    let found = troubles.into_iter().filter(|(is_so, _)| *is_so);
    found.map(|(_, what)| what.to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        max_global_rejects: 8192,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_farm_that_both_can_do_is_the_same_services_on_both(farm in farm()) {
        let both = DataplaneKind::ALL.into_iter().all(|kind| can(&farm, kind));
        prop_assume!(both);
        let ipvs = on(&farm, DataplaneKind::Ipvs);
        let nftables = on(&farm, DataplaneKind::Nftables);
        let mut expected = common(&ipvs.state);
        for (key, service) in &mut expected {
            let name = &ipvs.services[key].name;
            let effective = crate::spec::EffectiveService::of(&farm, &farm.services[name]);
            if effective.scheduler.is_none() {
                prop_assert_eq!(&service.attributes.scheduler, "wlc");
                service.attributes.scheduler = "wrr".to_owned();
            }
        }
        prop_assert_eq!(common(&nftables.state), expected);
        prop_assert_eq!(&nftables.state.addresses, &ipvs.state.addresses);
        prop_assert_eq!(&nftables.state.marks, &ipvs.state.marks);
        prop_assert_eq!(of_the_machine(&nftables.state), of_the_machine(&ipvs.state));
        prop_assert_eq!(&nftables.destinations, &ipvs.destinations);
        let about = |it: &&crate::state::Note| it.kind != NoteKind::OtherDataplane;
        let notes: Vec<_> = nftables.notes.iter().filter(about).collect();
        prop_assert_eq!(notes, ipvs.notes.iter().collect::<Vec<_>>());
    }

    #[test]
    fn what_nftables_is_said_to_do_is_what_it_has_words_for(farm in farm()) {
        prop_assume!(can(&farm, DataplaneKind::Nftables));
        let state = on(&farm, DataplaneKind::Nftables).state;
        for (key, service) in &state.services {
            prop_assert_eq!(strange_to_nftables(service), Vec::<String>::new(), "{}", key);
        }
        let exact = state.services.values().filter(|service| {
            service.attributes.scheduler_flags.contains(SchedulerFlags::EXACT)
        });
        prop_assert!(exact.count() <= EXACT_SERVICES);
        prop_assert!(state.sync_daemons.is_empty());
    }

    #[test]
    fn what_ip_vs_is_said_to_do_is_what_it_has_words_for(farm in farm()) {
        prop_assume!(can(&farm, DataplaneKind::Ipvs));
        let state = on(&farm, DataplaneKind::Ipvs).state;
        for service in state.services.values() {
            let ways = service.destinations.values().map(|it| discriminant(&it.forwarding));
            let hidden = discriminant(&Forwarding::FullNat);
            prop_assert!(ways.into_iter().all(|way| way != hidden));
            let flags = service.attributes.scheduler_flags;
            prop_assert!(!flags.contains(SchedulerFlags::EXACT));
        }
        prop_assert!(!state.settings.contains_key(&Setting::HashSeed));
    }
}
