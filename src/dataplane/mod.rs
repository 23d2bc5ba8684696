//! What forwards packets: read as a [`State`], changed by [`Change`]s.
//!
//! A data plane turns the kernel's words into netlink messages and `/proc` files, and back. It
//! decides nothing: what to change is `state::plan`'s, what is ours is `reconcile`'s. Called by
//! `reconcile` and, for reading only, by `cli`.

mod blind;
mod explain;
mod host;
mod ipvs;
mod memory;
mod preflight;
mod proc;
mod seen;
mod steady;
mod sysctl;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::state::{AddressKey, Change, DestinationKey, HostFacts, ServiceKey, State};

pub use blind::BlindSpot;
pub use ipvs::Ipvs;
pub use memory::Memory;
pub use preflight::{Preflight, rehearse};
pub use proc::{observe as observe_unprivileged, observe_best};
pub use seen::Seen;

/// Something that forwards packets.
pub trait Dataplane {
    /// Reads everything that is there, of whoever made it.
    fn observe(&mut self) -> Result<Observation, Error>;

    /// Carries changes out in order. A change that fails does not stop those after it (ip_vs goes
    /// on with a batch): every failure is reported with the place of its change.
    fn execute(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error>;

    /// Tells the neighbours that an address lives on this machine now. It changes nothing in the
    /// kernel; without it neighbours go on sending to the machine that had the address before,
    /// until their own entry is stale.
    /// A data plane without neighbours has nobody to tell.
    fn announce(&mut self, _address: &AddressKey) -> Result<(), Error> {
        Ok(())
    }

    /// How many writing messages went to the kernel since this value was made.
    fn writes(&self) -> u64;
}

/// What a data plane holds at one time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observation {
    /// The objects.
    pub state: State,
    /// The machine's own interfaces and addresses.
    pub host: HostFacts,
    /// Live numbers of each service.
    pub services: BTreeMap<ServiceKey, Counters>,
    /// Live numbers of each destination.
    pub destinations: BTreeMap<(ServiceKey, DestinationKey), DestinationCounters>,
    /// What could not be seen; each prints as a full sentence. Empty where all was read.
    /// [`Observation::fill_blind_spots`] keeps these from being taken for differences.
    pub blind_spots: BTreeSet<BlindSpot>,
}

/// Totals and rates since the object was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets in.
    pub packets_in: u64,
    /// Packets out.
    pub packets_out: u64,
    /// Bytes in.
    pub bytes_in: u64,
    /// Bytes out.
    pub bytes_out: u64,
    /// Connections per second, of late.
    pub connections_per_second: u64,
    /// Bytes in per second, of late.
    pub bytes_in_per_second: u64,
    /// Bytes out per second, of late.
    pub bytes_out_per_second: u64,
}

/// Live numbers of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DestinationCounters {
    /// Connections in an active state.
    pub active: u32,
    /// Connections in any other state.
    pub inactive: u32,
    /// Persistence templates that point here.
    pub persistent: u32,
    /// Totals and rates.
    pub counters: Counters,
}

impl DestinationCounters {
    /// Everything that a removal would cut or strand.
    pub fn live(&self) -> u64 {
        u64::from(self.active) + u64::from(self.inactive)
    }
}

/// One change that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The place of the change in what was executed.
    pub index: usize,
    /// Why, in the operator's words.
    pub error: Error,
}

/// What can go wrong below. The text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// The kernel has no ip_vs and it could not be loaded.
    #[error("this kernel has no ip_vs: {reason}")]
    NoIpvs {
        /// What was tried, and what to do.
        reason: String,
    },
    /// The process may not do it.
    #[error("no permission to {what}: {help}")]
    Permission {
        /// What was tried.
        what: String,
        /// What to do.
        help: String,
    },
    /// The kernel refused a change.
    #[error("the kernel refused to {what}: {reason}")]
    Refused {
        /// The change, in words.
        what: String,
        /// The error in the operator's words.
        reason: String,
        /// The error number.
        errno: i32,
    },
    /// Something else went wrong on the way to the kernel.
    #[error("could not {what}: {reason}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's words.
        reason: String,
    },
}
