//! Slow start: the weight of a real server that comes back grows in steps.

use std::time::Duration;

use crate::clock::Moment;

/// A ramp has no more steps than this, so that a slow start is not a storm of changes.
const STEPS: u32 = 20;

/// A slow start that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlowStart {
    /// When the real server came back.
    pub(super) began: Moment,
    /// So much of it was over by then: a restart of the daemon does not begin it anew.
    pub(super) before: Duration,
    /// How long it takes.
    pub(super) length: Duration,
}

impl SlowStart {
    /// How much of it is over.
    pub(super) fn elapsed(&self, now: Moment) -> Duration {
        now.since(self.began).saturating_add(self.before)
    }

    /// Whether it is at its end.
    pub(super) fn is_over(&self, now: Moment) -> bool {
        self.elapsed(now) >= self.length
    }

    /// How long until its end.
    pub(super) fn left(&self, now: Moment) -> Duration {
        self.length.saturating_sub(self.elapsed(now))
    }

    /// How much of a weight counts by now: never nothing of something, all of it at the end.
    pub(super) fn of(&self, full: u32, now: Moment) -> u32 {
        let steps = steps(full);
        let step = self.step(steps, now);
        let grown = u64::from(full) * u64::from(step) / u64::from(steps);
        u32::try_from(grown)
            .unwrap_or(full)
            .clamp(full.min(1), full)
    }

    /// When the next step comes for a weight; none once it is over.
    pub(super) fn next(&self, full: u32, now: Moment) -> Option<Moment> {
        if self.is_over(now) {
            return None;
        }
        let steps = steps(full);
        let next = self.step(steps, now) + 1;
        let at = share(self.length, next, steps);
        Some(now + at.saturating_sub(self.elapsed(now)))
    }

    /// How many steps are made.
    fn step(&self, steps: u32, now: Moment) -> u32 {
        let length = self.length.as_nanos().max(1);
        let made = self.elapsed(now).as_nanos() * u128::from(steps) / length;
        u32::try_from(made).unwrap_or(steps).min(steps)
    }
}

/// A small weight has fewer steps: each has to change it.
fn steps(full: u32) -> u32 {
    full.clamp(1, STEPS)
}

/// The moment of a step, rounded up so that the step is made then.
fn share(length: Duration, step: u32, steps: u32) -> Duration {
    let nanos = (length.as_nanos() * u128::from(step)).div_ceil(u128::from(steps));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(length: u64) -> SlowStart {
        SlowStart {
            began: Moment::default(),
            before: Duration::ZERO,
            length: Duration::from_secs(length),
        }
    }

    /// The weights of a whole ramp, one for each waking.
    fn weights(length: u64, full: u32) -> Vec<u32> {
        let ramp = ramp(length);
        let mut now = Moment::default();
        let mut weights = vec![ramp.of(full, now)];
        while let Some(next) = ramp.next(full, now) {
            assert!(next > now, "time goes on");
            now = next;
            weights.push(ramp.of(full, now));
        }
        weights
    }

    #[test]
    fn a_ramp_grows_from_one_to_the_full_weight_in_at_most_twenty_changes() {
        for full in [1, 2, 3, 7, 20, 21, 100, 65_535] {
            let weights = weights(7, full);
            assert_eq!(weights[0], 1, "full {full}");
            assert_eq!(weights.last(), Some(&full));
            assert!(weights.is_sorted(), "{weights:?}");
            assert!(weights.len() <= 21, "{} changes", weights.len());
        }
    }

    #[test]
    fn a_ramp_is_half_way_after_half_its_time() {
        let half = Moment::since_boot(Duration::from_secs(30));
        assert_eq!(ramp(60).of(100, half), 50);
    }

    #[test]
    fn weight_nothing_stays_nothing() {
        assert_eq!(ramp(60).of(0, Moment::default()), 0);
    }
}
