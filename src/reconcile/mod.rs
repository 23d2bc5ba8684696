//! Makes the kernel hold what the file asks for, and touches nothing else.
//!
//! ip_vs objects carry no owner. So what farmctl made is written down ([`Record`]) before it is
//! made; what the record does not name is foreign, shown and never changed ([`Scope`]). A file
//! that shrinks the farm by accident is refused ([`guards`]); a run that dies at any point leaves
//! a state from which the next run goes on ([`Journal`]); a run that fails is undone.
//!
//! Only [`Store`] (files), [`WriterLock`] (a socket) and [`Origin`] touch the system; everything
//! else is pure and is given its data plane and its clock. Called by `cli`. It never prints.

mod accepted;
mod apply;
mod choice;
mod confirm;
mod digest;
mod drain;
mod error;
pub mod guards;
mod identity;
mod journal;
pub mod keeper;
mod key;
mod ledger;
mod lock;
mod origin;
mod outcome;
mod progress;
mod record;
mod request;
mod rollback;
mod run;
mod scope;
mod snapshot;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trial;

pub use accepted::{Accepted, Rejected};
pub use apply::apply;
pub use choice::{Chosen, named};
pub use confirm::{Confirmation, GuardEnd, Pending, confirm, guard, undo_if_due, unsettled};
pub use digest::Digest;
pub use error::Error;
pub use guards::{Footprint, Refusal, Shrink};
pub use identity::{Identity, Unknown, host_name, identify, own_facts};
pub use journal::{Journal, Leftover};
pub use keeper::Keeper;
pub use key::Key;
pub use lock::{Busy, WriterLock};
pub use origin::Origin;
pub use outcome::{Cut, Fate, Outcome, Report};
pub use progress::Progress;
pub use record::{Record, Standing};
pub use request::{
    FileNews, Mode, Preflight, Prune, Remaining, Request, Surroundings, Target, effective,
};
pub use scope::{Adopt, Scope};
pub use snapshot::{Snapshot, SnapshotError};
pub use store::{Document, Store};
pub use trial::try_out;
