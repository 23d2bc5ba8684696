//! What is measured on the machine itself and bears on what the kernel is to hold.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

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
}
