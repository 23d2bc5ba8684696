//! The connections that a kernel told.

use std::net::IpAddr;

use farmctl::netlink::conntrack::{Entry, TcpState, codec};
use farmctl::netlink::ipvs::Protocol;

use crate::recording::{Direction, each_message};

fn listed() -> Vec<Entry> {
    let mut entries = Vec::new();
    each_message("conntrack-list", Direction::Received, |message| {
        if message.kind == 0x0100 {
            entries.push(codec::read_entry(message.payload).unwrap().unwrap());
        }
    });
    entries
}

#[test]
fn connections_of_both_families_and_of_tcp_and_udp_are_read() {
    let mut found: Vec<_> = listed()
        .iter()
        .map(|entry| (entry.original.destination, entry.original.destination_port))
        .collect();
    found.sort_unstable();
    let places = [
        ("127.0.0.1", 53),
        ("127.0.0.1", 8080),
        ("::1", 53),
        ("::1", 8080),
    ];
    let expected = places.map(|(address, port)| (address.parse::<IpAddr>().unwrap(), port));
    assert_eq!(found, expected);
}

#[test]
fn a_tcp_connection_is_read_with_its_answers_its_state_and_its_counters() {
    for entry in listed() {
        let (original, reply) = (entry.original, entry.reply);
        assert_eq!(
            (original.source, original.destination),
            (reply.destination, reply.source)
        );
        assert_eq!(original.source_port, reply.destination_port);
        assert_eq!(original.destination_port, reply.source_port);
        assert!(entry.id.is_some() && entry.timeout.is_some());
        let sent = entry.sent.unwrap();
        if original.protocol == Protocol::Tcp {
            assert_eq!(entry.tcp, Some(TcpState::Established));
            // SYN, ACK and the question, with their headers.
            assert!(sent.packets >= 3 && sent.bytes > sent.packets * 40);
            assert_ne!(entry.received.unwrap().packets, 0);
        } else {
            assert_eq!(entry.tcp, None);
            assert_eq!((sent.packets, entry.received.unwrap().packets), (1, 0));
        }
    }
}
