//! What a run has done so far: what it may take back.
//!
//! A data plane goes on after a step that fails. So where somebody else made a service between
//! our look and our step, the service is not ours, but destinations were put into it: those are
//! strays, and go back one by one.

use std::collections::BTreeSet;

use crate::dataplane::Failure;
use crate::state::{Change, DestinationKey, ServiceKey, State};

use super::Key;

/// The steps that took effect, as far as a rollback needs them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Ledger {
    /// What this run brought into being.
    pub(super) made: BTreeSet<Key>,
    /// Destinations that it put into services that turned out to be somebody else's.
    strays: Vec<(ServiceKey, DestinationKey)>,
}

impl Ledger {
    /// A run that made all of this, or died while it did.
    pub(super) fn of_made(made: impl IntoIterator<Item = Key>) -> Self {
        Self {
            made: made.into_iter().collect(),
            strays: Vec::new(),
        }
    }

    /// A batch was carried out on what was `before` at the start of the run.
    pub(super) fn enter(&mut self, batch: &[Change], failures: &[Failure], before: &State) {
        let failed: BTreeSet<usize> = failures.iter().map(|failure| failure.index).collect();
        let done = batch
            .iter()
            .enumerate()
            .filter(|(index, _)| !failed.contains(index));
        for (_, change) in done {
            self.enter_one(change, before);
        }
    }

    fn enter_one(&mut self, change: &Change, before: &State) {
        if let Some(key) = Key::made_by(change) {
            self.made.insert(key);
            return;
        }
        let foreign = |key: &Key| !key.is_in(before) && !self.made.contains(key);
        let stray = Key::of_change(change).as_ref().is_some_and(foreign);
        if let (true, Change::AddDestination { service, key, .. }) = (stray, change) {
            self.strays.push((*service, *key));
        }
    }

    /// What takes those strays back that are still there.
    pub(super) fn stray_removals(&self, now: &State) -> Vec<Change> {
        let there = self.strays.iter().filter_map(|(service, key)| {
            let was = *now.services.get(service)?.destinations.get(key)?;
            Some(Change::DeleteDestination {
                service: *service,
                key: *key,
                was,
            })
        });
        there.collect()
    }
}
