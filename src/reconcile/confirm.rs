//! A change that is undone by itself unless somebody says that it is good.
//!
//! Before the first change `apply` writes down what to go back to and by when, and starts a
//! process of its own that runs [`guard`]. The death of `apply` does not disarm it; a reboot does,
//! because the kernel's objects went with it. [`confirm`] takes the note away. A file whose
//! confirmation did not come is remembered and not applied again until it changes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::dataplane::Dataplane;
use crate::spec::DataplaneKind;
use crate::state::State;

use super::ledger::Ledger;
use super::rollback::{Undone, roll_back};
use super::store::Document;
use super::{Accepted, Busy, Digest, Error, Journal, Key, Origin, Record, Rejected, Store};

/// How often the guard looks whether it is confirmed.
const INTERVAL: Duration = Duration::from_millis(500);
/// How often a guard tries again to undo what it could not.
const TRIES: u32 = 120;

/// A change that waits for its confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Where it was made.
    pub origin: Origin,
    /// The farm's name.
    pub farm: String,
    /// The digest of the file.
    pub file: Digest,
    /// When the run began, milliseconds since the machine booted: tells it from other runs.
    pub began: u64,
    /// When it is undone, milliseconds since the machine booted. The wall clock may jump.
    pub deadline: u64,
    /// The same for a person, in seconds since 1970.
    pub deadline_unix: u64,
    /// What the plan makes that was not there.
    pub(super) makes: Vec<Key>,
    /// What was ours before.
    pub(super) before: State,
    /// The record as it was before.
    pub(super) record: Record,
    /// What is accepted with the confirmation.
    pub(super) accepted: Accepted,
}

/// What came of `farmctl confirm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmation {
    /// The change stays.
    Confirmed {
        /// Of which farm.
        farm: String,
    },
    /// Nothing waits: it was confirmed or undone already, or never needed a confirmation.
    NothingPending,
    /// The change went with a reboot, or was made in another network namespace.
    Void,
}

/// How a guard ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuardEnd {
    /// The change was confirmed, or another run took its place.
    Disarmed,
    /// The deadline passed; everything is as it was before.
    Undone {
        /// How many steps that took.
        steps: usize,
    },
    /// The deadline passed, and not everything could be undone.
    UndoneInPart {
        /// What is left, a line each.
        left: Vec<String>,
    },
}

impl Pending {
    /// The change that waits, if one does.
    pub fn load(store: &Store) -> Result<Option<Self>, Error> {
        store.load(Document::Pending)
    }

    /// The data plane on which it was made, and on which it is undone.
    pub fn dataplane(&self) -> DataplaneKind {
        self.record.dataplane.unwrap_or(DataplaneKind::Ipvs)
    }

    /// How long it may wait still; zero when it is due.
    pub fn left(&self, clock: &dyn Clock) -> Duration {
        Duration::from_millis(self.deadline).saturating_sub(clock.since_boot())
    }

    fn explain(&self, clock: &dyn Clock) -> String {
        let farm = &self.farm;
        let left = self.left(clock);
        if left.is_zero() {
            return format!(
                "A change of farm {farm} was not confirmed in time and is still there: the next \
                 apply undoes it first."
            );
        }
        format!(
            "A change of farm {farm} waits for `farmctl confirm` and is undone in {} s.",
            left.as_secs()
        )
    }

    pub(super) fn save(&self, store: &Store) -> Result<(), Error> {
        store.save(Document::Pending, self)
    }

    pub(super) fn remove(store: &Store) -> Result<(), Error> {
        store.remove(Document::Pending)
    }

    /// Sets the deadline this far from now.
    pub(super) fn wait_for(&mut self, length: Duration, clock: &dyn Clock) {
        self.deadline = milliseconds(clock.since_boot().saturating_add(length));
        self.deadline_unix = clock.unix().saturating_add(length).as_secs();
    }
}

pub(super) fn milliseconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

/// Takes the note away: the change stays. The caller holds the writer lock, so that neither a
/// running apply nor a guard at work is in between.
pub fn confirm(store: &Store, origin: &Origin) -> Result<Confirmation, Error> {
    let Some(pending) = Pending::load(store)? else {
        return Ok(Confirmation::NothingPending);
    };
    pending.origin.make_way(origin, store.directory())?;
    Pending::remove(store)?;
    if pending.origin != *origin {
        return Ok(Confirmation::Void);
    }
    pending.accepted.save(store)?;
    Ok(Confirmation::Confirmed { farm: pending.farm })
}

/// What an earlier run left to be settled: an unconfirmed change, an interrupted apply. Full
/// sentences for those who only look.
pub fn unsettled(store: &Store, origin: &Origin, clock: &dyn Clock) -> Result<Vec<String>, Error> {
    let pending = Pending::load(store)?.filter(|pending| pending.origin == *origin);
    let waits = pending.map(|pending| pending.explain(clock));
    let journal = Journal::load(store)?.filter(|journal| journal.origin == *origin);
    let cut_short = journal.map(|journal| {
        format!(
            "An apply of farm {} is at work, or was interrupted: then the next apply takes it over.",
            journal.farm
        )
    });
    Ok(waits.into_iter().chain(cut_short).collect())
}

/// Undoes a change whose deadline passed; none where nothing is due. The caller holds the writer
/// lock.
pub fn undo_if_due(
    store: &Store,
    origin: &Origin,
    clock: &dyn Clock,
    plane: &mut dyn Dataplane,
) -> Result<Option<GuardEnd>, Error> {
    let Some(pending) = Pending::load(store)? else {
        return Ok(None);
    };
    if pending.origin != *origin {
        pending.origin.make_way(origin, store.directory())?;
        Pending::remove(store)?;
        return Ok(None);
    }
    if !pending.left(clock).is_zero() {
        return Ok(None);
    }
    undo(&pending, store, clock, plane).map(Some)
}

/// The file is remembered first and the note removed last: a guard that dies in between is
/// followed by the next run, which finds the note and does it again. A disk that takes no more
/// does not keep the kernel from being put right: the note says all that the record would.
fn undo(
    pending: &Pending,
    store: &Store,
    clock: &dyn Clock,
    plane: &mut dyn Dataplane,
) -> Result<GuardEnd, Error> {
    let record = Record::load(store, &pending.origin);
    let again = Key::all_of(&pending.before);
    let record = record.map(|record| record.with_intents(&again));
    let noted = Rejected::add(store, &pending.file);
    let noted = noted.and(record.and_then(|record| record.save(store).map(|()| record)));
    let ledger = Ledger::of_made(pending.makes.iter().cloned());
    let undone = roll_back(plane, clock, &pending.before, &ledger);
    let record = noted?;
    let end = match undone {
        Undone::Fully { steps } => {
            pending.record.save(store)?;
            GuardEnd::Undone { steps: steps.len() }
        }
        Undone::InPart { left, now } => {
            let record = record.after_part(&pending.record, &ledger.made, &now);
            record.save(store)?;
            GuardEnd::UndoneInPart { left }
        }
        // The note stays: the next run tries again.
        Undone::Blind(error) => return Err(error.into()),
    };
    Journal::remove(store)?;
    Pending::remove(store)?;
    Ok(end)
}

/// Waits until the change that waits now is confirmed or due, and undoes it in the latter case.
///
/// `lock` takes the writer lock; the guard asks again while somebody else holds it, and tries
/// again for a minute where the kernel can't be read or the disk not be written.
pub fn guard<L>(
    store: &Store,
    origin: &Origin,
    clock: &dyn Clock,
    plane: &mut dyn Dataplane,
    lock: &mut dyn FnMut() -> Result<L, Busy>,
) -> Result<GuardEnd, Error> {
    let Some(mine) = Pending::load(store)? else {
        return Ok(GuardEnd::Disarmed);
    };
    let mut tries = 0;
    loop {
        let Some(pending) = Pending::load(store)?.filter(|now| now.began == mine.began) else {
            return Ok(GuardEnd::Disarmed);
        };
        let left = pending.left(clock);
        if !left.is_zero() {
            clock.sleep(left.min(INTERVAL));
            continue;
        }
        let Ok(_lock) = lock() else {
            clock.sleep(INTERVAL);
            continue;
        };
        // Under the lock: what was read before may have been confirmed in between.
        match undo_if_due(store, origin, clock, plane) {
            Err(_) if tries < TRIES => tries += 1,
            end => return end.map(|end| end.unwrap_or(GuardEnd::Disarmed)),
        }
        clock.sleep(INTERVAL);
    }
}
