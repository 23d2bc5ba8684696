//! The kernel's connection tracking over `NETLINK_NETFILTER`
//! (`include/uapi/linux/netfilter/nfnetlink_conntrack.h`): which connections there are, and how to
//! forget some.
//!
//! [`Client`] lists, deletes and flushes; it never makes or changes a connection. Used by the
//! nftables data plane, which counts by it, and by the rehearsal.

mod client;
pub mod codec;
mod entry;

pub use client::Client;
pub use entry::{Counters, Entry, Filter, TcpState, Tuple};
