//! A data plane that was read a moment ago, and what a run saw and did there.
//!
//! A run begins with the reading that is known already, and its last reading is kept: so a run
//! costs one reading, the one that verifies. Used by [`super::hands`] around a whole run.

use super::steward::Touched;
use crate::dataplane::{Atomicity, Dataplane, Error, Failure, Observation, Removal};
use crate::spec::DataplaneKind;
use crate::state::{AddressKey, Change, DestinationKey, ServiceKey};

/// The data plane, and what is known of it.
pub(super) struct Mirror<'a> {
    plane: &'a mut dyn Dataplane,
    /// What is there; none after a write.
    seen: Option<Observation>,
    wrote: Touched,
}

impl<'a> Mirror<'a> {
    /// `seen` is what is there.
    pub(super) fn new(plane: &'a mut dyn Dataplane, seen: Observation) -> Self {
        Self {
            plane,
            seen: Some(seen),
            wrote: Touched::default(),
        }
    }

    /// What is there, where that is known, and what was written.
    pub(super) fn into_seen(self) -> (Option<Observation>, Touched) {
        (self.seen, self.wrote)
    }
}

impl Dataplane for Mirror<'_> {
    fn kind(&self) -> DataplaneKind {
        self.plane.kind()
    }

    fn observe(&mut self) -> Result<Observation, Error> {
        if let Some(seen) = &self.seen {
            return Ok(seen.clone());
        }
        let seen = self.plane.observe()?;
        self.seen = Some(seen.clone());
        Ok(seen)
    }

    fn execute(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error> {
        self.seen = None;
        self.wrote.add(changes);
        self.plane.execute(changes)
    }

    fn objections(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error> {
        self.plane.objections(changes)
    }

    fn atomicity(&self) -> Atomicity {
        self.plane.atomicity()
    }

    fn removal(&self) -> Removal {
        self.plane.removal()
    }

    fn reset(&mut self, gone: &[(ServiceKey, DestinationKey)]) -> Result<(), Error> {
        self.seen = None;
        self.plane.reset(gone)
    }

    fn announce(&mut self, address: &AddressKey) -> Result<(), Error> {
        self.plane.announce(address)
    }

    fn writes(&self) -> u64 {
        self.plane.writes()
    }
}
