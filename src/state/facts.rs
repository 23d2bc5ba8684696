//! What is measured on the machine itself and bears on what the kernel is to hold.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::AddressKey;

/// The interfaces of this machine (of this network namespace).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostFacts {
    /// By the interface's name.
    pub interfaces: BTreeMap<String, InterfaceFacts>,
}

/// What one interface has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InterfaceFacts {
    /// Whether it is administratively up.
    pub up: bool,
    /// Its addresses with their prefix lengths, of whoever put them up.
    pub addresses: Vec<(IpAddr, u8)>,
}

impl HostFacts {
    /// Whether any interface has the address.
    pub fn is_local(&self, address: IpAddr) -> bool {
        let mut all = self
            .interfaces
            .values()
            .flat_map(|interface| &interface.addresses);
        address.is_loopback() || all.any(|(own, _)| *own == address)
    }

    /// The interface that has an address.
    pub fn interface_of(&self, address: IpAddr) -> Option<&str> {
        self.interfaces.iter().find_map(|(name, interface)| {
            let mut addresses = interface.addresses.iter();
            addresses
                .any(|(own, _)| *own == address)
                .then_some(name.as_str())
        })
    }

    /// These facts without some addresses: those that farmctl put up are not the machine's own.
    #[must_use]
    pub fn without<'a>(&self, addresses: impl IntoIterator<Item = &'a AddressKey>) -> Self {
        let mut facts = self.clone();
        for key in addresses {
            if let Some(interface) = facts.interfaces.get_mut(&key.interface) {
                interface.addresses.retain(|(own, _)| *own != key.address);
            }
        }
        facts
    }
}
