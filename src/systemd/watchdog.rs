//! Which loops of the daemon still turn, judged by their beats.
//!
//! A state machine without a clock: loops beat with the time that they have, and
//! [`Watchdog::judge`] is asked with the time that it is. [`super::Guard`] asks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;

/// A beat that says: nothing to do, wake me when there is.
const RESTS: u64 = u64::MAX;
/// A beat that says: ended in good order.
const FINISHED: u64 = u64::MAX - 1;
/// A beat that says: the loop's thread or task went away without a word.
const GONE: u64 = u64::MAX - 2;

/// A loop's hand on the watchdog. A loop that drops it without [`Pulse::finish`] has died.
#[derive(Debug)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// The loop turned. Cheap; for each turn.
    pub fn beat(&self, now: Moment) {
        self.0.store(millis(now), Ordering::Relaxed);
    }

    /// The loop waits for work, however long; the next [`Pulse::beat`] says that there is some.
    pub fn rest(&self) {
        self.0.store(RESTS, Ordering::Relaxed);
    }

    /// The loop ends in good order and is not watched any more.
    pub fn finish(self) {
        self.0.store(FINISHED, Ordering::Relaxed);
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        if self.0.load(Ordering::Relaxed) != FINISHED {
            self.0.store(GONE, Ordering::Relaxed);
        }
    }
}

fn millis(moment: Moment) -> u64 {
    let millis = u64::try_from(moment.as_since_boot().as_millis()).unwrap_or(GONE);
    millis.min(GONE - 1)
}

/// A loop that does not turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// What the loop is called.
    pub name: String,
    /// How long it has been silent; none where its thread or task is gone.
    pub silent: Option<Duration>,
}

impl std::fmt::Display for Frozen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.silent {
            Some(silent) => write!(f, "{} has not moved for {} s", self.name, silent.as_secs()),
            None => write!(f, "{} is gone", self.name),
        }
    }
}

/// The loops that are watched, each with the time that one turn may take.
#[derive(Debug, Default)]
pub struct Watchdog(Vec<Loop>);

#[derive(Debug)]
struct Loop {
    name: String,
    bound: Duration,
    beat: Arc<AtomicU64>,
}

impl Watchdog {
    /// Watches a loop of this name from `now` on: one turn may take `bound`. A loop of the same name
    /// that was watched before is forgotten: this one takes its place.
    pub fn watch(&mut self, name: &str, bound: Duration, now: Moment) -> Pulse {
        let beat = Arc::new(AtomicU64::new(millis(now)));
        self.0.retain(|other| other.name != name);
        self.0.push(Loop {
            name: name.to_owned(),
            bound,
            beat: Arc::clone(&beat),
        });
        Pulse(beat)
    }

    /// The loops that do not turn; none of them means that the daemon is alive.
    pub fn judge(&mut self, now: Moment) -> Vec<Frozen> {
        self.0
            .retain(|each| each.beat.load(Ordering::Relaxed) != FINISHED);
        self.0.iter().filter_map(|each| each.judge(now)).collect()
    }
}

impl Loop {
    fn judge(&self, now: Moment) -> Option<Frozen> {
        let silent = match self.beat.load(Ordering::Relaxed) {
            RESTS | FINISHED => return None,
            GONE => None,
            beat => Some(now.since(Moment::since_boot(Duration::from_millis(beat)))),
        };
        silent
            .is_none_or(|silent| silent > self.bound)
            .then(|| Frozen {
                name: self.name.clone(),
                silent,
            })
    }
}
