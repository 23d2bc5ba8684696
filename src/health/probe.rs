//! One question that is asked again and again, for all real servers that want to know the answer.
//!
//! It is asked on a grid of its own, one interval wide, with a small jitter around each point: the
//! mean rate is exactly one question an interval, and ten thousand probes spread over it. After a
//! failure it is asked sooner, until the failure is decided.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::spec::AgentCheck;

use super::agent::Agent;
use super::question::{Expiry, Fault, Question, Verdict};
use super::standing::Health;
use super::word::AskId;

/// Jitter is this part of the interval to each side.
const JITTER: u32 = 20;
/// No question is repeated more often.
const SHORTEST: Duration = Duration::from_millis(1);
/// An asking that nothing comes back from is given up so long after its time-out.
const PATIENCE: Duration = Duration::from_secs(5);

/// One question and what came back.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) question: Arc<Question>,
    /// The real servers that hear the answer.
    pub(super) members: Vec<u32>,
    pub(super) asked: Option<Asked>,
    pub(super) streak: Streak,
    pub(super) last: Option<Heard>,
    /// What the answers say beside good or bad.
    pub(super) agent: Option<Box<Agent>>,
    pub(super) unasked: Option<Unasked>,
    pub(super) certificate: Option<Expiry>,
    /// The certificate that was warned of, and how loudly.
    pub(super) warned: Option<(Expiry, crate::event::Severity)>,
    /// Failures since it is asked.
    pub(super) failed: u64,
    /// What those that heard it before a change of the layout were: what one that joins is.
    pub(super) consensus: Health,
    /// The next point of the grid, less the jitter.
    grid: Moment,
}

/// A question that is out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) id: AskId,
    pub(super) at: Moment,
}

/// Answers of one kind in a row; one of the two is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Streak {
    pub(super) passes: u32,
    pub(super) failures: u32,
}

/// The last answer.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) verdict: Verdict,
    pub(super) at: Moment,
    pub(super) took: Duration,
}

/// The question can't be asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unasked {
    pub(super) since: Moment,
    pub(super) is_told: bool,
}

impl Streak {
    /// One more answer.
    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Pass(_) => {
                self.passes = self.passes.saturating_add(1);
                self.failures = 0;
            }
            Verdict::Fail { .. } => {
                self.failures = self.failures.saturating_add(1);
                self.passes = 0;
            }
            Verdict::Unasked(_) => {}
        }
    }
}

impl Probe {
    /// A probe that is not asked yet.
    pub(super) fn new(question: Arc<Question>) -> Self {
        Self {
            grid: Moment::default(),
            consensus: Health::New,
            question,
            members: Vec::new(),
            asked: None,
            streak: Streak::default(),
            failed: 0,
            last: None,
            agent: None,
            unasked: None,
            certificate: None,
            warned: None,
        }
    }

    /// It is first asked at a moment; its grid begins within an interval from there.
    pub(super) fn begin(&mut self, first: Moment, chance: &mut fastrand::Rng) {
        self.grid = first + spread(interval(&self.question), chance);
    }

    /// Whether an agent is asked, not the real server itself.
    pub(super) fn is_agent(&self) -> bool {
        self.question.kind().is_none()
    }

    /// It goes out. When it is to be given up comes back.
    pub(super) fn ask(&mut self, now: Moment, id: AskId) -> Moment {
        self.asked = Some(Asked { id, at: now });
        self.step(now);
        now + self.question.timeout().saturating_add(PATIENCE)
    }

    /// An answer came.
    pub(super) fn hear(&mut self, now: Moment, verdict: Verdict, took: Duration) {
        self.streak.add(&verdict);
        self.failed += u64::from(matches!(verdict, Verdict::Fail { .. }));
        self.last = Some(Heard {
            verdict,
            at: now,
            took,
        });
    }

    /// When to ask on the grid.
    pub(super) fn next(&self, now: Moment, chance: &mut fastrand::Rng) -> Moment {
        let width = interval(&self.question) / JITTER * 2;
        (self.grid + spread(width, chance)).max(now)
    }

    /// When to ask again after a failure that is not decided: no later than an interval after the
    /// last asking.
    pub(super) fn retry(&self, now: Moment, asked: Moment) -> Moment {
        let soon = now + self.question.check.timing.fast_retry;
        let at_most = asked + interval(&self.question);
        soon.min(at_most).max(now)
    }

    /// What kind of failure the last answer was.
    pub(super) fn fault(&self) -> Option<Fault> {
        match self.last.as_ref()?.verdict {
            Verdict::Fail { fault, .. } => Some(fault),
            Verdict::Pass(_) | Verdict::Unasked(_) => None,
        }
    }

    /// What the last answer said, in half a sentence.
    pub(super) fn text(&self) -> &str {
        match self.last.as_ref().map(|last| &last.verdict) {
            Some(Verdict::Pass(text) | Verdict::Unasked(text) | Verdict::Fail { text, .. }) => text,
            None => "it has not been asked yet",
        }
    }

    /// An answer counts no longer than this as an agent's word.
    pub(super) fn stale_after(&self) -> Duration {
        match &self.question.check.agent {
            Some(agent) => agent.stale_after(),
            None => AgentCheck::STALE_AFTER.max(interval(&self.question).saturating_mul(3)),
        }
    }

    /// The point of the grid after now.
    fn step(&mut self, now: Moment) {
        if self.grid > now {
            return;
        }
        let interval = interval(&self.question);
        let behind = now.since(self.grid).as_nanos() / interval.as_nanos();
        let steps = u32::try_from(behind).unwrap_or(u32::MAX).saturating_add(1);
        self.grid = self.grid + interval.saturating_mul(steps);
    }
}

/// From one question to the next; never nothing.
fn interval(question: &Question) -> Duration {
    question.check.timing.interval.max(SHORTEST)
}

/// Some length from nothing to a width.
pub(super) fn spread(width: Duration, chance: &mut fastrand::Rng) -> Duration {
    let nanos = u64::try_from(width.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(chance.u64(0..=nanos))
}
