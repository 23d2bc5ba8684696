//! A real server while it is looked after.

use std::time::Duration;

use crate::clock::Moment;
use crate::spec::OnFailure;
use crate::state::{Member, Share};

use super::probe::Streak;
use super::question::{Fault, Question};
use super::ramp::SlowStart;
use super::standing::Health;

/// One real server of one service, in one family or (in a tunnel) in both.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) member: Member,
    /// Its weight in the file.
    pub(super) weight: u32,
    pub(super) on_failure: OnFailure,
    pub(super) slow_start: Option<Duration>,
    /// The groups that it is in, by their places.
    pub(super) groups: Vec<u32>,
    /// The probe of its check.
    pub(super) check: Option<u32>,
    /// The probe of its agent.
    pub(super) agent: Option<u32>,
    /// What its check says.
    pub(super) judged: Health,
    /// What its check and its agent say together.
    pub(super) health: Health,
    pub(super) since: Since,
    /// Kept in service although its check fails.
    pub(super) is_held: bool,
    pub(super) ramp: Option<SlowStart>,
    pub(super) arrival: Arrival,
    /// Its share of new connections, before its group has a say.
    pub(super) share: Share,
    /// What it counts for in its groups: its full weight while it takes connections.
    pub(super) counts: u32,
}

/// When a real server came to be looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// With the first layout: its first pass is no news and needs no slow start.
    First,
    /// Later.
    Later,
}

/// Since when something is as it is; it may be longer than this boot or this daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Since {
    pub(super) at: Moment,
    /// How long it was so already then.
    pub(super) before: Duration,
}

impl Since {
    /// From now on.
    pub(super) fn now(now: Moment) -> Self {
        Self {
            at: now,
            before: Duration::ZERO,
        }
    }

    /// For how long.
    pub(super) fn lasting(&self, now: Moment) -> Duration {
        now.since(self.at).saturating_add(self.before)
    }
}

impl Watched {
    /// A slow start takes so long from now on; one that is under way goes on.
    pub(super) fn slow_down(&mut self, length: Option<Duration>) {
        self.slow_start = length;
        self.ramp = self
            .ramp
            .zip(length)
            .map(|(ramp, length)| SlowStart { length, ..ramp });
    }

    /// What the last answer in a streak makes of it. The first pass puts in one that was never
    /// asked; after that it takes `rise` passes to come back and `fall` failures to go, and one
    /// word of its own.
    ///
    /// A second vantage would be heard here: a peer's streak beside the probe's, and a real server
    /// would go from up to down only where both agree.
    pub(super) fn verdict(
        &self,
        streak: Streak,
        fault: Option<Fault>,
        question: &Question,
    ) -> Health {
        let timing = &question.check.timing;
        let says_down = fault == Some(Fault::SaysDown);
        let falls = streak.failures >= timing.fall.max(1) || says_down;
        let rises = streak.passes >= timing.rise.max(1);
        match self.judged {
            Health::New if streak.passes > 0 => Health::Up,
            Health::New if streak.failures > 0 => Health::Down,
            Health::Down if rises => Health::Up,
            Health::Up if falls => Health::Down,
            Health::New | Health::Up | Health::Down => self.judged,
        }
    }
}
