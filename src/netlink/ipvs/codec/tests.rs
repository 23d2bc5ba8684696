//! What is written is what is read, for every message; and any bytes are survived.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::command::{Command, Destination, Query, Reply, Service};
use super::super::entry::{
    DestinationEntry, Family, ForwardingMethod, Info, Netmask, Protocol, Role, ServiceEntry,
    ServiceId, Stats, SyncDaemon, Timeouts, Tunnel,
};
use super::super::wire::FLAG_HASHED;
use super::*;
use crate::netlink::attribute::Writer;

fn address(family: Family) -> BoxedStrategy<IpAddr> {
    match family {
        Family::Inet => any::<Ipv4Addr>().prop_map(IpAddr::from).boxed(),
        Family::Inet6 => any::<Ipv6Addr>().prop_map(IpAddr::from).boxed(),
    }
}

fn family() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::Inet), Just(Family::Inet6)]
}

fn id() -> impl Strategy<Value = ServiceId> {
    let by_address = (
        any::<u16>().prop_map(Protocol::from),
        family().prop_flat_map(address),
    )
        .prop_flat_map(|(protocol, address)| {
            any::<u16>().prop_map(move |port| ServiceId::Address {
                protocol,
                address,
                port,
            })
        });
    let by_mark =
        (family(), any::<u32>()).prop_map(|(family, mark)| ServiceId::Mark { family, mark });
    prop_oneof![by_address, by_mark]
}

fn netmask(family: Family) -> BoxedStrategy<Netmask> {
    match family {
        Family::Inet => any::<Ipv4Addr>().prop_map(Netmask::V4).boxed(),
        Family::Inet6 => any::<u32>().prop_map(Netmask::V6).boxed(),
    }
}

fn service() -> impl Strategy<Value = Service> {
    id().prop_flat_map(|id| {
        let rest = (
            "[a-z]{1,15}",
            any::<u32>(),
            any::<u32>(),
            option::of("[a-z]{1,15}"),
        );
        (rest, netmask(id.family())).prop_map(
            move |((scheduler, flags, timeout, engine), netmask)| {
                let flags = flags & !FLAG_HASHED;
                Service {
                    id,
                    scheduler,
                    flags,
                    timeout,
                    netmask,
                    engine,
                }
            },
        )
    })
}

fn tunnel() -> impl Strategy<Value = Tunnel> {
    any::<(u8, u16, u16)>().prop_map(|(kind, port, flags)| Tunnel { kind, port, flags })
}

fn destination() -> impl Strategy<Value = Destination> {
    let numbers = any::<(u16, u32, u32, u32, u32)>();
    (family().prop_flat_map(address), numbers, tunnel()).prop_map(|(address, numbers, tunnel)| {
        let (port, forwarding, weight, upper_threshold, lower_threshold) = numbers;
        let forwarding = ForwardingMethod::from(forwarding);
        Destination {
            address,
            port,
            forwarding,
            weight,
            upper_threshold,
            lower_threshold,
            tunnel,
        }
    })
}

fn daemon() -> impl Strategy<Value = SyncDaemon> {
    let role = prop_oneof![Just(Role::Master), Just(Role::Backup)];
    let group = option::of(family().prop_flat_map(address));
    (role, "[a-z0-9.]{1,15}", any::<(u32, u16, u16, u8)>(), group).prop_map(
        |(role, interface, (sync_id, max_length, port, ttl), group)| SyncDaemon {
            role,
            interface,
            sync_id,
            max_length,
            group,
            port,
            ttl,
        },
    )
}

fn timeouts() -> impl Strategy<Value = Timeouts> {
    any::<(u32, u32, u32)>().prop_map(|(tcp, tcp_fin, udp)| Timeouts { tcp, tcp_fin, udp })
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        service().prop_map(Command::NewService),
        service().prop_map(Command::SetService),
        id().prop_map(Command::DelService),
        (id(), destination()).prop_map(|(id, one)| Command::NewDestination(id, one)),
        (id(), destination()).prop_map(|(id, one)| Command::SetDestination(id, one)),
        (id(), destination()).prop_map(|(id, one)| Command::DelDestination(id, one.id())),
        daemon().prop_map(Command::NewDaemon),
        daemon().prop_map(|daemon| Command::DelDaemon(daemon.role)),
        timeouts().prop_map(Command::SetTimeouts),
        option::of(id()).prop_map(Command::Zero),
        Just(Command::Flush),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    prop_oneof![
        Just(Query::Services),
        id().prop_map(Query::Service),
        id().prop_map(Query::Destinations),
        Just(Query::Daemons),
        Just(Query::Timeouts),
        Just(Query::Info),
    ]
}

fn stats() -> impl Strategy<Value = Stats> {
    any::<[u64; 10]>().prop_map(|n| Stats {
        connections: n[0],
        incoming_packets: n[1],
        outgoing_packets: n[2],
        incoming_bytes: n[3],
        outgoing_bytes: n[4],
        connection_rate: n[5],
        incoming_packet_rate: n[6],
        outgoing_packet_rate: n[7],
        incoming_byte_rate: n[8],
        outgoing_byte_rate: n[9],
    })
}

fn service_entry() -> impl Strategy<Value = ServiceEntry> {
    (service(), any::<bool>(), stats()).prop_map(|(service, hashed, stats)| ServiceEntry {
        id: service.id,
        scheduler: service.scheduler,
        flags: service.flags | if hashed { FLAG_HASHED } else { 0 },
        timeout: service.timeout,
        netmask: service.netmask,
        engine: service.engine,
        stats,
    })
}

fn destination_entry() -> impl Strategy<Value = DestinationEntry> {
    (destination(), any::<[u32; 3]>(), stats()).prop_map(|(one, counts, stats)| DestinationEntry {
        address: one.address,
        port: one.port,
        forwarding: one.forwarding,
        weight: one.weight,
        upper_threshold: one.upper_threshold,
        lower_threshold: one.lower_threshold,
        active: counts[0],
        inactive: counts[1],
        persistent: counts[2],
        tunnel: one.tunnel,
        stats,
    })
}

fn reply() -> impl Strategy<Value = Reply> {
    let info = any::<(u32, u32)>().prop_map(|(version, connection_table_size)| {
        Reply::Info(Info {
            version,
            connection_table_size,
        })
    });
    prop_oneof![
        service_entry().prop_map(Reply::Service),
        destination_entry().prop_map(Reply::Destination),
        daemon().prop_map(Reply::Daemon),
        timeouts().prop_map(Reply::Timeouts),
        info,
    ]
}

/// Appends an attribute of a newer kernel to the end of a message.
fn from_the_future(writer: &mut Writer) {
    writer.bytes(900, &[1, 2, 3, 4, 5]);
}

proptest! {
    #[test]
    fn every_command_reads_back(written in command()) {
        let mut writer = Writer::new();
        write_command(&mut writer, &written);
        from_the_future(&mut writer);
        prop_assert_eq!(read_command(writer.as_bytes()).unwrap(), written);
    }

    #[test]
    fn every_query_reads_back(written in query()) {
        let mut writer = Writer::new();
        write_query(&mut writer, &written);
        from_the_future(&mut writer);
        prop_assert_eq!(read_query(writer.as_bytes()).unwrap(), written);
    }

    #[test]
    fn every_reply_reads_back_whatever_family_was_asked_for(
        written in reply(),
        family in family(),
    ) {
        let mut writer = Writer::new();
        write_reply(&mut writer, &written);
        from_the_future(&mut writer);
        prop_assert_eq!(read_reply(writer.as_bytes(), family).unwrap(), written);
    }

    #[test]
    fn any_bytes_are_refused_or_read_to_something_that_can_be_written(
        number in 0..20_u8,
        bytes in vec(any::<u8>(), 0..300),
    ) {
        let payload = [&[number, 1, 0, 0], bytes.as_slice()].concat();
        if let Ok(found) = read_command(&payload) {
            let mut writer = Writer::new();
            write_command(&mut writer, &found);
            prop_assert_eq!(read_command(writer.as_bytes()).unwrap(), found);
        }
        if let Ok(found) = read_reply(&payload, Family::Inet) {
            let mut writer = Writer::new();
            write_reply(&mut writer, &found);
            prop_assert_eq!(read_reply(writer.as_bytes(), Family::Inet).unwrap(), found);
        }
    }

    #[test]
    fn a_command_with_any_byte_changed_is_refused_or_read(
        written in command(),
        place in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut writer = Writer::new();
        write_command(&mut writer, &written);
        let mut bytes = writer.as_bytes().to_vec();
        let at = place.index(bytes.len());
        bytes[at] = value;
        if let Ok(found) = read_command(&bytes) {
            // Reading the same bytes again gives the same: nothing is left over from before.
            prop_assert_eq!(read_command(&bytes).unwrap(), found);
        }
    }
}

#[test]
fn a_service_without_an_address_or_a_mark_is_malformed() {
    let mut writer = Writer::new();
    writer.raw(&generic_header(command::NEW_SERVICE));
    writer.nest(top::SERVICE, |nest| {
        nest.u16(wire::service::AF, wire::AF_INET);
    });
    let found = read_reply(writer.as_bytes(), Family::Inet);
    assert!(matches!(found, Err(Error::Malformed { .. })));
}

#[test]
fn a_destination_without_a_family_has_its_services() {
    let mut writer = Writer::new();
    writer.raw(&generic_header(command::NEW_DEST));
    writer.nest(top::DEST, |nest| {
        nest.bytes(wire::dest::ADDR, &Ipv6Addr::LOCALHOST.octets());
        nest.be16(wire::dest::PORT, 80);
    });
    let found = read_reply(writer.as_bytes(), Family::Inet6).unwrap();
    let Reply::Destination(entry) = found else {
        panic!("{found:?}")
    };
    assert_eq!(entry.address, IpAddr::from(Ipv6Addr::LOCALHOST));
}

#[test]
fn the_flag_that_only_the_kernel_sets_is_never_sent() {
    let claimed = Service {
        id: ServiceId::Mark {
            family: Family::Inet,
            mark: 1,
        },
        scheduler: "rr".into(),
        flags: FLAG_HASHED,
        timeout: 0,
        netmask: Netmask::full(Family::Inet),
        engine: None,
    };
    let mut writer = Writer::new();
    write_command(&mut writer, &Command::NewService(claimed.clone()));
    let sent = Service {
        flags: 0,
        ..claimed
    };
    assert_eq!(
        read_command(writer.as_bytes()).unwrap(),
        Command::NewService(sent)
    );
}
