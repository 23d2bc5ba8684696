//! Every attribute of services and destinations.

use farmctl::netlink::Errno;
use farmctl::netlink::ipvs::{
    Command, Destination, FLAG_HASHED, FLAG_ONE_PACKET, FLAG_PERSISTENT, FLAG_SCHED1, FLAG_SCHED2,
    Family, ForwardingMethod, Netmask, Protocol, Service, ServiceId, TUNNEL_CHECKSUM, TUNNEL_GRE,
    TUNNEL_GUE, TUNNEL_REMOTE_CHECKSUM, Tunnel,
};

use super::{
    at, destination, destinations, done, fresh, nat, round_trip, service, services, web, web6,
};

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
fn a_persistence_engine_comes_back_or_is_refused_where_the_kernel_has_none() {
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
        Some(failure) => assert_eq!(failure.errno, Errno::ENOENT),
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
