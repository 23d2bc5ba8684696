//! Links and addresses over rtnetlink (`include/uapi/linux/rtnetlink.h`, `if_link.h`,
//! `if_addr.h`).
//!
//! [`Client`] lists links and addresses, adds and deletes addresses, sets links up, and makes the
//! bridges, cables, routes and rules that a rehearsal's machines consist of; which and when is
//! decided elsewhere. Requests are built with netlink-packet-route; replies are read
//! here, because only a few attributes matter and a reader that insists on all of them fails on
//! the first kernel that changes another. Used by the data plane and by namespaces set up in
//! tests.

mod build;
mod client;
mod monitor;
mod read;
mod write;

pub use build::{NewRoute, TABLE_MAIN};
pub use client::Client;
pub use monitor::Monitor;
pub use read::{read_address, read_link};
pub use write::NewAddress;

use std::net::IpAddr;

/// A lifetime that never ends (`INFINITY_LIFE_TIME`).
pub const FOREVER: u32 = u32::MAX;
/// The address is a further one of its network (`IFA_F_SECONDARY`); set by the kernel.
pub const ADDRESS_SECONDARY: u32 = 0x01;
/// No duplicate address detection (`IFA_F_NODAD`).
pub const ADDRESS_NO_DAD: u32 = 0x02;
/// Duplicate address detection found another owner (`IFA_F_DADFAILED`).
pub const ADDRESS_DAD_FAILED: u32 = 0x08;
/// Never chosen as a source by itself (`IFA_F_DEPRECATED`): its preferred lifetime is over.
pub const ADDRESS_DEPRECATED: u32 = 0x20;
/// Duplicate address detection goes on (`IFA_F_TENTATIVE`).
pub const ADDRESS_TENTATIVE: u32 = 0x40;
/// Valid for ever (`IFA_F_PERMANENT`).
pub const ADDRESS_PERMANENT: u32 = 0x80;
/// The kernel makes no route for its prefix (`IFA_F_NOPREFIXROUTE`).
pub const ADDRESS_NO_PREFIX_ROUTE: u32 = 0x200;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// The kernel's number of it, unique in its namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Whether it is administratively up (`IFF_UP`).
    pub up: bool,
    /// Whether there is a carrier (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// Whether it is a loopback interface (`IFF_LOOPBACK`).
    pub loopback: bool,
    /// The kind of a virtual interface, such as `veth` or `bridge`; `None` for hardware and `lo`.
    pub kind: Option<String>,
    /// The hardware address; six bytes for Ethernet, empty where there is none.
    pub hardware_address: Vec<u8>,
    /// The largest packet in bytes.
    pub mtu: u32,
    /// The number of the bridge or bond that it belongs to.
    pub master: Option<u32>,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The interface's number.
    pub index: u32,
    /// The machine's own address.
    pub address: IpAddr,
    /// The length of its prefix in bits.
    pub prefix: u8,
    /// `ADDRESS_*` bits.
    pub flags: u32,
    /// Where it is valid (`RT_SCOPE_*`): 0 everywhere, 253 on the link, 254 on this machine.
    pub scope: u8,
    /// Seconds until it is removed, or [`FOREVER`].
    pub valid_lifetime: u32,
    /// Seconds until it is deprecated, or [`FOREVER`]. IPv4: always [`FOREVER`] for an address
    /// that is valid for ever; look at [`ADDRESS_DEPRECATED`].
    pub preferred_lifetime: u32,
    /// The IPv4 label, by default the interface's name.
    pub label: Option<String>,
    /// The IPv4 broadcast address.
    pub broadcast: Option<IpAddr>,
}
