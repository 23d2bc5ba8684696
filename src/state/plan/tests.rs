//! Plans that a person can read.

use std::collections::BTreeMap;

use super::plan;
use crate::state::{
    Address, AddressKey, Change, Destination, DestinationKey, Forwarding, Misfit, Protocol,
    SchedulerFlags, Service, ServiceAttributes, ServiceKey, Setting, State,
};

fn http(port: u16) -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: "192.0.2.10".parse().unwrap(),
        port,
    }
}

fn web(number: u8) -> DestinationKey {
    DestinationKey {
        address: [10, 0, 0, number].into(),
        port: 8080,
    }
}

fn weighing(weight: u32) -> Destination {
    Destination {
        forwarding: Forwarding::Masquerade,
        weight,
        upper_threshold: 0,
        lower_threshold: 0,
    }
}

fn service(scheduler: &str, destinations: &[(u8, u32)]) -> Service {
    Service {
        attributes: ServiceAttributes {
            scheduler: scheduler.to_owned(),
            scheduler_flags: SchedulerFlags::default(),
            persistence: None,
            one_packet: false,
        },
        destinations: destinations
            .iter()
            .map(|&(number, weight)| (web(number), weighing(weight)))
            .collect(),
    }
}

fn farm(services: &[(u16, Service)], vips: &[&str]) -> State {
    State {
        services: services
            .iter()
            .map(|(port, service)| (http(*port), service.clone()))
            .collect(),
        addresses: vips
            .iter()
            .map(|vip| {
                let key = AddressKey {
                    interface: "eth0".to_owned(),
                    address: vip.parse().unwrap(),
                };
                let address = Address {
                    prefix: 32,
                    no_prefix_route: false,
                };
                (key, address)
            })
            .collect(),
        ..State::default()
    }
}

fn lines(observed: &State, desired: &State) -> Vec<String> {
    plan(observed, desired)
        .changes
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_farm_is_built_from_the_back_to_the_front() {
    let mut desired = farm(
        &[(80, service("wrr", &[(21, 3), (22, 1)]))],
        &["192.0.2.10"],
    );
    desired.settings = BTreeMap::from([(Setting::ForwardV4, 1)]);
    let observed = State {
        settings: BTreeMap::from([(Setting::ForwardV4, 0), (Setting::TimeoutTcp, 900)]),
        ..State::default()
    };
    assert_eq!(
        lines(&observed, &desired),
        [
            "set net.ipv4.ip_forward to 1 (was 0)",
            "add service tcp 192.0.2.10:80 scheduler wrr",
            "add real server 10.0.0.21:8080 weight 3 by nat to tcp 192.0.2.10:80",
            "add real server 10.0.0.22:8080 weight 1 by nat to tcp 192.0.2.10:80",
            "put address 192.0.2.10/32 on eth0 up",
        ]
    );
}

#[test]
fn a_farm_is_taken_down_from_the_front_to_the_back() {
    let observed = farm(&[(80, service("wrr", &[(21, 3)]))], &["192.0.2.10"]);
    assert_eq!(
        lines(&observed, &State::default()),
        [
            "take address 192.0.2.10/32 on eth0 down",
            "remove service tcp 192.0.2.10:80 with 1 real server",
        ]
    );
}

#[test]
fn an_edit_makes_before_it_breaks() {
    let observed = farm(
        &[
            (80, service("wrr", &[(21, 3), (22, 1), (23, 1)])),
            (81, service("rr", &[(21, 1)])),
        ],
        &["192.0.2.10"],
    );
    let desired = farm(
        &[
            (80, service("wlc", &[(21, 0), (22, 2), (24, 1)])),
            (443, service("rr", &[(21, 1)])),
        ],
        &["192.0.2.10"],
    );
    assert_eq!(
        lines(&observed, &desired),
        [
            "add service tcp 192.0.2.10:443 scheduler rr",
            "add real server 10.0.0.21:8080 weight 1 by nat to tcp 192.0.2.10:443",
            "edit real server 10.0.0.22:8080 of tcp 192.0.2.10:80: weight 1 -> 2",
            "add real server 10.0.0.24:8080 weight 1 by nat to tcp 192.0.2.10:80",
            "edit service tcp 192.0.2.10:80: scheduler wrr -> wlc",
            "edit real server 10.0.0.21:8080 of tcp 192.0.2.10:80: weight 3 -> 0",
            "remove real server 10.0.0.23:8080 from tcp 192.0.2.10:80",
            "remove service tcp 192.0.2.10:81 with 1 real server",
        ]
    );
}

#[test]
fn a_setting_that_the_file_does_not_mention_is_left_alone() {
    let observed = State {
        settings: BTreeMap::from([(Setting::TimeoutTcp, 900)]),
        ..State::default()
    };
    assert!(plan(&observed, &State::default()).is_empty());
}

#[test]
fn a_change_that_somebody_else_made_already_does_not_fit() {
    let mut state = farm(&[(80, service("wrr", &[(21, 3)]))], &[]);
    let again = Change::AddDestination {
        service: http(80),
        key: web(21),
        destination: weighing(1),
    };
    let gone = Change::DeleteDestination {
        service: http(81),
        key: web(21),
        was: weighing(1),
    };
    let before = state.clone();
    assert_eq!(
        state.apply(&again),
        Err(Misfit::Exists(
            "real server 10.0.0.21:8080 of tcp 192.0.2.10:80".to_owned()
        ))
    );
    assert_eq!(
        state.apply(&gone),
        Err(Misfit::Missing("service tcp 192.0.2.10:81".to_owned()))
    );
    assert_eq!(state, before);
}

#[test]
fn a_removed_service_comes_back_with_its_real_servers() {
    let removal = Change::DeleteService {
        service: http(80),
        was: service("wrr", &[(21, 3)]),
    };
    let lines: Vec<String> = removal.inverse().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "add service tcp 192.0.2.10:80 scheduler wrr",
            "add real server 10.0.0.21:8080 weight 3 by nat to tcp 192.0.2.10:80",
        ]
    );
}
