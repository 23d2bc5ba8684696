//! One instant by both clocks: decisions go by the time since boot, people read the wall clock.

use std::time::Duration;

use crate::clock::{Clock, Moment};

/// One instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since boot.
    pub moment: Moment,
    /// Since 1970.
    pub unix: Duration,
}

impl Now {
    /// What a clock says.
    pub fn of(clock: &impl Clock) -> Self {
        Self {
            moment: Moment::since_boot(clock.since_boot()),
            unix: clock.unix(),
        }
    }

    /// In milliseconds since 1970.
    pub fn unix_ms(self) -> u64 {
        u64::try_from(self.unix.as_millis()).unwrap_or(u64::MAX)
    }

    /// So long after this.
    #[must_use]
    pub fn later(self, length: Duration) -> Self {
        Self {
            moment: self.moment + length,
            unix: self.unix.saturating_add(length),
        }
    }

    /// So long ago, in milliseconds since 1970.
    pub fn ago(self, length: Duration) -> u64 {
        let then = self.unix.saturating_sub(length);
        u64::try_from(then.as_millis()).unwrap_or(u64::MAX)
    }

    /// A moment by the wall clock, in milliseconds since 1970.
    pub fn unix_of(self, moment: Moment) -> u64 {
        if moment >= self.moment {
            self.later(moment.since(self.moment)).unix_ms()
        } else {
            self.ago(self.moment.since(moment))
        }
    }

    /// The moment that the wall clock calls so, in milliseconds since 1970.
    pub fn moment_of(self, unix: u64) -> Moment {
        let unix = Duration::from_millis(unix);
        if let Some(ahead) = unix.checked_sub(self.unix) {
            return self.moment + ahead;
        }
        let back = self.unix.saturating_sub(unix);
        Moment::since_boot(self.moment.as_since_boot().saturating_sub(back))
    }
}
