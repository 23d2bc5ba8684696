//! What the kernel of a node holds, without numbers that move by themselves.

use std::collections::BTreeMap;
use std::fs;

use farmctl::netlink::ipvs::{
    Client, Command, Destination, DestinationId, Service, ServiceId, Timeouts,
};

use crate::bed::Node;

/// A service and its destinations.
pub(super) type Entry = (Service, BTreeMap<DestinationId, Destination>);

/// The table, the addresses and the settings that farmctl may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kernel {
    /// Every service.
    pub(super) services: BTreeMap<ServiceId, Entry>,
    /// The addresses of every interface.
    pub(super) addresses: BTreeMap<String, Vec<String>>,
    /// `ip_forward` and its like, by their names below `/proc/sys`.
    pub(super) settings: BTreeMap<&'static str, String>,
    /// How long connections are remembered.
    pub(super) timeouts: Timeouts,
}

/// The settings of a namespace that the tests' files touch.
const SETTINGS: [&str; 5] = [
    "net/ipv4/ip_forward",
    "net/ipv6/conf/all/forwarding",
    "net/ipv4/vs/expire_nodest_conn",
    "net/ipv4/vs/expire_quiescent_template",
    "net/ipv4/vs/conn_reuse_mode",
];

impl Kernel {
    /// Reads everything.
    pub(super) fn of(node: &Node) -> Self {
        let (services, timeouts) = node.run(read);
        Self {
            services,
            addresses: node.all_addresses(),
            settings: node.run(|| SETTINGS.map(|name| (name, setting(name))).into()),
            timeouts,
        }
    }

    /// Whether any interface has this address, whatever its prefix.
    pub(super) fn has_address(&self, address: &str) -> bool {
        let mut all = self.addresses.values().flatten();
        all.any(|held| held.split('/').next() == Some(address))
    }

    /// Whether every service and address of `other` is here, too, unchanged.
    pub(super) fn has_unchanged(&self, other: &Self) -> bool {
        let mut services = other.services.iter();
        let mut addresses = other.addresses.iter();
        services.all(|(id, entry)| self.services.get(id) == Some(entry))
            && addresses.all(|(interface, held)| {
                let here = self.addresses.get(interface);
                here.is_some_and(|here| held.iter().all(|address| here.contains(address)))
            })
    }
}

fn read() -> (BTreeMap<ServiceId, Entry>, Timeouts) {
    let mut client = Client::open().unwrap();
    let services = client.services().unwrap();
    let entries = services.iter().map(|service| {
        let servers = client.destinations(&service.id).unwrap();
        let servers = servers.iter().map(Destination::from);
        let servers = servers.map(|server| (server.id(), server)).collect();
        (service.id, (Service::from(service), servers))
    });
    let entries = entries.collect();
    (entries, client.timeouts().unwrap())
}

fn setting(name: &str) -> String {
    fs::read_to_string(format!("/proc/sys/{name}")).unwrap()
}

/// Another tool, which changes the table behind farmctl's back.
pub(super) fn meddle(node: &Node, commands: &[Command]) {
    node.run(|| {
        let refused = Client::open().unwrap().execute(commands).unwrap();
        assert!(refused.is_empty(), "{refused:?}");
    });
}
