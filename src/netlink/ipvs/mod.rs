//! IPVS over generic netlink (family `IPVS`, `include/uapi/linux/ip_vs.h`): virtual services,
//! destinations, synchronisation daemons and timeouts, in the kernel's own words.
//!
//! [`Client`] talks to the kernel; [`codec`] turns [`Command`], [`Query`] and [`Reply`] into
//! bytes and back. What an error number means to an operator is `dataplane::explain`'s. Nothing here
//! knows what the table should look like. Only the IPVS data plane calls it.

mod client;
pub mod codec;
mod command;
mod entry;
mod wire;

pub use super::batch::Failure;
pub use client::Client;
pub use command::{Command, Destination, DestinationId, Query, Reply, Service};
pub use entry::{
    DestinationEntry, Family, ForwardingMethod, Info, Netmask, Protocol, Role, ServiceEntry,
    ServiceId, Stats, SyncDaemon, Timeouts, Tunnel,
};
pub use wire::{
    FLAG_HASHED, FLAG_ONE_PACKET, FLAG_PERSISTENT, FLAG_SCHED1, FLAG_SCHED2, FLAG_SCHED3,
    TUNNEL_CHECKSUM, TUNNEL_GRE, TUNNEL_GUE, TUNNEL_IPIP, TUNNEL_REMOTE_CHECKSUM,
};
