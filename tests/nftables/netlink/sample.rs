//! A pair of tables with everything in it that farmctl ever writes.

use farmctl::netlink::nft::model::{
    AddressFamily, Base, Chain, Comparison, Conntrack, Element, ElementCounter, Expression, Field,
    Hook, Meta, Register, Rule, Set, Table, TableFamily, TableKey, Verdict,
};

pub(super) fn inet() -> TableKey {
    TableKey {
        family: TableFamily::Inet,
        name: "farmctl_test".into(),
    }
}

pub(super) fn netdev() -> TableKey {
    TableKey {
        family: TableFamily::Netdev,
        ..inet()
    }
}

pub(super) fn set(name: &str, key: &[Field], data: &[Field]) -> Set {
    Set {
        name: name.into(),
        key: key.to_vec(),
        data: data.to_vec(),
        interval: false,
        dynamic: false,
        size: None,
        counter: false,
    }
}

pub(super) fn element(key: &[u8], data: &[u8]) -> Element {
    Element {
        key: key.to_vec(),
        data: data.to_vec(),
        ..Element::default()
    }
}

/// 192.0.2.10, tcp and a port, each in 4 bytes.
pub(super) fn service(port: u16) -> Vec<u8> {
    let [high, low] = port.to_be_bytes();
    vec![192, 0, 2, 10, 6, 0, 0, 0, high, low, 0, 0]
}

/// 10.0.0.21 and port 8080, each in 4 bytes.
pub(super) const SERVER: [u8; 8] = [10, 0, 0, 21, 0x1f, 0x90, 0, 0];
/// The same as a map's data: behind a filler, here the service's port.
pub(super) const SLOT: [u8; 12] = [0, 80, 0, 0, 10, 0, 0, 21, 0x1f, 0x90, 0, 0];

const K4: [Field; 3] = [Field::Ipv4, Field::Protocol, Field::Port];
const K6: [Field; 3] = [Field::Ipv6, Field::Protocol, Field::Port];
const X4: [Field; 2] = [Field::Ipv4, Field::Port];
/// What a map has for X: see `Expression::Lookup`.
const SLOT4: [Field; 3] = [Field::Port, Field::Ipv4, Field::Port];
const SLOT6: [Field; 3] = [Field::Port, Field::Ipv6, Field::Port];

fn joined(first: &[Field], then: &[Field]) -> Vec<Field> {
    [first, then].concat()
}

pub(super) fn sets() -> Vec<Set> {
    vec![
        set("services_4", &K4, &[]),
        Set {
            counter: true,
            ..set("servers_4", &joined(&K4, &X4), &[])
        },
        set("slots_4", &joined(&K4, &[Field::Number]), &SLOT4),
        Set {
            interval: true,
            ..set("marks_4", &K4, &[Field::Number])
        },
        Set {
            dynamic: true,
            size: Some(65536),
            ..set("persist_4", &joined(&[Field::Ipv4], &K4), &SLOT4)
        },
        set("services_6", &K6, &[]),
        set("slots_6", &joined(&K6, &[Field::Number]), &SLOT6),
    ]
}

/// The elements of the sets that have some, sorted by key.
pub(super) fn elements() -> Vec<(&'static str, Vec<Element>)> {
    let commented = Element {
        comment: Some("wrr, 3 servers: é".into()),
        ..element(&service(80), &[])
    };
    let counted = Element {
        comment: Some("weight 3 nat".into()),
        counter: Some(ElementCounter {
            packets: 3,
            bytes: 180,
        }),
        ..element(&[service(80), SERVER.to_vec()].concat(), &[])
    };
    let uncounted = Element {
        counter: Some(ElementCounter::default()),
        ..element(&[service(443), SERVER.to_vec()].concat(), &[])
    };
    let slot = |number: u32| {
        let key = [&service(80)[..], &number.to_ne_bytes()].concat();
        element(&key, &SLOT)
    };
    let range = Element {
        key_end: Some(service(500)),
        ..element(&service(443), &7_u32.to_ne_bytes())
    };
    let six = [&[0x20; 16][..], &[17, 0, 0, 0], &[0, 53, 0, 0]].concat();
    vec![
        ("services_4", vec![commented, element(&service(443), &[])]),
        ("servers_4", vec![counted, uncounted]),
        ("slots_4", vec![slot(0), slot(1), slot(2)]),
        ("marks_4", vec![range]),
        ("services_6", vec![element(&six, &[])]),
        ("slots_6", vec![]),
    ]
}

fn chain(name: &str, hook: Option<(&str, u32, i32)>) -> Chain {
    let hook = hook.map(|(kind, number, priority)| Hook {
        kind: kind.into(),
        number,
        priority,
        devices: vec![],
    });
    Chain {
        name: name.into(),
        hook,
    }
}

pub(super) fn rule(chain: &str, expressions: Vec<Expression>) -> Rule {
    Rule {
        chain: chain.into(),
        expressions,
        comment: None,
    }
}

fn meta(key: Meta) -> Expression {
    Expression::Meta {
        key,
        into: Register(0),
    }
}

fn compare(value: &[u8]) -> Expression {
    Expression::Compare {
        from: Register(0),
        comparison: Comparison::Equal,
        value: value.to_vec(),
    }
}

fn payload(base: Base, offset: u32, length: u32, into: u8) -> Expression {
    Expression::Payload {
        base,
        offset,
        length,
        into: Register(into),
    }
}

fn lookup(set: &str, key: u8, into: Option<u8>) -> Expression {
    Expression::Lookup {
        set: set.into(),
        key: Register(key),
        into: into.map(Register),
    }
}

fn translate_destination() -> Expression {
    Expression::TranslateDestination {
        family: AddressFamily::V4,
        address: Register(5),
        port: Some(Register(6)),
    }
}

/// The fields of a packet in the registers of a version 4 class, and the choice of a slot.
fn choice() -> Vec<Expression> {
    vec![
        meta(Meta::Family),
        compare(&[2]),
        meta(Meta::TransportProtocol),
        compare(&[6]),
        payload(Base::Transport, 0, 2, 0),
        payload(Base::Network, 12, 4, 1),
        payload(Base::Network, 16, 4, 2),
        payload(Base::Network, 9, 1, 3),
        payload(Base::Transport, 2, 2, 4),
        // For the eyes of nft only.
        payload(Base::Transport, 2, 2, 6),
        Expression::Hash {
            from: Register(0),
            length: 8,
            into: Register(5),
            modulus: 3,
            seed: 0,
            offset: 0,
        },
        lookup("slots_4", 2, Some(4)),
        payload(Base::Transport, 2, 2, 4),
        lookup("servers_4", 2, None),
    ]
}

fn choose() -> Vec<Rule> {
    let mut remembered = choice();
    remembered.push(Expression::Remember {
        set: "persist_4".into(),
        key: Register(1),
        data: Some(Register(4)),
        timeout: 300_000,
    });
    remembered.push(translate_destination());
    let mut masked = choice();
    masked[10] = Expression::Sequence {
        into: Register(5),
        modulus: 7,
        offset: 1 << 28,
    };
    masked.insert(
        7,
        Expression::Bitwise {
            from: Register(1),
            into: Register(1),
            mask: vec![255, 255, 255, 0],
            flip: vec![0; 4],
        },
    );
    masked.push(translate_destination());
    let mut services = choice()[..9].to_vec();
    services.extend([lookup("services_4", 2, None), Expression::Unreachable]);
    let comment = Some("hash of saddr, 3 slots".to_owned());
    vec![
        Rule {
            comment,
            ..rule("choose", remembered)
        },
        rule("choose", masked),
        rule("choose", services),
    ]
}

fn conntrack(key: Conntrack) -> Expression {
    Expression::Conntrack {
        key,
        into: Register(0),
    }
}

fn from_conntrack() -> Vec<Expression> {
    let keys = [
        Conntrack::State,
        Conntrack::Direction,
        Conntrack::Status,
        Conntrack::OriginalDestination4,
        Conntrack::OriginalDestination6,
        Conntrack::Protocol,
        Conntrack::OriginalDestinationPort,
    ];
    let mut steps = keys.map(conntrack).to_vec();
    steps.push(Expression::Compare {
        from: Register(0),
        comparison: Comparison::Different,
        value: vec![0, 0],
    });
    steps.extend([Expression::Counter, Expression::Verdict(Verdict::Return)]);
    steps
}

fn reset() -> Vec<Expression> {
    vec![
        meta(Meta::TransportProtocol),
        compare(&[6]),
        Expression::Reset,
    ]
}

fn snat() -> Vec<Expression> {
    let load = |into, value: &[u8]| Expression::Constant {
        into: Register(into),
        value: value.to_vec(),
    };
    vec![
        meta(Meta::Family),
        compare(&[2]),
        meta(Meta::TransportProtocol),
        compare(&[6]),
        load(4, &[192, 0, 2, 10]),
        load(8, &[0, 80]),
        Expression::TranslateSource {
            family: AddressFamily::V4,
            address: Register(4),
            port: Some(Register(8)),
        },
    ]
}

/// The inet table, as it is read back.
pub(super) fn inet_table() -> Table {
    let jump = || vec![Expression::Verdict(Verdict::Jump("choose".into()))];
    let mut rules = choose();
    rules.extend([
        rule("prerouting", jump()),
        rule("output", jump()),
        rule("postrouting", vec![Expression::Masquerade]),
        rule("postrouting", snat()),
        rule("forward", from_conntrack()),
        rule("forward", reset()),
        rule("forward", vec![Expression::Verdict(Verdict::Drop)]),
    ]);
    Table {
        key: inet(),
        comment: Some("layout 1 seed 3735928559".into()),
        sets: sets(),
        chains: vec![
            chain("choose", None),
            chain("prerouting", Some(("nat", 0, -100))),
            chain("output", Some(("nat", 3, -100))),
            chain("postrouting", Some(("nat", 4, 100))),
            chain("forward", Some(("filter", 2, 0))),
        ],
        rules,
    }
}

/// The netdev table, as it is read back, on these interfaces.
pub(super) fn netdev_table(devices: &[&str]) -> Table {
    let hook = Hook {
        kind: "filter".into(),
        number: 0,
        priority: -500,
        devices: devices.iter().map(ToString::to_string).collect(),
    };
    let steps = vec![
        meta(Meta::PacketType),
        compare(&[0]),
        meta(Meta::EtherType),
        compare(&[8, 0]),
        Expression::Constant {
            into: Register(5),
            value: vec![10, 0, 0, 1],
        },
        Expression::Constant {
            into: Register(6),
            value: 1_u32.to_ne_bytes().to_vec(),
        },
        Expression::Forward {
            device: Register(6),
            neighbour: Register(5),
            family: AddressFamily::V4,
        },
    ];
    Table {
        key: netdev(),
        comment: None,
        sets: vec![],
        chains: vec![Chain {
            name: "ingress".into(),
            hook: Some(hook),
        }],
        rules: vec![rule("ingress", steps)],
    }
}
