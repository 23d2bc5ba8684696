//! The layout of the tables against the real kernel: every kind of service is taken, reads back as
//! the state that it was, and `nft` prints it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use farmctl::dataplane::nftables::content::{self, Content, Context, Edit, Tables};
use farmctl::dataplane::nftables::decode::{Decoded, decode};
use farmctl::dataplane::nftables::delta::delta;
use farmctl::dataplane::nftables::terrain::Terrain;
use farmctl::netlink::nft::{Client, Operation};
use farmctl::state::{
    ClientMask, Destination, DestinationKey, Family, Forwarding, HostFacts, InterfaceFacts,
    MarkRule, Persistence, PortRange, Protocol, SchedulerFlags, Service, ServiceAttributes,
    ServiceKey, Setting, State,
};

use crate::bed::Node;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A director with two interfaces, and what it knows of itself.
fn director() -> (Node, Vec<Node>, Terrain) {
    let lb1 = Node::new("lb1");
    let others = ["front", "back"].map(Node::new);
    for (other, name) in others.iter().zip(["eth0", "eth1"]) {
        lb1.cable(name, other, name);
    }
    let facts = |addresses: &[(&str, u8)]| InterfaceFacts {
        up: true,
        addresses: addresses.iter().map(|(it, bits)| (ip(it), *bits)).collect(),
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
    let terrain = Terrain::new(indexes, &host, &BTreeMap::new());
    (lb1, others.into(), terrain)
}

/// How services are spread: scheduler, flags, and the prefix of persistence.
fn spreads(family: Family) -> Vec<ServiceAttributes> {
    let (none, exact, port) = (
        SchedulerFlags::default(),
        SchedulerFlags::EXACT,
        SchedulerFlags::PORT,
    );
    let made = |scheduler: &str, flags, mask: Option<ClientMask>| ServiceAttributes {
        scheduler: scheduler.to_owned(),
        scheduler_flags: flags,
        persistence: mask.map(|mask| Persistence {
            timeout: 300,
            mask,
            engine: None,
        }),
        one_packet: false,
    };
    let whole = ClientMask::host(family);
    let net = match family {
        Family::V4 => ClientMask::V4([255, 255, 255, 0].into()),
        Family::V6 => ClientMask::V6(56),
    };
    vec![
        made("wrr", none, None),
        made("wrr", exact, None),
        made("sh", none, None),
        made("mh", port, None),
        made("dh", none, None),
        made("fo", none, None),
        made("wrr", none, Some(whole)),
        made("sh", none, Some(net)),
        made("rr", exact, Some(net)),
    ]
}

fn server(family: Family, number: u16) -> IpAddr {
    match family {
        Family::V4 => ip(&format!("10.0.0.{number}")),
        Family::V6 => ip(&format!("fd00::{number}")),
    }
}

fn vip(family: Family, number: u16) -> IpAddr {
    match family {
        Family::V4 => ip(&format!("192.0.2.{number}")),
        Family::V6 => ip(&format!("2001:db8::{number}")),
    }
}

/// Two servers, the second heavier.
fn behind(
    attributes: ServiceAttributes,
    family: Family,
    port: u16,
    forwardings: [Forwarding; 2],
) -> Service {
    let both = (21..).zip(forwardings);
    Service {
        attributes,
        destinations: both
            .map(|(number, forwarding)| {
                let key = DestinationKey {
                    address: server(family, number),
                    port,
                };
                let destination = Destination {
                    forwarding,
                    weight: u32::from(number) - 20,
                    upper_threshold: 0,
                    lower_threshold: 0,
                };
                (key, destination)
            })
            .collect(),
    }
}

/// Every way of finding a service, with every way of spreading it and of forwarding.
fn everything() -> State {
    let mut state = State::default();
    state.settings.insert(Setting::HashSeed, 7);
    for family in [Family::V4, Family::V6] {
        for (number, attributes) in (0..).zip(spreads(family)) {
            // A table of slots for each protocol would only take time.
            let is_long = ["sh", "mh", "dh"].contains(&attributes.scheduler.as_str());
            let protocols = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
            for protocol in protocols.into_iter().take(if is_long { 1 } else { 3 }) {
                let at = |vip_number, port| ServiceKey::Address {
                    protocol,
                    address: vip(family, vip_number),
                    port,
                };
                let nat = [Forwarding::Masquerade, Forwarding::FullNat];
                let routed = [Forwarding::Route; 2];
                let services = &mut state.services;
                let made = |port, by| behind(attributes.clone(), family, port, by);
                services.insert(at(100, 80 + number), made(8080, nat));
                services.insert(at(110 + number, 0), made(0, nat));
                services.insert(at(100, 180 + number), made(180 + number, routed));
                services.insert(at(130 + number, 0), made(0, routed));
            }
            let mark = |mark| ServiceKey::Mark { family, mark };
            let base = u32::from(number);
            let nat = [Forwarding::Masquerade; 2];
            let made = |by| behind(attributes.clone(), family, 0, by);
            state.services.insert(mark(100 + base), made(nat));
            state.services.insert(mark(200 + base), made(nat));
            state
                .services
                .insert(mark(300 + base), made([Forwarding::Route; 2]));
            for (mark, vip_number) in [(200 + base, 150), (300 + base, 151)] {
                state.marks.insert(MarkRule {
                    mark,
                    address: vip(family, vip_number),
                    protocol: Protocol::Tcp,
                    ports: PortRange {
                        first: 1000 * (number + 1),
                        last: 1000 * (number + 1) + 7,
                    },
                });
            }
        }
    }
    state
}

fn compiled(state: &State, terrain: &Terrain) -> Edit {
    let context = Context {
        marks: &state.marks,
        terrain,
    };
    let services = state.services.iter();
    Edit {
        tables: Tables::Seeded(7),
        services: services
            .map(|(key, service)| {
                let made = content::compile(*key, service, &context).unwrap();
                (*key, Some(made))
            })
            .collect(),
        marks: Some(state.marks.clone()),
        killed: None,
    }
}

/// Does what an edit asks for; every operation must be taken.
fn carry_out(client: &mut Client, content: &mut Content, edit: Edit) {
    let operations = delta(content, &edit);
    let refused = client.commit(&operations).unwrap();
    let about: Vec<&Operation> = refused.iter().map(|it| &operations[it.operation]).collect();
    assert_eq!(refused, [], "{about:?}");
    content.settle(edit);
}

fn read(client: &mut Client, terrain: &Terrain) -> Decoded {
    let inet = client.read(&content::inet()).unwrap();
    let netdev = client.read(&content::netdev()).unwrap();
    decode(inet.as_ref(), netdev.as_ref(), terrain)
}

/// What `nft list ruleset` prints; it must say nothing else.
fn printed(node: &Node) -> String {
    let list = ["list", "ruleset"];
    let output = node.run(|| assert_cmd::Command::new("nft").args(list).output().unwrap());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.success(), errors.as_str()), (true, ""));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_kind_of_service_is_taken_and_read_back() {
    let (lb1, _others, terrain) = director();
    let mut client = lb1.run(|| Client::open().unwrap());
    let (state, mut content) = (everything(), Content::default());
    carry_out(&mut client, &mut content, compiled(&state, &terrain));
    let found = read(&mut client, &terrain);
    assert_eq!(found.flaws, []);
    assert_eq!(found.state, state);
    assert_eq!(found.content, content);
}

#[test]
fn an_operator_reads_every_kind_of_service_with_nft() {
    let (lb1, _others, terrain) = director();
    let mut client = lb1.run(|| Client::open().unwrap());
    let (state, mut content) = (everything(), Content::default());
    carry_out(&mut client, &mut content, compiled(&state, &terrain));
    let text = printed(&lb1);
    for expected in [
        r#"192.0.2.100 . tcp . 80 comment "wrr""#,
        r#"comment "sh persistence 300 s mask /56""#,
        r#"192.0.2.100 . tcp . 80 . 10.0.0.22 . 8080 counter packets 0 bytes 0 comment "weight 2 nat masquerade""#,
        r#"comment "farmctl layout 1 seed 7""#,
    ] {
        assert!(text.contains(expected), "{expected}\nis not in\n{text}");
    }
}

#[test]
fn services_come_and_go_in_tables_that_others_use() {
    let (lb1, _others, terrain) = director();
    let mut client = lb1.run(|| Client::open().unwrap());
    let (all, mut content) = (everything(), Content::default());
    carry_out(&mut client, &mut content, compiled(&all, &terrain));
    let mut left = all.clone();
    let number = |key: &ServiceKey| u32::from(key.port());
    left.services.retain(|key, _| number(key) % 2 == 1);
    let gone: BTreeSet<ServiceKey> = all.services.keys().copied().collect();
    let kept: BTreeSet<ServiceKey> = left.services.keys().copied().collect();
    let removal = Edit {
        services: gone.difference(&kept).map(|key| (*key, None)).collect(),
        ..Edit::default()
    };
    carry_out(&mut client, &mut content, removal);
    let found = read(&mut client, &terrain);
    assert_eq!((found.flaws, found.state), (vec![], left));
    carry_out(&mut client, &mut content, compiled(&all, &terrain));
    assert_eq!(read(&mut client, &terrain).state, all);
    let gone = Edit {
        tables: Tables::Gone,
        ..Edit::default()
    };
    carry_out(&mut client, &mut content, gone);
    assert_eq!(printed(&lb1), "");
}

#[test]
fn connections_are_reset_by_rules_that_come_and_go() {
    let (lb1, _others, terrain) = director();
    let mut client = lb1.run(|| Client::open().unwrap());
    let (state, mut content) = (everything(), Content::default());
    carry_out(&mut client, &mut content, compiled(&state, &terrain));
    let all = state.services.iter();
    let nat = all.flat_map(|(key, service)| {
        let translated = service
            .destinations
            .iter()
            .filter(|(_, it)| it.forwarding != Forwarding::Route);
        translated.map(|(server, _)| (*key, *server))
    });
    let killed = Edit {
        killed: Some(nat.collect()),
        ..Edit::default()
    };
    carry_out(&mut client, &mut content, killed.clone());
    carry_out(&mut client, &mut content, killed);
    let text = printed(&lb1);
    assert!(text.contains("reject with tcp reset"), "{text}");
    assert_eq!(read(&mut client, &terrain).flaws, []);
    let none = Edit {
        killed: Some(BTreeSet::new()),
        ..Edit::default()
    };
    carry_out(&mut client, &mut content, none);
    assert!(!printed(&lb1).contains("hook forward"));
    let found = read(&mut client, &terrain);
    assert_eq!((found.flaws, found.state), (vec![], state));
}
