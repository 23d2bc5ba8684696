//! What one receiver is told, and when: a state machine without input or output.
//!
//! Events and the time come in; a message goes out when it is due, one at a time, and the driver
//! says whether it was delivered. What could not be delivered is folded with what came since and
//! tried again, so nothing waits in a queue that grows. What lasts is remembered beside it: every
//! message lists it, also after events were lost. [`super::Dispatcher`] drives it; tests run it
//! under a time of their own.

mod compose;
mod digest;
mod pace;
mod problems;

use crate::clock::Moment;
use crate::event::{Event, Turn};

use self::digest::{Digest, Topic};
use self::pace::{Backoff, Damping, Limit};
use self::problems::Problems;

use super::message::Message;
use super::{Sender, Wishes};

/// A receiver that refuses a message so often never takes it: what it says is given up.
const REFUSALS: u32 = 8;

/// How a delivery failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The receiver can't be reached now, or says that it can't take it now.
    #[error("{0}")]
    Unreachable(String),
    /// The receiver does not want this message, and says so.
    #[error("{0}")]
    Refused(String),
}

/// A message that is on its way, as it was before it was folded into words.
#[derive(Debug)]
struct Flying {
    digest: Digest,
    lost: u64,
}

/// The engine of one receiver.
#[derive(Debug)]
pub struct Engine {
    wishes: Wishes,
    sender: Sender,
    waiting: Digest,
    flying: Option<Flying>,
    problems: Problems,
    limit: Limit,
    backoff: Backoff,
    damping: Damping,
    told_last: Moment,
    number: u64,
    lost: u64,
    closing: bool,
    count: Count,
}

/// What the engine has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    /// Messages that were delivered.
    pub delivered: u64,
    /// Deliveries that failed.
    pub failed: u64,
    /// Events that are lost.
    pub dropped: u64,
    /// Why the last delivery failed; none where it did not.
    pub trouble: Option<String>,
}

impl Engine {
    /// An engine that has nothing to tell yet. `seed` spreads its retries.
    pub fn new(wishes: Wishes, sender: Sender, seed: u64) -> Self {
        Self {
            limit: Limit::new(wishes.limit),
            wishes,
            sender,
            waiting: Digest::default(),
            flying: None,
            problems: Problems::default(),
            backoff: Backoff::new(seed),
            damping: Damping::default(),
            told_last: Moment::default(),
            number: 0,
            lost: 0,
            closing: false,
            count: Count::default(),
        }
    }

    /// Takes other wishes; what waits stays.
    pub fn configure(&mut self, wishes: Wishes) {
        self.limit.set(wishes.limit);
        self.wishes = wishes;
    }

    /// Something happened.
    pub fn handle_event(&mut self, event: &Event, now: Moment) {
        let wanted = self.wishes.want(event);
        match event.kind.turn() {
            Turn::Begins if wanted => {
                if event.kind.matter().is_problem() {
                    self.problems.begin(Topic::of(event), event);
                }
                self.fold(Topic::of(event), event, None, now);
            }
            Turn::Ends => self.end(event, wanted, now),
            Turn::Happens if wanted => self.fold(Topic::of(event), event, None, now),
            Turn::Begins | Turn::Happens => {}
        }
    }

    /// The end of what was told, or will be, is told too, whether its kind is wanted or not.
    fn end(&mut self, event: &Event, wanted: bool, now: Moment) {
        let own = Topic::of(event);
        let ended = self.problems.end(&own);
        let since = ended.iter().map(|(_, since)| *since).min();
        let (waiting, told): (Vec<_>, Vec<_>) = ended
            .into_iter()
            .partition(|(topic, _)| self.waiting.has(topic));
        let alone = (wanted && waiting.is_empty()) || !told.is_empty() || self.waiting.lasts(&own);
        for (topic, since) in waiting.into_iter().filter(|(topic, _)| *topic != own) {
            self.fold(topic, event, Some(since), now);
        }
        if alone {
            self.fold(own, event, since, now);
        }
    }

    fn fold(&mut self, topic: Topic, event: &Event, since: Option<u64>, now: Moment) {
        let due = (now + self.wishes.group).max(self.damping.until(&topic));
        let lost = self.waiting.fold(topic, event, since, due);
        self.lose(lost);
    }

    fn lose(&mut self, events: u64) {
        self.lost += events;
        self.count.dropped += events;
    }

    /// The message that is due now, if there is one and none is on its way. The driver answers
    /// with [`Engine::handle_delivered`] or [`Engine::handle_failure`].
    pub fn poll_transmit(&mut self, now: Moment) -> Option<Message> {
        if self.poll_timeout()? > now {
            return None;
        }
        self.number += 1;
        let digest = std::mem::take(&mut self.waiting);
        let message = self.compose(&digest);
        self.flying = Some(Flying {
            digest,
            lost: self.lost,
        });
        Some(message)
    }

    /// When there will be a message; none while one is on its way, or if nothing waits.
    pub fn poll_timeout(&self) -> Option<Moment> {
        if self.flying.is_some() {
            return None;
        }
        if self.closing {
            return (!self.waiting.is_empty()).then(|| self.backoff.until());
        }
        let (due, severity) = match self.waiting.due() {
            Some(due) => (due, self.waiting.worst()),
            None => (self.reminder()?, self.problems.worst()),
        };
        Some(due.max(self.limit.free(severity)).max(self.backoff.until()))
    }

    /// When what lasts is told again; at once where something was lost.
    fn reminder(&self) -> Option<Moment> {
        if self.lost > 0 {
            return Some(Moment::default());
        }
        let repeat = self.wishes.repeat?;
        (!self.problems.is_empty()).then(|| self.told_last + repeat)
    }

    /// The message was delivered.
    pub fn handle_delivered(&mut self, now: Moment) {
        let Some(flown) = self.flying.take() else {
            return;
        };
        for (topic, _) in flown.digest.ordered() {
            self.damping.told(topic, self.wishes.group, now);
        }
        self.limit.spend(now);
        self.backoff.delivered();
        self.told_last = now;
        self.lost -= flown.lost.min(self.lost);
        self.count.delivered += 1;
        self.count.trouble = None;
    }

    /// The message was not delivered, or nobody knows.
    pub fn handle_failure(&mut self, failure: &Failure, now: Moment) {
        let Some(flown) = self.flying.take() else {
            return;
        };
        self.count.failed += 1;
        self.count.trouble = Some(failure.to_string());
        self.backoff.failed(now);
        let given_up = matches!(failure, Failure::Refused(_))
            && self.backoff.failures().is_multiple_of(REFUSALS);
        let lost = if given_up {
            flown.digest.events()
        } else {
            self.waiting.put_back(flown.digest)
        };
        self.lose(lost);
    }

    /// The driver was stopped in the middle of a delivery: the message is told again.
    pub fn handle_interruption(&mut self) {
        if let Some(flown) = self.flying.take() {
            let lost = self.waiting.put_back(flown.digest);
            self.lose(lost);
        }
    }

    /// The daemon ends: what waits is due now.
    pub fn close(&mut self) {
        self.closing = true;
        self.backoff.delivered();
    }

    /// Whether nothing is left to do before the end.
    pub fn is_done(&self) -> bool {
        self.closing && self.flying.is_none() && self.waiting.is_empty()
    }

    /// What it has done so far.
    pub fn count(&self) -> &Count {
        &self.count
    }

    /// Events that wait or are on their way.
    pub fn waiting(&self) -> u64 {
        self.waiting.events()
            + self
                .flying
                .as_ref()
                .map_or(0, |flown| flown.digest.events())
    }
}

#[cfg(test)]
mod tests;
