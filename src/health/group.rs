//! A group while it is looked after: sums over its real servers, and what is decided for all of
//! them together.
//!
//! The sums follow each change of a real server; nothing here looks at all of them.

use std::collections::BTreeMap;

use crate::clock::Moment;
use crate::spec::{EffectiveMassFailure, EffectiveQuorum, QuorumCount};

use super::guard::Guard;
use super::layout::{Group, GroupKey, SorryServer};
use super::standing::Health;

/// One group.
#[derive(Debug)]
pub(super) struct GroupState {
    pub(super) key: GroupKey,
    pub(super) quorum: EffectiveQuorum,
    pub(super) mass_failure: Option<EffectiveMassFailure>,
    pub(super) sorry: SorryServer,
    /// Its real servers, in the order of the file.
    pub(super) members: Vec<u32>,
    pub(super) sums: Sums,
    pub(super) verdict: Verdict,
    /// What was told: nothing is told twice.
    pub(super) told: Told,
    /// Whether every real server has been asked once: before, little is told.
    pub(super) is_settled: bool,
    /// It counts as settled from here on, whoever has not been asked.
    pub(super) settled_at: Moment,
    pub(super) guard: Guard,
    /// The weights of the file, as if all were usable.
    potential: Weights,
}

/// Sums over the real servers of a group.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    /// Not asked yet.
    pub(super) new: usize,
    /// Up.
    pub(super) up: usize,
    /// Those that take new connections, by their full weights.
    pub(super) usable: Weights,
}

/// What is decided for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Verdict {
    /// Too few are usable.
    pub(super) is_lost: bool,
    /// The sorry server serves.
    pub(super) is_sorry: bool,
    /// One more failure loses the quorum.
    pub(super) is_thin: bool,
}

/// What was told of a group.
pub(super) type Told = Verdict;

/// A multiset of weights with its sum.
#[derive(Debug, Clone, Default)]
pub(super) struct Weights {
    by_weight: BTreeMap<u32, u32>,
    pub(super) number: u32,
    pub(super) sum: u64,
}

impl Weights {
    /// A weight is there; 0 does not count.
    pub(super) fn add(&mut self, weight: u32) {
        if weight == 0 {
            return;
        }
        *self.by_weight.entry(weight).or_default() += 1;
        self.number += 1;
        self.sum += u64::from(weight);
    }

    /// A weight is there no more.
    pub(super) fn take(&mut self, weight: u32) {
        let Some(number) = self.by_weight.get_mut(&weight) else {
            return;
        };
        *number -= 1;
        if *number == 0 {
            self.by_weight.remove(&weight);
        }
        self.number -= 1;
        self.sum -= u64::from(weight);
    }

    fn amount(&self, count: QuorumCount) -> u64 {
        match count {
            QuorumCount::RealServers => u64::from(self.number),
            QuorumCount::Weight => self.sum,
        }
    }

    /// How many may go, the heaviest first, so that the quorum stays.
    fn spare(&self, quorum: EffectiveQuorum) -> u32 {
        let minimum = u64::from(quorum.minimum.max(1));
        let mut left = self.amount(quorum.count);
        let mut spare = 0;
        for (&weight, &number) in self.by_weight.iter().rev() {
            let each = match quorum.count {
                QuorumCount::RealServers => 1,
                QuorumCount::Weight => u64::from(weight),
            };
            let may = left.saturating_sub(minimum) / each;
            let may = u32::try_from(may).unwrap_or(u32::MAX).min(number);
            spare += may;
            left -= u64::from(may) * each;
            if may < number {
                break;
            }
        }
        spare
    }
}

impl GroupState {
    /// A group that was not there before.
    pub(super) fn new(key: GroupKey, group: &Group, settled_at: Moment) -> Self {
        Self {
            key,
            quorum: group.quorum,
            mass_failure: group.mass_failure,
            sorry: group.sorry,
            members: Vec::with_capacity(group.servers.len()),
            sums: Sums::default(),
            verdict: Verdict::default(),
            told: Told::default(),
            is_settled: false,
            settled_at,
            guard: Guard::default(),
            potential: Weights::default(),
        }
    }

    /// A real server belongs to it, with a weight in the file.
    pub(super) fn join(&mut self, slot: u32, weight: u32) {
        self.members.push(slot);
        self.potential.add(weight);
    }

    /// A real server's health is another one; none where it comes new into the sums.
    pub(super) fn turn(&mut self, before: Option<Health>, after: Health) {
        match before {
            Some(Health::New) => self.sums.new -= 1,
            Some(Health::Up) => self.sums.up -= 1,
            Some(Health::Down) | None => {}
        }
        match after {
            Health::New => self.sums.new += 1,
            Health::Up => self.sums.up += 1,
            Health::Down => {}
        }
    }

    /// How many more may fail, the heaviest first.
    pub(super) fn spare(&self) -> u32 {
        self.sums.usable.spare(self.quorum)
    }

    /// Decides for all of them together, from the sums.
    pub(super) fn decide(&mut self) -> Verdict {
        self.is_settled |= self.sums.new == 0;
        let is_lost = self.sums.usable.amount(self.quorum.count) < self.needed();
        let could_spare = self.potential.spare(self.quorum) > 0;
        self.verdict = Verdict {
            is_lost,
            is_sorry: is_lost && self.sorry == SorryServer::Present,
            is_thin: !is_lost && could_spare && self.spare() == 0,
        };
        self.verdict
    }

    /// How much has to be usable: more, once a quorum was lost; but never more than there is.
    fn needed(&self) -> u64 {
        let minimum = u64::from(self.quorum.minimum.max(1));
        if !(self.verdict.is_lost && self.is_settled) {
            return minimum;
        }
        let again = minimum + u64::from(self.quorum.hysteresis);
        again
            .min(self.potential.amount(self.quorum.count))
            .max(minimum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(weights: &[u32]) -> Weights {
        let mut all = Weights::default();
        for &weight in weights {
            all.add(weight);
        }
        all
    }

    fn quorum(minimum: u32, count: QuorumCount) -> EffectiveQuorum {
        EffectiveQuorum {
            minimum,
            hysteresis: 0,
            count,
        }
    }

    #[test]
    fn spare_is_how_many_may_fail_before_the_last() {
        let servers = quorum(1, QuorumCount::RealServers);
        for (number, spare) in [(0, 0), (1, 0), (2, 1), (5, 4)] {
            assert_eq!(weights(&vec![7; number]).spare(servers), spare);
        }
    }

    #[test]
    fn spare_by_weight_takes_the_heaviest_first() {
        let weight = |minimum| quorum(minimum, QuorumCount::Weight);
        let all = weights(&[50, 30, 10, 10]);
        assert_eq!(all.spare(weight(1)), 3);
        assert_eq!(all.spare(weight(20)), 2);
        assert_eq!(all.spare(weight(50)), 1);
        assert_eq!(all.spare(weight(51)), 0);
        assert_eq!(all.spare(weight(200)), 0);
    }

    #[test]
    fn what_is_added_and_taken_leaves_nothing() {
        let mut all = weights(&[3, 3, 9]);
        for weight in [3, 9, 0, 3] {
            all.take(weight);
        }
        assert_eq!((all.number, all.sum), (0, 0));
        assert!(all.by_weight.is_empty());
    }
}
