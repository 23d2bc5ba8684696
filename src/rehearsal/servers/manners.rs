//! How a program behaves at the moment: what its threads look at between two words.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How often a thread that waits looks whether it is still wanted.
const GLANCE: Duration = Duration::from_millis(50);

/// What the threads of one program share.
#[derive(Debug)]
pub(super) struct Manners {
    /// The name that it answers with.
    pub name: String,
    slow: AtomicU64,
    paused: AtomicBool,
    ended: AtomicBool,
}

impl Manners {
    pub(super) fn new(name: &str, slow: Duration) -> Self {
        let manners = Self {
            name: name.to_owned(),
            slow: AtomicU64::new(0),
            paused: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        };
        manners.slow_down(slow);
        manners
    }

    /// How much later answers come.
    pub(super) fn slowness(&self) -> Duration {
        Duration::from_micros(self.slow.load(Ordering::Relaxed))
    }

    pub(super) fn slow_down(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.slow.store(micros, Ordering::Relaxed);
    }

    /// Whether the program says nothing for now.
    pub(super) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    pub(super) fn pause(&self) {
        self.paused.store(true, Ordering::Relaxed);
    }

    pub(super) fn resume(&self) {
        self.paused.store(false, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Waits before an answer, as slow as the program is now, and as long as it is paused.
    pub(super) fn hesitate(&self) {
        self.wait(self.slowness());
    }

    /// Waits so long and while the program is paused, but not beyond its end.
    pub(super) fn wait(&self, mut length: Duration) {
        while self.is_paused() && !self.has_ended() {
            thread::sleep(GLANCE);
        }
        while !length.is_zero() && !self.has_ended() {
            let part = length.min(GLANCE);
            thread::sleep(part);
            length -= part;
        }
    }
}
