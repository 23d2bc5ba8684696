//! A data plane that was read a moment ago: that reading is given once more, then it is read again.
//!
//! So who looked before it began a run does not look twice; a large table takes long to read.
//! Called by `cli`, which holds the writer lock between the reading and the run.

use super::{Atomicity, Dataplane, Error, Failure, Observation, Removal};
use crate::spec::DataplaneKind;
use crate::state::{AddressKey, Change, DestinationKey, ServiceKey};

/// A data plane with a reading of it.
#[derive(Debug)]
pub struct Seen<D> {
    plane: D,
    seen: Option<Observation>,
}

impl<D: Dataplane> Seen<D> {
    /// `seen` is what `plane` itself gave a moment ago.
    pub fn new(plane: D, seen: Observation) -> Self {
        Self {
            plane,
            seen: Some(seen),
        }
    }
}

impl<D: Dataplane> Dataplane for Seen<D> {
    fn kind(&self) -> DataplaneKind {
        self.plane.kind()
    }

    fn observe(&mut self) -> Result<Observation, Error> {
        match self.seen.take() {
            Some(seen) => Ok(seen),
            None => self.plane.observe(),
        }
    }

    fn execute(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error> {
        self.seen = None;
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

#[cfg(test)]
mod tests {
    use super::super::Memory;
    use super::*;
    use crate::state::Setting;

    fn seen() -> (Seen<Memory>, Change) {
        let mut plane = Memory::default();
        let observed = plane.observe().unwrap();
        let change = Change::SetSetting {
            setting: Setting::ForwardV4,
            from: None,
            to: 1,
        };
        (Seen::new(plane, observed), change)
    }

    #[test]
    fn the_reading_is_given_once_and_then_the_plane_is_read() {
        let (mut seen, change) = seen();
        assert!(seen.observe().unwrap().state.settings.is_empty());
        seen.plane.execute(&[change]).unwrap();
        assert_eq!(seen.observe().unwrap().state.settings.len(), 1);
    }

    #[test]
    fn a_reading_is_worth_nothing_after_a_change() {
        let (mut seen, change) = seen();
        seen.execute(&[change]).unwrap();
        assert_eq!(seen.observe().unwrap().state.settings.len(), 1);
    }
}
