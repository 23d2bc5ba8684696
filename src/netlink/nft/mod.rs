//! nftables over `NETLINK_NETFILTER` (`include/uapi/linux/netfilter/nf_tables.h`): tables, sets with
//! their elements, chains and rules, in the words of [`model`].
//!
//! [`Client`] changes them by transactions of [`Operation`]s and reads a table back as a value that
//! equals what was written; [`Monitor`] hears when somebody changes one. Which tables there are is
//! decided elsewhere: by the nftables data plane and, for the table of [`MarkRule`]s, by that of
//! IPVS.

mod client;
pub mod codec;
mod found;
mod mark_rule;
mod marks;
pub mod model;
mod monitor;
mod operation;

pub use client::Client;
pub use found::{Found, Temporary};
pub use mark_rule::MarkRule;
pub use marks::{MarkTable, assemble, replace_marks};
pub use monitor::{Author, Heard, Monitor};
pub use operation::{ElementKey, Operation, Refused};
