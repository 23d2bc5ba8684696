//! The IPVS data plane on a real kernel: what it writes is what it reads, refusals are explained,
//! and nothing of others is touched. Each test has a network namespace of its own.

use std::collections::BTreeMap;
use std::net::IpAddr;

use farmctl::dataplane::{
    Dataplane, Error, Failure, Ipvs, Preflight, observe_unprivileged, rehearse,
};
use farmctl::netlink::route;
use farmctl::state::{
    Address, AddressKey, Change, ClientMask, Destination, DestinationKey, Family, Forwarding,
    Persistence, Protocol, SchedulerFlags, Service, ServiceAttributes, ServiceKey, Setting, State,
    SyncDaemon, SyncRole, TunnelChecksum, TunnelKind, VsSysctl, plan,
};
use nix::sched::{CloneFlags, unshare};

/// Moves this test's thread into an empty network namespace.
fn leave_the_namespace() {
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
}

/// A data plane in a namespace of its own, `lo` up.
fn fresh() -> Ipvs {
    leave_the_namespace();
    raise_loopback();
    Ipvs::open().unwrap()
}

fn raise_loopback() {
    let mut route = route::Client::open().unwrap();
    let links = route.links().unwrap();
    let lo = links.iter().find(|link| link.loopback).unwrap();
    route.set_link_up(lo.index).unwrap();
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn at(protocol: Protocol, address: &str, port: u16) -> ServiceKey {
    ServiceKey::Address {
        protocol,
        address: ip(address),
        port,
    }
}

fn mark(mark: u32, family: Family) -> ServiceKey {
    ServiceKey::Mark { family, mark }
}

fn service(scheduler: &str) -> Service {
    Service::without_destinations(ServiceAttributes {
        scheduler: scheduler.to_owned(),
        scheduler_flags: SchedulerFlags::default(),
        persistence: None,
        one_packet: false,
    })
}

fn persistent(
    mut service: Service,
    timeout: u32,
    mask: ClientMask,
    engine: Option<&str>,
) -> Service {
    service.attributes.persistence = Some(Persistence {
        timeout,
        mask,
        engine: engine.map(str::to_owned),
    });
    service
}

fn with(mut service: Service, address: &str, port: u16, forwarding: Forwarding) -> Service {
    let weight = u32::try_from(service.destinations.len()).unwrap() + 1;
    let destination = Destination {
        forwarding,
        weight,
        upper_threshold: 0,
        lower_threshold: 0,
    };
    let key = DestinationKey {
        address: ip(address),
        port,
    };
    service.destinations.insert(key, destination);
    service
}

const GUE: Forwarding = Forwarding::Tunnel(TunnelKind::Gue {
    port: 6080,
    checksum: TunnelChecksum::Remote,
});
const GRE: Forwarding = Forwarding::Tunnel(TunnelKind::Gre {
    checksum: TunnelChecksum::Full,
});
const IPIP: Forwarding = Forwarding::Tunnel(TunnelKind::Ipip);

/// A state with every attribute in use, in both families.
fn rich() -> State {
    let mut state = State::default();
    let mut thresholds = with(service("wlc"), "10.0.0.21", 8080, Forwarding::Masquerade);
    for destination in thresholds.destinations.values_mut() {
        destination.upper_threshold = 200;
        destination.lower_threshold = 100;
        destination.weight = 65_535;
    }
    let mut hashed = with(service("mh"), "2001:db8:1::21", 443, Forwarding::Route);
    hashed.attributes.scheduler_flags = SchedulerFlags::FALLBACK.with(SchedulerFlags::PORT);
    let v4 = ClientMask::V4([255, 255, 255, 0].into());
    let mut one_packet = with(service("rr"), "10.0.0.21", 53, Forwarding::Masquerade);
    one_packet.attributes.one_packet = true;
    let tunnels = with(service("wrr"), "10.0.0.21", 80, IPIP);
    let tunnels = with(with(tunnels, "10.0.0.22", 80, GUE), "10.0.0.23", 80, GRE);
    let mixed = with(service("sed"), "10.0.0.21", 80, IPIP);
    let mixed = with(mixed, "2001:db8:1::22", 80, Forwarding::Masquerade);
    let kept = persistent(service("rr"), 300, v4, None);
    let every = persistent(service("sh"), 60, ClientMask::host(Family::V4), None);
    let by_mark = persistent(service("wlc"), 3600, ClientMask::V6(64), None);
    state.services = BTreeMap::from([
        (at(Protocol::Tcp, "192.0.2.10", 80), thresholds),
        (at(Protocol::Tcp, "2001:db8::10", 443), hashed),
        (at(Protocol::Udp, "192.0.2.10", 5060), kept),
        (at(Protocol::Udp, "192.0.2.10", 53), one_packet),
        (at(Protocol::Tcp, "192.0.2.11", 80), tunnels),
        (at(Protocol::Tcp, "2001:db8::11", 80), mixed),
        (
            at(Protocol::Sctp, "192.0.2.10", 0),
            with(every, "10.0.0.21", 0, Forwarding::Route),
        ),
        (
            mark(7, Family::V6),
            with(by_mark, "2001:db8:1::21", 0, Forwarding::Masquerade),
        ),
        (
            mark(7, Family::V4),
            with(service("nq"), "10.0.0.21", 0, IPIP),
        ),
    ]);
    state
}

/// Everything that is in `desired`, as observed now; what else there is is left out.
fn seen(ipvs: &mut Ipvs, desired: &State) -> State {
    let mut state = ipvs.observe().unwrap().state;
    state
        .settings
        .retain(|key, _| desired.settings.contains_key(key));
    state
        .addresses
        .retain(|key, _| desired.addresses.contains_key(key));
    state
}

#[track_caller]
fn make(ipvs: &mut Ipvs, desired: &State) {
    let observed = seen(ipvs, desired);
    let failures = ipvs.execute(&plan(&observed, desired).changes).unwrap();
    assert_eq!(failures, Vec::<Failure>::new());
}

#[test]
fn what_was_written_reads_back_with_every_attribute() {
    let mut ipvs = fresh();
    make(&mut ipvs, &rich());
    assert_eq!(seen(&mut ipvs, &rich()), rich());
}

#[test]
fn nothing_is_written_where_nothing_differs() {
    let mut ipvs = fresh();
    make(&mut ipvs, &rich());
    let writes = ipvs.writes();
    assert!(writes > 0);
    make(&mut ipvs, &rich());
    assert_eq!(ipvs.writes(), writes);
}

/// Every way to forward, in every family, behind an address and behind a mark.
#[test]
fn every_forwarding_is_canonical_after_it_was_made_and_after_it_was_edited() {
    let mut ipvs = fresh();
    let ways = [Forwarding::Masquerade, Forwarding::Route, IPIP, GUE, GRE];
    for way in ways {
        let mut desired = State::default();
        for (family, real, vip) in [
            (Family::V4, "10.0.0.21", "192.0.2.10"),
            (Family::V6, "2001:db8:1::21", "2001:db8::10"),
        ] {
            for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Sctp] {
                let one = with(service("rr"), real, 80, way);
                desired.services.insert(at(protocol, vip, 80), one);
            }
            let one = with(service("rr"), real, 0, way);
            desired.services.insert(mark(1, family), one);
        }
        make(&mut ipvs, &desired);
        assert_eq!(seen(&mut ipvs, &desired), desired, "{way}");
    }
}

#[test]
fn a_port_that_the_kernel_ignores_is_the_services_and_the_destination_is_still_found() {
    let mut ipvs = fresh();
    let vip = at(Protocol::Tcp, "192.0.2.10", 80);
    let other = |port| with(service("rr"), "10.0.0.21", port, Forwarding::Route);
    let left_by_another = State {
        services: [(vip, other(8080))].into(),
        ..State::default()
    };
    let changes = plan(&State::default(), &left_by_another).changes;
    assert_eq!(ipvs.execute(&changes), Ok(Vec::new()));

    let mut desired = left_by_another.clone();
    desired.services.insert(vip, other(80));
    assert_eq!(seen(&mut ipvs, &desired), desired, "the port is normalised");
    let key = DestinationKey {
        address: ip("10.0.0.21"),
        port: 80,
    };
    let mut edited = desired.clone();
    let behind = edited.services.get_mut(&vip).unwrap();
    behind.destinations.get_mut(&key).unwrap().weight = 9;
    make(&mut ipvs, &edited);
    assert_eq!(seen(&mut ipvs, &edited), edited);
    let behind = edited.services.get_mut(&vip).unwrap();
    behind.destinations.get_mut(&key).unwrap().forwarding = Forwarding::Masquerade;
    make(&mut ipvs, &edited);
    assert_eq!(seen(&mut ipvs, &edited), edited);
    edited.services.get_mut(&vip).unwrap().destinations.clear();
    make(&mut ipvs, &edited);
    assert_eq!(seen(&mut ipvs, &edited), edited);
}

#[test]
fn destinations_that_differ_only_in_an_ignored_port_are_both_seen() {
    let mut ipvs = fresh();
    let both = with(service("rr"), "10.0.0.21", 80, Forwarding::Route);
    let both = with(both, "10.0.0.21", 8080, Forwarding::Route);
    let state = State {
        services: [(at(Protocol::Tcp, "192.0.2.10", 80), both)].into(),
        ..State::default()
    };
    make(&mut ipvs, &state);
    assert_eq!(seen(&mut ipvs, &state), state);
}

#[test]
fn a_real_server_on_this_machine_reads_back_as_it_was_written() {
    let mut ipvs = fresh();
    let mut state = State::default();
    for (port, way) in [
        (80, Forwarding::Masquerade),
        (81, Forwarding::Route),
        (82, IPIP),
    ] {
        let here = with(service("rr"), "127.0.0.1", port, way);
        state
            .services
            .insert(at(Protocol::Tcp, "192.0.2.10", port), here);
    }
    make(&mut ipvs, &state);
    assert_eq!(seen(&mut ipvs, &state), state);
}

#[test]
fn settings_are_written_one_by_one_and_time_outs_leave_the_others_alone() {
    let mut ipvs = fresh();
    let before = ipvs.observe().unwrap().state.settings;
    let mut desired = State::default();
    for (setting, value) in [
        (Setting::TimeoutTcpFin, 33),
        (Setting::Vs(VsSysctl::ExpireNodestConn), 1),
        (Setting::Vs(VsSysctl::SyncRefreshPeriod), 5),
        (Setting::ForwardV4, 1),
        (Setting::ForwardV6, 1),
        (Setting::PromoteSecondaries("lo".to_owned()), 1),
    ] {
        assert_ne!(before.get(&setting), Some(&value), "{setting}");
        desired.settings.insert(setting, value);
    }
    make(&mut ipvs, &desired);
    assert_eq!(ipvs.writes(), 6);
    let after = ipvs.observe().unwrap().state.settings;
    for (setting, value) in before {
        let expected = desired.settings.get(&setting).copied().unwrap_or(value);
        // Forwarding on all interfaces is more than one number.
        assert_eq!(after.get(&setting), Some(&expected), "{setting}");
    }
}

#[test]
fn a_setting_that_this_kernel_lacks_is_explained() {
    let mut ipvs = fresh();
    let change = Change::SetSetting {
        setting: Setting::PromoteSecondaries("eth9".to_owned()),
        from: None,
        to: 1,
    };
    assert_eq!(
        only_reason(&mut ipvs, change),
        "there is no interface `eth9` in this network namespace"
    );
}

fn address(text: &str, prefix: u8) -> (AddressKey, Address) {
    let key = AddressKey {
        interface: "lo".to_owned(),
        address: ip(text),
    };
    let address = Address {
        prefix,
        no_prefix_route: prefix != 32 && prefix != 128,
    };
    (key, address)
}

#[test]
fn addresses_go_up_change_their_form_and_go_down() {
    let mut ipvs = fresh();
    let up = [address("192.0.2.10", 24), address("2001:db8::10", 64)];
    let other = [address("192.0.2.10", 32), address("2001:db8::10", 128)];
    let state = |addresses: &[(AddressKey, Address)]| State {
        addresses: addresses.iter().cloned().collect(),
        ..State::default()
    };
    for step in [state(&up), state(&other), state(&up)] {
        make(&mut ipvs, &step);
        let observation = ipvs.observe().unwrap();
        for (key, address) in &step.addresses {
            assert_eq!(observation.state.addresses.get(key), Some(address));
            let here: Vec<_> = observation.host.interfaces["lo"]
                .addresses
                .iter()
                .filter(|(one, _)| *one == key.address)
                .collect();
            assert_eq!(here, [&(key.address, address.prefix)], "one form only");
        }
    }
    let down = plan(&state(&up), &State::default()).changes;
    assert_eq!(ipvs.execute(&down), Ok(Vec::new()));
    let left = ipvs.observe().unwrap();
    assert!(!left.host.is_local(ip("192.0.2.10")));
    assert!(!left.host.is_local(ip("2001:db8::10")));
}

#[test]
fn an_ipv6_address_that_goes_up_is_never_a_source_by_itself() {
    let mut ipvs = fresh();
    let desired = State {
        addresses: [address("2001:db8::10", 128)].into(),
        ..State::default()
    };
    make(&mut ipvs, &desired);
    let mut route = route::Client::open().unwrap();
    let addresses = route.addresses().unwrap();
    let vip = addresses
        .iter()
        .find(|found| found.address == ip("2001:db8::10"))
        .unwrap();
    assert_ne!(vip.flags & route::ADDRESS_DEPRECATED, 0);
    assert_eq!(vip.flags & route::ADDRESS_TENTATIVE, 0);
}

fn daemon(id: u8) -> SyncDaemon {
    SyncDaemon {
        interface: "lo".to_owned(),
        id,
        max_length: 0,
        group: ip("224.0.0.82"),
        port: 8849,
        ttl: 3,
    }
}

#[test]
fn synchronisation_daemons_start_change_and_stop() {
    let mut ipvs = fresh();
    for id in [7, 8] {
        let desired = State {
            sync_daemons: [
                (SyncRole::Master, daemon(id)),
                (SyncRole::Backup, daemon(id)),
            ]
            .into(),
            ..State::default()
        };
        make(&mut ipvs, &desired);
        let state = ipvs.observe().unwrap().state;
        assert_eq!(state.sync_daemons.len(), 2);
        assert!(plan(&state_of_daemons(&state), &desired).changes.is_empty());
    }
    make(&mut ipvs, &State::default());
    assert!(ipvs.observe().unwrap().state.sync_daemons.is_empty());
}

fn state_of_daemons(state: &State) -> State {
    State {
        sync_daemons: state.sync_daemons.clone(),
        ..State::default()
    }
}

#[track_caller]
fn only_reason(ipvs: &mut Ipvs, change: Change) -> String {
    let failures = ipvs.execute(&[change]).unwrap();
    match failures.as_slice() {
        [
            Failure {
                index: 0,
                error: Error::Refused { reason, .. },
            },
        ] => reason.clone(),
        other => panic!("{other:?}"),
    }
}

fn add_service(scheduler: &str) -> Change {
    Change::AddService {
        service: at(Protocol::Tcp, "192.0.2.10", 80),
        attributes: service(scheduler).attributes,
    }
}

fn add_destination(address: &str) -> Change {
    Change::AddDestination {
        service: at(Protocol::Tcp, "192.0.2.10", 80),
        key: DestinationKey {
            address: ip(address),
            port: 80,
        },
        destination: Destination {
            forwarding: Forwarding::Masquerade,
            weight: 1,
            upper_threshold: 0,
            lower_threshold: 0,
        },
    }
}

#[test]
fn a_scheduler_that_this_kernel_lacks_is_named() {
    let mut ipvs = fresh();
    assert_eq!(
        only_reason(&mut ipvs, add_service("nosuch")),
        "this kernel does not know the scheduler `nosuch`: run `modprobe ip_vs_nosuch`, or \
         choose another scheduler"
    );
}

#[test]
fn an_engine_that_this_kernel_lacks_is_named() {
    let mut ipvs = fresh();
    let kept = persistent(
        service("rr"),
        60,
        ClientMask::host(Family::V4),
        Some("nosuch"),
    );
    let change = Change::AddService {
        service: at(Protocol::Udp, "192.0.2.10", 5060),
        attributes: kept.attributes,
    };
    assert!(only_reason(&mut ipvs, change).contains("the persistence engine `nosuch`"));
}

#[test]
fn a_loopback_interface_that_is_down_is_told() {
    leave_the_namespace();
    let mut ipvs = Ipvs::open().unwrap();
    assert_eq!(ipvs.execute(&[add_service("rr")]), Ok(Vec::new()));
    assert_eq!(
        only_reason(&mut ipvs, add_destination("10.0.0.21")),
        "the interface `lo` is down in this network namespace, and then the kernel takes no real \
         server at all: run `ip link set lo up`"
    );
}

#[test]
fn refusals_name_their_change_and_do_not_stop_the_others() {
    let mut ipvs = fresh();
    let changes = [
        add_service("rr"),
        add_destination("224.0.0.1"),
        add_destination("10.0.0.21"),
        add_destination("10.0.0.21"),
        Change::SetSetting {
            setting: Setting::PromoteSecondaries("eth9".to_owned()),
            from: None,
            to: 1,
        },
        add_destination("10.0.0.22"),
        add_service("rr"),
    ];
    let failures = ipvs.execute(&changes).unwrap();
    let places: Vec<_> = failures.iter().map(|failure| failure.index).collect();
    assert_eq!(places, [1, 3, 4, 6]);
    assert!(
        failures[0]
            .error
            .to_string()
            .contains("a multicast address")
    );
    assert!(failures[1].error.to_string().contains("is there already"));
    let state = ipvs.observe().unwrap().state;
    let service = &state.services[&at(Protocol::Tcp, "192.0.2.10", 80)];
    assert_eq!(service.destinations.len(), 2);
}

#[test]
fn proc_tells_the_same_as_netlink_of_what_it_shows() {
    let mut ipvs = fresh();
    make(&mut ipvs, &rich());
    let full = ipvs.observe().unwrap();
    let mut seen = observe_unprivileged().unwrap();
    seen.fill_blind_spots(&full.state);
    assert_eq!(seen.state.services, full.state.services);
    assert_eq!(seen.state, full.state);
    assert_eq!(seen.host, full.host);
}

fn services_of(ipvs: &mut Ipvs) -> BTreeMap<ServiceKey, Service> {
    ipvs.observe().unwrap().state.services
}

#[test]
fn a_rehearsal_passes_and_leaves_the_live_table_as_it_is() {
    let mut ipvs = fresh();
    make(&mut ipvs, &rich());
    let live = ipvs.observe().unwrap();
    let mut desired = rich();
    desired.services.pop_first();
    let added = with(service("lblcr"), "10.0.0.31", 80, Forwarding::Route);
    desired
        .services
        .insert(at(Protocol::Tcp, "192.0.2.99", 80), added);
    let changes = plan(&rich(), &desired).changes;
    assert!(changes.len() >= 3);
    let result = rehearse(&live.state, &live.host, &changes);
    assert_eq!(result, Preflight::Passed);
    assert_eq!(services_of(&mut ipvs), rich().services);
}

#[test]
fn a_rehearsal_finds_what_the_kernel_would_refuse() {
    let mut ipvs = fresh();
    make(&mut ipvs, &rich());
    let live = ipvs.observe().unwrap();
    let changes = [
        Change::SetSetting {
            setting: Setting::ForwardV4,
            from: None,
            to: 1,
        },
        Change::AddService {
            service: at(Protocol::Tcp, "192.0.2.98", 80),
            attributes: service("nosuch").attributes,
        },
    ];
    let Preflight::Refused { failures } = rehearse(&live.state, &live.host, &changes) else {
        panic!("the kernel has no such scheduler");
    };
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].index, 1);
    assert!(failures[0].error.to_string().contains("`nosuch`"));
    assert_eq!(services_of(&mut ipvs), rich().services);
    assert_eq!(
        ipvs.observe().unwrap().state.settings[&Setting::ForwardV4],
        0
    );
}

#[test]
fn a_table_of_1000_services_with_10_servers_each_loads_and_reads_back() {
    let mut ipvs = fresh();
    let mut desired = State::default();
    for number in 0..1000_u16 {
        let [high, low] = number.to_be_bytes();
        let mut many = service("wlc");
        for host in 1..=10 {
            let real = format!("10.{high}.{low}.{host}");
            many = with(many, &real, 80, Forwarding::Masquerade);
        }
        let vip = format!("192.168.{high}.{low}");
        desired.services.insert(at(Protocol::Tcp, &vip, 80), many);
    }
    make(&mut ipvs, &desired);
    assert_eq!(ipvs.writes(), 11_000);
    assert_eq!(seen(&mut ipvs, &desired), desired);
}

#[test]
fn a_service_with_500_servers_reads_back_whole() {
    let mut ipvs = fresh();
    let mut many = service("wlc");
    for number in 1..=500_u16 {
        let [high, low] = number.to_be_bytes();
        let real = format!("2001:db8:{high}::{low}");
        many = with(many, &real, 80, Forwarding::Masquerade);
    }
    let desired = State {
        services: [(at(Protocol::Tcp, "2001:db8::10", 80), many)].into(),
        ..State::default()
    };
    make(&mut ipvs, &desired);
    assert_eq!(seen(&mut ipvs, &desired), desired);
}
