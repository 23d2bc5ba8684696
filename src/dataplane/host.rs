//! Interfaces and addresses of this network namespace, as facts and as state.
//!
//! Reading needs no privilege. Called by the IPVS data plane and by the unprivileged reading.

use std::collections::BTreeMap;

use super::Error;
use super::explain::unreadable;
use super::steady::steady;
use crate::netlink::route::{self, ADDRESS_NO_PREFIX_ROUTE, Client, Link};
use crate::state::{Address, AddressKey, HostFacts, InterfaceFacts};

/// What rtnetlink tells.
#[derive(Debug, Default)]
pub(super) struct Host {
    pub(super) facts: HostFacts,
    pub(super) addresses: BTreeMap<AddressKey, Address>,
    links: Vec<Link>,
}

impl Host {
    /// Reads all interfaces and addresses.
    pub(super) fn read(client: &mut Client) -> Result<Self, Error> {
        let links = steady(|| client.links())
            .map_err(|error| unreadable("the network interfaces", &error))?;
        let addresses =
            steady(|| client.addresses()).map_err(|error| unreadable("the addresses", &error))?;
        let mut host = Self::default();
        for link in &links {
            let facts = InterfaceFacts {
                up: link.up,
                addresses: Vec::new(),
            };
            host.facts.interfaces.insert(link.name.clone(), facts);
        }
        host.links = links;
        for address in &addresses {
            host.add(address);
        }
        Ok(host)
    }

    fn add(&mut self, found: &route::Address) {
        let Some(link) = self.links.iter().find(|link| link.index == found.index) else {
            return; // The interface came after the interfaces were listed.
        };
        if let Some(interface) = self.facts.interfaces.get_mut(&link.name) {
            interface.addresses.push((found.address, found.prefix));
        }
        let key = AddressKey {
            interface: link.name.clone(),
            address: found.address,
        };
        let address = Address {
            prefix: found.prefix,
            no_prefix_route: found.flags & ADDRESS_NO_PREFIX_ROUTE != 0,
        };
        // IPv4 may have one address with two prefixes. The wider one is shown: a change that was
        // cut short between putting up the new form and taking down the old is then seen.
        self.addresses
            .entry(key)
            .and_modify(|known| {
                if address.prefix < known.prefix {
                    *known = address;
                }
            })
            .or_insert(address);
    }

    /// Every interface's number.
    pub(super) fn indexes(&self) -> BTreeMap<String, u32> {
        let links = self.links.iter();
        links.map(|link| (link.name.clone(), link.index)).collect()
    }

    /// An interface's number.
    pub(super) fn index(&self, interface: &str) -> Option<u32> {
        let link = self.links.iter().find(|link| link.name == interface);
        link.map(|link| link.index)
    }
}
