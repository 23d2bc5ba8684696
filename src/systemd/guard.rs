//! The thread that asks the watchdog and tells the service manager that the daemon is alive.
//!
//! It is a thread of its own so that it can still name the loop that froze. It never ends a frozen
//! loop: the service manager kills and restarts the daemon once it misses `WATCHDOG=1`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::clock::{Clock, Moment, SystemClock};

use super::{Frozen, Notifier, Pulse, Watchdog};

/// How often the loops are looked at, where the service manager does not ask for more.
const LOOK: Duration = Duration::from_secs(1);

/// The hand on the watchdog's thread. The thread ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Mutex<Watched>>);

#[derive(Debug, Default)]
struct Watched {
    watchdog: Watchdog,
    frozen: Vec<Frozen>,
}

impl Guard {
    /// Starts the thread. `interval` is what [`super::watchdog_interval`] says; without one the
    /// loops are watched and named all the same.
    pub fn start(notifier: Notifier, interval: Option<Duration>) -> Self {
        let watched = Arc::new(Mutex::new(Watched::default()));
        let weak = Arc::downgrade(&watched);
        let run = move || turn(&weak, &notifier, interval);
        let thread = std::thread::Builder::new().name("watchdog".to_owned());
        if let Err(error) = thread.spawn(run) {
            tracing::error!("The watchdog's thread could not be started: {error}");
        }
        Self(watched)
    }

    /// Watches a loop: one turn of it may take `bound`.
    pub fn watch(&self, name: &str, bound: Duration) -> Pulse {
        lock(&self.0).watchdog.watch(name, bound, now())
    }

    /// The loops that did not turn when they were last looked at.
    pub fn frozen(&self) -> Vec<Frozen> {
        lock(&self.0).frozen.clone()
    }
}

fn now() -> Moment {
    Moment::since_boot(SystemClock.since_boot())
}

fn lock(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long to wait between two looks: the manager wants to hear in time even if one is late.
fn pause(interval: Option<Duration>) -> Duration {
    interval.map_or(LOOK, |interval| LOOK.min(interval / 4))
}

fn turn(watched: &Weak<Mutex<Watched>>, notifier: &Notifier, interval: Option<Duration>) {
    while let Some(watched) = watched.upgrade() {
        look(&watched, notifier, interval);
        drop(watched);
        SystemClock.sleep(pause(interval));
    }
}

fn look(watched: &Mutex<Watched>, notifier: &Notifier, interval: Option<Duration>) {
    let (before, frozen) = {
        let mut watched = lock(watched);
        let frozen = watched.watchdog.judge(now());
        let before = std::mem::replace(&mut watched.frozen, frozen.clone());
        (before, frozen)
    };
    if frozen.is_empty() && interval.is_some() {
        notifier.alive();
    }
    tell(&before, &frozen, notifier);
}

/// Says what changed since the last look.
fn tell(before: &[Frozen], frozen: &[Frozen], notifier: &Notifier) {
    let is_in = |name: &str, list: &[Frozen]| list.iter().any(|each| each.name == name);
    for each in frozen.iter().filter(|each| !is_in(&each.name, before)) {
        tracing::error!(name = each.name, "A loop of the daemon is frozen: {each}");
        notifier.status(&format!("Frozen: {each}"));
    }
    for each in before.iter().filter(|each| !is_in(&each.name, frozen)) {
        tracing::warn!(name = each.name, "The loop {} moves again", each.name);
        notifier.status(&format!("The loop {} moves again", each.name));
    }
}
