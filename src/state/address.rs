//! Floating addresses as rtnetlink knows them (`include/uapi/linux/if_addr.h`).

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Which address on which interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddressKey {
    /// The interface's name.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
}

impl fmt::Display for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.address, self.interface)
    }
}

/// How the address is put up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The prefix length that the kernel gets: the whole length where the node has an address of
    /// its own in that prefix.
    pub prefix: u8,
    /// The kernel makes no route for the prefix (`IFA_F_NOPREFIXROUTE`).
    pub no_prefix_route: bool,
}
