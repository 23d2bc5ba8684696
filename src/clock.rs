//! The only place that reads a clock.
//!
//! Decisions take the time as a value, so that tests run under a clock of their own. Drivers hold
//! a [`Clock`]; nothing else in the crate may ask the system for the time (`clippy.toml` fences
//! the calls).

use std::fmt;
use std::ops::Add;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A point in time, as the time since the machine booted (`CLOCK_BOOTTIME`).
///
/// What the engines are given instead of a clock. It says nothing in another boot.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Moment(Duration);

impl Moment {
    /// The moment so long after the machine booted.
    pub const fn since_boot(length: Duration) -> Self {
        Self(length)
    }

    /// How long after the machine booted.
    pub const fn as_since_boot(self) -> Duration {
        self.0
    }

    /// How long it is since `earlier`; zero where that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(length))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} after boot", self.0)
    }
}

/// A source of time: monotonic for intervals, wall clock for what a person reads.
pub trait Clock {
    /// A monotonic instant.
    fn now(&self) -> Instant;
    /// Time since 1970-01-01 00:00 UTC.
    fn unix(&self) -> Duration;
    /// Time since the machine booted, the time that it slept included. A clock without a machine
    /// counts from where its wall clock does.
    fn since_boot(&self) -> Duration {
        self.unix()
    }
    /// Lets at least this much time pass.
    fn sleep(&self, length: Duration);
}

/// What one of the kernel's clocks says; none where the kernel does not have it.
fn read(clock: ClockId) -> Option<Duration> {
    clock_gettime(clock).ok().map(Duration::from)
}

/// The machine's own clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// `CLOCK_MONOTONIC` (`clock_gettime(2)`), which systemd measures a reload by: without the
    /// time that the machine slept.
    pub fn monotonic(self) -> Duration {
        read(ClockId::CLOCK_MONOTONIC).unwrap_or_default()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that may")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that may")]
    fn unix(&self) -> Duration {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
    }

    /// `CLOCK_BOOTTIME` (`clock_gettime(2)`).
    fn since_boot(&self) -> Duration {
        read(ClockId::CLOCK_BOOTTIME).unwrap_or_else(|| self.unix())
    }

    fn sleep(&self, length: Duration) {
        std::thread::sleep(length);
    }
}
