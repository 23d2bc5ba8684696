//! The only place that reads a clock.
//!
//! Decisions take the time as a value, so that tests run under a clock of their own. Drivers hold
//! a [`Clock`]; nothing else in the crate may ask the system for the time (`clippy.toml` fences
//! the calls).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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

/// The machine's own clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

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

    /// `CLOCK_BOOTTIME` as `/proc/uptime` tells it (proc(5)).
    fn since_boot(&self) -> Duration {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
        let seconds = uptime.split_whitespace().next().map(str::parse);
        let length = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.ok()?).ok());
        length.unwrap_or_else(|| self.unix())
    }

    fn sleep(&self, length: Duration) {
        std::thread::sleep(length);
    }
}
