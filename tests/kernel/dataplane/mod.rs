//! The IPVS data plane on a real kernel: what it writes is what it reads, refusals are explained,
//! and nothing of others is touched. Each test has a network namespace of its own.

mod beside;
mod preflight;
mod refusals;
mod round_trip;
mod traffic;
mod unprivileged;

use std::collections::BTreeMap;
use std::net::IpAddr;

use farmctl::dataplane::{Dataplane, Failure, Ipvs};
use farmctl::netlink::route;
use farmctl::state::{
    ClientMask, Destination, DestinationKey, Family, Forwarding, Persistence, Protocol,
    SchedulerFlags, Service, ServiceAttributes, ServiceKey, State, TunnelChecksum, TunnelKind,
    plan,
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
