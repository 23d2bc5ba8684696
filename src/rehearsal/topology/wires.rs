//! The second step: which plugs are on one wire, and the machines that join clients to the farm.
//!
//! Two plugs are on one wire where their prefixes overlap, where they are one interface of one
//! machine, or where the long form gives both the same network. The router is plugged into every
//! wire with a floating address, with a real server that answers clients directly, or without a
//! director; the client only into a wire to the router.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::draft::{Drafts, Named, Plug};
use super::{
    CLIENT, CLIENT_ADDRESSES, Error, Host, Interface, Machine, ROUTER, Role, Subnet, Topology, Wire,
};

/// Wires the drafts and adds router and client. `direct` are the machines that answer clients
/// themselves.
pub(super) fn lay(mut drafts: Drafts, direct: &BTreeSet<IpAddr>) -> Result<Topology, Error> {
    let groups = groups(&drafts.plugs);
    let mut topology = Topology {
        directors: drafts.directors.clone(),
        ..Topology::default()
    };
    for (name, role) in &drafts.roles {
        topology.machines.insert(name.clone(), Machine::new(*role));
    }
    let mut joined = Vec::new();
    for (wire, plugs) in groups.iter().enumerate() {
        let plugs: Vec<&Plug> = plugs.iter().map(|at| &drafts.plugs[*at]).collect();
        topology.wires.push(wire_of(&plugs));
        let floating = plugs.iter().flat_map(|plug| &plug.floating);
        topology.vips.extend(floating.map(|host| (host.ip, wire)));
        if is_joined(&plugs, &drafts, direct) {
            joined.push(wire);
        }
        for plug in plugs {
            put(&mut topology, wire, plug);
        }
    }
    add_router(&mut topology, &mut drafts, &joined)?;
    add_client(&mut topology, &mut drafts)?;
    Ok(topology)
}

/// Whether the router is plugged into the wire of these plugs.
fn is_joined(plugs: &[&Plug], drafts: &Drafts, direct: &BTreeSet<IpAddr>) -> bool {
    let floats = plugs.iter().any(|plug| !plug.floating.is_empty());
    let directed = |plug: &&Plug| drafts.roles.get(&plug.machine) == Some(&Role::Director);
    let hosts = plugs.iter().flat_map(|plug| &plug.addresses);
    floats
        || !plugs.iter().any(directed)
        || hosts.map(|host| host.ip).any(|ip| direct.contains(&ip))
}

/// The plugs by wire, each by its place in the list.
fn groups(plugs: &[Plug]) -> Vec<Vec<usize>> {
    let mut group: Vec<usize> = (0..plugs.len()).collect();
    for at in 0..plugs.len() {
        for other in 0..at {
            if joined(&plugs[at], &plugs[other]) {
                let (from, to) = (group[at], group[other]);
                group
                    .iter_mut()
                    .filter(|one| **one == from)
                    .for_each(|one| *one = to);
            }
        }
    }
    let mut wires: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, group) in group.into_iter().enumerate() {
        wires.entry(group).or_default().push(at);
    }
    wires.into_values().collect()
}

fn joined(one: &Plug, other: &Plug) -> bool {
    let one_interface = one.machine == other.machine && one.interface == other.interface;
    let both_named = one.named == Named::InTheFile && other.named == Named::InTheFile;
    let one_network = both_named && one.network == other.network;
    let overlap = || {
        let mut pairs = subnets(one).flat_map(|a| subnets(other).map(move |b| (a, b)));
        pairs.any(|(a, b)| a.overlaps(b))
    };
    one_interface || one_network || overlap()
}

fn subnets(plug: &Plug) -> impl Iterator<Item = Subnet> + '_ {
    let own = plug.addresses.iter().map(|host| host.subnet());
    let floating = plug.floating.iter().map(|host| host.subnet());
    own.chain(floating).filter(|subnet| subnet.is_shared())
}

fn wire_of(plugs: &[&Plug]) -> Wire {
    let subnets: BTreeSet<Subnet> = plugs.iter().flat_map(|plug| subnets(plug)).collect();
    let named = |how: Named| {
        let mut all = plugs.iter().filter(move |plug| plug.named == how);
        all.find_map(|plug| plug.network.clone())
    };
    let first = subnets.first().map(ToString::to_string);
    Wire {
        name: named(Named::InTheFile)
            .or_else(|| named(Named::ByAddress))
            .or(first)
            .unwrap_or_else(|| "unnamed".to_owned()),
        subnets,
    }
}

fn put(topology: &mut Topology, wire: usize, plug: &Plug) {
    let Some(machine) = topology.machines.get_mut(&plug.machine) else {
        return;
    };
    let name = plug.interface.clone().unwrap_or_default();
    let known = machine.interfaces.iter_mut().find(|one| one.name == name);
    if let Some(known) = known {
        known.addresses.extend(&plug.addresses);
        known.networks.extend(plug.network.clone());
        return;
    }
    machine.interfaces.push(Interface {
        name,
        wire,
        networks: plug.network.iter().cloned().collect(),
        addresses: plug.addresses.clone(),
    });
}

fn add_router(topology: &mut Topology, drafts: &mut Drafts, wires: &[usize]) -> Result<(), Error> {
    let mut router = Machine::new(Role::Router);
    for &wire in wires {
        let subnets = topology.wires[wire].subnets.iter();
        let addresses = subnets.map(|subnet| drafts.take(*subnet, ROUTER));
        router.interfaces.push(Interface {
            name: format!("eth{wire}"),
            wire,
            networks: BTreeSet::new(),
            addresses: addresses.collect::<Result<_, _>>()?,
        });
    }
    topology.machines.insert(ROUTER.to_owned(), router);
    Ok(())
}

fn add_client(topology: &mut Topology, drafts: &mut Drafts) -> Result<(), Error> {
    let used: BTreeSet<Subnet> = topology
        .wires
        .iter()
        .flat_map(|wire| wire.subnets.clone())
        .collect();
    let free = |candidates: Vec<Subnet>| {
        let mut candidates = candidates.into_iter();
        let unused = |subnet: &Subnet| {
            !used.iter().any(|one| one.overlaps(*subnet))
                && !drafts.taken.iter().any(|ip| subnet.contains(*ip))
        };
        candidates.find(unused).ok_or(Error::NoClients)
    };
    let (four, six) = (free(four())?, free(six())?);
    let wire = topology.wires.len();
    topology.wires.push(Wire {
        name: "clients".to_owned(),
        subnets: [four, six].into(),
    });
    let end = |addresses: Vec<Host>| Interface {
        name: "clients".to_owned(),
        wire,
        networks: BTreeSet::new(),
        addresses,
    };
    topology.clients = clients(four, six);
    let host = |ip: IpAddr| Host {
        ip,
        prefix: if ip.is_ipv4() {
            four.prefix()
        } else {
            six.prefix()
        },
    };
    let mut client = Machine::new(Role::Client);
    client
        .interfaces
        .push(end(topology.clients.iter().map(|ip| host(*ip)).collect()));
    topology.machines.insert(CLIENT.to_owned(), client);
    let gates = [four, six].map(|subnet| host(gate(subnet)));
    if let Some(router) = topology.machines.get_mut(ROUTER) {
        router.interfaces.push(end(gates.to_vec()));
    }
    Ok(())
}

/// The client's addresses: each in a /24 or /64 of its own, so that a persistence mask does not
/// make one client of all of them.
fn clients(four: Subnet, six: Subnet) -> Vec<IpAddr> {
    let numbers = 0..u128::from(CLIENT_ADDRESSES);
    let each = numbers.map(|n| [four.at((n << 8) + 10), six.at((n << 64) + 10)]);
    let all: Vec<[IpAddr; 2]> = each.collect();
    all.iter()
        .map(|pair| pair[0])
        .chain(all.iter().map(|pair| pair[1]))
        .collect()
}

/// The router's address among the clients.
fn gate(subnet: Subnet) -> IpAddr {
    subnet.at(1)
}

/// Prefixes for clients, the one for benchmarks first (RFC 2544, RFC 6890), then private ones.
fn four() -> Vec<Subnet> {
    let candidates = [
        [198, 18, 0, 0],
        [100, 64, 0, 0],
        [172, 24, 0, 0],
        [10, 254, 0, 0],
    ];
    candidates
        .map(|octets| Subnet::of(Ipv4Addr::from(octets).into(), 15))
        .into()
}

/// The same for IPv6 (RFC 5180, RFC 9637, RFC 4193).
fn six() -> Vec<Subnet> {
    let candidates = [[0x2001, 2, 0], [0x3fff, 0xfff, 0xffff], [0xfdfa, 0x0c71, 0]];
    let first = |[a, b, c]: [u16; 3]| Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0);
    candidates
        .map(|words| Subnet::of(first(words).into(), 48))
        .into()
}
