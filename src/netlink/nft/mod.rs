//! The one nftables table that farmctl needs over `NETLINK_NETFILTER`
//! (`include/uapi/linux/netfilter/nf_tables.h`): rules that put a firewall mark on packets to an
//! address, a protocol and a range of ports, so that IPVS can take them as one service.
//!
//! [`Client`] replaces, reads and deletes a whole table by name, each in one transaction. It
//! knows no other tables, and which rules a farm needs is decided elsewhere. What it reads comes
//! from the expressions that the kernel really runs, so that hand edits show. Used by the IPVS
//! data plane.

mod client;
pub mod codec;
mod expression;
mod found;
pub mod model;
mod monitor;
mod operation;
mod rule;

pub use client::Client;
pub use found::{Found, Temporary};
pub use monitor::{Author, Heard, Monitor};
pub use operation::{ElementKey, Operation, Refused};
pub use rule::MarkRule;

/// The chain for packets from the network.
const PREROUTING: Chain = Chain {
    name: "prerouting",
    kind: "filter",
    hook: 0,
    priority: MANGLE_PRIORITY,
};
/// The chain for packets of this machine itself; of kind `route`, so that the mark counts.
const OUTPUT: Chain = Chain {
    name: "output",
    kind: "route",
    hook: 3,
    priority: MANGLE_PRIORITY,
};
/// Before address translation and before IPVS looks (`NF_IP_PRI_MANGLE`).
const MANGLE_PRIORITY: i32 = -150;

/// A base chain: where in the kernel its rules run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chain {
    name: &'static str,
    kind: &'static str,
    /// `NF_INET_*` (`include/uapi/linux/netfilter.h`).
    hook: u32,
    priority: i32,
}

/// A table as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MarkTable {
    /// The rules for packets from the network, in order.
    pub rules: Vec<MarkRule>,
    /// What else is in the table or missing from it, one sentence each: somebody else wrote
    /// there. [`Client::replace_table`] removes it.
    pub strays: Vec<String>,
}
