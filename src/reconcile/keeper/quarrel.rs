//! Whether somebody fights with us over an object.
//!
//! Once is a mistake, twice is forgetfulness; who changes the same object back again and again is
//! another program that wants it otherwise, and two programs that correct each other are worse
//! than either. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::clock::Moment;
use crate::state::Subject;

/// So often within the window is a fight.
const ROUNDS: usize = 3;
/// The time in which rounds count.
const WINDOW: Duration = Duration::from_secs(600);
/// So many objects are watched at most; beyond that the oldest rounds are forgotten.
const WATCHED: usize = 100_000;

/// What was changed by others, how often, and what is left alone because of it.
#[derive(Debug, Default)]
pub(super) struct Quarrels {
    rounds: BTreeMap<Subject, Vec<Moment>>,
    given_up: BTreeSet<Subject>,
}

impl Quarrels {
    /// Somebody changed these. Gives those over which this is a fight now; they are left alone
    /// from now on.
    pub(super) fn note(
        &mut self,
        subjects: impl IntoIterator<Item = Subject>,
        now: Moment,
    ) -> Vec<Subject> {
        self.forget_old(now);
        let mut fought = Vec::new();
        for subject in subjects {
            if self.given_up.contains(&subject) {
                continue;
            }
            let rounds = self.rounds.entry(subject.clone()).or_default();
            rounds.push(now);
            if rounds.len() >= ROUNDS {
                self.rounds.remove(&subject);
                self.given_up.insert(subject.clone());
                fought.push(subject);
            }
        }
        fought
    }

    fn forget_old(&mut self, now: Moment) {
        self.rounds.retain(|_, rounds| {
            rounds.retain(|round| now.since(*round) < WINDOW);
            !rounds.is_empty()
        });
        while self.rounds.len() > WATCHED {
            self.rounds.pop_first();
        }
    }

    /// What is left alone.
    pub(super) fn given_up(&self) -> &BTreeSet<Subject> {
        &self.given_up
    }

    /// The operator says so, or another file holds: everything is corrected again.
    pub(super) fn make_up(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::service_key;
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::since_boot(Duration::from_secs(seconds))
    }

    fn subject(port: u16) -> Subject {
        Subject::Service(service_key(port))
    }

    #[test]
    fn the_third_change_of_one_object_within_the_window_is_a_fight_and_told_once() {
        let mut quarrels = Quarrels::default();
        assert!(quarrels.note([subject(80)], at(0)).is_empty());
        assert!(quarrels.note([subject(80), subject(81)], at(60)).is_empty());
        assert_eq!(quarrels.note([subject(80)], at(120)), [subject(80)]);
        assert!(quarrels.note([subject(80)], at(121)).is_empty());
        assert_eq!(quarrels.given_up(), &[subject(80)].into());
    }

    #[test]
    fn changes_far_apart_are_no_fight() {
        let mut quarrels = Quarrels::default();
        for round in 0..50 {
            assert!(quarrels.note([subject(80)], at(round * 301)).is_empty());
        }
    }

    #[test]
    fn peace_makes_it_begin_anew() {
        let mut quarrels = Quarrels::default();
        for round in 0..3 {
            quarrels.note([subject(80)], at(round));
        }
        quarrels.make_up();
        assert!(quarrels.given_up().is_empty());
        assert!(quarrels.note([subject(80)], at(4)).is_empty());
    }
}
