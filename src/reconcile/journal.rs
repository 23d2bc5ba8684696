//! What a running apply leaves behind if it is killed.
//!
//! The journal holds the state to go back to, not a list of inverse steps: after a kill nobody
//! knows how far the list was carried out, but a plan from what is observed to that state fits
//! wherever it stopped. It is written after the record's intents and before the first change, and
//! removed when the run converged or was rolled back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::state::{Plan, State};

use super::store::Document;
use super::{Digest, Error, Key, Origin, Store};

/// A running apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Where it runs.
    pub origin: Origin,
    /// The farm's name.
    pub farm: String,
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// The digest of the plan.
    pub plan: Digest,
    /// How many steps the plan has.
    pub steps: usize,
    /// What the plan makes that was not there.
    pub makes: Vec<Key>,
    /// What was ours before.
    pub before: State,
}

/// What becomes of a journal that was left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leftover {
    /// The kernel's objects went with a reboot, or it belongs to another namespace.
    Void,
    /// Its run was killed here; this run goes on from what is there.
    TakenOver {
        /// What it made and the file still names: ours.
        ours: Vec<Key>,
        /// What it may have made and the file does not name: left alone.
        unfinished: Vec<Key>,
    },
}

impl Journal {
    /// A journal of a plan that is about to be carried out.
    pub fn new(origin: &Origin, farm: &str, started: u64, plan: &Plan, before: &State) -> Self {
        Self {
            origin: origin.clone(),
            farm: farm.to_owned(),
            started,
            plan: digest(plan),
            steps: plan.changes.len(),
            makes: made_by(plan).into_iter().collect(),
            before: before.clone(),
        }
    }

    /// The journal that an earlier run left behind, if one did.
    pub fn load(store: &Store) -> Result<Option<Self>, Error> {
        store.load(Document::Journal)
    }

    /// Writes the journal to the disk.
    pub fn save(&self, store: &Store) -> Result<(), Error> {
        store.save(Document::Journal, self)
    }

    /// Removes the journal, whether there is one or not.
    pub fn remove(store: &Store) -> Result<(), Error> {
        store.remove(Document::Journal)
    }

    /// Decides what becomes of this journal at the start of a run.
    pub fn judge(&self, origin: &Origin, observed: &State, desired: &State) -> Leftover {
        if self.origin != *origin {
            return Leftover::Void;
        }
        let there = self.makes.iter().filter(|key| key.is_in(observed)).cloned();
        let (ours, unfinished) = there.partition(|key| key.is_in(desired));
        Leftover::TakenOver { ours, unfinished }
    }

    /// What the operator is told about it, a full sentence.
    pub fn explain(&self, leftover: &Leftover) -> String {
        let Self {
            farm,
            started,
            steps,
            ..
        } = self;
        match leftover {
            Leftover::Void => format!(
                "An apply of farm {farm} was cut short by a reboot, or ran in another network \
                 namespace; nothing of it is left here."
            ),
            Leftover::TakenOver { ours, unfinished } => format!(
                "An apply of farm {farm} that began at {started} (seconds since 1970) was \
                 interrupted; its {steps} steps are taken over: {} of the objects that it was \
                 making are there and named by the file, {} are there and not named.",
                ours.len(),
                unfinished.len()
            ),
        }
    }
}

/// What a plan makes that was not there.
pub(super) fn made_by(plan: &Plan) -> BTreeSet<Key> {
    plan.changes.iter().filter_map(Key::made_by).collect()
}

/// The digest of a plan: of its steps in words, which name all that matters.
fn digest(plan: &Plan) -> Digest {
    let steps = plan.changes.iter().map(|change| format!("{change}\n"));
    Digest::of(steps.collect::<String>().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{origin, service_key, state_of_ports};
    use super::*;
    use crate::state::plan;

    fn journal() -> Journal {
        let steps = plan(&State::default(), &state_of_ports(&[80, 81, 82]));
        Journal::new(&origin("boot"), "shop", 7, &steps, &State::default())
    }

    #[test]
    fn what_the_file_still_names_is_taken_over_and_the_rest_is_left_alone() {
        let leftover = journal().judge(
            &origin("boot"),
            &state_of_ports(&[80, 81, 90]),
            &state_of_ports(&[80, 82]),
        );
        let ours = vec![Key::Service(service_key(80))];
        let unfinished = vec![Key::Service(service_key(81))];
        assert_eq!(leftover, Leftover::TakenOver { ours, unfinished });
        let said = journal().explain(&leftover);
        assert!(said.contains("its 6 steps are taken over"), "{said}");
    }

    #[test]
    fn after_a_reboot_it_is_void() {
        let nothing = State::default();
        let leftover = journal().judge(&origin("next boot"), &nothing, &nothing);
        assert_eq!(leftover, Leftover::Void);
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::at(place.path());
        let mut journal = journal();
        journal.before = state_of_ports(&[79]);
        journal.save(&store).unwrap();
        assert_eq!(Journal::load(&store).unwrap(), Some(journal));
        Journal::remove(&store).unwrap();
        assert_eq!(Journal::load(&store).unwrap(), None);
    }
}
