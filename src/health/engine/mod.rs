//! The engine: five verbs over probes, real servers and groups.
//!
//! Each event changes facts and notes whom they concern; at its end the shares of those real
//! servers and the decisions of their groups are made anew, and with them the overlay: once, so
//! that no overlay in between is ever seen.

mod agents;
mod asking;
mod configure;
mod guard;
mod judge;
mod remember;
mod settle;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::state::{Member, Overlay};

use super::group::GroupState;
use super::lateness::Lateness;
use super::layout::Layout;
use super::member::Watched;
use super::probe::Probe;
use super::question::Question;
use super::slots::Slots;
use super::timers::Timers;
use super::word::{AskId, Bend, Event, Output, Told};
use remember::Recall;

/// Judges real servers: asks, hears, and makes the overlay.
#[derive(Debug)]
pub struct Engine {
    chance: fastrand::Rng,
    probes: Slots<Probe>,
    by_question: HashMap<Arc<Question>, u32>,
    members: Slots<Watched>,
    by_member: BTreeMap<Member, u32>,
    groups: Vec<GroupState>,
    bends: BTreeMap<Member, Bend>,
    recall: Option<Recall>,
    overlay: Overlay,
    outputs: VecDeque<Output>,
    timing: Wakings,
    asking: Asking,
    /// Real servers and groups that what happens now concerns.
    concerned: Concerned,
    /// The time since 1970 at a moment.
    dated: Option<(Moment, Duration)>,
    has_layout: bool,
}

/// Who is to be woken when.
#[derive(Debug, Default)]
struct Wakings {
    /// Probes that are to be asked.
    due: Timers,
    /// Probes that are out, until they are given up.
    given_up: Timers,
    /// Probes whose agent's words grow old or wait.
    agents: Timers,
    /// Real servers in slow start.
    ramps: Timers,
    /// Groups that are settled then, whoever has not been asked yet.
    settled: Timers,
}

/// The questions that are out.
#[derive(Debug)]
struct Asking {
    outstanding: usize,
    concurrency: NonZeroUsize,
    serial: u64,
    lateness: Lateness,
    /// The last moment that the engine saw.
    seen: Moment,
}

/// Whom an event concerns, and whether the overlay changed.
#[derive(Debug, Default)]
struct Concerned {
    members: BTreeSet<u32>,
    groups: BTreeSet<u32>,
    overlay_changed: bool,
}

impl Engine {
    /// An engine that looks after nothing yet. The seed decides the phases of questions.
    pub fn new(seed: u64) -> Self {
        Self {
            chance: fastrand::Rng::with_seed(seed),
            probes: Slots::default(),
            by_question: HashMap::new(),
            members: Slots::default(),
            by_member: BTreeMap::new(),
            groups: Vec::new(),
            bends: BTreeMap::new(),
            recall: None,
            overlay: Overlay::default(),
            outputs: VecDeque::new(),
            timing: Wakings::default(),
            asking: Asking {
                outstanding: 0,
                concurrency: Layout::default().concurrency,
                serial: 0,
                lateness: Lateness::default(),
                seen: Moment::default(),
            },
            concerned: Concerned::default(),
            dated: None,
            has_layout: false,
        }
    }

    /// Something happened.
    pub fn handle_event(&mut self, now: Moment, event: Event) {
        match event {
            Event::Configured(layout) => self.configure(now, layout),
            Event::Answered { ask, answer } => self.answered(now, ask, answer),
            Event::Bent(bends) => self.bend(now, bends),
            Event::Adopted(held) => self.adopt(now, &held),
            Event::Dated(unix) => self.dated = Some((now, unix)),
        }
        self.settle(now);
        self.ask_what_is_due(now);
    }

    /// The moment that [`Engine::poll_timeout`] named has come, or any other.
    pub fn handle_timeout(&mut self, now: Moment) {
        self.give_up(now);
        self.wake_agents(now);
        while let Some((member, _)) = self.timing.ramps.take_due(now) {
            self.concerned.members.insert(member);
        }
        while let Some((group, _)) = self.timing.settled.take_due(now) {
            if let Some(state) = self.groups.get_mut(group as usize) {
                state.is_settled = true;
                self.concerned.groups.insert(group);
            }
        }
        self.settle(now);
        self.ask_what_is_due(now);
    }

    /// When it next wants to be woken; none while it only waits for answers.
    pub fn poll_timeout(&self) -> Option<Moment> {
        let asking = (self.asking.outstanding < self.asking.concurrency.get())
            .then(|| self.timing.due.first());
        let others = [
            &self.timing.given_up,
            &self.timing.agents,
            &self.timing.ramps,
            &self.timing.settled,
        ];
        let others = others.into_iter().filter_map(Timers::first);
        others.chain(asking.flatten()).min()
    }

    /// What goes out, one thing at a time; none when there is no more for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// What bends the file now: only what differs from it.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// How punctual the questions are.
    pub fn lateness(&self) -> Lateness {
        Lateness {
            waiting: self.timing.due.due(self.asking.seen),
            outstanding: self.asking.outstanding,
            ..self.asking.lateness
        }
    }

    /// How many things the engine keeps, of all kinds: for tests and metrics, to see that it does
    /// not grow while the layout does not.
    pub fn entries(&self) -> usize {
        let guards: usize = self.groups.iter().map(|group| group.guard.len()).sum();
        self.probes.len()
            + self.by_question.len()
            + self.members.len()
            + self.by_member.len()
            + self.outputs.len()
            + self.timing.due.len()
            + self.timing.given_up.len()
            + self.timing.agents.len()
            + self.timing.ramps.len()
            + self.overlay.servers.len()
            + guards
    }

    fn tell(&mut self, told: Told) {
        self.outputs.push_back(Output::Told(told));
    }

    /// The next number of an asking by a probe.
    fn next_ask(&mut self, slot: u32) -> AskId {
        self.asking.serial += 1;
        AskId {
            slot,
            serial: self.asking.serial,
        }
    }

    /// A real server's share has to be made anew.
    fn concern(&mut self, member: u32) {
        self.concerned.members.insert(member);
    }
}
