//! Carrying a plan out: settings and addresses that go, then the one transaction, then what follows
//! from it, then addresses that come.
//!
//! Where something is refused, nothing that comes after it is done. Called by [`super::Nftables`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::delta::{blamed, delta};
use super::draft::{Draft, Ground, is_of_tables};
use super::explain;
use super::terrain::Terrain;
use super::{Known, Nftables};
use crate::dataplane::{Error, Failure};
use crate::state::Change;

/// When a change is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Before the transaction: the tables rely on it, or nothing new is to arrive any more.
    Before,
    /// In the transaction.
    Within,
    /// After it: everything behind the address is ready.
    After,
    /// Never: this data plane has no such thing.
    Never,
}

fn turn(change: &Change) -> Turn {
    match change {
        _ if is_of_tables(change) => Turn::Within,
        Change::SetSetting { .. } | Change::DeleteAddress { .. } => Turn::Before,
        Change::AddAddress { .. } | Change::SetAddress { .. } => Turn::After,
        Change::StartSync { .. } | Change::StopSync { .. } => Turn::Never,
        Change::AddService { .. }
        | Change::SetService { .. }
        | Change::DeleteService { .. }
        | Change::AddDestination { .. }
        | Change::SetDestination { .. }
        | Change::DeleteDestination { .. }
        | Change::SetMarks { .. } => Turn::Within,
    }
}

/// What became of each change so far.
struct Ledger<'a> {
    changes: &'a [Change],
    done: Vec<usize>,
    causes: BTreeMap<usize, Error>,
}

impl Ledger<'_> {
    /// The places of the changes of a turn.
    fn places(&self, of: Turn) -> Vec<usize> {
        let all = 0..self.changes.len();
        all.filter(|place| turn(&self.changes[*place]) == of)
            .collect()
    }

    fn failures(mut self) -> Vec<Failure> {
        if self.causes.is_empty() {
            return Vec::new();
        }
        self.done.sort_unstable();
        let mut failures = Vec::new();
        for (index, change) in self.changes.iter().enumerate() {
            match self.causes.remove(&index) {
                Some(error) => failures.push(Failure { index, error }),
                None if self.done.binary_search(&index).is_ok() => {}
                None => failures.push(Failure::not_done(index, change)),
            }
        }
        failures
    }
}

impl Nftables {
    pub(super) fn carry_out(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error> {
        if self.known.is_none() {
            self.look()?;
        }
        let mut ledger = Ledger {
            changes,
            done: Vec::with_capacity(changes.len()),
            causes: BTreeMap::new(),
        };
        for place in ledger.places(Turn::Never) {
            let error = explain::no_such_thing(&changes[place]);
            ledger.causes.insert(place, error);
        }
        for turn in [Turn::Before, Turn::Within, Turn::After] {
            if !ledger.causes.is_empty() {
                break;
            }
            match turn {
                Turn::Within => self.commit(&mut ledger)?,
                Turn::Before | Turn::After | Turn::Never => self.one_by_one(turn, &mut ledger),
            }
        }
        self.remember(&ledger);
        Ok(ledger.failures())
    }

    /// What of the changes this data plane has nothing for.
    pub(super) fn try_out(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error> {
        if self.known.is_none() {
            self.look()?;
        }
        let Some(known) = &self.known else {
            return Ok(Vec::new());
        };
        let ground = Ground {
            state: &known.state,
            content: &known.content,
            killed: &known.killed,
            terrain: &known.terrain_after(changes),
        };
        let places = changes.iter().enumerate();
        let never = places.filter(|(_, change)| turn(change) == Turn::Never);
        let mut failures: Vec<Failure> = never
            .map(|(index, change)| Failure {
                index,
                error: explain::no_such_thing(change),
            })
            .collect();
        failures.extend(Draft::of(changes, ground).err().into_iter().flatten());
        Ok(failures)
    }

    fn one_by_one(&mut self, turn: Turn, ledger: &mut Ledger<'_>) {
        for place in ledger.places(turn) {
            match self.machine.execute(&ledger.changes[place]) {
                Ok(()) => ledger.done.push(place),
                Err(error) => {
                    ledger.causes.insert(place, error);
                }
            }
        }
    }

    /// The transaction, and what belongs to it.
    fn commit(&mut self, ledger: &mut Ledger<'_>) -> Result<(), Error> {
        self.look_for_killed()?;
        let Some(known) = &mut self.known else {
            return Ok(());
        };
        if let Cow::Owned(terrain) = known.terrain_after(ledger.changes) {
            known.terrain = terrain;
        }
        let ground = Ground {
            state: &known.state,
            content: &known.content,
            killed: &known.killed,
            terrain: &known.terrain,
        };
        let draft = match Draft::of(ledger.changes, ground) {
            Ok(Some(draft)) => draft,
            Ok(None) => return Ok(()),
            Err(failures) => {
                let causes = failures.into_iter();
                ledger.causes.extend(causes.map(|it| (it.index, it.error)));
                return Ok(());
            }
        };
        let mut operations = draft.pardons.clone();
        operations.extend(delta(&known.content, &draft.edit));
        let committed = if operations.is_empty() {
            Ok(Vec::new())
        } else {
            self.tables.commit(&operations)
        };
        let refused = committed.map_err(|error| {
            self.known = None;
            explain::uncommitted(&error)
        })?;
        for refused in &refused {
            let place = draft.cause(blamed(&operations, refused));
            let error = explain::refused(&ledger.changes[place], refused);
            ledger.causes.entry(place).or_insert(error);
        }
        if refused.is_empty() {
            let places = ledger.places(Turn::Within);
            ledger.done.extend(places);
            self.settle(draft);
            let forgotten = self.forget_removed(ledger.changes);
            forgotten.inspect_err(|_| self.known = None)?;
        } else {
            self.known = None;
        }
        Ok(())
    }

    fn settle(&mut self, draft: Draft) {
        if let Some(known) = &mut self.known {
            known.content.settle(draft.edit);
        }
    }

    /// What was done is what is there.
    fn remember(&mut self, ledger: &Ledger<'_>) {
        let Some(known) = &mut self.known else {
            return;
        };
        let mut fits = true;
        for place in &ledger.done {
            fits &= known.state.apply(&ledger.changes[*place]).is_ok();
        }
        if !fits {
            self.known = None;
        }
    }
}

impl Known {
    /// The machine with the addresses that it will have.
    fn terrain_after(&self, changes: &[Change]) -> Cow<'_, Terrain> {
        let mut after = None;
        for change in changes {
            let place = match change {
                Change::AddAddress { key, address: to } | Change::SetAddress { key, to, .. } => {
                    Some((key, Some(*to)))
                }
                Change::DeleteAddress { key, .. } => Some((key, None)),
                Change::SetSetting { .. }
                | Change::AddService { .. }
                | Change::SetService { .. }
                | Change::DeleteService { .. }
                | Change::AddDestination { .. }
                | Change::SetDestination { .. }
                | Change::DeleteDestination { .. }
                | Change::SetMarks { .. }
                | Change::StartSync { .. }
                | Change::StopSync { .. } => None,
            };
            let Some((key, to)) = place else { continue };
            let addresses = after.get_or_insert_with(|| self.state.addresses.clone());
            match to {
                Some(to) => addresses.insert(key.clone(), to),
                None => addresses.remove(key),
            };
        }
        match after {
            None => Cow::Borrowed(&self.terrain),
            Some(addresses) => {
                Cow::Owned(Terrain::new(self.indexes.clone(), &self.host, &addresses))
            }
        }
    }
}
