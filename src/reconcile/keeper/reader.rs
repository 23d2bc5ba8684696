//! Reads the kernel beside the keeper, so that a reading never holds up a change.
//!
//! A thread of its own with a data plane of its own reads at a pace, and at once when another
//! thread hears that something changed. It writes nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::hands::complete;
use super::thread::Input;
use crate::clock::{Clock as _, SystemClock};
use crate::dataplane::{self, Dataplane, Observation, Watch};
use crate::reconcile::Error;
use crate::spec::DataplaneKind;

/// How long a listener waits before it sees whether anybody still wants to know.
const PATIENCE: Duration = Duration::from_secs(1);
/// Several changes at once are one reading.
const GATHER: Duration = Duration::from_millis(20);
/// Of the time, at most one part in so many is spent reading.
const SHARE: u32 = 4;

/// What was read.
#[derive(Debug)]
pub(super) struct Reading {
    /// The count of our own writes when it began.
    pub(super) generation: u64,
    /// What is there; or why that can't be told.
    pub(super) seen: Result<Arc<Observation>, Error>,
}

/// What a reader is told.
#[derive(Debug)]
enum Wake {
    Look,
    Pace(Duration),
}

/// The reading thread. It ends when this is dropped and its reading is finished.
#[derive(Debug)]
pub(super) struct Reader {
    wake: Sender<Wake>,
    inputs: Sender<Input>,
    /// As long as it is there, somebody wants to know.
    life: Arc<()>,
}

type Watches = (Vec<Watch>, Arc<AtomicU64>);

impl Reader {
    pub(super) fn start(
        kind: DataplaneKind,
        watches: Watches,
        inputs: Sender<Input>,
    ) -> Result<Self, Error> {
        let life = Arc::new(());
        let wake = spawn(kind, watches, inputs.clone(), &Arc::downgrade(&life))?;
        Ok(Self { wake, inputs, life })
    }

    /// Another data plane is read from now on.
    pub(super) fn change(&mut self, kind: DataplaneKind, watches: Watches) -> Result<(), Error> {
        self.life = Arc::new(());
        let life = Arc::downgrade(&self.life);
        self.wake = spawn(kind, watches, self.inputs.clone(), &life)?;
        Ok(())
    }

    /// Reads soon.
    pub(super) fn look(&self) {
        let _ended = self.wake.send(Wake::Look);
    }

    /// Reads so often although nobody asks.
    pub(super) fn pace(&self, poll: Duration) {
        let _ended = self.wake.send(Wake::Pace(poll));
    }
}

fn spawn(
    kind: DataplaneKind,
    (watches, generation): Watches,
    inputs: Sender<Input>,
    life: &Weak<()>,
) -> Result<Sender<Wake>, Error> {
    let (wake, wakes) = channel();
    let thread = std::thread::Builder::new().name("keeper-reader".to_owned());
    let own_life = life.clone();
    thread
        .spawn(move || read_on(kind, &generation, &wakes, &inputs, &own_life))
        .map_err(Error::Thread)?;
    for watch in watches {
        let (wake, life) = (wake.clone(), life.clone());
        let thread = std::thread::Builder::new().name("keeper-ear".to_owned());
        thread
            .spawn(move || listen(watch, &wake, &life))
            .map_err(Error::Thread)?;
    }
    Ok(wake)
}

/// Wakes the reader when something changed, until nobody reads any more.
fn listen(mut watch: Watch, wake: &Sender<Wake>, life: &Weak<()>) {
    while life.strong_count() > 0 {
        match watch.wait(PATIENCE) {
            Ok(None) => {}
            Ok(Some(heard)) => {
                tracing::debug!("{heard}");
                if wake.send(Wake::Look).is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!("{error}. Changes are found by the next reading.");
                return;
            }
        }
    }
}

/// Reads until nobody wants to know.
fn read_on(
    kind: DataplaneKind,
    generation: &AtomicU64,
    wakes: &Receiver<Wake>,
    inputs: &Sender<Input>,
    life: &Weak<()>,
) {
    let mut plane: Option<Box<dyn Dataplane>> = None;
    let mut pace = Pace::default();
    loop {
        let waited = wakes.recv_timeout(pace.left().min(PATIENCE));
        if life.strong_count() == 0 {
            return;
        }
        match waited {
            Ok(Wake::Pace(poll)) => {
                pace.set(poll);
                continue;
            }
            Ok(Wake::Look) => {
                SystemClock.sleep(pace.rest().max(GATHER));
                while let Ok(more) = wakes.try_recv() {
                    if let Wake::Pace(poll) = more {
                        pace.set(poll);
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) if pace.left().is_zero() => {}
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        }
        pace.begins();
        let count = generation.load(Ordering::SeqCst);
        let seen = read(kind, &mut plane);
        pace.ended();
        let reading = Reading {
            generation: count,
            seen: seen.map(Arc::new),
        };
        if inputs.send(Input::Read(reading)).is_err() {
            return;
        }
    }
}

fn read(kind: DataplaneKind, plane: &mut Option<Box<dyn Dataplane>>) -> Result<Observation, Error> {
    let open = match plane {
        Some(open) => open,
        None => plane.insert(dataplane::open(kind)?),
    };
    let seen = open.observe();
    if seen.is_err() {
        *plane = None;
    }
    complete(seen?)
}

/// When to read next.
struct Pace {
    poll: Duration,
    begun: std::time::Instant,
    took: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(10),
            begun: SystemClock.now(),
            took: Duration::ZERO,
        }
    }
}

impl Pace {
    fn set(&mut self, poll: Duration) {
        self.poll = poll;
    }

    fn begins(&mut self) {
        self.begun = SystemClock.now();
    }

    fn ended(&mut self) {
        self.took = self.since();
    }

    fn since(&self) -> Duration {
        SystemClock.now().saturating_duration_since(self.begun)
    }

    /// How long until it is time.
    fn left(&self) -> Duration {
        self.poll
            .max(self.took * SHARE)
            .saturating_sub(self.since())
    }

    /// How long to rest at least after a long reading.
    fn rest(&self) -> Duration {
        (self.took * SHARE).saturating_sub(self.since())
    }
}
