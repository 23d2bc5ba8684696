//! How long to wait after failures: longer after each, and never two directors in step.

use std::time::Duration;

use crate::clock::Moment;

/// The longest wait after the first failure.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait of all.
const LONGEST: Duration = Duration::from_secs(30);

/// Counts failures and says when to try again. Pure but for its seed: the same seed and the same
/// failures give the same waits.
#[derive(Debug)]
pub(super) struct Backoff {
    chance: fastrand::Rng,
    failures: u32,
    due: Option<Moment>,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            chance: fastrand::Rng::with_seed(seed),
            failures: 0,
            due: None,
        }
    }

    /// It failed once more: how long to wait, between a half and the whole of a time that doubles.
    pub(super) fn failed(&mut self, now: Moment) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let wait = doubled.min(LONGEST).mul_f64(0.5 + self.chance.f64() / 2.0);
        self.due = Some(now + wait);
        wait
    }

    /// It went well: the next failure is a first one.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.due = None;
    }

    /// Something new is tried now; failures still count.
    pub(super) fn tries(&mut self) {
        self.due = None;
    }

    /// When to try again; none where nothing failed.
    pub(super) fn due(&self) -> Option<Moment> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::since_boot(Duration::from_secs(seconds))
    }

    #[test]
    fn each_wait_is_between_a_half_and_the_whole_of_a_time_that_doubles_up_to_a_limit() {
        let mut backoff = Backoff::new(7);
        let mut whole = FIRST;
        for round in 0..20 {
            let wait = backoff.failed(at(round));
            assert!(wait >= whole / 2 && wait <= whole, "{round}: {wait:?}");
            assert_eq!(backoff.due(), Some(at(round) + wait));
            whole = (whole * 2).min(LONGEST);
        }
    }

    #[test]
    fn success_makes_the_next_failure_a_first_one() {
        let mut backoff = Backoff::new(7);
        for _ in 0..9 {
            backoff.failed(at(1));
        }
        backoff.succeeded();
        assert_eq!(backoff.due(), None);
        assert!(backoff.failed(at(2)) <= FIRST);
    }

    #[test]
    fn two_seeds_do_not_wait_alike() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..8).map(|_| backoff.failed(at(0))).collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }
}
