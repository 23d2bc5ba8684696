//! What ipvsadm and keepalived said to IPVS and what it answered.

use std::net::IpAddr;

use farmctl::netlink::Errno;
use farmctl::netlink::attribute::Writer;
use farmctl::netlink::ipvs::{
    Command, Destination, DestinationEntry, DestinationId, FLAG_HASHED, FLAG_ONE_PACKET,
    FLAG_PERSISTENT, FLAG_SCHED1, FLAG_SCHED2, Family, ForwardingMethod, Netmask, Protocol, Reply,
    Role, Service, ServiceEntry, ServiceId, SyncDaemon, TUNNEL_CHECKSUM, TUNNEL_GRE, TUNNEL_GUE,
    TUNNEL_REMOTE_CHECKSUM, Timeouts, Tunnel, codec,
};

use crate::exchange::{Asked, asked, command, replies, verdict};
use crate::recording::{Direction, all_recordings, each_message};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn id(protocol: Protocol, address: &str, port: u16) -> ServiceId {
    ServiceId::Address {
        protocol,
        address: ip(address),
        port,
    }
}

fn service(id: ServiceId, scheduler: &str) -> Service {
    let netmask = Netmask::full(id.family());
    Service {
        id,
        scheduler: scheduler.into(),
        flags: 0,
        timeout: 0,
        netmask,
        engine: None,
    }
}

fn destination(address: &str, port: u16, forwarding: ForwardingMethod) -> Destination {
    Destination {
        address: ip(address),
        port,
        forwarding,
        weight: 1,
        upper_threshold: 0,
        lower_threshold: 0,
        tunnel: Tunnel::default(),
    }
}

fn web() -> ServiceId {
    id(Protocol::Tcp, "10.0.0.1", 80)
}

fn mark(family: Family, mark: u32) -> ServiceId {
    ServiceId::Mark { family, mark }
}

fn persistent() -> Service {
    Service {
        flags: FLAG_PERSISTENT,
        timeout: 360,
        netmask: Netmask::V4([255, 255, 255, 0].into()),
        ..service(id(Protocol::Udp, "10.0.0.1", 53), "rr")
    }
}

#[test]
fn services_that_ipvsadm_makes_are_read_with_every_attribute() {
    let one_packet = Service {
        flags: FLAG_ONE_PACKET,
        ..service(id(Protocol::Udp, "10.0.0.1", 514), "rr")
    };
    let flags = Service {
        flags: FLAG_SCHED1 | FLAG_SCHED2,
        ..service(id(Protocol::Tcp, "10.0.0.2", 443), "mh")
    };
    let by_mark = Service {
        flags: FLAG_SCHED2,
        ..service(mark(Family::Inet, 7), "sh")
    };
    let by_mark6 = Service {
        flags: FLAG_PERSISTENT,
        timeout: 60,
        netmask: Netmask::V6(64),
        ..service(mark(Family::Inet6, 8), "wrr")
    };
    let engine = Service {
        flags: FLAG_PERSISTENT,
        timeout: 60,
        engine: Some("sip".into()),
        ..service(id(Protocol::Udp, "10.0.0.3", 5060), "rr")
    };
    for (name, expected) in [
        ("tcp", service(web(), "wlc")),
        ("persistent", persistent()),
        ("one-packet", one_packet),
        ("sctp", service(id(Protocol::Sctp, "10.0.0.1", 3868), "lc")),
        ("flags", flags),
        ("mark", by_mark),
        ("mark6", by_mark6),
        ("v6", service(id(Protocol::Tcp, "fd00::1", 80), "nq")),
        ("engine", engine),
    ] {
        let found = command(&format!("ipvsadm-new-service-{name}"));
        assert_eq!(found, Command::NewService(expected), "{name}");
    }
}

#[test]
fn destinations_that_ipvsadm_makes_are_read_with_every_attribute() {
    use ForwardingMethod::{Masquerade, Route, Tunnel as Tunnelled};
    let nat = Destination {
        weight: 3,
        upper_threshold: 100,
        lower_threshold: 50,
        ..destination("10.0.0.11", 8080, Masquerade)
    };
    let gue = Tunnel {
        kind: TUNNEL_GUE,
        port: 6080,
        flags: TUNNEL_REMOTE_CHECKSUM,
    };
    let gre = Tunnel {
        kind: TUNNEL_GRE,
        port: 0,
        flags: TUNNEL_CHECKSUM,
    };
    let web6 = id(Protocol::Tcp, "fd00::1", 80);
    for (name, id, expected) in [
        ("nat", web(), nat),
        (
            "route",
            web(),
            Destination {
                weight: 0,
                ..destination("10.0.0.12", 80, Route)
            },
        ),
        (
            "tunnel",
            web(),
            Destination {
                weight: 65535,
                ..destination("10.0.0.13", 80, Tunnelled)
            },
        ),
        (
            "gue",
            web(),
            Destination {
                tunnel: gue,
                ..destination("10.0.0.14", 80, Tunnelled)
            },
        ),
        (
            "gre",
            web(),
            Destination {
                tunnel: gre,
                ..destination("10.0.0.15", 80, Tunnelled)
            },
        ),
        ("mixed", web6, destination("10.0.0.16", 80, Tunnelled)),
        ("v6", web6, destination("fd00::11", 8080, Masquerade)),
        (
            "mark",
            mark(Family::Inet, 7),
            destination("10.0.0.17", 0, Route),
        ),
        ("local", web(), destination("127.0.0.1", 80, Masquerade)),
    ] {
        let found = command(&format!("ipvsadm-new-destination-{name}"));
        assert_eq!(found, Command::NewDestination(id, expected), "{name}");
    }
}

#[test]
fn edits_and_deletions_of_ipvsadm_are_read() {
    let edited = Destination {
        weight: 5,
        ..destination("10.0.0.11", 8080, ForwardingMethod::Masquerade)
    };
    let gone = DestinationId {
        address: ip("10.0.0.12"),
        port: 80,
    };
    for (name, expected) in [
        ("set-service", Command::SetService(service(web(), "wrr"))),
        ("set-destination", Command::SetDestination(web(), edited)),
        ("delete-destination", Command::DelDestination(web(), gone)),
        (
            "delete-service",
            Command::DelService(mark(Family::Inet6, 8)),
        ),
        ("zero-one", Command::Zero(Some(web()))),
        ("zero", Command::Zero(None)),
        ("flush", Command::Flush),
        (
            "timeouts",
            Command::SetTimeouts(Timeouts {
                tcp: 600,
                tcp_fin: 60,
                udp: 30,
            }),
        ),
    ] {
        assert_eq!(command(&format!("ipvsadm-{name}")), expected, "{name}");
    }
}

fn master() -> SyncDaemon {
    SyncDaemon {
        role: Role::Master,
        interface: "eth9".into(),
        sync_id: 7,
        max_length: 1400,
        group: Some(ip("239.1.2.3")),
        port: 9000,
        ttl: 3,
    }
}

#[test]
fn sync_daemons_are_read_as_started_and_as_listed() {
    assert_eq!(
        command("ipvsadm-start-master"),
        Command::NewDaemon(master())
    );
    assert_eq!(
        command("ipvsadm-stop-master"),
        Command::DelDaemon(Role::Master)
    );
    let backup = SyncDaemon {
        role: Role::Backup,
        sync_id: 8,
        max_length: 1452,
        group: Some(ip("ff02::81")),
        port: 8848,
        ttl: 1,
        ..master()
    };
    let listed = replies("ipvsadm-list-daemons", Family::Inet);
    assert_eq!(
        listed[1..],
        [Reply::Daemon(master()), Reply::Daemon(backup)]
    );
}

#[test]
fn the_kernels_version_and_timeouts_are_read() {
    let listed = replies("ipvsadm-list-timeouts", Family::Inet);
    let [Reply::Info(info), Reply::Timeouts(timeouts)] = listed.as_slice() else {
        panic!("{listed:?}");
    };
    assert_eq!(
        (info.version, info.connection_table_size),
        (0x01_02_01, 4096)
    );
    assert_eq!(
        *timeouts,
        Timeouts {
            tcp: 600,
            tcp_fin: 60,
            udp: 30
        }
    );
}

fn services(replies: Vec<Reply>) -> Vec<ServiceEntry> {
    replies
        .into_iter()
        .filter_map(|reply| {
            if let Reply::Service(entry) = reply {
                Some(entry)
            } else {
                None
            }
        })
        .collect()
}

fn destinations(replies: Vec<Reply>) -> Vec<DestinationEntry> {
    replies
        .into_iter()
        .filter_map(|reply| {
            if let Reply::Destination(entry) = reply {
                Some(entry)
            } else {
                None
            }
        })
        .collect()
}

#[test]
fn the_kernels_list_of_services_is_what_ipvsadm_made() {
    let listed = services(replies("ipvsadm-list", Family::Inet));
    assert!(listed.iter().all(|entry| entry.flags & FLAG_HASHED != 0));
    let mut schedulers: Vec<_> = listed
        .iter()
        .map(|entry| (entry.id, entry.scheduler.as_str()))
        .collect();
    schedulers.sort_unstable();
    let mut expected = [
        (web(), "wrr"),
        (id(Protocol::Udp, "10.0.0.1", 53), "rr"),
        (id(Protocol::Udp, "10.0.0.1", 514), "rr"),
        (id(Protocol::Sctp, "10.0.0.1", 3868), "lc"),
        (id(Protocol::Tcp, "10.0.0.2", 443), "mh"),
        (id(Protocol::Tcp, "fd00::1", 80), "nq"),
        (mark(Family::Inet, 7), "sh"),
        (mark(Family::Inet6, 8), "wrr"),
    ];
    expected.sort_unstable();
    assert_eq!(schedulers, expected);
    let found = listed
        .iter()
        .find(|entry| entry.id == persistent().id)
        .unwrap();
    assert_eq!(Service::from(found), persistent());
}

#[test]
fn the_kernels_list_of_destinations_is_what_ipvsadm_made() {
    let mut listed: Vec<_> = destinations(replies("ipvsadm-list-one", Family::Inet))
        .iter()
        .map(|entry| {
            (
                entry.address,
                entry.weight,
                entry.forwarding,
                entry.tunnel.kind,
            )
        })
        .collect();
    listed.sort_unstable();
    let expected = [
        (ip("10.0.0.11"), 5, ForwardingMethod::Masquerade, 0),
        (ip("10.0.0.12"), 0, ForwardingMethod::Route, 0),
        (ip("10.0.0.13"), 65535, ForwardingMethod::Tunnel, 0),
        (ip("10.0.0.14"), 1, ForwardingMethod::Tunnel, TUNNEL_GUE),
        (ip("10.0.0.15"), 1, ForwardingMethod::Tunnel, TUNNEL_GRE),
        // An address of the machine itself is not turned into ForwardingMethod::Local.
        (ip("127.0.0.1"), 1, ForwardingMethod::Masquerade, 0),
    ];
    assert_eq!(listed, expected);
}

#[test]
fn refusals_carry_the_error_numbers_that_the_documentation_names() {
    for (name, expected) in [
        ("ipvsadm-duplicate", Errno::EEXIST),
        ("ipvsadm-thresholds-refused", Errno::ERANGE),
        ("ipvsadm-missing-scheduler", Errno::ENOENT),
        ("ipvsadm-new-service-engine", Errno::ENOENT),
        ("ipvsadm-missing-destination", Errno::ENOENT),
    ] {
        assert_eq!(verdict(name), Some(expected), "{name}");
    }
    assert_eq!(verdict("ipvsadm-new-service-tcp"), None);
}

#[test]
fn what_keepalived_says_is_read() {
    let told = asked("keepalived");
    let persistent = Service {
        flags: FLAG_PERSISTENT | FLAG_SCHED1,
        timeout: 300,
        netmask: Netmask::V4([255, 255, 0, 0].into()),
        ..service(web(), "mh")
    };
    let first = Destination {
        weight: 4,
        upper_threshold: 20,
        lower_threshold: 10,
        ..destination("10.0.0.11", 8080, ForwardingMethod::Masquerade)
    };
    let by_mark = mark(Family::Inet6, 9);
    let routed = Destination {
        weight: 2,
        ..destination("fd00::11", 0, ForwardingMethod::Route)
    };
    for expected in [
        Command::NewService(persistent),
        Command::NewDestination(web(), first),
        Command::NewService(service(by_mark, "wrr")),
        Command::NewDestination(by_mark, routed),
        Command::DelService(web()),
    ] {
        assert!(
            told.contains(&Asked::Told(expected.clone())),
            "{expected:?} is not in {told:#?}"
        );
    }
}

/// The attributes inside the nests of a message, each with the nest that it is in.
fn flat(payload: &[u8]) -> Vec<(u16, u16, Vec<u8>)> {
    let mut found = Vec::new();
    for nest in farmctl::netlink::attribute::attributes(&payload[4..]) {
        let nest = nest.unwrap();
        for attribute in nest.nested() {
            let attribute = attribute.unwrap();
            found.push((nest.kind, attribute.kind, attribute.value.to_vec()));
        }
    }
    found
}

/// The mask of the flags that farmctl writes: it never claims to set what the kernel sets.
fn without_hashed((nest, kind, mut value): (u16, u16, Vec<u8>)) -> (u16, u16, Vec<u8>) {
    if (nest, kind) == (1, 7) {
        value[4..].copy_from_slice(&(!FLAG_HASHED).to_ne_bytes());
    }
    (nest, kind, value)
}

#[test]
fn every_attribute_that_farmctl_writes_is_byte_for_byte_one_that_ipvsadm_writes() {
    // ipvsadm leaves bytes of the service's IPv6 address behind a mixed tunnel's IPv4 address.
    let mut compared = 0;
    for (name, _) in all_recordings()
        .iter()
        .filter(|(name, _)| name.contains("-new-") && !name.ends_with("-mixed"))
    {
        each_message(name, Direction::Sent, |message| {
            let Ok(command) = codec::read_command(message.payload) else {
                return;
            };
            let mut writer = Writer::new();
            codec::write_command(&mut writer, &command);
            let theirs: Vec<_> = flat(message.payload)
                .into_iter()
                .map(without_hashed)
                .collect();
            for attribute in flat(writer.as_bytes()) {
                assert!(
                    theirs.contains(&attribute),
                    "{name}: {attribute:?} not in {theirs:?}"
                );
                compared += 1;
            }
        });
    }
    assert!(compared > 150, "only {compared} attributes were compared");
}

#[test]
fn every_recorded_command_survives_being_written_and_read_again() {
    let mut count = 0;
    for (name, _) in all_recordings() {
        if name.starts_with("nft") {
            continue;
        }
        for asked in asked(&name) {
            let mut writer = Writer::new();
            match asked {
                Asked::Told(command) => {
                    codec::write_command(&mut writer, &command);
                    assert_eq!(
                        codec::read_command(writer.as_bytes()).unwrap(),
                        command,
                        "{name}"
                    );
                }
                Asked::Asked(query) => {
                    codec::write_query(&mut writer, &query);
                    assert_eq!(
                        codec::read_query(writer.as_bytes()).unwrap(),
                        query,
                        "{name}"
                    );
                }
            }
            count += 1;
        }
    }
    assert!(count > 80, "only {count} messages were recorded");
}

#[test]
fn every_recorded_reply_survives_being_written_and_read_again() {
    for reply in replies("ipvsadm-list", Family::Inet) {
        let mut writer = Writer::new();
        codec::write_reply(&mut writer, &reply);
        assert_eq!(
            codec::read_reply(writer.as_bytes(), Family::Inet).unwrap(),
            reply
        );
    }
}
