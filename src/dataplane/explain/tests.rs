use super::*;
use crate::state::{
    Address, ClientMask, Family, Persistence, Protocol, SchedulerFlags, Service, SyncDaemon,
    SyncRole, TunnelChecksum, VsSysctl,
};

fn http() -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: [192, 0, 2, 10].into(),
        port: 80,
    }
}

fn attributes(engine: Option<&str>) -> ServiceAttributes {
    ServiceAttributes {
        scheduler: "mh".to_owned(),
        scheduler_flags: SchedulerFlags::default(),
        persistence: engine.map(|engine| Persistence {
            timeout: 300,
            mask: ClientMask::host(Family::V4),
            engine: Some(engine.to_owned()),
        }),
        one_packet: false,
    }
}

fn add_service(service: ServiceKey, engine: Option<&str>) -> Change {
    Change::AddService {
        service,
        attributes: attributes(engine),
    }
}

fn web(forwarding: Forwarding) -> Destination {
    Destination {
        forwarding,
        weight: 1,
        upper_threshold: 0,
        lower_threshold: 0,
    }
}

fn add(address: &str, destination: Destination) -> Change {
    Change::AddDestination {
        service: http(),
        key: DestinationKey {
            address: address.parse().unwrap(),
            port: 8080,
        },
        destination,
    }
}

fn start_sync() -> Change {
    Change::StartSync {
        role: SyncRole::Master,
        daemon: SyncDaemon {
            interface: "eth1".to_owned(),
            id: 7,
            max_length: 0,
            group: [224, 0, 0, 81].into(),
            port: 8848,
            ttl: 1,
        },
    }
}

fn set(setting: Setting) -> Change {
    Change::SetSetting {
        setting,
        from: None,
        to: 1,
    }
}

fn add_address(address: &str) -> Change {
    Change::AddAddress {
        key: AddressKey {
            interface: "eth9".to_owned(),
            address: address.parse().unwrap(),
        },
        address: Address {
            prefix: 32,
            no_prefix_route: false,
        },
    }
}

/// The reason that the operator reads.
#[track_caller]
fn reason(change: &Change, errno: Errno) -> String {
    match refused(change, errno, Loopback::Up) {
        Error::Refused {
            reason,
            errno: number,
            ..
        } => {
            assert_eq!(number, errno as i32);
            reason
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unknown_scheduler_is_named_with_the_command_that_loads_it() {
    assert_eq!(
        refused(&add_service(http(), None), Errno::ENOENT, Loopback::Up).to_string(),
        "the kernel refused to add service tcp 192.0.2.10:80 scheduler mh: this kernel does not \
         know the scheduler `mh`: run `modprobe ip_vs_mh`, or choose another scheduler"
    );
}

#[test]
fn an_unknown_engine_and_an_unknown_scheduler_share_a_number_and_both_are_named() {
    assert_eq!(
        reason(&add_service(http(), Some("sip")), Errno::ENOENT),
        "this kernel does not know the scheduler `mh` or the persistence engine `sip`: run \
         `modprobe ip_vs_mh` and `modprobe ip_vs_pe_sip`"
    );
}

#[test]
fn the_same_number_means_a_missing_real_server_elsewhere() {
    let change = Change::DeleteDestination {
        service: http(),
        key: DestinationKey {
            address: [10, 0, 0, 21].into(),
            port: 80,
        },
        was: web(Forwarding::Masquerade),
    };
    assert_eq!(
        reason(&change, Errno::ENOENT),
        "the real server is not there; another program removed it meanwhile: run farmctl again"
    );
}

#[test]
fn a_service_that_somebody_removed_is_told_as_such() {
    let was = Service::without_destinations(attributes(None));
    let change = Change::DeleteService {
        service: http(),
        was,
    };
    let text = "the service is not there; another program removed it meanwhile: run farmctl again";
    assert_eq!(reason(&change, Errno::ESRCH), text);
    let change = add("10.0.0.21", web(Forwarding::Masquerade));
    assert_eq!(reason(&change, Errno::ESRCH), text);
}

#[test]
fn what_is_there_already_is_told_as_such() {
    assert_eq!(
        reason(&add_service(http(), None), Errno::EEXIST),
        "the service is there already; another program added it meanwhile: run farmctl again"
    );
}

#[test]
fn a_service_on_every_port_without_persistence_is_explained() {
    let every = ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: [192, 0, 2, 10].into(),
        port: 0,
    };
    assert_eq!(
        reason(&add_service(every, None), Errno::EINVAL),
        "a service on every port (port 0) must be persistent"
    );
}

#[test]
fn addresses_that_are_no_hosts_own_are_named_for_what_they_are() {
    for (address, kind) in [
        ("224.0.0.1", "a multicast address"),
        ("255.255.255.255", "a broadcast address"),
        ("0.0.0.0", "no address at all"),
    ] {
        assert_eq!(
            reason(&add(address, web(Forwarding::Route)), Errno::EINVAL),
            format!("{address} is {kind}: a real server needs an address of its own")
        );
    }
}

#[test]
fn a_loopback_interface_that_is_down_is_told_with_the_command_that_raises_it() {
    let change = add("10.0.0.21", web(Forwarding::Masquerade));
    let error = refused(&change, Errno::EINVAL, Loopback::Down).to_string();
    assert!(error.ends_with("run `ip link set lo up`"), "{error}");
    let error = refused(&change, Errno::EINVAL, Loopback::Up).to_string();
    assert!(error.contains("broadcast address"), "{error}");
}

#[test]
fn a_tunnel_that_the_kernel_refuses_is_explained_by_what_is_wrong_with_it() {
    let gue = Forwarding::Tunnel(TunnelKind::Gue {
        port: 0,
        checksum: TunnelChecksum::None,
    });
    let text = reason(&add("10.0.0.21", web(gue)), Errno::EINVAL);
    assert_eq!(text, "a GUE tunnel needs the UDP port of its far end");
    let mixed = Forwarding::Tunnel(TunnelKind::Ipip);
    let text = reason(&add("2001:db8::1", web(mixed)), Errno::EINVAL);
    assert!(text.contains("synchronisation daemon runs"), "{text}");
    let text = reason(&add("2001:db8::1", web(Forwarding::Route)), Errno::EINVAL);
    assert!(text.starts_with("only a tunnel"), "{text}");
}

#[test]
fn masquerading_by_ip_vs_is_refused_with_the_choice() {
    let text = reason(
        &add("10.0.0.21", web(Forwarding::FullNat)),
        Errno::EOPNOTSUPP,
    );
    assert!(text.contains("leave out `masquerade`"), "{text}");
    assert!(text.contains("`dataplane: nftables`"), "{text}");
}

#[test]
fn thresholds_and_weights_out_of_range_are_told_apart() {
    let mut crossed = web(Forwarding::Masquerade);
    crossed.upper_threshold = 5;
    crossed.lower_threshold = 9;
    assert_eq!(
        reason(&add("10.0.0.21", crossed), Errno::ERANGE),
        "its lower connection threshold 9 is above the upper one 5"
    );
    let mut heavy = web(Forwarding::Masquerade);
    heavy.weight = 3_000_000_000;
    assert_eq!(
        reason(&add("10.0.0.21", heavy), Errno::ERANGE),
        "its weight 3000000000 is above 2147483647"
    );
}

#[test]
fn a_missing_right_is_told_with_what_gives_it() {
    let error = refused(&add_service(http(), None), Errno::EPERM, Loopback::Up);
    assert_eq!(
        error.to_string(),
        "no permission to add service tcp 192.0.2.10:80 scheduler mh: run farmctl as root, or \
         give it CAP_NET_ADMIN in the user namespace that owns this network namespace"
    );
}

#[test]
fn what_the_kernel_was_built_without_is_named() {
    let change = add_service(http(), None);
    for errno in [Errno::EPROTONOSUPPORT, Errno::ENOPROTOOPT] {
        assert!(reason(&change, errno).contains("CONFIG_IP_VS_PROTO_SCTP"));
    }
    assert!(reason(&change, Errno::EAFNOSUPPORT).contains("CONFIG_IP_VS_IPV6"));
    assert!(reason(&change, Errno::ENOMEM).contains("out of memory"));
}

#[test]
fn a_synchronisation_daemon_that_cannot_start_is_explained() {
    for (errno, part) in [
        (Errno::EEXIST, "runs already"),
        (Errno::ENODEV, "there is no interface `eth1`"),
        (Errno::EADDRNOTAVAIL, "`eth1` has no address to send from"),
        (Errno::EINVAL, "another address family"),
    ] {
        let text = reason(&start_sync(), errno);
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_setting_that_cannot_be_written_is_explained() {
    let missing = reason(&set(Setting::Vs(VsSysctl::NatIcmpSend)), Errno::ENOENT);
    assert!(missing.contains("leave it out of the file"), "{missing}");
    let gone = reason(
        &set(Setting::PromoteSecondaries("eth7".to_owned())),
        Errno::ENOENT,
    );
    assert!(gone.contains("no interface `eth7`"), "{gone}");
    let sealed = reason(&set(Setting::ForwardV4), Errno::EROFS);
    assert!(sealed.contains("/proc/sys is read-only"), "{sealed}");
    let denied = refused(&set(Setting::ForwardV4), Errno::EACCES, Loopback::Up);
    assert!(matches!(denied, Error::Permission { .. }), "{denied}");
}

#[test]
fn an_address_that_cannot_be_put_up_is_explained() {
    let text = reason(&add_address("192.0.2.10"), Errno::ENODEV);
    assert_eq!(
        text,
        "there is no interface `eth9` in this network namespace"
    );
    let text = reason(&add_address("2001:db8::10"), Errno::EACCES);
    assert!(text.contains("disable_ipv6"), "{text}");
}

#[test]
fn a_number_that_nobody_expected_is_told_with_the_systems_words() {
    let text = reason(&start_sync(), Errno::EXDEV);
    assert!(text.contains("EXDEV"), "{text}");
}

#[test]
fn the_kernels_own_words_are_passed_on() {
    let error = netlink::Error::Kernel {
        errno: Errno::EINVAL,
        command: "to add an address",
        message: Some("ipv4: Invalid prefix length".to_owned()),
    };
    let text = failed(&add_address("192.0.2.10"), &error).to_string();
    assert!(
        text.ends_with("(the kernel says: ipv4: Invalid prefix length)"),
        "{text}"
    );
}

#[test]
fn marks_on_a_kernel_without_nftables_say_what_to_load() {
    let change = Change::SetMarks {
        from: std::collections::BTreeSet::new(),
        to: std::collections::BTreeSet::new(),
    };
    let error = netlink::Error::FamilyMissing { name: "nf_tables" };
    let text = failed(&change, &error).to_string();
    assert!(text.contains("modprobe nf_tables"), "{text}");
}
