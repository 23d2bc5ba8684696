//! The netlink codecs against the real kernel: what is written is what is read, and refusals
//! carry the error numbers that the documentation names. Each test has a namespace of its own.

mod announcements;
mod attributes;
mod batches;
mod daemons;
mod marks;
mod refusals;
mod virtual_addresses;

use std::net::IpAddr;

use farmctl::netlink::Errno;
use farmctl::netlink::ipvs::{
    Client, Command, Destination, ForwardingMethod, Netmask, Protocol, Service, ServiceId, Tunnel,
};
use farmctl::netlink::route;
use nix::sched::{CloneFlags, unshare};

/// Moves this test's thread into an empty network namespace, `lo` down as the kernel makes it.
pub(crate) fn leave_the_namespace() {
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
}

/// A namespace with `lo` up, and its number.
pub(crate) fn namespace() -> (route::Client, u32) {
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

pub(crate) fn fresh() -> Client {
    namespace();
    Client::open().unwrap()
}

/// Executes commands that the kernel must take.
pub(crate) fn done(client: &mut Client, commands: &[Command]) {
    assert_eq!(client.execute(commands).unwrap(), []);
}

/// Executes a command that the kernel must refuse.
pub(crate) fn refused(client: &mut Client, command: &Command) -> Errno {
    let failures = client.execute(std::slice::from_ref(command)).unwrap();
    assert_eq!(failures.len(), 1, "{command:?} was done");
    failures[0].errno
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn at(protocol: Protocol, address: &str, port: u16) -> ServiceId {
    ServiceId::Address {
        protocol,
        address: ip(address),
        port,
    }
}

pub(crate) fn web() -> ServiceId {
    at(Protocol::Tcp, "10.0.0.1", 80)
}

pub(crate) fn web6() -> ServiceId {
    at(Protocol::Tcp, "fd00::1", 80)
}

pub(crate) fn service(id: ServiceId, scheduler: &str) -> Service {
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

pub(crate) fn destination(address: &str, forwarding: ForwardingMethod) -> Destination {
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

pub(crate) fn nat(address: &str) -> Destination {
    destination(address, ForwardingMethod::Masquerade)
}

/// The services as they would have to be written, sorted.
pub(crate) fn services(client: &mut Client) -> Vec<Service> {
    let mut services: Vec<_> = client
        .services()
        .unwrap()
        .iter()
        .map(Service::from)
        .collect();
    services.sort_unstable();
    services
}

pub(crate) fn destinations(client: &mut Client, id: &ServiceId) -> Vec<Destination> {
    let entries = client.destinations(id).unwrap();
    let mut found: Vec<_> = entries.iter().map(Destination::from).collect();
    found.sort_unstable();
    found
}

/// Writes services in one batch and expects to read the same.
pub(crate) fn round_trip(mut written: Vec<Service>) {
    let mut client = fresh();
    let commands: Vec<_> = written.iter().cloned().map(Command::NewService).collect();
    done(&mut client, &commands);
    written.sort_unstable();
    assert_eq!(services(&mut client), written);
}
