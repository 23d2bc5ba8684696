//! Services and destinations: what was written is what is read.

use farmctl::dataplane::Dataplane;
use farmctl::state::{
    Change, ClientMask, DestinationKey, Family, Forwarding, Persistence, Protocol, SchedulerFlags,
    ServiceKey, State, plan,
};

use super::{GRE, GUE, IPIP, at, fresh, ip, make, mark, rich, seen, service, with};

#[test]
fn what_was_written_reads_back_with_every_attribute() {
    let mut ipvs = fresh();
    make(&mut ipvs, &rich());
    assert_eq!(seen(&mut ipvs, &rich()), rich());
}

#[test]
fn nothing_is_written_where_nothing_differs() {
    let mut ipvs = fresh();
    make(&mut ipvs, &rich());
    let writes = ipvs.writes();
    assert!(writes > 0);
    make(&mut ipvs, &rich());
    assert_eq!(ipvs.writes(), writes);
}

/// Every way to forward, in every family, behind an address and behind a mark.
#[test]
fn every_forwarding_is_canonical_after_it_was_made_and_after_it_was_edited() {
    let mut ipvs = fresh();
    let ways = [Forwarding::Masquerade, Forwarding::Route, IPIP, GUE, GRE];
    for way in ways {
        let mut desired = State::default();
        for (family, real, vip) in [
            (Family::V4, "10.0.0.21", "192.0.2.10"),
            (Family::V6, "2001:db8:1::21", "2001:db8::10"),
        ] {
            for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Sctp] {
                let one = with(service("rr"), real, 80, way);
                desired.services.insert(at(protocol, vip, 80), one);
            }
            let one = with(service("rr"), real, 0, way);
            desired.services.insert(mark(1, family), one);
        }
        make(&mut ipvs, &desired);
        assert_eq!(seen(&mut ipvs, &desired), desired, "{way}");
    }
}

#[test]
fn a_port_that_the_kernel_ignores_is_the_services_and_the_destination_is_still_found() {
    let mut ipvs = fresh();
    let vip = at(Protocol::Tcp, "192.0.2.10", 80);
    let other = |port| with(service("rr"), "10.0.0.21", port, Forwarding::Route);
    let left_by_another = State {
        services: [(vip, other(8080))].into(),
        ..State::default()
    };
    let changes = plan(&State::default(), &left_by_another).changes;
    assert_eq!(ipvs.execute(&changes), Ok(Vec::new()));

    let mut desired = left_by_another.clone();
    desired.services.insert(vip, other(80));
    assert_eq!(seen(&mut ipvs, &desired), desired, "the port is normalised");
    let key = DestinationKey {
        address: ip("10.0.0.21"),
        port: 80,
    };
    let mut edited = desired.clone();
    let behind = edited.services.get_mut(&vip).unwrap();
    behind.destinations.get_mut(&key).unwrap().weight = 9;
    make(&mut ipvs, &edited);
    assert_eq!(seen(&mut ipvs, &edited), edited);
    let behind = edited.services.get_mut(&vip).unwrap();
    behind.destinations.get_mut(&key).unwrap().forwarding = Forwarding::Masquerade;
    make(&mut ipvs, &edited);
    assert_eq!(seen(&mut ipvs, &edited), edited);
    edited.services.get_mut(&vip).unwrap().destinations.clear();
    make(&mut ipvs, &edited);
    assert_eq!(seen(&mut ipvs, &edited), edited);
}

#[test]
fn destinations_that_differ_only_in_an_ignored_port_are_both_seen() {
    let mut ipvs = fresh();
    let both = with(service("rr"), "10.0.0.21", 80, Forwarding::Route);
    let both = with(both, "10.0.0.21", 8080, Forwarding::Route);
    let state = State {
        services: [(at(Protocol::Tcp, "192.0.2.10", 80), both)].into(),
        ..State::default()
    };
    make(&mut ipvs, &state);
    assert_eq!(seen(&mut ipvs, &state), state);
}

#[test]
fn a_real_server_on_this_machine_reads_back_as_it_was_written() {
    let mut ipvs = fresh();
    let mut state = State::default();
    for (port, way) in [
        (80, Forwarding::Masquerade),
        (81, Forwarding::Route),
        (82, IPIP),
    ] {
        let here = with(service("rr"), "127.0.0.1", port, way);
        state
            .services
            .insert(at(Protocol::Tcp, "192.0.2.10", port), here);
    }
    make(&mut ipvs, &state);
    assert_eq!(seen(&mut ipvs, &state), state);
}

#[test]
fn a_table_of_1000_services_with_10_servers_each_loads_and_reads_back() {
    let mut ipvs = fresh();
    let mut desired = State::default();
    for number in 0..1000_u16 {
        let [high, low] = number.to_be_bytes();
        let mut many = service("wlc");
        for host in 1..=10 {
            let real = format!("10.{high}.{low}.{host}");
            many = with(many, &real, 80, Forwarding::Masquerade);
        }
        let vip = format!("192.168.{high}.{low}");
        desired.services.insert(at(Protocol::Tcp, &vip, 80), many);
    }
    make(&mut ipvs, &desired);
    assert_eq!(ipvs.writes(), 11_000);
    assert_eq!(seen(&mut ipvs, &desired), desired);
}

#[test]
fn a_service_with_500_servers_reads_back_whole() {
    let mut ipvs = fresh();
    let mut many = service("wlc");
    for number in 1..=500_u16 {
        let [high, low] = number.to_be_bytes();
        let real = format!("2001:db8:{high}::{low}");
        many = with(many, &real, 80, Forwarding::Masquerade);
    }
    let desired = State {
        services: [(at(Protocol::Tcp, "2001:db8::10", 80), many)].into(),
        ..State::default()
    };
    make(&mut ipvs, &desired);
    assert_eq!(seen(&mut ipvs, &desired), desired);
}

/// The same services and destinations with every attribute another one.
fn turned(state: &State) -> State {
    let mut turned = state.clone();
    for (key, service) in &mut turned.services {
        let attributes = &mut service.attributes;
        attributes.scheduler = "sh".to_owned();
        attributes.scheduler_flags = if attributes.scheduler_flags == SchedulerFlags::default() {
            SchedulerFlags::FALLBACK
        } else {
            SchedulerFlags::default()
        };
        attributes.one_packet = !attributes.one_packet;
        let every_port = matches!(key, ServiceKey::Address { port: 0, .. });
        attributes.persistence = match attributes.persistence {
            Some(_) if !every_port => None,
            _ => Some(Persistence {
                timeout: 77,
                mask: ClientMask::host(key.family()),
                engine: None,
            }),
        };
        for destination in service.destinations.values_mut() {
            destination.weight = 5;
            destination.upper_threshold = if destination.upper_threshold == 0 {
                9
            } else {
                0
            };
            destination.lower_threshold = 0;
        }
    }
    turned
}

#[test]
fn every_attribute_is_edited_in_place_and_back() {
    let mut ipvs = fresh();
    make(&mut ipvs, &rich());
    let turned = turned(&rich());
    for desired in [turned, rich()] {
        make(&mut ipvs, &desired);
        assert_eq!(seen(&mut ipvs, &desired), desired);
    }
}

#[test]
fn a_destination_changes_its_way_in_place_and_leaves_nothing_of_the_old_one() {
    let mut ipvs = fresh();
    for way in [
        GUE,
        Forwarding::Masquerade,
        GRE,
        Forwarding::Route,
        IPIP,
        GUE,
    ] {
        let service = with(service("rr"), "10.0.0.21", 80, way);
        let desired = State {
            services: [(at(Protocol::Tcp, "192.0.2.10", 80), service)].into(),
            ..State::default()
        };
        let observed = seen(&mut ipvs, &desired);
        let changes = plan(&observed, &desired).changes;
        if !observed.services.is_empty() {
            assert!(
                matches!(changes.as_slice(), [Change::SetDestination { .. }]),
                "{way}"
            );
        }
        assert_eq!(ipvs.execute(&changes), Ok(Vec::new()), "{way}");
        assert_eq!(seen(&mut ipvs, &desired), desired, "{way}");
    }
}
