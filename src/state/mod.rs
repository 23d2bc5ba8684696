//! What one machine's kernel is to hold, in the kernel's words: maps by key, no options, a total
//! order.
//!
//! Two values of [`State`] meet here: the desired one, made from the file by `desired`, and the
//! observed one, read by a data plane. `plan` turns the difference into [`Change`]s. Everything in
//! this module is pure: no socket, no clock, no file system. It is called by `dataplane` (which
//! converts to and from messages), by `reconcile` (which carries plans out) and by `cli`.
//!
//! The words are the kernel's: a real server of the file is a *destination* here.

mod address;
mod apply;
mod change;
mod desired;
mod entries;
mod facts;
mod leaving;
mod marks;
mod overlay;
mod plan;
mod service;
mod setting;
mod subject;
mod sync;
mod words;

pub use address::{Address, AddressKey};
pub use apply::Misfit;
pub use change::Change;
pub use desired::{
    Desired, MARKS_FIRST, MARKS_LAST, Note, NoteKind, Origin, Part, RealServerOrigin, desired,
    desired_with,
};
pub use facts::{HostFacts, InterfaceFacts};
pub use marks::{MarkRule, PortRange};
pub use overlay::{Member, Overlay, Share};
pub use plan::{Phase, Plan, plan};
pub use service::{
    ClientMask, Destination, DestinationKey, Family, Forwarding, Persistence, Protocol,
    SchedulerFlags, Service, ServiceAttributes, ServiceKey, TunnelChecksum, TunnelKind,
};
pub use setting::{Setting, VsSysctl};
pub use subject::Subject;
pub use sync::{SyncDaemon, SyncRole};

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Everything of one network namespace that farmctl looks after.
///
/// As *desired* it holds what the file asks for; `settings` then has only the keys that the file
/// mentions or implies. As *observed* it holds what the kernel has, of whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct State {
    /// Virtual services with their destinations.
    #[serde(with = "entries")]
    pub services: BTreeMap<ServiceKey, Service>,
    /// Floating addresses (VIPs) on interfaces.
    #[serde(with = "entries")]
    pub addresses: BTreeMap<AddressKey, Address>,
    /// Which packets carry which firewall mark: farmctl's own nftables table, as a whole.
    pub marks: BTreeSet<MarkRule>,
    /// IPVS time-outs and sysctls, by name.
    #[serde(with = "entries::pairs")]
    pub settings: BTreeMap<Setting, u64>,
    /// The connection synchronisation daemons that run.
    pub sync_daemons: BTreeMap<SyncRole, SyncDaemon>,
}

impl State {
    /// Whether the state asks for nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
