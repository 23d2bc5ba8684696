//! Clients and flows that are remembered.

use super::*;

/// A neighbour of a client: the same group, another port.
fn neighbour(family: Family, number: u16, port: u16) -> Packet {
    let mut packet = packet(family, number, port);
    packet.source.1 += 7000;
    if let IpAddr::V6(address) = packet.source.0 {
        packet.source.0 = IpAddr::V6((address.to_bits() + 1).into());
    }
    packet
}

#[test]
fn a_persistent_client_keeps_its_server_when_servers_come_and_when_its_own_is_drained() {
    for family in FAMILIES {
        for (exact, routed) in [(false, false), (true, false), (false, true)] {
            let made = |weights: &[u32]| {
                let wish = Wish::on(family, 80, weights).persistent();
                let wish = if exact { wish.exact() } else { wish };
                if routed { wish.routed() } else { wish }
            };
            let mut machine = machine(&[made(&[1, 1])]);
            let first: Vec<IpAddr> = (0..30)
                .map(|number| taken_by(&arrive(&mut machine, &packet(family, number, 80))))
                .collect();
            for weights in [&[1, 1, 5][..], &[1, 0], &[0, 0]] {
                let memory = remembered(&machine, family, routed);
                let mut after = Machine::new(holding(&state(&[made(weights)])).0);
                recall(&mut after, family, routed, memory);
                for (number, server) in (0..30).zip(&first) {
                    let fate = arrive(&mut after, &neighbour(family, number, 80));
                    assert_eq!(taken_by(&fate), *server, "{weights:?}");
                }
            }
        }
    }
}

type Memory = BTreeMap<crate::netlink::nft::ElementKey, crate::netlink::nft::model::Element>;

fn persist(family: Family, routed: bool) -> (TableFamily, &'static str) {
    let table = if routed {
        TableFamily::Netdev
    } else {
        TableFamily::Inet
    };
    (
        table,
        if family == Family::V4 {
            "persist_4"
        } else {
            "persist_6"
        },
    )
}

fn remembered(machine: &Machine, family: Family, routed: bool) -> Memory {
    let (table, set) = persist(family, routed);
    machine.tables.get(table).unwrap().sets[set].1.clone()
}

fn recall(machine: &mut Machine, family: Family, routed: bool, memory: Memory) {
    let (table, set) = persist(family, routed);
    let held = machine.tables.get_mut(table).unwrap();
    held.sets.get_mut(set).unwrap().1 = memory;
}

#[test]
fn a_client_whose_server_is_gone_gets_another_one_and_keeps_that() {
    for family in FAMILIES {
        let made = |weights: &[u32]| Wish::on(family, 80, weights).persistent();
        let mut before = machine(&[made(&[0, 1])]);
        arrive(&mut before, &packet(family, 5, 80));
        let mut after = machine(&[made(&[1])]);
        recall(
            &mut after,
            family,
            false,
            remembered(&before, family, false),
        );
        for _ in 0..3 {
            let fate = arrive(&mut after, &packet(family, 5, 80));
            assert_eq!(taken_by(&fate), server(family, 0));
        }
    }
}

#[test]
fn another_director_that_remembers_nobody_chooses_the_same() {
    for family in FAMILIES {
        for persistent in [false, true] {
            let made = || {
                let wish = Wish::on(family, 80, &[1, 2, 3]);
                if persistent { wish.persistent() } else { wish }
            };
            let (mut one, mut other) = (machine(&[made()]), machine(&[made()]));
            for number in 0..50 {
                let packet = packet(family, number, 80);
                assert_eq!(arrive(&mut one, &packet), arrive(&mut other, &packet));
            }
        }
    }
}

#[test]
fn what_one_service_remembers_is_not_anothers() {
    for family in FAMILIES {
        let mut before = machine(&[
            Wish::on(family, 80, &[0, 1]).persistent(),
            Wish::on(family, 81, &[1]).persistent(),
        ]);
        arrive(&mut before, &packet(family, 5, 80));
        // Persistence of the first one ends; its memory is still there.
        let mut after = machine(&[
            Wish::on(family, 80, &[1, 0]),
            Wish::on(family, 81, &[1]).persistent(),
        ]);
        recall(
            &mut after,
            family,
            false,
            remembered(&before, family, false),
        );
        let fate = arrive(&mut after, &packet(family, 5, 80));
        assert_eq!(taken_by(&fate), server(family, 0));
    }
}

#[test]
fn a_full_memory_keeps_nobody_out() {
    for family in FAMILIES {
        for routed in [false, true] {
            let made = Wish::on(family, 80, &[1, 1]).persistent();
            let made = if routed { made.routed() } else { made };
            let mut machine = machine(&[made]);
            machine.room = 2;
            for number in 0..20 {
                let fate = arrive(&mut machine, &packet(family, number, 80));
                assert!(fate != Fate::Refused && fate != Fate::Unchanged);
            }
        }
    }
}

#[test]
fn a_flow_of_direct_routing_stays_when_its_server_is_drained() {
    for family in FAMILIES {
        let made = |weights: &[u32]| machine(&[Wish::on(family, 80, weights).routed()]);
        let mut before = made(&[1, 1]);
        let flows = if family == Family::V4 {
            "flows_4"
        } else {
            "flows_6"
        };
        let first: Vec<IpAddr> = (0..20)
            .map(|number| taken_by(&arrive(&mut before, &packet(family, number, 80))))
            .collect();
        let table = TableFamily::Netdev;
        let memory = before.tables.get(table).unwrap().sets[flows].1.clone();
        let mut after = made(&[1, 0]);
        let held = after.tables.get_mut(table).unwrap();
        held.sets.get_mut(flows).unwrap().1 = memory;
        // Data, an end, what comes after it, and a new connection with the old ports.
        for flags in [0x10, 0x11, 0x10, 0x02] {
            for (number, server) in (0..20).zip(&first) {
                let packet = Packet {
                    tcp_flags: flags,
                    ..packet(family, number, 80)
                };
                assert_eq!(taken_by(&arrive(&mut after, &packet)), *server);
            }
        }
        let new = arrive(&mut after, &packet(family, 100, 80));
        assert_eq!(taken_by(&new), server(family, 0));
    }
}

#[test]
fn frames_for_others_and_packets_of_others_are_not_taken_off_the_interface() {
    for family in FAMILIES {
        let mut machine = machine(&[Wish::on(family, 80, &[1]).routed()]);
        let frame = Packet {
            kind: 3,
            ..packet(family, 1, 80)
        };
        let fate = machine.run(TableFamily::Netdev, "ingress", &frame);
        assert_eq!(fate, Fate::Unchanged);
        let fate = machine.run(TableFamily::Netdev, "ingress", &packet(family, 1, 81));
        assert_eq!(fate, Fate::Unchanged);
    }
}

#[test]
fn an_error_about_a_servers_answer_reaches_that_server() {
    for family in FAMILIES {
        let mut machine = machine(&[Wish::on(family, 80, &[1, 1]).routed()]);
        for number in 0..10 {
            let request = packet(family, number, 80);
            let fate = arrive(&mut machine, &request);
            let answer = Packet {
                source: request.destination,
                destination: request.source,
                ..request.clone()
            };
            let (protocol, kind) = if family == Family::V4 {
                (1, 3)
            } else {
                (58, 2)
            };
            let mut error = Packet {
                protocol,
                quoted: Some((kind, Box::new(answer))),
                ..request
            };
            error.source.0 = ip(&client(family, 900));
            assert_eq!(arrive(&mut machine, &error), fate);
            error.quoted = error.quoted.map(|(_, quoted)| (128, quoted));
            assert_eq!(arrive(&mut machine, &error), Fate::Unchanged);
        }
    }
}
