//! A new layout, and what an operator or the kernel says about real servers.
//!
//! What did not change goes on: probes are found by their questions, real servers by their names,
//! groups by their service and family. Costs one look at everything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::spec::OnFailure;
use crate::state::{Member, Share};

use super::super::group::GroupState;
use super::super::layout::{Group, GroupKey, Layout, Server};
use super::super::member::{Arrival, Since, Watched};
use super::super::probe::{Probe, spread};
use super::super::question::Question;
use super::super::standing::Health;
use super::super::word::{Bend, Stance};
use super::Engine;
use super::judge::Voice;
use super::remember::Recall;

/// A group is settled so long after it came, whoever has not been asked by then.
const SETTLED_AFTER: Duration = Duration::from_secs(30);
/// The first questions of a reload go out so far apart, but over no longer than the warm-up.
const APART: Duration = Duration::from_millis(1);

impl Engine {
    /// This is looked after from now on.
    pub(super) fn configure(&mut self, now: Moment, layout: Layout) {
        self.asking.concurrency = layout.concurrency;
        let recall = self.recall.take().unwrap_or_default();
        let mut before = self.detach();
        let mut new = Vec::new();
        for (key, group) in layout.groups {
            let old = before.remove(&key);
            self.take_group(now, key, group, old, &recall, &mut new);
        }
        self.begin_probes(now, &new);
        self.drop_what_is_gone();
        self.sum_up(now);
        self.tend_guards(now);
        self.turn_everybody(now);
        self.settle_everything(now);
        self.has_layout = true;
    }

    /// Loosens all ties between probes, real servers and groups; the old groups come back.
    fn detach(&mut self) -> BTreeMap<GroupKey, GroupState> {
        for probe in self.probes.values_mut() {
            let hearers = std::mem::take(&mut probe.members);
            let judged = hearers
                .iter()
                .filter_map(|&member| Some(self.members.get(member)?.judged));
            probe.consensus = judged.fold(Health::New, consensus);
        }
        for watched in self.members.values_mut() {
            watched.groups.clear();
        }
        let groups = std::mem::take(&mut self.groups).into_iter();
        groups.map(|group| (group.key.clone(), group)).collect()
    }

    /// Looks after a group: as before, where there was one of its name.
    fn take_group(
        &mut self,
        now: Moment,
        key: GroupKey,
        group: Group,
        old: Option<GroupState>,
        recall: &Recall,
        new: &mut Vec<u32>,
    ) {
        let place = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        let mut state = GroupState::new(key, &group, now + SETTLED_AFTER);
        match old {
            Some(old) => state.goes_on(old),
            None => recall.group(&mut state),
        }
        self.groups.push(state);
        let rules = Group {
            servers: Vec::new(),
            ..group.clone()
        };
        for server in group.servers {
            self.take_server(now, place, &rules, server, recall, new);
        }
    }

    fn take_server(
        &mut self,
        now: Moment,
        group: u32,
        rules: &Group,
        server: Server,
        recall: &Recall,
        new: &mut Vec<u32>,
    ) {
        let known = self.by_member.get(&server.member).copied();
        let belongs = known.and_then(|slot| self.members.get_mut(slot));
        if let (Some(slot), Some(watched)) = (known, belongs)
            && let Some(&last) = watched.groups.last()
        {
            if last != group {
                watched.groups.push(group);
                self.join(group, slot);
            }
            return;
        }
        let check = server.check.map(|question| self.probe(question, new));
        let agent = server.agent.map(|question| self.probe(question, new));
        let slot = known.unwrap_or_else(|| self.arrive(now, server.member, check, agent, recall));
        if let Some(watched) = self.members.get_mut(slot) {
            watched.weight = server.weight;
            watched.on_failure = rules.on_failure;
            watched.slow_down(rules.slow_start);
            (watched.check, watched.agent) = (check, agent);
            watched.groups.push(group);
        }
        for probe in [check, agent].into_iter().flatten() {
            if let Some(probe) = self.probes.get_mut(probe) {
                probe.members.push(slot);
            }
        }
        self.join(group, slot);
    }

    fn join(&mut self, group: u32, slot: u32) {
        let weight = self.members.get(slot).map_or(0, |watched| watched.weight);
        if let Some(state) = self.groups.get_mut(group as usize) {
            state.join(slot, weight);
        }
    }

    /// The probe that asks a question; a new one where nobody asks it yet.
    fn probe(&mut self, question: Arc<Question>, new: &mut Vec<u32>) -> u32 {
        if let Some(slot) = self.by_question.get(&question) {
            return *slot;
        }
        let slot = self.probes.insert(Probe::new(question.clone()));
        self.by_question.insert(question, slot);
        new.push(slot);
        slot
    }

    /// A real server that was not looked after before. One that is not checked is well; one that
    /// is remembered is as it was; one whose question is asked already is as those that asked it.
    fn arrive(
        &mut self,
        now: Moment,
        member: Member,
        check: Option<u32>,
        agent: Option<u32>,
        recall: &Recall,
    ) -> u32 {
        let probe = check.and_then(|slot| self.probes.get(slot));
        let judged = probe.map_or(Health::Up, |probe| probe.consensus);
        let arrival = if self.has_layout {
            Arrival::Later
        } else {
            Arrival::First
        };
        let mut watched = Watched {
            member: member.clone(),
            weight: 0,
            on_failure: OnFailure::default(),
            slow_start: None,
            groups: Vec::new(),
            check,
            agent,
            judged,
            health: judged,
            since: Since::now(now),
            is_held: false,
            ramp: None,
            arrival,
            share: Share::Weight(0),
            counts: 0,
        };
        recall.member(&mut watched, now, &mut self.probes, &mut self.timing);
        let slot = self.members.insert(watched);
        self.by_member.insert(member, slot);
        self.be_down_if_the_agent_says_so(slot);
        slot
    }

    fn be_down_if_the_agent_says_so(&mut self, slot: u32) {
        let says_down = self.voice(slot).says_down;
        if let Some(watched) = self.members.get_mut(slot) {
            watched.health = watched.judged.unless(says_down);
        }
    }

    /// Spreads the first questions of new probes: at the start over the warm-up, later over as
    /// much of it as their number needs.
    fn begin_probes(&mut self, now: Moment, new: &[u32]) {
        let apart = APART.saturating_mul(u32::try_from(new.len()).unwrap_or(u32::MAX));
        for &slot in new {
            let Some(probe) = self.probes.get_mut(slot) else {
                continue;
            };
            let warm_up = probe.question.check.timing.warm_up;
            let width = if self.has_layout {
                warm_up.min(apart)
            } else {
                warm_up
            };
            let first = now + spread(width, &mut self.chance);
            probe.begin(first, &mut self.chance);
            self.timing.due.set(slot, Some(first));
        }
    }

    /// Forgets real servers and probes that the layout does not have.
    fn drop_what_is_gone(&mut self) {
        let gone = |watched: &Watched| watched.groups.is_empty();
        let members = self.members.iter().filter(|(_, watched)| gone(watched));
        for slot in members.map(|(slot, _)| slot).collect::<Vec<_>>() {
            self.timing.ramps.set(slot, None);
            if let Some(watched) = self.members.remove(slot) {
                self.by_member.remove(&watched.member);
            }
        }
        let probes = self.probes.iter();
        let silent = probes.filter(|(_, probe)| probe.members.is_empty());
        for slot in silent.map(|(slot, _)| slot).collect::<Vec<_>>() {
            self.forget_asked(slot);
            self.timing.due.set(slot, None);
            self.timing.agents.set(slot, None);
            if let Some(probe) = self.probes.remove(slot) {
                self.by_question.remove(&probe.question);
            }
        }
    }

    /// Makes the sums of the groups anew.
    fn sum_up(&mut self, now: Moment) {
        self.timing.settled.clear();
        for (place, group) in (0..).zip(&mut self.groups) {
            let health = |slot: &u32| Some(self.members.get(*slot)?.health);
            let all: Vec<Health> = group.members.iter().filter_map(health).collect();
            for health in all {
                group.turn(None, health);
            }
            if !group.is_settled {
                let at = group.settled_at.max(now);
                self.timing.settled.set(place, Some(at));
            }
        }
    }

    /// Guards go on with those that an earlier daemon kept, and forget those that are gone.
    fn tend_guards(&mut self, now: Moment) {
        for group in self.groups.iter_mut().filter(|_| !self.has_layout) {
            let is_held = |slot: &u32| self.members.get(*slot).is_some_and(|w| w.is_held);
            let held: Vec<u32> = group.members.iter().copied().filter(is_held).collect();
            group.guard_again(now, &held);
        }
        for place in 0..self.groups.len() {
            let Some(group) = self.groups.get(place) else {
                continue;
            };
            let members: BTreeSet<u32> = group.members.iter().copied().collect();
            let failing: Vec<u32> = group.guard.failing().collect();
            for slot in failing.into_iter().filter(|slot| !members.contains(slot)) {
                self.guard_lost(u32::try_from(place).unwrap_or(u32::MAX), slot);
            }
        }
        for watched in self.members.values_mut() {
            let holds = |place: &u32| {
                let group = self.groups.get(*place as usize);
                group.is_some_and(|group| group.guard.is_on())
            };
            watched.is_held &= watched.groups.iter().any(holds);
        }
    }

    /// A real server that is not checked any more is well; one whose agent is gone no longer down
    /// for it.
    fn turn_everybody(&mut self, now: Moment) {
        for watched in self.members.values_mut() {
            if watched.check.is_none() {
                watched.judged = Health::Up;
            }
        }
        let all: Vec<u32> = self.members.iter().map(|(slot, _)| slot).collect();
        for slot in all {
            self.turn(now, slot, Voice::Loud);
        }
    }

    /// An operator bends these now, and nothing else.
    pub(super) fn bend(&mut self, now: Moment, bends: BTreeMap<Member, Bend>) {
        let before = std::mem::replace(&mut self.bends, bends);
        let all: BTreeSet<&Member> = before.keys().chain(self.bends.keys()).collect();
        let slots = all.into_iter().filter_map(|member| {
            let (old, new) = (before.get(member), self.bends.get(member));
            let slot = *self.by_member.get(member).filter(|_| old != new)?;
            let back = old.map(|bend| bend.stance) == Some(Stance::Out)
                && new.map(|bend| bend.stance).unwrap_or_default() == Stance::Serves;
            Some((slot, back))
        });
        for (slot, is_back) in slots.collect::<Vec<_>>() {
            if is_back {
                self.begin_slow_start(now, slot);
            }
            self.concern(slot);
        }
    }

    /// Those that the kernel held with a weight count as up until they are asked.
    pub(super) fn adopt(&mut self, now: Moment, held: &BTreeMap<Member, u32>) {
        for member in held.iter().filter(|(_, weight)| **weight > 0) {
            let Some(&slot) = self.by_member.get(member.0) else {
                continue;
            };
            if let Some(watched) = self.members.get_mut(slot)
                && watched.judged == Health::New
            {
                watched.judged = Health::Up;
                self.turn(now, slot, Voice::Silent);
            }
        }
    }
}

/// What one that joins is: up where any is, else down where any is.
fn consensus(one: Health, other: Health) -> Health {
    match (one, other) {
        (Health::Up, _) | (_, Health::Up) => Health::Up,
        (Health::Down, _) | (_, Health::Down) => Health::Down,
        (Health::New, Health::New) => Health::New,
    }
}
