//! The keeper's thread: inputs one after the other, and what is done about each.

mod taking;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::backoff::Backoff;
use super::hands::{Hands, System};
use super::reader::{Reader, Reading};
use super::steward::{Held, Step, Steward};
use super::trouble::Trouble;
use super::waiting::merge;
use super::{Converged, Options, Order, Said, Way, Wish};
use crate::clock::Moment;
use crate::reconcile::{Error, FileNews, Report};

/// How long to sleep at most where nothing is due.
const IDLE: Duration = Duration::from_secs(3600);
/// How often connections are counted while servers drain.
const DRAIN_POLL: Duration = Duration::from_millis(500);
/// How often everything is read back before the first wish says so.
const POLL: Duration = Duration::from_secs(10);

/// What reaches the keeper.
#[derive(Debug)]
pub(super) enum Input {
    /// From the daemon.
    Order(Order),
    /// The kernel was read.
    Read(Reading),
}

/// Everything that the thread has.
pub(super) struct Driver {
    hands: Hands,
    say: Box<dyn Fn(Said)>,
    /// None until the kernel was read.
    steward: Option<Steward>,
    reader: Option<Reader>,
    /// The newest wish that nothing was done about yet.
    waiting: Option<Wish>,
    /// What is being tried and failed so far.
    trial: Option<Wish>,
    /// What was held before a file that waits for its confirmation.
    fallback: Option<Held>,
    backoff: Backoff,
    /// The generation that the daemon knows to hold.
    told: Option<u64>,
    /// Something changed: what is held is to be looked at again.
    stale: bool,
    /// It is not known what the kernel holds.
    unsure: bool,
}

impl Driver {
    pub(super) fn open(
        options: Options,
        inputs: Option<Sender<Input>>,
        say: Box<dyn Fn(Said)>,
    ) -> Result<Self, Error> {
        let seed = options.seed;
        let hands = Hands::open(System::here(options)?)?;
        let reader = inputs.map(|inputs| Reader::start(hands.kind(), hands.watches(), inputs));
        Ok(Self::with(hands, seed, reader.transpose()?, say))
    }

    pub(super) fn with(
        hands: Hands,
        seed: u64,
        reader: Option<Reader>,
        say: Box<dyn Fn(Said)>,
    ) -> Self {
        Self {
            hands,
            say,
            steward: None,
            reader,
            waiting: None,
            trial: None,
            fallback: None,
            backoff: Backoff::new(seed),
            told: None,
            stale: false,
            unsure: false,
        }
    }

    pub(super) fn run(mut self, inputs: &Receiver<Input>) {
        self.work();
        loop {
            let first = match inputs.recv_timeout(self.patience()) {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let all = first
                .into_iter()
                .chain(std::iter::from_fn(|| inputs.try_recv().ok()));
            // Everything that waits is taken in before anything is done: the newest wish wins.
            let all: Vec<Input> = all.collect();
            let stops = all
                .iter()
                .any(|input| matches!(input, Input::Order(Order::Stop)));
            if stops {
                break;
            }
            for input in all {
                self.take(input);
            }
            self.work();
        }
        // Whoever hears that it has stopped may write at once.
        let Self { say, hands, .. } = self;
        drop(hands);
        say(Said::Stopped);
    }

    /// How long nothing is to be done.
    fn patience(&self) -> Duration {
        let now = self.hands.now();
        let drains = self.steward.as_ref().and_then(|it| it.drains.due());
        let due = [self.backoff.due(), drains, self.hands.confirmation_due()];
        let soonest = due.into_iter().flatten().min();
        soonest.map_or(IDLE, |due| due.since(now).min(IDLE))
    }

    /// Takes an input in; [`Driver::work`] does what follows from it.
    pub(super) fn take(&mut self, input: Input) {
        match input {
            Input::Order(Order::Wish(wish)) => {
                self.waiting = Some(merge(self.waiting.take(), *wish));
            }
            Input::Order(Order::Look) => self.look(),
            Input::Order(Order::Resume) => self.resume(),
            Input::Order(Order::Confirm) => self.confirm(),
            Input::Order(Order::Reset(gone)) => self.hands.reset(&gone),
            Input::Order(Order::Release) => self.release(),
            Input::Order(Order::Stop) => {}
            Input::Read(reading) => self.read(reading),
        }
    }

    /// Does what is due.
    pub(super) fn work(&mut self) {
        let now = self.hands.now();
        let retry = self.backoff.due().is_some_and(|due| due <= now);
        if self.steward.is_none() {
            if (retry || self.backoff.due().is_none()) && self.begin().is_none() {
                return;
            }
            if self.steward.is_none() {
                return;
            }
        }
        if self.hands.confirmation_due().is_some_and(|due| due <= now) {
            self.undo();
        }
        if let Some(wish) = self.waiting.take() {
            self.backoff.tries();
            self.attempt(wish);
        } else if retry && self.trial.is_some() {
            if let Some(wish) = self.trial.take() {
                self.attempt(wish);
            }
        } else if self.stale || retry || self.drain_is_due(now) {
            self.again();
        }
    }

    fn drain_is_due(&self, now: Moment) -> bool {
        let due = self.steward.as_ref().and_then(|it| it.drains.due());
        due.is_some_and(|due| due <= now)
    }

    /// The first look.
    fn begin(&mut self) -> Option<()> {
        match self.first_look() {
            Ok(steward) => {
                self.backoff.succeeded();
                (self.say)(Said::Ready {
                    observation: Arc::new(steward.known.clone()),
                    dataplane: self.hands.kind(),
                    because: self.hands.because().to_owned(),
                    record: Arc::new(steward.record.clone()),
                });
                self.steward = Some(steward);
                self.pace(POLL);
                Some(())
            }
            Err(error) => {
                self.fail(0, error.to_string());
                None
            }
        }
    }

    fn first_look(&mut self) -> Result<Steward, Error> {
        if let Some(end) = self.hands.undo_if_due()? {
            (self.say)(Said::Undone { end });
        }
        let observation = self.hands.observe()?;
        let drains = self.hands.load_drains()?;
        Ok(Steward::new(
            self.hands.kind(),
            crate::reconcile::host_name(),
            self.hands.load_record()?,
            observation,
            drains,
        ))
    }

    /// A wish that was not tried yet, or failed.
    fn attempt(&mut self, mut wish: Wish) {
        let generation = wish.generation;
        if wish.file == FileNews::New && self.hands.waits_for(&wish.text) {
            // It holds already and waits for its confirmation.
            wish.file = FileNews::Same;
            wish.confirm = None;
        }
        let retry = wish.clone();
        let end = self.prepare(&wish).and_then(|()| self.pursue_wish(wish));
        match end {
            Ok(()) => {
                self.trial = None;
                self.backoff.succeeded();
            }
            Err(Trouble::Refused(reason, why)) => {
                self.trial = None;
                self.backoff.succeeded();
                (self.say)(Said::Refused {
                    generation,
                    reason,
                    why,
                });
            }
            Err(Trouble::Failed(cause)) => {
                self.trial = Some(retry);
                self.look_again();
                self.fail(generation, cause);
            }
        }
    }

    fn prepare(&mut self, wish: &Wish) -> Result<(), Trouble> {
        if wish.file == FileNews::Same {
            return Ok(());
        }
        if self.hands.suit(&wish.farm)? {
            // Another data plane: everything that was read was read of the old one.
            self.steward = None;
            if let Some(reader) = &mut self.reader {
                reader.change(self.hands.kind(), self.hands.watches())?;
            }
            self.steward = Some(self.first_look()?);
        }
        Ok(())
    }

    fn pursue_wish(&mut self, wish: Wish) -> Result<(), Trouble> {
        self.be_sure()?;
        let Some(steward) = &self.steward else {
            return Ok(());
        };
        let held = steward
            .read(wish)
            .map_err(|(reason, why)| Trouble::Refused(reason, why))?;
        self.pursue(held)
    }

    /// What is held is looked at again: something changed, or a drain is due.
    fn again(&mut self) {
        self.stale = false;
        let Some(held) = self.steward.as_ref().and_then(|it| it.held.clone()) else {
            return;
        };
        let generation = held.wish.generation;
        match self.pursue(held) {
            // A file that failed is still tried again when that is due.
            Ok(()) if self.trial.is_some() => {}
            Ok(()) => self.backoff.succeeded(),
            Err(Trouble::Refused(_, why)) => {
                self.look_again();
                self.fail(generation, why.join(" "));
            }
            Err(Trouble::Failed(cause)) => {
                self.look_again();
                self.fail(generation, cause);
            }
        }
        // Also after a failure: it is tried again when that is due.
        self.stale = false;
    }

    /// Makes the kernel hold this.
    fn pursue(&mut self, held: Held) -> Result<(), Trouble> {
        self.be_sure()?;
        let now = self.hands.now();
        let Some(steward) = &mut self.steward else {
            return Ok(());
        };
        let mut decision = steward.decide(&held, now);
        let step = std::mem::replace(&mut decision.step, Step::Rest);
        let (way, report) = match step {
            Step::Rest => {
                steward.hold(held);
                return Ok(());
            }
            Step::Holds => (Way::Nothing, Report::default()),
            Step::Fast(plan, file) => {
                (Way::Fast, self.hands.quick(steward, plan, file.as_deref())?)
            }
            Step::Full(full) => {
                let report = self.hands.whole(steward, &full)?;
                if let Some(left) = full.request.confirm {
                    self.fallback = steward.held.clone();
                    (self.say)(Said::Unconfirmed {
                        generation: held.wish.generation,
                        left,
                    });
                }
                let way = if report.plan.is_empty() {
                    Way::Nothing
                } else {
                    Way::Full
                };
                (way, report)
            }
        };
        let was_draining = !steward.drains.is_empty();
        let news = steward.commit(held, decision);
        let notes = self.hands.after(steward, &news);
        self.converged(way, report, notes);
        self.tell_drains(news, was_draining);
        Ok(())
    }

    fn converged(&mut self, way: Way, mut report: Report, notes: Vec<String>) {
        report.notes.extend(notes);
        let Some((steward, held)) = self
            .steward
            .as_ref()
            .and_then(|it| Some((it, it.held.as_ref()?)))
        else {
            return;
        };
        let generation = held.wish.generation;
        let (node, poll) = (held.node.clone(), held.wish.poll);
        let desired = steward.desired();
        let draining = !steward.drains.is_empty();
        self.pace(if draining { poll.min(DRAIN_POLL) } else { poll });
        if way == Way::Nothing && self.told == Some(generation) && report.notes.is_empty() {
            return;
        }
        self.told = Some(generation);
        if let Some(desired) = desired {
            (self.say)(Said::Converged(Converged {
                generation,
                node,
                desired,
                report,
                way,
            }));
        }
    }

    fn tell_drains(&self, news: super::drains::News, was_draining: bool) {
        let changed = news.began || !news.ended.is_empty();
        for (what, end) in news.ended {
            (self.say)(Said::Drained { what, end });
        }
        let drains = self.steward.as_ref().map(|it| it.drains.told());
        let drains = drains.unwrap_or_default();
        if changed || (was_draining && !drains.is_empty()) {
            (self.say)(Said::Draining(drains));
        }
    }

    fn fail(&mut self, generation: u64, cause: String) {
        let retry_in = self.backoff.failed(self.hands.now());
        (self.say)(Said::Failed {
            generation,
            cause,
            retry_in,
        });
    }

    /// After a failure nothing is known for certain: all is read before the next attempt.
    fn look_again(&mut self) {
        self.unsure = true;
    }

    fn be_sure(&mut self) -> Result<(), Error> {
        if let (true, Some(steward)) = (self.unsure, &mut self.steward) {
            steward.known = self.hands.observe()?;
            steward.record = self.hands.load_record()?;
            self.unsure = false;
        }
        Ok(())
    }

    fn look(&self) {
        self.reader.iter().for_each(Reader::look);
    }

    fn pace(&self, poll: Duration) {
        self.reader.iter().for_each(|reader| reader.pace(poll));
    }
}

#[cfg(test)]
mod tests;
