//! What forwards packets: read as a [`State`], changed by [`Change`]s.
//!
//! A data plane turns the kernel's words into netlink messages and `/proc` files, and back. It
//! decides nothing: what to change is `state::plan`'s, what is ours is `reconcile`'s. Called by
//! `reconcile` and, for reading only, by `cli`.

mod blind;
mod choice;
pub mod consistent;
mod explain;
mod host;
mod ipvs;
mod machine;
mod memory;
pub mod nftables;
mod preflight;
mod proc;
mod protocol;
mod seen;
mod steady;
mod sysctl;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::spec::{Capability, DataplaneKind};
use crate::state::{AddressKey, Change, DestinationKey, HostFacts, ServiceKey, State};

pub use blind::BlindSpot;
pub use choice::{Found, open, resolve};
pub use ipvs::Ipvs;
pub use memory::Memory;
pub use nftables::Nftables;
pub use preflight::{Preflight, rehearse};
pub use proc::{observe as observe_unprivileged, observe_best};
pub use seen::Seen;
pub use watch::Watch;

/// How much a data plane does at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Atomicity {
    /// Step by step: packets meet every state between two steps, so steps come in an order in
    /// which each of them is a good one.
    Steps,
    /// All services, destinations and marks of a batch in one transaction: packets meet the state
    /// before or the state after, and a refused change leaves the state before.
    Whole,
}

/// What becomes of the connections of a destination that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// They are cut: their packets lead nowhere any more.
    Cuts,
    /// TCP and SCTP connections go on until they end, unless [`Dataplane::reset`] ends them; UDP
    /// flows get another destination.
    LetsFinish,
}

/// Something that forwards packets.
pub trait Dataplane {
    /// Which one it is.
    fn kind(&self) -> DataplaneKind;

    /// What it can do of what not every data plane can: the table that `validate` goes by.
    fn capabilities(&self) -> BTreeSet<Capability> {
        self.kind().capabilities()
    }

    /// Reads everything that is there, of whoever made it.
    fn observe(&mut self) -> Result<Observation, Error>;

    /// Carries changes out in order. With [`Atomicity::Steps`] a change that fails does not stop
    /// those after it (ip_vs goes on with a batch): every failure is reported with the place of its
    /// change. With [`Atomicity::Whole`] the changes that were not done because of a failure are
    /// reported, too, each with [`Error::NotDone`].
    fn execute(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error>;

    /// Those of the changes that it can't carry out on this machine, as far as that shows without
    /// touching anything. It is asked after a reading and before the first change.
    fn objections(&mut self, _changes: &[Change]) -> Result<Vec<Failure>, Error> {
        Ok(Vec::new())
    }

    /// How much of a plan it does at once; the caller hands over so much.
    fn atomicity(&self) -> Atomicity {
        Atomicity::Steps
    }

    /// What becomes of connections that are left when a destination is removed.
    fn removal(&self) -> Removal {
        Removal::Cuts
    }

    /// Ends the connections of destinations that were removed: each client is told by a reset as
    /// soon as it sends something. [`Error::NoReset`] with [`Removal::Cuts`].
    fn reset(&mut self, _gone: &[(ServiceKey, DestinationKey)]) -> Result<(), Error> {
        Err(Error::NoReset)
    }

    /// Tells the neighbours that an address lives on this machine now. It changes nothing in the
    /// kernel; without it neighbours go on sending to the machine that had the address before,
    /// until their own entry is stale.
    /// A data plane without neighbours has nobody to tell.
    fn announce(&mut self, _address: &AddressKey) -> Result<(), Error> {
        Ok(())
    }

    /// What tells of changes that others make; what this value itself changes is not told. Empty
    /// where the kernel tells of nothing.
    fn watches(&self) -> Result<Vec<Watch>, Error> {
        Ok(Vec::new())
    }

    /// How many writing messages went to the kernel since this value was made.
    fn writes(&self) -> u64;
}

impl<D: Dataplane + ?Sized> Dataplane for Box<D> {
    fn kind(&self) -> DataplaneKind {
        (**self).kind()
    }

    fn observe(&mut self) -> Result<Observation, Error> {
        (**self).observe()
    }

    fn execute(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error> {
        (**self).execute(changes)
    }

    fn objections(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error> {
        (**self).objections(changes)
    }

    fn atomicity(&self) -> Atomicity {
        (**self).atomicity()
    }

    fn removal(&self) -> Removal {
        (**self).removal()
    }

    fn reset(&mut self, gone: &[(ServiceKey, DestinationKey)]) -> Result<(), Error> {
        (**self).reset(gone)
    }

    fn announce(&mut self, address: &AddressKey) -> Result<(), Error> {
        (**self).announce(address)
    }

    fn watches(&self) -> Result<Vec<Watch>, Error> {
        (**self).watches()
    }

    fn writes(&self) -> u64 {
        (**self).writes()
    }
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

impl Failure {
    /// The failure of a change that was taken back, or not tried, because of another one.
    pub(crate) fn not_done(index: usize, change: &Change) -> Self {
        let what = change.to_string();
        Self {
            index,
            error: Error::NotDone { what },
        }
    }

    /// Whether this is a reason, and not what followed from one.
    pub fn is_cause(&self) -> bool {
        !matches!(self.error, Error::NotDone { .. })
    }
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
    /// The kernel has no nf_tables, or too little of it.
    #[error("this kernel has no nf_tables that farmctl can use: {reason}")]
    NoNftables {
        /// What is missing, and what to do.
        reason: String,
    },
    /// The change was not refused, but not done either.
    #[error("did not {what}: another change of the same transaction was refused")]
    NotDone {
        /// The change, in words.
        what: String,
    },
    /// The data plane can't end connections.
    #[error(
        "ip_vs can't reset connections: leave out `--reset-remaining`, give them time with \
         `--drain-timeout`, or set `expire_nodest_conn: true`, which tells clients that the server \
         is gone"
    )]
    NoReset,
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
