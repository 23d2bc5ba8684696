//! When a message may go: not too many of them, not too soon after a failure, not for every turn
//! of what turns again and again.
//!
//! Three small state machines without a clock. Used by [`super::Engine`].

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Moment;
use crate::event::Severity;
use crate::spec::Rate;

use super::digest::Topic;

/// The first wait after a failed delivery.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// The longest one.
const LAST_RETRY: Duration = Duration::from_secs(300);
/// What turns again and again is told this seldom in the end.
const DAMPED: Duration = Duration::from_secs(600);
/// So many topics are remembered as told.
const TOPICS: usize = 4096;

/// So many messages in a time, at most: a few at once, then one after another.
///
/// The generic cell rate algorithm (ITU-T I.371): `full` is when the whole allowance is there
/// again. Half of the allowance may go at once; the other half comes back over the time, so that
/// no window of that length has more than the limit. The last quarter of what may go at once is
/// for alarms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    at_once: u32,
    step: Duration,
    full: Moment,
}

impl Limit {
    pub(super) fn new(rate: Rate) -> Self {
        let count = rate.count.max(1);
        let at_once = count.div_ceil(2);
        let step = rate.per / (count - at_once).max(1);
        Self {
            at_once,
            step,
            full: Moment::default(),
        }
    }

    /// Holds another rate from now on; what went already counts.
    pub(super) fn set(&mut self, rate: Rate) {
        let full = self.full;
        *self = Self {
            full,
            ..Self::new(rate)
        };
    }

    /// The first moment at which a message of this severity may go.
    pub(super) fn free(&self, severity: Severity) -> Moment {
        let kept = match severity {
            Severity::Alarm => 0,
            Severity::Info | Severity::Warning => self.at_once / 4,
        };
        let room = self
            .step
            .saturating_mul(self.at_once.saturating_sub(1 + kept));
        let full = self.full.as_since_boot();
        Moment::since_boot(full.saturating_sub(room))
    }

    /// A message went.
    pub(super) fn spend(&mut self, now: Moment) {
        self.full = self.full.max(now) + self.step;
    }
}

/// How long to wait after deliveries that failed: longer and longer, and never all receivers at
/// the same time.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    until: Moment,
    random: fastrand::Rng,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            until: Moment::default(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Deliveries that failed in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// No delivery before.
    pub(super) fn until(&self) -> Moment {
        self.until
    }

    pub(super) fn failed(&mut self, now: Moment) {
        let wait = FIRST_RETRY * 2_u32.saturating_pow(self.failures.min(16));
        let wait = wait.min(LAST_RETRY).mul_f64(0.75 + self.random.f64() / 2.0);
        self.failures = self.failures.saturating_add(1);
        self.until = now + wait;
    }

    pub(super) fn delivered(&mut self) {
        self.failures = 0;
        self.until = Moment::default();
    }
}

/// What was told lately, so that the next turn of the same can wait for more of them.
#[derive(Debug, Default)]
pub(super) struct Damping(BTreeMap<Topic, Told>);

#[derive(Debug, Clone, Copy)]
struct Told {
    at: Moment,
    wait: Duration,
}

impl Told {
    /// Whether it has been quiet so long that the next turn is news.
    fn is_over(&self, now: Moment) -> bool {
        now.since(self.at) > self.wait.saturating_mul(3)
    }
}

impl Damping {
    /// When the next turn of a topic may be told.
    pub(super) fn until(&self, topic: &Topic) -> Moment {
        let told = self.0.get(topic);
        told.map_or_else(Moment::default, |told| told.at + told.wait)
    }

    /// A turn of a topic was told: the next waits twice as long, if it comes soon.
    pub(super) fn told(&mut self, topic: &Topic, group: Duration, now: Moment) {
        let shortest = group.clamp(Duration::from_secs(1), DAMPED);
        let before = self.0.get(topic).filter(|told| !told.is_over(now));
        let wait = before.map_or(shortest, |told| (told.wait * 2).min(DAMPED));
        if self.0.len() >= TOPICS {
            self.0.retain(|_, told| !told.is_over(now));
        }
        if self.0.len() < TOPICS || self.0.contains_key(topic) {
            self.0.insert(topic.clone(), Told { at: now, wait });
        }
    }
}
