//! What was written is what is read, whatever it is and whatever was there before.

use std::collections::BTreeMap;

use farmctl::dataplane::nftables::content;
use farmctl::dataplane::{Dataplane, Failure, Nftables};
use farmctl::netlink::nft::{Client, Found};
use farmctl::state::{
    ClientMask, DestinationKey, Family as StateFamily, Forwarding, MarkRule, Persistence,
    PortRange, Protocol, SchedulerFlags, Service, ServiceKey, Setting, State, plan,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::bed::Node;
use crate::wish::{destination, plain};

const FIRST_MARK: u32 = 0x4000_0000;

fn family() -> impl Strategy<Value = StateFamily> {
    prop_oneof![Just(StateFamily::V4), Just(StateFamily::V6)]
}

fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![
        3 => Just(Protocol::Tcp),
        2 => Just(Protocol::Udp),
        1 => Just(Protocol::Sctp)
    ]
}

fn vip(family: StateFamily, host: u8) -> std::net::IpAddr {
    match family {
        StateFamily::V4 => [192, 0, 2, host].into(),
        StateFamily::V6 => [0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(host)].into(),
    }
}

fn server(family: StateFamily, host: u8) -> std::net::IpAddr {
    match family {
        StateFamily::V4 => [10, 0, 0, host].into(),
        StateFamily::V6 => [0xfd00, 0, 0, 0, 0, 0, 0, u16::from(host)].into(),
    }
}

fn key() -> impl Strategy<Value = ServiceKey> {
    let at = (
        family(),
        protocol(),
        1..4_u8,
        prop_oneof![Just(0_u16), Just(53), Just(80), 1..9_u16],
    );
    let at = at.prop_map(|(family, protocol, host, port)| ServiceKey::Address {
        protocol,
        address: vip(family, host),
        port,
    });
    let own = (family(), 1..4_u32).prop_map(|(family, number)| ServiceKey::Mark {
        family,
        mark: FIRST_MARK + number,
    });
    let others = (family(), 1..3_u32).prop_map(|(family, mark)| ServiceKey::Mark { family, mark });
    prop_oneof![6 => at, 2 => own, 1 => others]
}

fn scheduler() -> impl Strategy<Value = (&'static str, SchedulerFlags)> {
    prop_oneof![
        3 => Just(("wrr", SchedulerFlags::default())),
        1 => Just(("rr", SchedulerFlags::default())),
        1 => Just(("wrr", SchedulerFlags::EXACT)),
        1 => Just(("rr", SchedulerFlags::EXACT)),
        1 => Just(("sh", SchedulerFlags::default())),
        1 => Just(("sh", SchedulerFlags::PORT)),
        1 => Just(("mh", SchedulerFlags::default())),
        1 => Just(("mh", SchedulerFlags::PORT)),
        1 => Just(("dh", SchedulerFlags::default())),
        1 => Just(("fo", SchedulerFlags::default())),
    ]
}

fn weight() -> impl Strategy<Value = u32> {
    prop_oneof![3 => 0..5_u32, 1 => 1..100_u32, 1 => Just(65_535)]
}

fn forwarding() -> impl Strategy<Value = Forwarding> {
    prop_oneof![
        3 => Just(Forwarding::Masquerade),
        1 => Just(Forwarding::FullNat),
        2 => Just(Forwarding::Route)
    ]
}

fn persistence() -> impl Strategy<Value = Option<(u32, u8)>> {
    prop_oneof![2 => Just(None), 1 => (1..9000_u32, 1..=32_u8).prop_map(Some)]
}

fn service() -> impl Strategy<Value = (ServiceKey, Service)> {
    let servers = btree_map(10..16_u8, weight(), 0..5);
    (key(), scheduler(), forwarding(), persistence(), servers).prop_map(
        |(key, (scheduler, flags), forwarding, kept, servers)| {
            let mut service = plain(scheduler);
            service.attributes.scheduler_flags = flags;
            // A service on every port remembers its clients; else each port were another server's.
            let every = matches!(key, ServiceKey::Address { port: 0, .. });
            let kept = kept.or(every.then_some((300, 24)));
            service.attributes.persistence = kept.map(|(timeout, bits)| Persistence {
                timeout,
                mask: mask(key.family(), bits),
                engine: None,
            });
            let by_others = matches!(key, ServiceKey::Mark { mark, .. } if mark < FIRST_MARK);
            let forwarding = if by_others {
                Forwarding::Masquerade
            } else {
                forwarding
            };
            for (host, mut weight) in servers {
                // Turns by odd weights take too many steps.
                if flags == SchedulerFlags::EXACT {
                    weight %= 5;
                }
                let keeps_port = forwarding == Forwarding::Route || key.port() == 0;
                let port = if keeps_port {
                    key.port()
                } else {
                    8000 + u16::from(host)
                };
                let server = DestinationKey {
                    address: server(key.family(), host),
                    port,
                };
                service
                    .destinations
                    .insert(server, destination(forwarding, weight));
            }
            (key, service)
        },
    )
}

fn mask(family: StateFamily, bits: u8) -> ClientMask {
    match family {
        StateFamily::V4 => ClientMask::V4((u32::MAX << (32 - u32::from(bits))).into()),
        StateFamily::V6 => ClientMask::V6(bits * 4),
    }
}

fn state() -> impl Strategy<Value = State> {
    (vec(service(), 0..9), any::<u32>()).prop_map(|(services, seed)| {
        let mut state = State {
            services: services.into_iter().collect::<BTreeMap<_, _>>(),
            ..State::default()
        };
        state.marks = state.services.keys().flat_map(marks_of).collect();
        if !state.services.is_empty() {
            state.settings.insert(Setting::HashSeed, seed.into());
        }
        state
    })
}

/// Two ports that carry one of farmctl's own marks.
fn marks_of(key: &ServiceKey) -> Vec<MarkRule> {
    let ServiceKey::Mark { family, mark } = *key else {
        return Vec::new();
    };
    let Some(number) = mark.checked_sub(FIRST_MARK) else {
        return Vec::new();
    };
    let first = 1000 * u16::try_from(number).unwrap();
    let ports = [(first, first), (first + 10, first + 90)];
    ports
        .map(|(first, last)| MarkRule {
            mark,
            address: vip(family, 9),
            protocol: Protocol::Tcp,
            ports: PortRange { first, last },
        })
        .into()
}

/// A machine with a network, and the other end of its cable.
fn machine() -> [Node; 2] {
    let node = Node::new("director");
    let far = Node::new("nobody");
    node.cable("back", &far, "back");
    for address in [
        "10.0.0.1/24",
        "fd00::1/64",
        "192.0.2.100/24",
        "2001:db8::100/64",
    ] {
        node.add_address("back", address);
    }
    [node, far]
}

/// Does something on such a machine.
fn on_machine<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let [node, _far] = machine();
    node.run(work)
}

fn seen(plane: &mut Nftables, desired: &State) -> State {
    let mut state = plane.observe().unwrap().state;
    state
        .settings
        .retain(|setting, _| desired.settings.contains_key(setting));
    state.addresses.clear();
    state
}

/// Goes to a state; the same tables come of it as on a machine that had nothing.
fn go_to(plane: &mut Nftables, desired: &State) {
    let changes = plan(&seen(plane, desired), desired).changes;
    assert_eq!(plane.execute(&changes).unwrap(), Vec::<Failure>::new());
    assert_eq!(seen(plane, desired), *desired);
}

fn tables() -> [Option<Found>; 2] {
    let mut client = Client::open().unwrap();
    [content::inet(), content::netdev()].map(|table| client.read(&table).unwrap())
}

/// A table's content, whatever it counted and in whatever order it came.
fn content_of(found: Option<&Found>) -> Vec<String> {
    let Some(found) = found else {
        return Vec::new();
    };
    let mut lines: Vec<String> = found
        .table
        .sets
        .iter()
        .map(|it| format!("{it:?}"))
        .collect();
    lines.extend(found.table.chains.iter().map(|it| format!("{it:?}")));
    for (set, elements) in &found.elements {
        for element in elements {
            let mut element = element.clone();
            element.counter = None;
            lines.push(format!("{set}: {element:?}"));
        }
    }
    lines.sort();
    lines.extend(found.table.rules.iter().map(|it| format!("{it:?}")));
    lines
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 60,
        ..Config::default()
    })
}

#[test]
fn any_state_reads_back_and_is_left_for_any_other() {
    runner(60)
        .run(&vec(state(), 1..4), |states| {
            on_machine(|| {
                let mut plane = Nftables::open().unwrap();
                for state in &states {
                    go_to(&mut plane, state);
                }
                go_to(&mut plane, &State::default());
                assert_eq!(tables(), [None, None]);
            });
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_way_to_a_state_leaves_no_trace() {
    runner(40)
        .run(&(state(), state()), |(first, second)| {
            let by_way = on_machine(|| {
                let mut plane = Nftables::open().unwrap();
                go_to(&mut plane, &first);
                go_to(&mut plane, &second);
                tables()
            });
            let straight = on_machine(|| {
                go_to(&mut Nftables::open().unwrap(), &second);
                tables()
            });
            for (one, other) in by_way.iter().zip(&straight) {
                prop_assert_eq!(content_of(one.as_ref()), content_of(other.as_ref()));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_plane_that_never_looked_again_goes_on_from_what_it_left() {
    runner(30)
        .run(&vec(state(), 2..5), |states| {
            on_machine(|| {
                let mut plane = Nftables::open().unwrap();
                let mut before = State::default();
                for state in &states {
                    let mut from = before.clone();
                    from.settings
                        .retain(|setting, _| state.settings.contains_key(setting));
                    let changes = plan(&from, state).changes;
                    assert_eq!(plane.execute(&changes).unwrap(), Vec::<Failure>::new());
                    before = state.clone();
                }
                let mut fresh = Nftables::open().unwrap();
                assert_eq!(seen(&mut fresh, &before), before);
            });
            Ok(())
        })
        .unwrap();
}

#[test]
fn nothing_is_written_where_nothing_differs() {
    on_machine(|| {
        let mut plane = Nftables::open().unwrap();
        let mut desired = State::default();
        desired.settings.insert(Setting::HashSeed, 7);
        let key = ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: vip(StateFamily::V4, 1),
            port: 80,
        };
        let mut web = plain("wrr");
        let server = DestinationKey {
            address: server(StateFamily::V4, 10),
            port: 80,
        };
        web.destinations
            .insert(server, destination(Forwarding::Masquerade, 1));
        desired.services.insert(key, web);
        go_to(&mut plane, &desired);
        let writes = plane.writes();
        assert!(writes > 0);
        go_to(&mut plane, &desired);
        assert_eq!(plane.writes(), writes);
    });
}

#[test]
fn a_table_of_1000_services_with_10_servers_each_loads_in_one_transaction_and_reads_back() {
    on_machine(|| {
        let mut desired = State::default();
        desired.settings.insert(Setting::HashSeed, 7);
        for number in 0..1000_u16 {
            let [high, low] = number.to_be_bytes();
            let mut many = plain("wrr");
            for host in 1..=10 {
                let key = DestinationKey {
                    address: [10, high, low, host].into(),
                    port: 80,
                };
                many.destinations
                    .insert(key, destination(Forwarding::Masquerade, host.into()));
            }
            let key = ServiceKey::Address {
                protocol: Protocol::Tcp,
                address: [192, 168, high, low].into(),
                port: 80,
            };
            desired.services.insert(key, many);
        }
        go_to(&mut Nftables::open().unwrap(), &desired);
    });
}
