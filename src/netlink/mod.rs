//! Netlink messages: made and read here, decided nowhere here.
//!
//! This module turns typed requests into netlink bytes, sends them, and turns the kernel's bytes
//! back into types. It never chooses what to change, keeps no state about the farm and knows
//! neither `farm.yaml` nor farmctl's own state types. Only the data plane and the drivers call it.
//!
//! - [`ipvs`]: virtual services and destinations (generic netlink family `IPVS`);
//! - [`route`]: links and addresses (rtnetlink);
//! - [`nft`]: nftables tables, sets, chains and rules;
//! - [`conntrack`]: the connections that the kernel tracks;
//! - [`fou`]: UDP ports behind which tunnels end;
//! - [`arp`]: frames that tell the neighbours where an address now lives.
//!
//! A [`Socket`] is blocking and stays in the network namespace of the thread that opened it.
//! No bytes received from it can make this module panic.

pub mod arp;
pub mod attribute;
mod batch;
pub mod conntrack;
mod error;
pub mod fou;
mod generic;
pub mod ipvs;
pub mod message;
pub mod nft;
pub mod route;
mod socket;

pub use batch::{Batch, Failure};
pub use error::{Errno, Error, Result};
pub use socket::Socket;
