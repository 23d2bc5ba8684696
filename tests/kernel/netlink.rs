//! The netlink codecs against the real kernel: what is written is what is read, and refusals
//! carry the error numbers that the documentation names. Each test has a namespace of its own.

use std::net::IpAddr;

use farmctl::netlink::ipvs::{
    Client, Command, Destination, DestinationId, FLAG_HASHED, FLAG_ONE_PACKET, FLAG_PERSISTENT,
    FLAG_SCHED1, FLAG_SCHED2, Family, ForwardingMethod, Netmask, Protocol, Role, Service,
    ServiceId, SyncDaemon, TUNNEL_CHECKSUM, TUNNEL_GRE, TUNNEL_GUE, TUNNEL_REMOTE_CHECKSUM,
    Timeouts, Tunnel, explain,
};
use farmctl::netlink::nft::{self, MarkRule};
use farmctl::netlink::route::{
    self, ADDRESS_DEPRECATED, ADDRESS_NO_DAD, ADDRESS_NO_PREFIX_ROUTE, FOREVER, NewAddress,
};
use farmctl::netlink::{Batch, Errno, Error, Socket};
use nix::sched::{CloneFlags, unshare};

/// Moves this test's thread into an empty network namespace, `lo` down as the kernel makes it.
fn leave_the_namespace() {
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
}

/// A namespace with `lo` up, and its number.
fn namespace() -> (route::Client, u32) {
    leave_the_namespace();
    let mut route = route::Client::open().unwrap();
    let lo = route
        .links()
        .unwrap()
        .into_iter()
        .find(|link| link.loopback)
        .unwrap();
    route.set_link_up(lo.index).unwrap();
    (route, lo.index)
}

fn fresh() -> Client {
    namespace();
    Client::open().unwrap()
}

/// Executes commands that the kernel must take.
fn done(client: &mut Client, commands: &[Command]) {
    assert_eq!(client.execute(commands).unwrap(), []);
}

/// Executes a command that the kernel must refuse.
fn refused(client: &mut Client, command: &Command) -> Errno {
    let failures = client.execute(std::slice::from_ref(command)).unwrap();
    assert_eq!(failures.len(), 1, "{command:?} was done");
    failures[0].errno
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn at(protocol: Protocol, address: &str, port: u16) -> ServiceId {
    ServiceId::Address {
        protocol,
        address: ip(address),
        port,
    }
}

fn web() -> ServiceId {
    at(Protocol::Tcp, "10.0.0.1", 80)
}

fn web6() -> ServiceId {
    at(Protocol::Tcp, "fd00::1", 80)
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

fn destination(address: &str, forwarding: ForwardingMethod) -> Destination {
    Destination {
        address: ip(address),
        port: 80,
        forwarding,
        weight: 1,
        upper_threshold: 0,
        lower_threshold: 0,
        tunnel: Tunnel::default(),
    }
}

fn nat(address: &str) -> Destination {
    destination(address, ForwardingMethod::Masquerade)
}

/// The services as they would have to be written, sorted.
fn services(client: &mut Client) -> Vec<Service> {
    let mut services: Vec<_> = client
        .services()
        .unwrap()
        .iter()
        .map(Service::from)
        .collect();
    services.sort_unstable();
    services
}

fn destinations(client: &mut Client, id: &ServiceId) -> Vec<Destination> {
    let entries = client.destinations(id).unwrap();
    let mut found: Vec<_> = entries.iter().map(Destination::from).collect();
    found.sort_unstable();
    found
}

/// Writes services in one batch and expects to read the same.
fn round_trip(mut written: Vec<Service>) {
    let mut client = fresh();
    let commands: Vec<_> = written.iter().cloned().map(Command::NewService).collect();
    done(&mut client, &commands);
    written.sort_unstable();
    assert_eq!(services(&mut client), written);
}

#[test]
fn every_scheduler_comes_back_for_both_families() {
    let names = [
        "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf",
        "twos",
    ];
    let ports = 1..;
    round_trip(
        ports
            .zip(names)
            .flat_map(|(port, name)| {
                ["10.0.0.1", "fd00::1"].map(|vip| service(at(Protocol::Tcp, vip, port), name))
            })
            .collect(),
    );
}

#[test]
fn every_identity_and_attribute_of_a_service_comes_back() {
    let persistent = |id, netmask| Service {
        flags: FLAG_PERSISTENT,
        timeout: 300,
        netmask,
        ..service(id, "rr")
    };
    let mark = |family, mark| ServiceId::Mark { family, mark };
    round_trip(vec![
        service(at(Protocol::Udp, "10.0.0.1", 53), "rr"),
        service(at(Protocol::Sctp, "10.0.0.1", 3868), "rr"),
        service(mark(Family::Inet, 7), "wlc"),
        service(mark(Family::Inet6, 7), "wlc"),
        persistent(
            at(Protocol::Tcp, "10.0.0.2", 0),
            Netmask::V4([255, 255, 255, 0].into()),
        ),
        persistent(at(Protocol::Tcp, "fd00::2", 0), Netmask::V6(64)),
        persistent(mark(Family::Inet6, 9), Netmask::V6(1)),
        Service {
            flags: FLAG_ONE_PACKET,
            ..service(at(Protocol::Udp, "fd00::1", 53), "rr")
        },
        Service {
            flags: FLAG_SCHED1 | FLAG_SCHED2,
            ..service(web(), "mh")
        },
        Service {
            flags: FLAG_SCHED2,
            ..service(web6(), "sh")
        },
    ]);
}

#[test]
fn a_persistence_engine_comes_back_or_is_explained_where_the_kernel_has_none() {
    let mut client = fresh();
    let sip = Service {
        flags: FLAG_PERSISTENT,
        timeout: 60,
        engine: Some("sip".into()),
        ..service(at(Protocol::Udp, "10.0.0.1", 5060), "rr")
    };
    let command = Command::NewService(sip.clone());
    match client
        .execute(std::slice::from_ref(&command))
        .unwrap()
        .pop()
    {
        None => assert_eq!(services(&mut client), [sip]),
        Some(failure) => {
            assert_eq!(failure.errno, Errno::ENOENT);
            assert!(explain(&command, failure.errno).contains("ip_vs_pe_sip"));
        }
    }
}

#[test]
fn every_attribute_of_a_destination_comes_back() {
    let mut client = fresh();
    let gue = |flags| Tunnel {
        kind: TUNNEL_GUE,
        port: 6080,
        flags,
    };
    let gre = |flags| Tunnel {
        kind: TUNNEL_GRE,
        port: 0,
        flags,
    };
    let tunnel = |address, tunnel| Destination {
        tunnel,
        ..destination(address, ForwardingMethod::Tunnel)
    };
    let mut written = vec![
        Destination {
            weight: 0,
            ..nat("10.1.0.1")
        },
        Destination {
            weight: 65535,
            upper_threshold: 100,
            lower_threshold: 50,
            ..nat("10.1.0.2")
        },
        Destination {
            weight: i32::MAX.unsigned_abs(),
            port: 8080,
            ..nat("10.1.0.3")
        },
        destination("10.1.0.4", ForwardingMethod::Route),
        tunnel("10.1.0.5", Tunnel::default()),
        tunnel("10.1.0.6", gue(0)),
        tunnel("10.1.0.7", gue(TUNNEL_CHECKSUM)),
        tunnel("10.1.0.8", gue(TUNNEL_REMOTE_CHECKSUM)),
        tunnel("10.1.0.9", gre(0)),
        tunnel("10.1.0.10", gre(TUNNEL_CHECKSUM)),
        tunnel("fd01::1", Tunnel::default()),
        nat("127.0.0.1"),
    ];
    let mut commands = vec![Command::NewService(service(web(), "rr"))];
    commands.extend(
        written
            .iter()
            .map(|one| Command::NewDestination(web(), *one)),
    );
    done(&mut client, &commands);
    written.sort_unstable();
    assert_eq!(destinations(&mut client, &web()), written);
}

#[test]
fn everything_but_the_identity_can_be_edited_in_place() {
    let mut client = fresh();
    let before = Destination {
        tunnel: Tunnel {
            kind: TUNNEL_GUE,
            port: 6080,
            flags: TUNNEL_CHECKSUM,
        },
        ..destination("fd01::1", ForwardingMethod::Tunnel)
    };
    let after = Destination {
        weight: 9,
        ..nat("fd01::1")
    };
    let edited = Service {
        flags: FLAG_PERSISTENT,
        timeout: 60,
        netmask: Netmask::V6(56),
        ..service(web6(), "mh")
    };
    done(
        &mut client,
        &[
            Command::NewService(service(web6(), "rr")),
            Command::NewDestination(web6(), before),
            Command::SetDestination(web6(), after),
            Command::SetService(edited.clone()),
        ],
    );
    assert_eq!(services(&mut client), [edited]);
    assert_eq!(destinations(&mut client, &web6()), [after]);
}

#[test]
fn an_edit_clears_the_flags_that_it_does_not_name() {
    let mut client = fresh();
    let flags = FLAG_PERSISTENT | FLAG_SCHED1;
    let with = Service {
        flags,
        timeout: 60,
        ..service(web(), "sh")
    };
    let commands = [
        Command::NewService(with),
        Command::SetService(service(web(), "sh")),
    ];
    done(&mut client, &commands);
    let found = client.service(&web()).unwrap().unwrap();
    assert_eq!(found.flags, FLAG_HASHED);
}

#[test]
fn refusals_have_the_documented_error_numbers() {
    let mut client = fresh();
    let real = nat("10.1.0.1");
    let other = at(Protocol::Tcp, "10.0.0.9", 80);
    done(
        &mut client,
        &[
            Command::NewService(service(web(), "rr")),
            Command::NewDestination(web(), real),
        ],
    );
    let inverted = Destination {
        upper_threshold: 5,
        lower_threshold: 9,
        ..real
    };
    let too_heavy = Destination {
        weight: u32::MAX,
        ..real
    };
    let missing = DestinationId {
        address: ip("10.1.0.9"),
        port: 80,
    };
    let portless = Tunnel {
        kind: TUNNEL_GUE,
        port: 0,
        flags: 0,
    };
    let gue = Destination {
        tunnel: portless,
        ..destination("10.1.0.3", ForwardingMethod::Tunnel)
    };
    for (command, expected) in [
        (Command::NewService(service(web(), "rr")), Errno::EEXIST),
        (
            Command::NewService(service(other, "nonesuch")),
            Errno::ENOENT,
        ),
        (Command::SetService(service(other, "rr")), Errno::ESRCH),
        (Command::DelService(other), Errno::ESRCH),
        (Command::Zero(Some(other)), Errno::ESRCH),
        (Command::NewDestination(other, real), Errno::ESRCH),
        (Command::NewDestination(web(), real), Errno::EEXIST),
        (
            Command::SetDestination(web(), nat("10.1.0.9")),
            Errno::ENOENT,
        ),
        (Command::DelDestination(web(), missing), Errno::ENOENT),
        (Command::SetDestination(web(), inverted), Errno::ERANGE),
        (Command::SetDestination(web(), too_heavy), Errno::ERANGE),
        (
            Command::NewDestination(web(), nat("224.0.0.1")),
            Errno::EINVAL,
        ),
        (
            Command::NewDestination(web(), nat("fd01::1")),
            Errno::EINVAL,
        ),
        (Command::NewDestination(web(), gue), Errno::EINVAL),
        (Command::DelDaemon(Role::Master), Errno::ESRCH),
    ] {
        assert_eq!(refused(&mut client, &command), expected, "{command:?}");
        assert!(
            !explain(&command, expected).contains("no reason"),
            "{command:?}"
        );
    }
}

#[test]
fn a_destination_is_refused_while_lo_is_down_and_the_explanation_says_so() {
    leave_the_namespace();
    let mut client = Client::open().unwrap();
    done(&mut client, &[Command::NewService(service(web(), "rr"))]);
    let command = Command::NewDestination(web(), nat("10.1.0.1"));
    let errno = refused(&mut client, &command);
    assert_eq!(errno, Errno::EINVAL);
    assert!(explain(&command, errno).contains("ip link set lo up"));
}

#[test]
fn a_missing_service_reads_as_none_and_its_destinations_as_empty() {
    let mut client = fresh();
    assert_eq!(client.service(&web()).unwrap(), None);
    assert_eq!(client.destinations(&web()).unwrap(), []);
}

#[test]
fn of_five_thousand_commands_exactly_the_bad_ones_are_reported() {
    let mut client = fresh();
    let mut commands = vec![Command::NewService(service(web(), "rr"))];
    for number in 1..5000_u16 {
        let [high, low] = number.to_be_bytes();
        // Every third one deletes a destination that is not there.
        commands.push(if number % 3 == 0 {
            let address = [10, 2, high, low].into();
            Command::DelDestination(web(), DestinationId { address, port: 80 })
        } else {
            let address = [10, 1, high, low].into();
            Command::NewDestination(
                web(),
                Destination {
                    address,
                    ..nat("10.1.0.0")
                },
            )
        });
    }
    let failures = client.execute(&commands).unwrap();
    let indexes: Vec<_> = failures.iter().map(|failure| failure.index).collect();
    assert_eq!(
        indexes,
        (1..5000)
            .filter(|number| number % 3 == 0)
            .collect::<Vec<_>>()
    );
    assert!(
        failures
            .iter()
            .all(|failure| failure.errno == Errno::ENOENT)
    );
    assert_eq!(
        client.destinations(&web()).unwrap().len(),
        4999 - failures.len()
    );
    assert_eq!(client.writes_sent(), 5000);
}

#[test]
fn five_thousand_refusals_do_not_overflow_the_socket() {
    let mut client = fresh();
    let commands = vec![Command::DelService(web()); 5000];
    assert_eq!(client.execute(&commands).unwrap().len(), 5000);
}

#[test]
fn a_table_larger_than_one_read_is_read_whole() {
    let mut client = fresh();
    let ids: Vec<_> = (1..2000)
        .map(|port| at(Protocol::Udp, "fd00::1", port))
        .collect();
    let commands: Vec<_> = ids
        .iter()
        .map(|id| Command::NewService(service(*id, "rr")))
        .collect();
    done(&mut client, &commands);
    let mut found: Vec<_> = client
        .services()
        .unwrap()
        .iter()
        .map(|entry| entry.id)
        .collect();
    found.sort_unstable();
    assert_eq!(found, ids);
}

#[test]
fn deletions_and_a_flush_leave_nothing() {
    let mut client = fresh();
    let real = nat("10.1.0.1");
    done(
        &mut client,
        &[
            Command::NewService(service(web(), "rr")),
            Command::NewService(service(web6(), "rr")),
            Command::NewDestination(web(), real),
            Command::DelDestination(web(), real.id()),
            Command::Zero(Some(web())),
            Command::Zero(None),
            Command::DelService(web()),
        ],
    );
    assert_eq!(services(&mut client), [service(web6(), "rr")]);
    done(&mut client, &[Command::Flush]);
    assert_eq!(services(&mut client), []);
}

#[test]
fn timeouts_come_back_and_zero_leaves_one_as_it_is() {
    let mut client = fresh();
    let all = Timeouts {
        tcp: 600,
        tcp_fin: 60,
        udp: 30,
    };
    done(&mut client, &[Command::SetTimeouts(all)]);
    assert_eq!(client.timeouts().unwrap(), all);
    done(
        &mut client,
        &[Command::SetTimeouts(Timeouts {
            tcp: 0,
            tcp_fin: 61,
            udp: 0,
        })],
    );
    assert_eq!(client.timeouts().unwrap(), Timeouts { tcp_fin: 61, ..all });
}

#[test]
fn the_version_of_ipvs_is_1_2_1() {
    let info = fresh().info().unwrap();
    assert_eq!(info.version, 0x01_02_01);
    assert_ne!(info.connection_table_size, 0);
}

#[test]
fn sync_daemons_of_both_families_come_back_and_stop() {
    let (mut route, lo) = namespace();
    route
        .add_address(&NewAddress::new(lo, ip("10.0.0.254"), 24))
        .unwrap();
    let mut client = Client::open().unwrap();
    let master = SyncDaemon {
        role: Role::Master,
        interface: "lo".into(),
        sync_id: 7,
        max_length: 1400,
        group: Some(ip("239.1.2.3")),
        port: 9000,
        ttl: 3,
    };
    let backup = SyncDaemon {
        role: Role::Backup,
        sync_id: 8,
        group: Some(ip("ff02::81")),
        ..master.clone()
    };
    done(
        &mut client,
        &[
            Command::NewDaemon(master.clone()),
            Command::NewDaemon(backup.clone()),
        ],
    );
    assert_eq!(client.daemons().unwrap(), [master.clone(), backup]);
    assert_eq!(
        refused(&mut client, &Command::NewDaemon(master.clone())),
        Errno::EEXIST
    );
    done(
        &mut client,
        &[
            Command::DelDaemon(Role::Master),
            Command::DelDaemon(Role::Backup),
        ],
    );
    assert_eq!(client.daemons().unwrap(), []);
    let nowhere = SyncDaemon {
        interface: "nonesuch".into(),
        ..master
    };
    assert_eq!(
        refused(&mut client, &Command::NewDaemon(nowhere)),
        Errno::ENODEV
    );
}

#[test]
fn a_sync_daemon_without_wishes_gets_the_kernels_defaults() {
    let (mut route, lo) = namespace();
    route
        .add_address(&NewAddress::new(lo, ip("10.0.0.254"), 24))
        .unwrap();
    let mut client = Client::open().unwrap();
    let plain = SyncDaemon {
        role: Role::Master,
        interface: "lo".into(),
        sync_id: 0,
        max_length: 0,
        group: None,
        port: 0,
        ttl: 0,
    };
    done(&mut client, &[Command::NewDaemon(plain)]);
    let found = client.daemons().unwrap().remove(0);
    assert_eq!(
        (found.group, found.port, found.ttl),
        (Some(ip("224.0.0.81")), 8848, 1)
    );
    assert_ne!(found.max_length, 0);
    done(&mut client, &[Command::DelDaemon(Role::Master)]);
}

#[test]
fn a_mixed_tunnel_and_a_sync_daemon_exclude_each_other() {
    let (mut route, lo) = namespace();
    route
        .add_address(&NewAddress::new(lo, ip("10.0.0.254"), 24))
        .unwrap();
    let mut client = Client::open().unwrap();
    let mixed = Command::NewDestination(web6(), destination("10.1.0.1", ForwardingMethod::Tunnel));
    done(
        &mut client,
        &[Command::NewService(service(web6(), "rr")), mixed],
    );
    let daemon = Command::NewDaemon(SyncDaemon {
        role: Role::Master,
        interface: "lo".into(),
        sync_id: 1,
        max_length: 0,
        group: None,
        port: 0,
        ttl: 0,
    });
    assert_eq!(refused(&mut client, &daemon), Errno::EINVAL);
}

fn addresses(route: &mut route::Client) -> Vec<(IpAddr, u8)> {
    let found = route.addresses().unwrap();
    found
        .iter()
        .map(|found| (found.address, found.prefix))
        .collect()
}

#[test]
fn a_virtual_address_goes_up_as_asked_for_and_down_again() {
    let (mut route, lo) = namespace();
    for (address, prefix) in [("192.0.2.10", 32), ("2001:db8::10", 64)] {
        let address = ip(address);
        let wanted = NewAddress {
            no_prefix_route: true,
            no_dad: true,
            preferred_lifetime: Some(0),
            ..NewAddress::new(lo, address, prefix)
        };
        route.add_address(&wanted).unwrap();
        let all = route.addresses().unwrap();
        let found = all.iter().find(|found| found.address == address).unwrap();
        assert_eq!(
            (found.index, found.prefix, found.broadcast),
            (lo, prefix, None)
        );
        assert_eq!(found.valid_lifetime, FOREVER);
        // The kernel lists an IPv4 address that is valid for ever as preferred for ever.
        let preferred = if address.is_ipv6() { 0 } else { FOREVER };
        assert_eq!(found.preferred_lifetime, preferred);
        let set = ADDRESS_NO_PREFIX_ROUTE | ADDRESS_DEPRECATED;
        assert_eq!(found.flags & set, set, "{address}");
        assert_eq!(found.flags & ADDRESS_NO_DAD != 0, address.is_ipv6());

        let again = route.add_address(&wanted).unwrap_err();
        assert_eq!(again.errno(), Some(Errno::EEXIST));
        route.delete_address(lo, address, prefix).unwrap();
        let gone = route.delete_address(lo, address, prefix).unwrap_err();
        assert_eq!(gone.errno(), Some(Errno::EADDRNOTAVAIL));
        assert!(!addresses(&mut route).contains(&(address, prefix)));
    }
}

#[test]
fn the_kernels_own_words_are_passed_on() {
    let (mut route, lo) = namespace();
    let refused = route
        .add_address(&NewAddress::new(lo, ip("192.0.2.10"), 33))
        .unwrap_err();
    assert!(
        matches!(
            &refused,
            Error::Kernel {
                message: Some(_),
                ..
            }
        ),
        "{refused:?}"
    );
}

const TABLE: &str = "farmctl_test";

fn mark_rules() -> Vec<MarkRule> {
    let rule = |address: &str, protocol, first_port, last_port, mark| MarkRule {
        address: ip(address),
        protocol,
        first_port,
        last_port,
        mark,
    };
    vec![
        rule("192.0.2.10", Protocol::Tcp, 443, 443, 7),
        rule("2001:db8::10", Protocol::Udp, 30000, 30100, 8),
        rule("192.0.2.10", Protocol::Sctp, 0, 65535, u32::MAX),
    ]
}

#[test]
fn a_table_of_mark_rules_is_replaced_read_and_deleted() {
    leave_the_namespace();
    let mut client = nft::Client::open().unwrap();
    assert_eq!(client.mark_rules(TABLE).unwrap(), None);
    client.replace_table(TABLE, &mark_rules()).unwrap();
    let table = client.table(TABLE).unwrap().unwrap();
    assert_eq!((table.rules, table.strays), (mark_rules(), vec![]));
    client.replace_table(TABLE, &mark_rules()[1..]).unwrap();
    assert_eq!(
        client.mark_rules(TABLE).unwrap().unwrap(),
        mark_rules()[1..]
    );
    client.replace_table(TABLE, &[]).unwrap();
    assert_eq!(client.mark_rules(TABLE).unwrap(), Some(vec![]));
    client.delete_table(TABLE).unwrap();
    client.delete_table(TABLE).unwrap();
    assert_eq!(client.mark_rules(TABLE).unwrap(), None);
}

#[test]
fn a_table_larger_than_the_send_buffer_is_replaced_whole() {
    leave_the_namespace();
    let mut client = nft::Client::open().unwrap();
    let rules: Vec<_> = (1..=1000)
        .map(|port| MarkRule {
            first_port: port,
            last_port: port,
            ..mark_rules()[0]
        })
        .collect();
    client.replace_table(TABLE, &rules).unwrap();
    assert_eq!(client.mark_rules(TABLE).unwrap(), Some(rules));
}

#[test]
fn a_rule_that_somebody_else_put_into_the_table_shows() {
    leave_the_namespace();
    let mut client = nft::Client::open().unwrap();
    client.replace_table(TABLE, &mark_rules()).unwrap();
    // An empty rule (NFT_MSG_NEWRULE) between the messages that open and close a transaction.
    let mut socket = Socket::open(netlink_sys::protocols::NETLINK_NETFILTER).unwrap();
    let mut batch = Batch::transaction();
    batch.push(0x10, 0, |writer| writer.raw(&[0, 0, 0, 10]));
    batch.push(0x0a06, 0x400, |writer| {
        writer.raw(&[1, 0, 0, 0]);
        writer.string(1, TABLE);
        writer.string(2, "output");
        writer.nest(4, |_| {});
    });
    batch.push(0x11, 0, |writer| writer.raw(&[0, 0, 0, 10]));
    assert_eq!(socket.batch(&mut batch).unwrap(), []);
    let table = client.table(TABLE).unwrap().unwrap();
    assert_eq!(table.rules, mark_rules());
    assert_eq!(
        table.strays,
        ["Of the chain `output`, 1 rules are not farmctl's."]
    );
}
