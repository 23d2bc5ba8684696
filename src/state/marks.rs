//! Firewall marks that farmctl sets itself, for services of many ports with one persistence.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Protocol;

/// Ports from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortRange {
    /// The lowest port.
    pub first: u16,
    /// The highest port, not below the first.
    pub last: u16,
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// Packets to these ports of an address carry a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MarkRule {
    /// The mark that is set.
    pub mark: u32,
    /// The packet's destination.
    pub address: IpAddr,
    /// The packet's protocol.
    pub protocol: Protocol,
    /// The packet's destination port.
    pub ports: PortRange,
}

impl fmt::Display for MarkRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            mark,
            address,
            protocol,
            ports,
        } = self;
        write!(f, "{protocol} to {address} ports {ports}: mark {mark}")
    }
}
