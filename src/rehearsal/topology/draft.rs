//! The first step: every place where a machine is plugged in, with nothing left out.
//!
//! * A prefix length that the file leaves out is that of the longest written prefix that holds the
//!   address, else /24 or /64.
//! * An interface that the file leaves out is the machine's next free `ethN`.
//! * A real server that is a bare address is a machine with that address.
//! * Where the file names no directors there is one with an address in each VIP's prefix, on the
//!   interface that the VIP names, and one in each prefix of real servers that it must reach
//!   directly.
//! * A director that lacks the interface of a VIP gets it, with an address in the VIP's prefix.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{DIRECTOR, Director, Error, Host, Role, Subnet};
use crate::spec::{
    AddressWithPrefix, EffectiveRealServer, EffectiveService, Farm, Forwarding, Node, Ownership,
    Vip, VipSite,
};

/// One place where a machine is plugged in.
#[derive(Debug, Clone)]
pub(super) struct Plug {
    /// The machine.
    pub machine: String,
    /// What the file calls the network; none where it does not say.
    pub network: Option<String>,
    /// Whether the network's name binds: everything in the long form that says it is on one wire.
    pub named: Named,
    /// The interface; none until it is chosen.
    pub interface: Option<String>,
    /// The machine's own addresses there.
    pub addresses: Vec<Host>,
    /// The floating addresses there.
    pub floating: BTreeSet<Host>,
}

/// How a network got its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// In the long form: the name says which wire.
    InTheFile,
    /// By the short form or not at all: the addresses say which wire.
    ByAddress,
}

/// The machines and plugs of a farm before they are wired.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    /// Machines by name, in the order in which they came.
    pub roles: BTreeMap<String, Role>,
    /// Where they are plugged in.
    pub plugs: Vec<Plug>,
    /// The directors.
    pub directors: Vec<Director>,
    /// Every address that anybody has or wants.
    pub taken: BTreeSet<IpAddr>,
    /// The prefixes that are written in the files.
    known: BTreeSet<Subnet>,
}

impl Drafts {
    /// The first farm says who the directors are.
    pub(super) fn of(farms: &[&Farm]) -> Result<Self, Error> {
        let mut drafts = Self::default();
        let Some(farm) = farms.first() else {
            return Ok(drafts);
        };
        for farm in farms {
            drafts.learn(farm);
        }
        for farm in farms {
            drafts.add_nodes(farm);
            drafts.add_bare_servers(farm);
        }
        drafts.name_directors(farm);
        drafts.name_interfaces();
        for farm in farms {
            drafts.plug_directors(farm)?;
        }
        if farm.directors.is_none() {
            drafts.reach_servers(farm)?;
        }
        drafts.name_interfaces();
        Ok(drafts)
    }

    /// Notes the prefixes and addresses that a file writes.
    fn learn(&mut self, farm: &Farm) {
        let own = farm.nodes.values().flat_map(own_addresses);
        let floating = farm.vips.values().flat_map(|vip| &vip.addresses);
        let written: Vec<AddressWithPrefix> = own.chain(floating.map(|vip| vip.address)).collect();
        for address in written {
            self.taken.insert(address.address);
            if let Some(prefix) = address.prefix {
                let subnet = Subnet::of(address.address, prefix);
                self.known.extend(subnet.is_shared().then_some(subnet));
            }
        }
        let bare = servers(farm)
            .into_iter()
            .flat_map(|(_, server)| server.addresses);
        self.taken.extend(bare);
    }

    fn add_nodes(&mut self, farm: &Farm) {
        for (name, node) in &farm.nodes {
            if self.roles.contains_key(name.as_str()) {
                continue;
            }
            self.roles.insert(name.to_string(), Role::Bystander);
            for (network, site) in node.sites() {
                let long = node.networks.contains_key(&network);
                let addresses = site.addresses.iter().map(|written| self.complete(*written));
                self.plugs.push(Plug {
                    machine: name.to_string(),
                    network: Some(network.to_string()),
                    named: if long {
                        Named::InTheFile
                    } else {
                        Named::ByAddress
                    },
                    interface: site.interface.map(ToString::to_string),
                    addresses: addresses.collect(),
                    floating: BTreeSet::new(),
                });
            }
        }
    }

    /// Real servers that are no nodes become machines.
    fn add_bare_servers(&mut self, farm: &Farm) {
        for (_, server) in servers(farm) {
            let fresh: Vec<IpAddr> = server.addresses.clone();
            if fresh.is_empty() || fresh.iter().any(|ip| self.has(*ip)) {
                continue;
            }
            let name = self.free_name(&server, fresh[0]);
            self.roles.insert(name.clone(), Role::RealServer);
            for ip in fresh {
                let host = self.complete(AddressWithPrefix {
                    address: ip,
                    prefix: None,
                });
                self.plug(&name, None, vec![host]);
            }
        }
    }

    fn free_name(&self, server: &EffectiveRealServer, ip: IpAddr) -> String {
        let free = |name: &String| !self.roles.contains_key(name);
        Some(server.name.clone())
            .filter(free)
            .unwrap_or_else(|| ip.to_string())
    }

    fn has(&self, ip: IpAddr) -> bool {
        let hosts = self.plugs.iter().flat_map(|plug| &plug.addresses);
        hosts.map(|host| host.ip).any(|own| own == ip)
    }

    fn plug(&mut self, machine: &str, interface: Option<String>, addresses: Vec<Host>) {
        self.plugs.push(Plug {
            machine: machine.to_owned(),
            network: None,
            named: Named::ByAddress,
            interface,
            addresses,
            floating: BTreeSet::new(),
        });
    }

    /// Fills in the prefix length of an address.
    fn complete(&self, written: AddressWithPrefix) -> Host {
        let AddressWithPrefix {
            address: ip,
            prefix,
        } = written;
        let holding = self.known.iter().filter(|subnet| subnet.contains(ip));
        let longest = holding.map(|subnet| subnet.prefix()).max();
        let usual = if ip.is_ipv4() { 24 } else { 64 };
        Host {
            ip,
            prefix: prefix.or(longest).unwrap_or(usual),
        }
    }

    fn name_directors(&mut self, farm: &Farm) {
        let Some(directors) = &farm.directors else {
            self.roles.insert(DIRECTOR.to_owned(), Role::Director);
            self.directors.push(Director {
                machine: DIRECTOR.to_owned(),
                node: None,
            });
            return;
        };
        for member in &directors.members {
            let name = member.to_string();
            self.roles.insert(name.clone(), Role::Director);
            self.directors.push(Director {
                machine: name.clone(),
                node: Some(name),
            });
        }
    }

    /// Gives the plugs without an interface the next free `ethN` of their machine. Two addresses of
    /// one bare server share one.
    fn name_interfaces(&mut self) {
        let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for plug in &self.plugs {
            let known = names.entry(plug.machine.clone()).or_default();
            known.extend(plug.interface.clone());
        }
        for plug in self
            .plugs
            .iter_mut()
            .filter(|plug| plug.interface.is_none())
        {
            let known = names.entry(plug.machine.clone()).or_default();
            let free = (0_u16..=u16::MAX)
                .map(|n| format!("eth{n}"))
                .find(|name| !known.contains(name));
            known.extend(free.clone());
            plug.interface = free;
        }
    }

    /// Sees to it that each director is plugged in where the floating addresses are.
    fn plug_directors(&mut self, farm: &Farm) -> Result<(), Error> {
        for director in self.directors.clone() {
            for vip in farm.vips.values() {
                self.plug_vip(&director.machine, vip)?;
            }
        }
        Ok(())
    }

    fn plug_vip(&mut self, director: &str, vip: &Vip) -> Result<(), Error> {
        for written in &vip.addresses {
            let host = self.complete(written.address);
            let at = self.plug_of(director, &vip.site(written));
            let elsewhere = vip.ownership == Some(Ownership::None);
            if at.is_none_or(|at| self.must_have_own(at, director, host)) {
                self.give_own(director, at, &vip.site(written), host)?;
            }
            let Some(at) = self.plug_of(director, &vip.site(written)) else {
                continue;
            };
            let plug = &mut self.plugs[at];
            plug.floating.insert(host);
            if elsewhere && !plug.addresses.contains(&host) {
                plug.addresses.push(host);
            }
        }
        Ok(())
    }

    /// Whether the rehearsal invents this director's addresses, and it has none beside this VIP.
    fn must_have_own(&self, at: usize, director: &str, vip: Host) -> bool {
        let invented = director == DIRECTOR && self.directors.iter().any(|one| one.node.is_none());
        let beside = |host: &Host| vip.subnet().contains(host.ip);
        invented && vip.subnet().is_shared() && !self.plugs[at].addresses.iter().any(beside)
    }

    fn give_own(
        &mut self,
        director: &str,
        at: Option<usize>,
        site: &VipSite,
        vip: Host,
    ) -> Result<(), Error> {
        let own = if vip.subnet().is_shared() {
            vec![self.take(vip.subnet(), director)?]
        } else {
            Vec::new()
        };
        if let Some(at) = at {
            self.plugs[at].addresses.extend(own);
        } else {
            let interface = match site {
                VipSite::Interface(name) => name.to_string(),
                VipSite::Network(_) => "eth0".to_owned(),
            };
            self.plug(director, Some(interface), own);
        }
        Ok(())
    }

    /// Where on a machine a floating address goes up.
    fn plug_of(&self, machine: &str, site: &VipSite) -> Option<usize> {
        let mut own = self
            .plugs
            .iter()
            .enumerate()
            .filter(|(_, plug)| plug.machine == machine);
        let found = match site {
            VipSite::Network(name) => own.find(|(_, plug)| {
                let unnamed = plug.network.is_none() && plug.interface.as_deref() == Some("eth0");
                plug.network.as_deref() == Some(name.as_str()) || unnamed
            }),
            VipSite::Interface(name) => {
                own.find(|(_, plug)| plug.interface.as_deref() == Some(name.as_str()))
            }
        };
        found.map(|(at, _)| at)
    }

    /// The director that the rehearsal adds must be beside the servers that it does not tunnel to.
    fn reach_servers(&mut self, farm: &Farm) -> Result<(), Error> {
        for (_, server) in servers(farm) {
            if matches!(server.forwarding, Forwarding::Tunnel(_)) {
                continue;
            }
            for ip in server.addresses {
                let subnet = self.subnet_of(ip);
                if subnet.is_shared() && !self.is_beside(DIRECTOR, subnet) {
                    let own = self.take(subnet, DIRECTOR)?;
                    self.plug(DIRECTOR, None, vec![own]);
                }
            }
        }
        Ok(())
    }

    fn subnet_of(&self, ip: IpAddr) -> Subnet {
        let mut hosts = self.plugs.iter().flat_map(|plug| &plug.addresses);
        let found = hosts.find(|host| host.ip == ip).map(|host| host.subnet());
        found.unwrap_or_else(|| Host::alone(ip).subnet())
    }

    fn is_beside(&self, machine: &str, subnet: Subnet) -> bool {
        let mut own = self.plugs.iter().filter(|plug| plug.machine == machine);
        own.any(|plug| {
            plug.addresses
                .iter()
                .any(|host| host.subnet().overlaps(subnet))
        })
    }

    /// Takes a free address for a machine that the rehearsal adds.
    pub(super) fn take(&mut self, subnet: Subnet, machine: &str) -> Result<Host, Error> {
        let ip = subnet.free(&self.taken).ok_or_else(|| Error::NoRoom {
            subnet,
            machine: machine.to_owned(),
        })?;
        self.taken.insert(ip);
        Ok(Host {
            ip,
            prefix: subnet.prefix(),
        })
    }
}

fn own_addresses(node: &Node) -> Vec<AddressWithPrefix> {
    node.sites()
        .into_iter()
        .flat_map(|(_, site)| site.addresses)
        .collect()
}

/// Every real server and sorry server of a farm, with the name of its service.
pub(super) fn servers(farm: &Farm) -> Vec<(String, EffectiveRealServer)> {
    let mut all = Vec::new();
    for (name, service) in &farm.services {
        let EffectiveService {
            real_servers,
            sorry_server,
            ..
        } = EffectiveService::of(farm, service);
        let servers = real_servers.into_iter().chain(sorry_server);
        all.extend(servers.map(|server| (name.to_string(), server)));
    }
    all
}
