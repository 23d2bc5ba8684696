//! Which service a packet finds, and which server.

use super::*;
use crate::state::{MarkRule, PortRange};

#[test]
fn connections_are_spread_by_weight_and_counted() {
    for family in FAMILIES {
        for scheduler in ["wrr", "sh", "mh"] {
            let wish = Wish {
                scheduler,
                ..Wish::on(family, 80, &[1, 2])
            };
            let mut machine = machine(&[wish]);
            let counts = counts(&mut machine, family, 900, 80);
            assert_spread(&counts, &[1, 2]);
            let set = if family == Family::V4 {
                "servers_4"
            } else {
                "servers_6"
            };
            let counted = machine.counted(TableFamily::Inet, set).into_values();
            let counted: Vec<u64> = counted.collect();
            let counts: Vec<u64> = counts.into_iter().map(u64::from).collect();
            assert_eq!(counted, counts, "{scheduler}");
        }
    }
}

#[test]
fn exact_turns_are_exact_for_each_service_by_itself() {
    for family in FAMILIES {
        let wishes = [
            Wish::on(family, 80, &[1, 2, 3]).exact(),
            Wish::on(family, 81, &[1, 1]).exact(),
        ];
        let mut machine = machine(&wishes);
        for round in 0..4 {
            assert_eq!(counts(&mut machine, family, 6, 80), [1, 2, 3], "{round}");
            assert_eq!(counts(&mut machine, family, 2, 81), [1, 1], "{round}");
        }
    }
}

#[test]
fn a_client_hashed_by_address_keeps_its_server_whatever_its_port() {
    for family in FAMILIES {
        let wish = Wish {
            scheduler: "sh",
            ..Wish::on(family, 80, &[1, 1, 1])
        };
        let mut machine = machine(&[wish]);
        for number in 0..20 {
            let mut packet = packet(family, number, 80);
            let first = arrive(&mut machine, &packet);
            packet.source.1 = 60_000 - number;
            assert_eq!(arrive(&mut machine, &packet), first);
        }
    }
}

#[test]
fn the_port_becomes_the_servers_or_stays() {
    for family in FAMILIES {
        let every = Wish {
            port: 0,
            ..Wish::on(family, 0, &[1])
        };
        let mut machine = machine(&[Wish::on(family, 80, &[1]), every]);
        let fate = arrive(&mut machine, &packet(family, 1, 80));
        assert_eq!(fate, Fate::To(server(family, 0), Some(8080)));
        let fate = arrive(&mut machine, &packet(family, 1, 81));
        assert_eq!(fate, Fate::To(server(family, 0), None));
    }
}

#[test]
fn a_service_without_a_usable_server_refuses_and_others_are_left_alone() {
    for family in FAMILIES {
        let mut machine = machine(&[
            Wish::on(family, 80, &[0, 0]),
            Wish::on(family, 81, &[]),
            Wish::on(family, 0, &[1]),
            Wish::on(family, 83, &[0]).routed(),
        ]);
        for port in [80, 81, 83] {
            let fate = arrive(&mut machine, &packet(family, 1, port));
            assert_eq!(fate, Fate::Refused, "{port}");
        }
        let fate = arrive(&mut machine, &packet(family, 1, 82));
        assert_eq!(fate, Fate::To(server(family, 0), Some(8080)));
        let mut other = packet(family, 1, 80);
        other.protocol = UDP;
        assert_eq!(arrive(&mut machine, &other), Fate::Unchanged);
        other.protocol = TCP;
        other.destination.0 = server(family, 9);
        assert_eq!(arrive(&mut machine, &other), Fate::Unchanged);
    }
}

#[test]
fn marks_come_before_ports_and_ports_before_every_port() {
    for family in FAMILIES {
        let at = |number: usize, key| Wish {
            key,
            port: 8000 + u16::try_from(number).unwrap(),
            ..Wish::on(family, 0, &[1])
        };
        let mark = |mark| ServiceKey::Mark { family, mark };
        let wishes = [
            at(1, mark(9)),
            at(2, mark(7)),
            at(3, Wish::on(family, 80, &[]).key),
            at(4, Wish::on(family, 0, &[]).key),
        ];
        let mut state = state(&wishes);
        state.marks.insert(MarkRule {
            mark: 7,
            address: ip(vip(family)),
            protocol: Protocol::Tcp,
            ports: PortRange {
                first: 80,
                last: 90,
            },
        });
        let mut machine = Machine::new(holding(&state).0);
        let port_of = |machine: &mut Machine, mark, port| {
            let packet = Packet {
                mark,
                ..packet(family, 1, port)
            };
            arrive(machine, &packet).server().1
        };
        assert_eq!(port_of(&mut machine, 9, 80), Some(8001));
        assert_eq!(port_of(&mut machine, 0, 80), Some(8002));
        assert_eq!(port_of(&mut machine, 0, 90), Some(8002));
        assert_eq!(port_of(&mut machine, 0, 91), Some(8004));
        state.marks.clear();
        // Without farmctl's own map the mark is one that packets carry.
        let mut machine = Machine::new(holding(&state).0);
        assert_eq!(port_of(&mut machine, 0, 80), Some(8003));
        assert_eq!(port_of(&mut machine, 7, 91), Some(8002));
    }
}

#[test]
fn servers_of_a_mark_with_and_without_ports_stand_side_by_side() {
    for family in FAMILIES {
        let key = ServiceKey::Mark { family, mark: 9 };
        let mut state = state(&[Wish {
            key,
            port: 0,
            ..Wish::on(family, 0, &[1])
        }]);
        let other = Wish {
            key,
            port: 8080,
            ..Wish::on(family, 0, &[0, 1])
        };
        let service = state.services.get_mut(&key).unwrap();
        service.destinations.extend(other.service().destinations);
        let mut machine = Machine::new(holding(&state).0);
        let mut seen = std::collections::BTreeSet::new();
        for number in 0..40 {
            let packet = Packet {
                mark: 9,
                ..packet(family, number, 1234)
            };
            seen.insert(arrive(&mut machine, &packet).server());
        }
        let both = [(server(family, 0), None), (server(family, 1), Some(8080))];
        assert_eq!(seen, both.into());
    }
}
