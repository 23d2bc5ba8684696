//! Builds a topology out of namespaces: machines, wires, addresses, routes, floating addresses.
//!
//! The wires are bridges in a namespace of their own; each cable runs from a machine to a port
//! there. Nothing here knows about time or load.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::error::{Error, Result};
use super::space::{Present, Space};
use crate::netlink::fou;
use crate::netlink::route::{Client, TABLE_MAIN};
use crate::rehearsal::topology::{Family, Held, Host, Machine, ROUTER_LINK, Role, Route, Topology};

/// The first routing table for packets that come from a floating address.
const ANSWERS_TABLE: u32 = 1000;

/// The machines of a rehearsal as they stand in the kernel.
#[derive(Debug)]
pub(super) struct Site {
    /// Their namespaces, by name.
    pub spaces: BTreeMap<String, Space>,
    /// The namespace of the bridges.
    pub switch: Space,
    /// The port of the switch for each machine and wire.
    ports: BTreeMap<(String, usize), String>,
}

impl Site {
    /// Builds all of it.
    pub(super) fn build(topology: &Topology) -> Result<Self> {
        let mut site = Self {
            spaces: BTreeMap::new(),
            switch: Space::new("switch")?,
            ports: BTreeMap::new(),
        };
        for wire in 0..topology.wires.len() {
            site.switch.add_bridge(&bridge(wire))?;
        }
        for (name, machine) in &topology.machines {
            site.add_machine(name, machine)?;
        }
        Ok(site)
    }

    /// A machine's namespace.
    pub(super) fn space(&self, name: &str) -> Result<&Space> {
        let known = self.spaces.get(name);
        known.ok_or_else(|| Error::Refused(format!("there is no machine called {name}")))
    }

    /// The port of the switch that a machine's cable to a wire is in.
    pub(super) fn port(&self, machine: &str, wire: usize) -> Result<&str> {
        let port = self.ports.get(&(machine.to_owned(), wire));
        port.map(String::as_str)
            .ok_or_else(|| Error::Refused(format!("{machine} has no cable there")))
    }

    fn add_machine(&mut self, name: &str, machine: &Machine) -> Result<()> {
        let space = Space::new(name)?;
        settings(&space, machine)?;
        for interface in &machine.interfaces {
            let port = format!("p{}", self.ports.len());
            self.switch.cable(&port, &space, &interface.name)?;
            self.switch.join(&port, &bridge(interface.wire))?;
            self.ports.insert((name.to_owned(), interface.wire), port);
            for host in &interface.addresses {
                space.add_address(&interface.name, *host)?;
            }
            if machine.role == Role::Router {
                let ip = ROUTER_LINK.into();
                space.add_address(&interface.name, Host { ip, prefix: 64 })?;
            }
        }
        for (device, local) in &machine.checks {
            space.run(|| Ok(Client::open()?.add_gre_with_checksum(device, *local)?))?;
        }
        for held in &machine.held {
            hold(&space, held)?;
        }
        for (port, family) in &machine.unpacks {
            unpack(&space, *port, *family)?;
        }
        add_routes(&space, &machine.routes)?;
        self.spaces.insert(name.to_owned(), space);
        Ok(())
    }
}

/// The bridge of a wire.
pub(super) fn bridge(wire: usize) -> String {
    format!("w{wire}")
}

fn settings(space: &Space, machine: &Machine) -> Result<()> {
    if machine.role == Role::Router {
        space.set("ipv4/ip_forward", "1")?;
        space.set("ipv6/conf/all/forwarding", "1")?;
    }
    if !machine.held.is_empty() {
        // It must not answer for a floating address on the wire.
        space.set("ipv4/conf/all/arp_ignore", "1")?;
        space.set("ipv4/conf/all/arp_announce", "2")?;
    }
    Ok(())
}

fn hold(space: &Space, held: &Held) -> Result<()> {
    if space.raise(held.device)? == Present::No {
        let (what, module) = kind(held.device);
        return Err(Error::NoDevice {
            device: held.device,
            what,
            module,
        });
    }
    space.set(&format!("ipv4/conf/{}/rp_filter", held.device), "0")?;
    space.add_address(held.device, Host::alone(held.vip))
}

/// What ends at a tunnel device, and the module that makes it.
fn kind(device: &str) -> (&'static str, &'static str) {
    match device {
        "tunl0" => ("tunnels of IPv4 in IPv4", "ipip"),
        "sit0" => ("tunnels of IPv6 in IPv4", "sit"),
        "ip6tnl0" => ("tunnels in IPv6", "ip6_tunnel"),
        "gre0" => ("GRE tunnels", "ip_gre"),
        _ => ("GRE tunnels in IPv6", "ip6_gre"),
    }
}

fn unpack(space: &Space, port: u16, family: Family) -> Result<()> {
    let number = match family {
        Family::V4 => 2,
        Family::V6 => 10,
    };
    space.run(|| Ok(fou::receive_gue(port, number)?))
}

fn add_routes(space: &Space, routes: &[Route]) -> Result<()> {
    let mut tables = ANSWERS_TABLE..;
    for route in routes {
        let everywhere: IpAddr = match route.family {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        let to = route
            .to
            .map_or((everywhere, 0), |to| (to.first(), to.prefix()));
        let mut table = TABLE_MAIN;
        if let Some(from) = route.from {
            table = tables.next().unwrap_or(ANSWERS_TABLE);
            space.add_source_rule(from, table)?;
        }
        space.add_route(&route.interface, to, route.gateway, table)?;
    }
    Ok(())
}
