//! One run that changes the kernel: from the intents on the disk to its end.

use std::time::Instant;

use std::collections::BTreeSet;

use crate::dataplane::{self, Atomicity, Failure, Observation};
use crate::state::{Change, Plan, State, Subject, plan};

use super::confirm::{Pending, milliseconds};
use super::journal::made_by;
use super::ledger::Ledger;
use super::rollback::{Undone, own_part, roll_back};
use super::{
    Accepted, Digest, Error, FileNews, Journal, Key, Outcome, Progress, Record, Remaining, Report,
    Request, Surroundings, Target, drain,
};

/// How often it is read back at least before it counts as not converged.
const LOOKS: usize = 3;
/// How long to wait before it is read back again.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// A run at work.
pub(super) struct Run<'a, 'b> {
    request: &'a Request,
    target: &'a Target,
    around: &'a mut Surroundings<'b>,
    prepared: Prepared,
    /// The record as the disk has it.
    record: Record,
    pending: Option<Pending>,
    ledger: Ledger,
    writes_before: u64,
}

/// What is known before anything is changed.
pub(super) struct Prepared {
    pub(super) observed: Observation,
    pub(super) record: Record,
    pub(super) before: State,
    pub(super) desired: State,
    pub(super) plan: Plan,
    pub(super) journal_left: bool,
    pub(super) report: Report,
}

/// Why the steps were not the end of it.
enum Trouble {
    /// The kernel refused steps.
    Refused(Vec<(Subject, Failure)>),
    /// The kernel could not be reached.
    Lost(dataplane::Error),
    /// The kernel took every step and shows something else.
    Differs(Plan),
}

impl From<dataplane::Error> for Trouble {
    fn from(error: dataplane::Error) -> Self {
        Self::Lost(error)
    }
}

impl<'a, 'b> Run<'a, 'b> {
    /// Carries a prepared plan out. An error means that nothing was changed.
    pub(super) fn begin(
        request: &'a Request,
        target: &'a Target,
        around: &'a mut Surroundings<'b>,
        prepared: Prepared,
    ) -> Result<Outcome, Error> {
        let mut run = Self {
            record: prepared.record.clone(),
            writes_before: around.plane.writes(),
            pending: None,
            ledger: Ledger::default(),
            request,
            target,
            around,
            prepared,
        };
        if run.prepared.plan.is_empty() {
            let state = std::mem::take(&mut run.prepared.observed.state);
            return Ok(run.converged(&state));
        }
        run.write_ahead()?;
        Ok(match run.carry_out_all() {
            Ok(state) => run.converged(&state),
            Err(Trouble::Differs(rest)) if run.request.wait.is_zero() => run.undo(&differs(&rest)),
            Err(Trouble::Differs(rest)) => run.not_converged(rest),
            Err(Trouble::Refused(failures)) => {
                let cause = refusals(run.around.place, &failures);
                run.undo(&cause)
            }
            Err(Trouble::Lost(error)) => run.undo(&format!("The run stopped: {error}.")),
        })
    }

    /// Puts on the disk all that a later run needs if this one is killed.
    fn write_ahead(&mut self) -> Result<(), Error> {
        let store = self.around.store;
        let makes = made_by(&self.prepared.plan);
        let claimed = Key::all_of(&self.prepared.desired);
        let record = self.record.with_intents(claimed.iter().chain(&makes));
        record.save_over(&self.record, store)?;
        self.record = record;
        let started = self.around.clock.unix().as_secs();
        let Prepared { plan, before, .. } = &self.prepared;
        Journal::new(self.around.origin, &self.target.farm, started, plan, before).save(store)?;
        self.prepared.journal_left = true;
        self.arm(makes)
    }

    /// With `--confirm-timeout`: the note and the guard are there before the first change.
    fn arm(&mut self, makes: BTreeSet<Key>) -> Result<(), Error> {
        let Some(length) = self.request.confirm else {
            return Ok(());
        };
        let mut pending = self.pending(makes);
        pending.wait_for(length, self.around.clock);
        pending.save(self.around.store)?;
        if let Err(reason) = (self.around.start_guard)() {
            Pending::remove(self.around.store)?;
            Journal::remove(self.around.store)?;
            return Err(Error::Guard(reason));
        }
        self.pending = Some(pending);
        Ok(())
    }

    fn pending(&self, makes: BTreeSet<Key>) -> Pending {
        Pending {
            origin: self.around.origin.clone(),
            farm: self.target.farm.clone(),
            file: Digest::of(self.target.text.as_bytes()),
            began: milliseconds(self.around.clock.since_boot()),
            deadline: 0,
            deadline_unix: 0,
            makes: makes.into_iter().collect(),
            before: self.prepared.before.clone(),
            record: self.prepared.record.clone(),
            accepted: self.accepted(),
        }
    }

    fn accepted(&self) -> Accepted {
        let when = self.around.clock.unix().as_secs();
        Accepted::of(self.target, &self.prepared.desired, when)
    }

    fn carry_out_all(&mut self) -> Result<State, Trouble> {
        let steps = match self.drain()? {
            Some(rest) => rest,
            None => self.prepared.plan.clone(),
        };
        self.carry_out(&steps)?;
        self.verify()
    }

    /// Where servers go and have time to: takes their weight, waits, and gives what is left to do.
    fn drain(&mut self) -> Result<Option<Plan>, Trouble> {
        let Prepared {
            before, desired, ..
        } = &self.prepared;
        let leaving = drain::leaving(before, desired);
        if self.request.drain.is_zero() || leaving.is_empty() {
            return Ok(None);
        }
        let first = plan(before, &desired.with_leaving(before));
        self.carry_out(&first)?;
        let around = &mut *self.around;
        let cut = drain::wait(
            around.plane,
            around.clock,
            &leaving,
            self.request,
            around.progress,
        )?;
        self.prepared.report.cut = cut;
        let now = self.around.plane.observe()?.state;
        Ok(Some(plan(&self.own(&now), &self.prepared.desired)))
    }

    fn carry_out(&mut self, steps: &Plan) -> Result<(), Trouble> {
        if self.around.plane.atomicity() == Atomicity::Whole {
            let count = steps.changes.len();
            (self.around.progress)(&Progress::Transaction { count });
            return self.execute(&steps.changes);
        }
        for (phase, batch) in steps.batches() {
            let count = batch.len();
            (self.around.progress)(&Progress::Steps { phase, count });
            self.execute(batch)?;
        }
        Ok(())
    }

    /// Where the data plane can't say what it did, all of the batch counts as done: its intents
    /// are this run's own.
    fn execute(&mut self, batch: &[Change]) -> Result<(), Trouble> {
        let result = self.around.plane.execute(batch);
        let failures: &[Failure] = result.as_deref().unwrap_or_default();
        self.ledger.enter(batch, failures, &self.prepared.before);
        match result {
            Ok(failures) if failures.is_empty() => Ok(()),
            Ok(failures) => {
                let subject = |failure: &Failure| batch.get(failure.index).map(Change::subject);
                let known = |failure| subject(&failure).map(|subject| (subject, failure));
                let causes = failures.into_iter().filter(Failure::is_cause);
                Err(Trouble::Refused(causes.filter_map(known).collect()))
            }
            Err(error) => Err(Trouble::Lost(error)),
        }
    }

    /// What this run may touch, of what is there now.
    fn own(&self, now: &State) -> State {
        let mut part = own_part(now, &self.prepared.before, &self.ledger);
        for setting in self.prepared.desired.settings.keys() {
            let value = now.settings.get(setting);
            let seen = value.map(|value| (setting.clone(), *value));
            part.settings.extend(seen);
        }
        part
    }

    /// Reads back, and mends what differs, until it is as wanted or the time is over.
    fn verify(&mut self) -> Result<State, Trouble> {
        (self.around.progress)(&Progress::Verifying);
        let start: Instant = self.around.clock.now();
        let mut looks = 0;
        loop {
            let now = self.around.plane.observe()?.state;
            let rest = plan(&self.own(&now), &self.prepared.desired);
            if rest.is_empty() {
                return Ok(now);
            }
            looks += 1;
            let waited = self.around.clock.now().saturating_duration_since(start);
            if looks >= LOOKS && waited >= self.request.wait {
                return Err(Trouble::Differs(rest));
            }
            self.around.clock.sleep(PAUSE);
            self.mend(&rest)?;
        }
    }

    /// A step that is refused now met something that changed since the last look. With time left
    /// that is no end: the next look tells.
    fn mend(&mut self, rest: &Plan) -> Result<(), Trouble> {
        match self.carry_out(rest) {
            Err(Trouble::Refused(_)) if !self.request.wait.is_zero() => Ok(()),
            end => end,
        }
    }

    /// The end that everybody wants.
    fn converged(mut self, observed: &State) -> Outcome {
        self.announce();
        self.reset_remaining();
        let mut report = self.report();
        if let (Some(_), Some(length)) = (&self.pending, self.request.confirm) {
            report.notes.push(format!(
                "It is undone in {} s unless `farmctl confirm` comes.",
                length.as_secs()
            ));
        }
        match self.settle(observed) {
            Ok(()) => Outcome::Converged(report),
            Err(error) => Outcome::NotConverged {
                cause: format!(
                    "the kernel holds what the file asks for, but that could not be written down: \
                     {error}. Mend the state directory and apply again"
                ),
                remaining: Plan::default(),
            },
        }
    }

    /// Tells the neighbours of new addresses. That is no part of the state: where it fails, the
    /// operator is told and nothing is undone.
    fn announce(&mut self) {
        for change in &self.prepared.plan.changes {
            let Change::AddAddress { key, .. } = change else {
                continue;
            };
            if let Err(error) = self.around.plane.announce(key) {
                let note = format!(
                    "{key} is up, but its neighbours were not told: {error}. Those that knew it \
                     at another machine find it only when their own entry is stale."
                );
                self.prepared.report.notes.push(note);
            }
        }
    }

    /// Ends what the destinations that are gone still have. They are gone all the same: where it
    /// fails, the operator is told and nothing is undone.
    fn reset_remaining(&mut self) {
        let Prepared {
            before, desired, ..
        } = &self.prepared;
        let gone = drain::leaving(before, desired);
        if self.request.remaining == Remaining::Leave || gone.is_empty() {
            return;
        }
        if let Err(error) = self.around.plane.reset(&gone) {
            self.prepared.report.notes.push(format!(
                "The servers are removed, but what connections they still have was not reset and \
                 goes on until it ends: {error}."
            ));
        }
    }

    fn report(&mut self) -> Report {
        let mut report = std::mem::take(&mut self.prepared.report);
        report.writes = self.around.plane.writes() - self.writes_before;
        report
    }

    /// Writes down how it ended; writes nothing that is on the disk already.
    fn settle(&mut self, observed: &State) -> Result<(), Error> {
        let store = self.around.store;
        self.record_what_is(observed)?;
        match (&mut self.pending, self.request.confirm, self.request.file) {
            (Some(pending), Some(length), _) => {
                pending.wait_for(length, self.around.clock);
                pending.save(store)?;
            }
            (_, _, FileNews::New) => self.accepted().save(store)?,
            (_, _, FileNews::Same) => {}
        }
        self.remove_journal()
    }

    /// What is wanted and there is done; an intent that the file does not name stays one.
    fn record_what_is(&mut self, observed: &State) -> Result<(), Error> {
        let mut done = Key::all_of(&self.prepared.desired);
        done.retain(|key| key.is_in(observed));
        let record = self.record.settled(&done, |key| key.is_in(observed));
        record.save_over(&self.record, self.around.store)?;
        self.record = record;
        Ok(())
    }

    fn remove_journal(&mut self) -> Result<(), Error> {
        if self.prepared.journal_left {
            Journal::remove(self.around.store)?;
            self.prepared.journal_left = false;
        }
        Ok(())
    }

    /// The time that was given is over: what is right stays, as was asked for with `--wait`.
    fn not_converged(mut self, remaining: Plan) -> Outcome {
        let mut cause = format!(
            "the kernel took every step, but what is read back still differs after {} s. Does \
             another program change the same objects? Stop it and apply again. What is right \
             stays; what remains:",
            self.request.wait.as_secs()
        );
        if let Err(error) = self.settle_unconverged() {
            cause = format!("{cause} (and the state directory could not be written: {error})");
        }
        Outcome::NotConverged { cause, remaining }
    }

    fn settle_unconverged(&mut self) -> Result<(), Error> {
        let observed = self.around.plane.observe()?.state;
        self.record_what_is(&observed)?;
        self.remove_journal()
    }

    /// Goes back, and says how far that went.
    fn undo(self, cause: &str) -> Outcome {
        let cause = cause.to_owned();
        (self.around.progress)(&Progress::RollingBack);
        let around = &mut *self.around;
        let before = &self.prepared.before;
        match roll_back(around.plane, around.clock, before, &self.ledger) {
            Undone::Fully { steps } => self.undone(cause, steps),
            Undone::InPart { left, now } => self.undone_in_part(cause, left, &now),
            // The journal stays, so that the next run knows of this one.
            Undone::Blind(error) => Outcome::RolledBackInPart {
                cause,
                left: vec![format!(
                    "what was done could not be undone, because the kernel can't be read: {error}. \
                     Mend that and apply again: the next run goes on from what is there"
                )],
            },
        }
    }

    fn undone(mut self, mut cause: String, undone: Vec<String>) -> Outcome {
        let record = self.prepared.record.clone();
        if let Err(error) = self.close(&record) {
            cause = format!("{cause}\n{error}");
        }
        Outcome::RolledBack { cause, undone }
    }

    fn undone_in_part(mut self, cause: String, mut left: Vec<String>, now: &State) -> Outcome {
        let before = &self.prepared.record;
        let record = self.record.after_part(before, &self.ledger.made, now);
        if let Err(error) = self.close(&record) {
            left.push(error.to_string());
        }
        Outcome::RolledBackInPart { cause, left }
    }

    /// The last writes of a run that was undone.
    fn close(&mut self, record: &Record) -> Result<(), Error> {
        record.save_over(&self.record, self.around.store)?;
        self.remove_journal()?;
        if self.pending.take().is_some() {
            Pending::remove(self.around.store)?;
        }
        Ok(())
    }
}

/// Why a run is undone although no step was refused.
fn differs(rest: &Plan) -> String {
    let steps: Vec<String> = rest
        .changes
        .iter()
        .map(|step| format!("\n  {step}"))
        .collect();
    format!(
        "The kernel took every step, but what is read back differs. Does another program change \
         the same objects? Stop it and apply again; --wait goes on trying. It would still have \
         to:{}",
        steps.concat()
    )
}

fn refusals(place: &dyn Fn(&Subject) -> Option<String>, failures: &[(Subject, Failure)]) -> String {
    let sentence = |(subject, failure): &(Subject, Failure)| {
        let place = place(subject).map_or_else(String::new, |place| format!(" ({place})"));
        format!("A step failed: {}{place}.", failure.error)
    };
    let all: Vec<String> = failures.iter().map(sentence).collect();
    all.join("\n")
}
