//! Tracked connections, listed and forgotten.

use std::net::SocketAddr;

use farmctl::netlink::conntrack::{Client, Counters, Entry, Filter, TcpState};
use farmctl::netlink::ipvs::Protocol;

use crate::bed::{Connection, Family, Farm, Net, Server};

/// `IPS_ASSURED`.
const ASSURED: u32 = 4;

/// A client of a farm whose director tracks what it forwards, and an open connection of each
/// family through it to the second real server.
struct Tracked {
    farm: Farm,
    conntrack: Client,
    _open: [Connection; 2],
    _servers: [Server; 3],
}

fn server(family: Family) -> SocketAddr {
    SocketAddr::new(Net::Back.address(family, 12), 8080)
}

/// A rule that asks for the state of connections makes the director track them.
const TRACK: &str = "table inet watch {
    chain forward {
        type filter hook forward priority 0;
        ct state established counter
    }
}";

fn tracked() -> Tracked {
    let farm = Farm::new();
    let servers = farm.serve(8080);
    farm.director.forward();
    farm.director.set("net/netfilter/nf_conntrack_acct", "1");
    farm.director.run(|| {
        let mut nft = assert_cmd::Command::new("nft");
        nft.args(["-f", "-"]).write_stdin(TRACK).assert().success();
    });
    let conntrack = farm.director.run(|| Client::open().unwrap());
    let open = Family::BOTH.map(|family| {
        let mut connection = farm.client.connect(server(family)).unwrap();
        connection.get().unwrap();
        connection
    });
    Tracked {
        farm,
        conntrack,
        _open: open,
        _servers: servers,
    }
}

fn listed(conntrack: &mut Client, filter: &Filter) -> Vec<Entry> {
    let mut found = Vec::new();
    conntrack
        .connections(filter, |entry| found.push(entry))
        .unwrap();
    found
}

#[test]
fn a_connection_of_either_family_is_told_with_everything_that_is_known_of_it() {
    let mut tracked = tracked();
    for family in Family::BOTH {
        let server = server(family);
        let filter = Filter {
            destination: Some(server.ip()),
            destination_port: Some(8080),
            protocol: Some(Protocol::Tcp),
            server: Some(server.ip()),
            server_port: Some(8080),
        };
        let found = listed(&mut tracked.conntrack, &filter);
        let [entry] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(
            entry.original.source,
            Net::Uplink.address(family, Farm::CLIENT)
        );
        assert_eq!(entry.original.source, entry.reply.destination);
        assert_eq!(entry.original.source_port, entry.reply.destination_port);
        assert_eq!(entry.tcp, Some(TcpState::Established));
        assert_ne!(entry.status & ASSURED, 0);
        assert!(entry.timeout.unwrap() > 3600);
        let counted = |counters: &Option<Counters>| counters.unwrap().packets;
        assert!(
            counted(&entry.sent) >= 3 && counted(&entry.received) >= 2,
            "{entry:?}"
        );
        assert_eq!((entry.mark, entry.zone), (0, 0));
    }
}

#[test]
fn a_filter_leaves_out_what_differs_in_one_thing() {
    let mut tracked = tracked();
    let all = listed(&mut tracked.conntrack, &Filter::default());
    assert!(all.len() >= 2, "{all:?}");
    let any = Filter::default();
    for filter in [
        Filter {
            destination: Some([10, 1, 0, 11].into()),
            ..any
        },
        Filter {
            destination_port: Some(8081),
            ..any
        },
        Filter {
            protocol: Some(Protocol::Sctp),
            ..any
        },
        Filter {
            server: Some([10, 1, 0, 11].into()),
            ..any
        },
        Filter {
            server_port: Some(8081),
            ..any
        },
    ] {
        assert_eq!(listed(&mut tracked.conntrack, &filter), [], "{filter:?}");
    }
}

#[test]
fn a_connection_is_forgotten_once_and_the_others_stay() {
    let mut tracked = tracked();
    let to = |family| Filter {
        destination: Some(server(family).ip()),
        ..Filter::default()
    };
    let [entry] = listed(&mut tracked.conntrack, &to(Family::V4))
        .try_into()
        .unwrap();
    assert!(tracked.conntrack.delete(&entry).unwrap());
    assert!(!tracked.conntrack.delete(&entry).unwrap());
    assert_eq!(listed(&mut tracked.conntrack, &to(Family::V4)), []);
    assert_eq!(listed(&mut tracked.conntrack, &to(Family::V6)).len(), 1);
    tracked.conntrack.flush().unwrap();
    assert_eq!(listed(&mut tracked.conntrack, &Filter::default()), []);
    assert_eq!(tracked.farm.client.name(), "client");
}
