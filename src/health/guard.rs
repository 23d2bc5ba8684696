//! The guard against mass failure: when many real servers of a group fail within moments, the
//! fault is often not theirs, but that of the network or of this machine.
//!
//! It is over when fewer than half as many fail as began it: servers that come back one after the
//! other do not throw out those that are about to.

use std::collections::{BTreeMap, VecDeque};

use crate::clock::Moment;
use crate::spec::{EffectiveMassFailure, MassFailureThen};

/// Real servers are held only where at least so many were up.
const LEAST_TO_HOLD: usize = 4;

/// The guard of one group.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// Real servers that failed: within the window, or, while the guard is on, since.
    failing: BTreeMap<u32, Moment>,
    /// The failures of the window in their order; some may have risen since.
    order: VecDeque<(Moment, u32)>,
    /// When the last one failed.
    last: Moment,
    is_on: bool,
}

/// What a failure or a return does to the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    None,
    /// Too many failed: these, of so many that were up.
    Began { failing: Vec<u32>, of: usize },
    /// It was on already, and one more failed right after the others.
    Another,
    /// It is over; these still fail.
    Ended(Vec<u32>),
}

impl Guard {
    /// Whether many failed at once and have not come back.
    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    /// A real server failed; so many others are up. One that fails long after those that are kept
    /// stands for itself.
    pub(super) fn fell(
        &mut self,
        now: Moment,
        slot: u32,
        rule: &EffectiveMassFailure,
        up: usize,
    ) -> Turn {
        let belongs = now.since(self.last) <= rule.within;
        self.last = now;
        if self.is_on {
            return if belongs {
                self.failing.insert(slot, now);
                Turn::Another
            } else {
                Turn::None
            };
        }
        self.failing.insert(slot, now);
        self.order.push_back((now, slot));
        self.forget(now, rule);
        let (failing, of) = (self.failing.len(), self.failing.len() + up);
        let enough = failing as u128 * 100 >= of as u128 * u128::from(rule.share.get());
        let may = rule.then == MassFailureThen::Alarm || of >= LEAST_TO_HOLD;
        if !(enough && may && failing > 1) {
            return Turn::None;
        }
        self.is_on = true;
        self.order.clear();
        Turn::Began {
            failing: self.failing.keys().copied().collect(),
            of,
        }
    }

    /// A real server is up again, or is not looked after any more; so many are up.
    pub(super) fn rose(&mut self, slot: u32, rule: &EffectiveMassFailure, up: usize) -> Turn {
        self.failing.remove(&slot);
        let (failing, of) = (self.failing.len(), self.failing.len() + up);
        let many = failing as u128 * 200 >= of as u128 * u128::from(rule.share.get());
        if !self.is_on || (many && failing > 0) {
            return Turn::None;
        }
        Turn::Ended(self.end())
    }

    /// Ends it, whatever fails.
    pub(super) fn end(&mut self) -> Vec<u32> {
        self.is_on = false;
        self.order.clear();
        std::mem::take(&mut self.failing).into_keys().collect()
    }

    /// Goes on with what an earlier daemon held.
    pub(super) fn again(now: Moment, held: &[u32]) -> Self {
        Self {
            failing: held.iter().map(|slot| (*slot, now)).collect(),
            order: VecDeque::new(),
            last: now,
            is_on: !held.is_empty(),
        }
    }

    /// The real servers that it counts as failing.
    pub(super) fn failing(&self) -> impl Iterator<Item = u32> {
        self.failing.keys().copied()
    }

    /// How much it keeps, to see that it does not grow.
    pub(super) fn len(&self) -> usize {
        self.failing.len() + self.order.len()
    }

    /// Forgets failures that are too long ago to be one with this one.
    fn forget(&mut self, now: Moment, rule: &EffectiveMassFailure) {
        while let Some(&(at, slot)) = self.order.front() {
            if now.since(at) <= rule.within {
                return;
            }
            self.order.pop_front();
            if self.failing.get(&slot) == Some(&at) {
                self.failing.remove(&slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::spec::Percent;

    use super::*;

    const HOLD: EffectiveMassFailure = EffectiveMassFailure {
        share: Percent::MASS_FAILURE,
        within: Duration::from_secs(2),
        then: MassFailureThen::Hold,
    };

    fn at(millis: u64) -> Moment {
        Moment::since_boot(Duration::from_millis(millis))
    }

    /// Lets servers 0, 1, … of ten fail, so far apart; what the last of them did.
    fn fall(guard: &mut Guard, number: u32, apart: u64) -> Turn {
        let mut turn = Turn::None;
        for slot in 0..number {
            let up = 9 - slot as usize;
            turn = guard.fell(at(u64::from(slot) * apart), slot, &HOLD, up);
        }
        turn
    }

    #[test]
    fn six_of_ten_within_the_window_are_a_mass_failure_and_five_are_not() {
        assert_eq!(fall(&mut Guard::default(), 5, 100), Turn::None);
        let began = Turn::Began {
            failing: (0..6).collect(),
            of: 10,
        };
        assert_eq!(fall(&mut Guard::default(), 6, 100), began);
    }

    #[test]
    fn failures_that_are_far_apart_stand_for_themselves() {
        let mut guard = Guard::default();
        assert_eq!(fall(&mut guard, 7, 900), Turn::None);
        assert!(guard.len() < 10, "the window forgets");
    }

    #[test]
    fn three_servers_are_too_few_to_hold() {
        let mut guard = Guard::default();
        for slot in 0..3 {
            let turn = guard.fell(at(0), slot, &HOLD, 2 - slot as usize);
            assert_eq!(turn, Turn::None);
        }
        let alarm = EffectiveMassFailure {
            then: MassFailureThen::Alarm,
            ..HOLD
        };
        let mut guard = Guard::default();
        guard.fell(at(0), 0, &alarm, 2);
        let turn = guard.fell(at(0), 1, &alarm, 1);
        assert!(matches!(turn, Turn::Began { of: 3, .. }), "{turn:?}");
    }

    #[test]
    fn it_is_over_when_fewer_than_half_as_many_fail() {
        let mut guard = Guard::default();
        fall(&mut guard, 6, 0);
        assert_eq!(guard.rose(0, &HOLD, 5), Turn::None);
        assert_eq!(guard.rose(1, &HOLD, 6), Turn::None);
        assert_eq!(guard.rose(2, &HOLD, 7), Turn::None);
        assert_eq!(guard.rose(3, &HOLD, 8), Turn::Ended(vec![4, 5]));
        assert!(!guard.is_on());
        assert_eq!(guard.len(), 0);
    }

    #[test]
    fn one_that_fails_long_after_the_others_stands_for_itself() {
        let mut guard = Guard::default();
        fall(&mut guard, 6, 0);
        assert_eq!(guard.fell(at(1_500), 6, &HOLD, 3), Turn::Another);
        assert_eq!(guard.fell(at(60_000), 7, &HOLD, 2), Turn::None);
    }

    #[test]
    fn one_that_fails_twice_counts_once() {
        let mut guard = Guard::default();
        for round in 0..20 {
            assert_eq!(guard.fell(at(round), 7, &HOLD, 9), Turn::None);
            assert_eq!(guard.rose(7, &HOLD, 10), Turn::None);
        }
    }
}
