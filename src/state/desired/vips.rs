//! Floating addresses: on which interface, and with which prefix.

use std::net::IpAddr;

use crate::spec::{InterfaceName, Name, NodeSite, Ownership, Path, Vip, VipAddress, VipSite};

use super::super::{Address, AddressKey, Setting};
use super::words::{full_prefix, same_network};
use super::{Company, Desired, Here, Note, NoteKind, Origin};

/// Adds every address that this machine is to hold.
pub(super) fn add(desired: &mut Desired, here: &Here<'_>) {
    for (name, vip) in &here.farm.vips {
        if vip.ownership == Some(Ownership::None) {
            continue;
        }
        match here.company {
            Company::Alone => add_group(desired, here, name, vip),
            Company::Others => desired.notes.push(not_raised(name)),
        }
    }
}

fn add_group(desired: &mut Desired, here: &Here<'_>, name: &Name, vip: &Vip) {
    for (index, written) in vip.addresses.iter().enumerate() {
        let path = group_path(name).key("addresses").index(index);
        let raised = Raised {
            here,
            written,
            site: vip.site(written),
        };
        match raised.interface() {
            Some(interface) => {
                let origin = Origin {
                    name: name.clone(),
                    path,
                };
                raised.add_to(desired, interface, origin);
            }
            None => desired.notes.push(raised.no_interface(path)),
        }
    }
}

fn group_path(name: &Name) -> Path {
    Path::root().key("vips").key(name)
}

fn not_raised(name: &Name) -> Note {
    Note {
        kind: NoteKind::NotRaised,
        path: group_path(name),
        message: format!(
            "The addresses of {name} are not put up: the farm has several directors, and only \
             their daemons can agree on who holds them."
        ),
    }
}

/// One floating address on its way up.
struct Raised<'a> {
    here: &'a Here<'a>,
    written: &'a VipAddress,
    site: VipSite,
}

impl Raised<'_> {
    fn ip(&self) -> IpAddr {
        self.written.address.address
    }

    fn prefix(&self) -> u8 {
        let written = self.written.address.prefix;
        written.unwrap_or(full_prefix(self.ip()))
    }

    fn add_to(&self, desired: &mut Desired, interface: String, origin: Origin) {
        let address = self.address_on(&interface);
        desired.notes.extend(self.trouble_with(&interface, &origin));
        if self.ip().is_ipv4() && address.prefix < full_prefix(self.ip()) {
            let promote = Setting::PromoteSecondaries(interface.clone());
            desired.state.settings.insert(promote, 1);
        }
        let key = AddressKey {
            interface,
            address: self.ip(),
        };
        desired.state.addresses.insert(key.clone(), address);
        desired.addresses.insert(key, origin);
    }

    /// What keeps the address from being reached. Where nothing was measured nothing is known.
    fn trouble_with(&self, interface: &str, origin: &Origin) -> Option<Note> {
        let interfaces = &self.here.host.interfaces;
        match interfaces.get(interface) {
            None if interfaces.is_empty() => None,
            None => Some(missing(interface, origin)),
            Some(facts) if facts.up => None,
            Some(_) => Some(Note {
                kind: NoteKind::InterfaceDown,
                path: origin.path.clone(),
                message: format!(
                    "The interface {interface} is down: nobody reaches {} until it is up.",
                    self.ip()
                ),
            }),
        }
    }

    /// Where the machine has an address of its own in the prefix, the kernel knows the network
    /// already and gets the bare address. Else it gets the written prefix, but makes no route
    /// of it, so that nothing leaves from the floating address by accident.
    fn address_on(&self, interface: &str) -> Address {
        let (ip, prefix) = (self.ip(), self.prefix());
        let full = full_prefix(ip);
        let own = self.own_addresses(interface);
        if prefix == full || own.iter().any(|own| same_network(*own, ip, prefix)) {
            Address {
                prefix: full,
                no_prefix_route: false,
            }
        } else {
            Address {
                prefix,
                no_prefix_route: true,
            }
        }
    }

    /// The machine's own addresses there of the same family: as the file says; where it says
    /// nothing, as measured.
    fn own_addresses(&self, interface: &str) -> Vec<IpAddr> {
        let site = self.node_site(interface);
        let written = site.iter().flat_map(|site| &site.addresses);
        let written: Vec<IpAddr> = written
            .map(|own| own.address)
            .filter(|own| own.is_ipv4() == self.ip().is_ipv4())
            .collect();
        if written.is_empty() {
            self.measured(interface).collect()
        } else {
            written
        }
    }

    fn measured(&self, interface: &str) -> impl Iterator<Item = IpAddr> {
        let facts = self.here.host.interfaces.get(interface);
        let addresses = facts.into_iter().flat_map(|facts| &facts.addresses);
        addresses
            .map(|(own, _)| *own)
            .filter(|own| !self.is_floating(*own))
    }

    fn is_floating(&self, address: IpAddr) -> bool {
        let groups = self.here.farm.vips.values();
        let mut floating = groups.flat_map(|vip| &vip.addresses);
        floating.any(|written| written.address.address == address)
    }

    /// Where the machine's entry in the file says that it is on the address's network.
    fn node_site(&self, interface: &str) -> Option<NodeSite<'_>> {
        let sites = self.here.node?.sites();
        let on_it = |(name, site): (Name, _)| match &self.site {
            VipSite::Network(network) => (name == *network).then_some(site),
            VipSite::Interface(_) => is_named(&site, interface).then_some(site),
        };
        sites.into_iter().find_map(on_it)
    }

    /// The interface: as written; else the one that has the machine's address on that network;
    /// else the one whose own addresses are neighbours of the floating one.
    fn interface(&self) -> Option<String> {
        match &self.site {
            VipSite::Interface(interface) => Some(interface.to_string()),
            VipSite::Network(network) => self
                .here
                .interface_to(network)
                .or_else(|| self.neighbours()),
        }
    }

    /// The interface with the longest prefix that the floating address is in.
    fn neighbours(&self) -> Option<String> {
        let mut best: Option<(u8, &String)> = None;
        for (name, facts) in &self.here.host.interfaces {
            for &(own, prefix) in &facts.addresses {
                let near = !self.is_floating(own) && same_network(own, self.ip(), prefix);
                if near && best.is_none_or(|(longest, _)| prefix > longest) {
                    best = Some((prefix, name));
                }
            }
        }
        best.map(|(_, name)| name.clone())
    }

    fn no_interface(&self, path: Path) -> Note {
        Note {
            kind: NoteKind::NoInterface,
            path,
            message: format!(
                "It is not known on which interface {} goes up; write `interface:` for the VIP.",
                self.ip()
            ),
        }
    }
}

fn is_named(site: &NodeSite<'_>, interface: &str) -> bool {
    site.interface.map(InterfaceName::as_str) == Some(interface)
}

fn missing(interface: &str, origin: &Origin) -> Note {
    Note {
        kind: NoteKind::NoInterface,
        path: origin.path.clone(),
        message: format!("This machine has no interface {interface}."),
    }
}

impl Here<'_> {
    /// This machine's interface to a network of the file: as written, else the one that has the
    /// machine's address there.
    pub(super) fn interface_to(&self, network: &Name) -> Option<String> {
        let site = self.node?.on(network)?;
        match site.interface {
            Some(interface) => Some(interface.to_string()),
            None => site
                .addresses
                .iter()
                .find_map(|own| self.host.interface_of(own.address))
                .map(str::to_owned),
        }
    }
}
