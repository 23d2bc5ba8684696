//! The end of each event: shares, decisions and the overlay are made anew for whom it concerned.

use std::collections::BTreeSet;

use crate::clock::Moment;
use crate::state::Share;

use super::super::told;
use super::super::weigh::{Facts, Weighed, weigh};
use super::super::word::Output;
use super::Engine;

impl Engine {
    /// Makes shares and decisions anew, and says once if the overlay is another one.
    pub(super) fn settle(&mut self, now: Moment) {
        for member in std::mem::take(&mut self.concerned.members) {
            self.weigh_anew(now, member);
        }
        for group in std::mem::take(&mut self.concerned.groups) {
            self.decide(group);
        }
        if std::mem::take(&mut self.concerned.overlay_changed) {
            self.outputs.push_back(Output::Changed);
        }
    }

    /// How the share of a real server comes about.
    pub(super) fn weighed(&self, now: Moment, member: u32) -> Option<Weighed> {
        let watched = self.members.get(member)?;
        let facts = Facts {
            file: watched.weight,
            bend: self.bends.get(&watched.member),
            voice: self.voice(member),
            ramp: watched.ramp,
            judged: watched.judged,
            is_held: watched.is_held,
            on_failure: watched.on_failure,
        };
        Some(weigh(&facts, now))
    }

    fn weigh_anew(&mut self, now: Moment, member: u32) {
        let Some(weighed) = self.weighed(now, member) else {
            return;
        };
        let Some(watched) = self.members.get_mut(member) else {
            return;
        };
        if watched.ramp.is_some_and(|ramp| ramp.is_over(now)) {
            watched.ramp = None;
        }
        let wake = watched.ramp.and_then(|ramp| ramp.next(weighed.full, now));
        self.timing.ramps.set(member, wake);
        let (before, after) = (watched.counts, weighed.counts());
        watched.counts = after;
        for &group in &watched.groups {
            if let Some(state) = self.groups.get_mut(group as usize) {
                state.sums.usable.take(before);
                state.sums.usable.add(after);
                self.concerned.groups.insert(group);
            }
        }
        self.lay_over(member, weighed.share);
    }

    /// Puts a share into the overlay, or takes it out where it is the file's.
    fn lay_over(&mut self, member: u32, share: Share) {
        let Some(watched) = self.members.get_mut(member) else {
            return;
        };
        if watched.share == share {
            return;
        }
        watched.share = share;
        if share == Share::Weight(watched.weight) {
            self.overlay.servers.remove(&watched.member);
        } else {
            self.overlay.servers.insert(watched.member.clone(), share);
        }
        self.concerned.overlay_changed = true;
    }

    /// Decides for a group, and tells what is new once it is settled.
    fn decide(&mut self, group: u32) {
        let Some(state) = self.groups.get_mut(group as usize) else {
            return;
        };
        let verdict = state.decide();
        let key = (state.key.service.clone(), state.key.family);
        let changed = if verdict.is_sorry {
            self.overlay.sorry.insert(key)
        } else {
            self.overlay.sorry.remove(&key)
        };
        self.concerned.overlay_changed |= changed;
        if state.is_settled {
            self.timing.settled.set(group, None);
            self.tell_decided(group);
        }
    }

    /// Tells what was decided, as far as it was not told before. What was lost last is back first.
    fn tell_decided(&mut self, group: u32) {
        let Some(state) = self.groups.get_mut(group as usize) else {
            return;
        };
        let (before, mut now) = (state.told, state.verdict);
        if now.is_lost {
            now.is_thin = before.is_thin;
        }
        state.told = now;
        let news = [
            (before.is_sorry && !now.is_sorry).then(|| told::sorry_off(state)),
            (before.is_lost && !now.is_lost).then(|| told::quorum_reached(state)),
            (before.is_thin && !now.is_thin).then(|| told::redundancy_restored(state)),
            (!before.is_thin && now.is_thin).then(|| told::redundancy_lost(state)),
            (!before.is_lost && now.is_lost).then(|| told::quorum_lost(state)),
            (!before.is_sorry && now.is_sorry).then(|| told::sorry_on(state)),
        ];
        self.outputs
            .extend(news.into_iter().flatten().map(Output::Told));
    }

    /// Makes everything anew, as if nothing had been made before; whether the overlay is another.
    pub(super) fn settle_everything(&mut self, now: Moment) {
        let before = std::mem::take(&mut self.overlay);
        for watched in self.members.values_mut() {
            watched.share = Share::Weight(watched.weight);
            watched.counts = 0;
        }
        let members: BTreeSet<u32> = self.members.iter().map(|(slot, _)| slot).collect();
        for member in members {
            self.weigh_anew(now, member);
        }
        self.concerned.members.clear();
        self.concerned.groups.clear();
        for group in 0..self.groups.len() {
            self.decide(u32::try_from(group).unwrap_or(u32::MAX));
        }
        self.concerned.overlay_changed = before != self.overlay;
    }
}
