//! Sources that are translated, and connections that are reset.

use super::*;

/// A translated packet on its way out.
fn leaving(family: Family, mark: u32, port: u16, to: (IpAddr, u16)) -> Packet {
    let packet = packet(family, 1, port);
    Packet {
        destination: to,
        mark,
        ..packet
    }
}

#[test]
fn connections_to_masqueraded_servers_get_the_directors_address() {
    for family in FAMILIES {
        let full = |wish: Wish| Wish {
            forwarding: Forwarding::FullNat,
            ..wish
        };
        let mark = ServiceKey::Mark { family, mark: 9 };
        let mut state = state(&[
            full(Wish::on(family, 80, &[1])),
            Wish::on(family, 81, &[1]),
            full(Wish {
                key: mark,
                ..Wish::on(family, 0, &[1])
            }),
        ]);
        // One of two servers only.
        let mixed = Wish::on(family, 81, &[0, 1]).service();
        let service = state
            .services
            .get_mut(&Wish::on(family, 81, &[]).key)
            .unwrap();
        for (key, mut destination) in mixed.destinations.into_iter().skip(1) {
            destination.forwarding = Forwarding::FullNat;
            service.destinations.insert(key, destination);
        }
        let mut machine = Machine::new(holding(&state).0);
        let mut out = |mark, port, number| {
            let packet = leaving(family, mark, port, (server(family, number), 8080));
            machine.run(TableFamily::Inet, "postrouting", &packet)
        };
        assert_eq!(out(0, 80, 0), Fate::Masqueraded);
        assert_eq!(out(0, 81, 0), Fate::Unchanged);
        assert_eq!(out(0, 81, 1), Fate::Masqueraded);
        assert_eq!(out(9, 1234, 0), Fate::Masqueraded);
        assert_eq!(out(0, 1234, 0), Fate::Unchanged);
    }
}

#[test]
fn a_servers_answer_of_a_connection_of_another_director_gets_the_services_address() {
    for family in FAMILIES {
        let other = Wish {
            key: ServiceKey::Address {
                protocol: Protocol::Tcp,
                address: ip(vip(family)),
                port: 81,
            },
            ..Wish::on(family, 0, &[0, 1])
        };
        // The second server is behind both: its answers could be of either.
        let mut machine = machine(&[Wish::on(family, 80, &[1]), other]);
        let mut answer = |number, port, flags| {
            let mut packet = packet(family, 1, 80);
            packet.destination = packet.source;
            packet.source = (server(family, number), port);
            packet.tcp_flags = flags;
            machine.run(TableFamily::Inet, "postrouting", &packet)
        };
        let from = |port| Fate::From(ip(vip(family)), Some(port));
        assert_eq!(answer(1, 8080, 0x10), from(81));
        assert_eq!(answer(1, 8080, 0x12), from(81));
        assert_eq!(answer(1, 8080, 0x02), Fate::Unchanged);
        assert_eq!(answer(1, 8081, 0x10), Fate::Unchanged);
        assert_eq!(answer(0, 8080, 0x10), Fate::Unchanged);
    }
}

#[test]
fn connections_to_a_killed_server_are_reset_in_the_clients_direction_only() {
    use super::super::super::content::{Content, Edit};
    use super::super::super::testing::{Tables, carry_out, edit};
    for family in FAMILIES {
        let mark = ServiceKey::Mark { family, mark: 9 };
        let same_port = Wish {
            key: mark,
            port: 0,
            ..Wish::on(family, 0, &[1, 1])
        };
        let state = state(&[Wish::on(family, 80, &[1, 1]), same_port]);
        let (mut tables, mut content) = (Tables::default(), Content::default());
        carry_out(&mut tables, &mut content, edit(&State::default(), &state));
        let at = |port| DestinationKey {
            address: server(family, 1),
            port,
        };
        let killed = [(Wish::on(family, 80, &[]).key, at(8080)), (mark, at(0))];
        let killed = Edit {
            killed: Some(killed.into()),
            ..Edit::default()
        };
        carry_out(&mut tables, &mut content, killed);
        let mut machine = Machine::new(tables);
        let packet = |mark, port, number, to| Packet {
            tcp_flags: 0x10,
            ..leaving(family, mark, port, (server(family, number), to))
        };
        let mut through = |packet: &Packet| machine.run(TableFamily::Inet, "forward", packet);
        assert_eq!(through(&packet(0, 80, 1, 8080)), Fate::Reset);
        assert_eq!(through(&packet(0, 80, 0, 8080)), Fate::Unchanged);
        assert_eq!(through(&packet(9, 1234, 1, 1234)), Fate::Reset);
        let mut other = packet(0, 80, 1, 8080);
        other.tcp_flags = 0x04;
        assert_eq!(through(&other), Fate::Unchanged);
        other.tcp_flags = 0x10;
        other.direction = 1;
        assert_eq!(through(&other), Fate::Unchanged);
    }
}

#[test]
fn a_client_on_the_director_itself_is_served_like_any_other() {
    for family in FAMILIES {
        let mut machine = machine(&[Wish::on(family, 80, &[1])]);
        let fate = machine.run(TableFamily::Inet, "output", &packet(family, 1, 80));
        assert_eq!(fate, Fate::To(server(family, 0), Some(8080)));
    }
}
