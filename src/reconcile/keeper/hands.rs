//! What the keeper does to the machine: it reads and writes the data plane and the state directory.
//!
//! It decides nothing; [`super::thread`] tells it what to do.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::drains::{Drains, News, Place};
use super::mirror::Mirror;
use super::steward::{Full, Steward, Touched};
use super::trouble::{Trouble, reason_of, told, trouble};
use super::{Options, Reason};
use crate::clock::{Clock, Moment, SystemClock};
use crate::dataplane::{self, Atomicity, Dataplane, Failure, Observation, Removal};
use crate::reconcile::apply::{Ground, speaks_against};
use crate::reconcile::confirm::{self, Pending};
use crate::reconcile::{
    Accepted, Chosen, Confirmation, Digest, Error, FileNews, GuardEnd, Origin, Preflight, Record,
    Report, Request, Shrink, Store, Surroundings, Target, WriterLock, apply, try_out,
};
use crate::spec::{self, DataplaneKind, Farm};
use crate::state::{Change, HostFacts, Plan, State};

/// So many of our own writes are remembered for readings that they overtake.
const REMEMBERED: usize = 1_000;

type Opener = Box<dyn Fn(DataplaneKind) -> Result<Box<dyn Dataplane>, dataplane::Error>>;
type Trial = Box<dyn Fn(DataplaneKind, &State, &HostFacts, &Plan) -> Preflight>;

/// The machine that is worked on.
pub(super) struct System {
    /// Nobody else writes here while this lives.
    pub(super) _lock: Option<WriterLock>,
    pub(super) store: Store,
    pub(super) origin: Origin,
    pub(super) clock: Box<dyn Clock>,
    pub(super) open: Opener,
    pub(super) trial: Trial,
    /// What is used whatever a file says.
    pub(super) dataplane: Option<DataplaneKind>,
    /// What the file that holds asks for.
    pub(super) asked: Option<DataplaneKind>,
}

/// The machine with its data plane open.
pub(super) struct Hands {
    system: System,
    plane: Box<dyn Dataplane>,
    because: String,
    /// Counts up with every write; readings carry it, so that those that a write overtook are
    /// known.
    generation: Arc<AtomicU64>,
    /// What was written at which count; none where it is not known what.
    written: VecDeque<(u64, Option<Touched>)>,
    confirmation: Option<Waiting>,
}

/// A file that waits for its confirmation.
struct Waiting {
    file: Digest,
    due: Moment,
}

impl System {
    /// This machine. The right to write is taken first, so that nobody writes between the first
    /// look and the first step.
    pub(super) fn here(options: Options) -> Result<Self, Error> {
        let lock = WriterLock::take()?;
        let store = Store::at(options.state_dir);
        store.prepare()?;
        let asked = options.farm.as_deref().and_then(crate::reconcile::named);
        Ok(Self {
            _lock: Some(lock),
            store,
            origin: Origin::here()?,
            clock: Box::new(SystemClock),
            open: Box::new(|kind| Ok(dataplane::open(kind)?)),
            trial: Box::new(|kind, live, host, plan| try_out(kind, live, host, plan, &|_| None)),
            dataplane: options.dataplane,
            asked,
        })
    }
}

impl Hands {
    pub(super) fn open(system: System) -> Result<Self, Error> {
        let record = Record::load(&system.store, &system.origin)?;
        let chosen = Chosen::of(system.dataplane.or(system.asked), &record)?;
        let mut hands = Self {
            plane: (system.open)(chosen.kind)?,
            because: chosen.explanation(),
            system,
            generation: Arc::default(),
            written: VecDeque::new(),
            confirmation: None,
        };
        hands.look_for_confirmation()?;
        Ok(hands)
    }

    pub(super) fn kind(&self) -> DataplaneKind {
        self.plane.kind()
    }

    pub(super) fn because(&self) -> &str {
        &self.because
    }

    pub(super) fn now(&self) -> Moment {
        Moment::since_boot(self.system.clock.since_boot())
    }

    /// What is watched for changes by others, and how readings know which writes they saw.
    pub(super) fn watches(&self) -> (Vec<dataplane::Watch>, Arc<AtomicU64>) {
        // Without them a change is found by the next reading.
        let watches = self.plane.watches().unwrap_or_default();
        (watches, Arc::clone(&self.generation))
    }

    /// Goes over to the data plane that a new file asks for; says whether that is another one.
    /// Refused where services are on the present one, and where it can't do what the file asks.
    pub(super) fn suit(&mut self, farm: &Farm) -> Result<bool, Trouble> {
        let named = crate::reconcile::named(farm);
        let asked = self.system.dataplane.or(named);
        let record = self.load_record()?;
        let kind = match record.choose(asked) {
            Ok(kind) => kind.unwrap_or_else(|| self.kind()),
            Err(error) => {
                return Err(Trouble::Refused(Reason::Dataplane, vec![error.to_string()]));
            }
        };
        if named.is_none() {
            let lacking = spec::lacking(farm, kind);
            let errors = lacking.iter().map(|problem| problem.message.clone());
            let errors: Vec<String> = errors.collect();
            if !errors.is_empty() {
                return Err(Trouble::Refused(Reason::Dataplane, errors));
            }
        }
        if kind == self.kind() {
            return Ok(false);
        }
        self.plane = (self.system.open)(kind).map_err(Error::from)?;
        self.because = Chosen::of(Some(kind), &record)?.explanation();
        self.wrote(None);
        Ok(true)
    }

    pub(super) fn load_record(&self) -> Result<Record, Error> {
        let record = Record::load(&self.system.store, &self.system.origin)?;
        record.on(self.kind())
    }

    pub(super) fn load_drains(&self) -> Result<Drains, Error> {
        Drains::load(&self.system.store, &self.system.origin)
    }

    /// Everything that the kernel holds; an error where not all of it can be seen.
    pub(super) fn observe(&mut self) -> Result<Observation, Error> {
        complete(self.plane.observe()?)
    }

    /// Steps that touch only servers of services that are ours, at once. A new file is judged
    /// before, and kept afterwards. Returns once the kernel has them.
    pub(super) fn quick(
        &mut self,
        steward: &mut Steward,
        plan: Plan,
        file: Option<&Full>,
    ) -> Result<Report, Trouble> {
        if let Some(full) = file {
            self.judge(full)?;
        }
        let before = self.plane.writes();
        for batch in batches(self.plane.atomicity(), &plan) {
            let done = self.plane.execute(batch);
            self.wrote_these(batch);
            let failures = done.map_err(Error::from)?;
            if !failures.is_empty() {
                return Err(Trouble::Failed(refused(&failures)));
            }
            if !steward.did(batch) {
                return Err(Trouble::Failed(
                    "What was written does not fit what was read: it is read again.".to_owned(),
                ));
            }
        }
        let mut report = Report {
            writes: self.plane.writes() - before,
            plan,
            ..Report::default()
        };
        if let Some(full) = file {
            let when = self.system.clock.unix().as_secs();
            let accepted = Accepted::of(&full.target, &full.target.state, when);
            if let Err(error) = accepted.save(&self.system.store) {
                report.notes.push(format!("{error}."));
            }
        }
        Ok(report)
    }

    fn judge(&self, full: &Full) -> Result<(), Trouble> {
        let System {
            store,
            origin,
            clock,
            ..
        } = &self.system;
        let ground = Ground {
            store,
            origin,
            clock: &**clock,
        };
        let refusals = speaks_against(&full.request, &full.target, &ground)?;
        if refusals.is_empty() {
            return Ok(());
        }
        Err(Trouble::Refused(reason_of(&refusals), told(&refusals)))
    }

    /// A whole run, from what is known.
    pub(super) fn whole(&mut self, steward: &mut Steward, full: &Full) -> Result<Report, Trouble> {
        let known = std::mem::take(&mut steward.known);
        let host = known.host.clone();
        let mut mirror = Mirror::new(&mut *self.plane, known);
        let system = &self.system;
        let kind = steward.kind;
        let is_new = full.request.file == FileNews::New;
        let mut around = Surroundings {
            plane: &mut mirror,
            store: &system.store,
            origin: &system.origin,
            clock: &*system.clock,
            preflight: &mut |live, plan| {
                if is_new {
                    (system.trial)(kind, live, &host, plan)
                } else {
                    Preflight::Passed
                }
            },
            start_guard: &mut || Ok(()),
            place: &|_| None,
            progress: &mut |progress| tracing::debug!("{progress}"),
        };
        let outcome = apply(&full.request, &full.target, &mut around);
        let (seen, wrote) = mirror.into_seen();
        match outcome {
            Ok(ref outcome) if outcome.exit_code() == 0 => self.wrote_all(wrote),
            _ if wrote.is_empty() => {}
            _ => self.wrote(None),
        }
        // Where it is not known what is there, it is read again before the next attempt.
        steward.known = match seen {
            Some(seen) => seen,
            None => self.observe()?,
        };
        steward.record = self.load_record()?;
        self.look_for_confirmation()?;
        trouble(outcome?)
    }

    /// What follows once the kernel holds what was decided: the list of drains is kept, and what
    /// is left of those that are gone is reset. What goes wrong is told, a sentence each.
    pub(super) fn after(&mut self, steward: &mut Steward, news: &News) -> Vec<String> {
        let System { store, origin, .. } = &self.system;
        let saved = steward.drains.save(store, origin);
        let mut notes: Vec<String> = saved.err().into_iter().map(|it| format!("{it}.")).collect();
        // Elsewhere the kernel ends what has lost its server.
        if !news.reset.is_empty()
            && self.plane.removal() == Removal::LetsFinish
            && let Err(error) = self.plane.reset(&news.reset)
        {
            notes.push(format!(
                "What the servers that are gone still had was not reset: {error}."
            ));
        }
        notes
    }

    /// Ends what is left of servers that are gone. Elsewhere the kernel ended it with them.
    pub(super) fn reset(&mut self, gone: &[Place]) {
        if self.plane.removal() == Removal::LetsFinish
            && let Err(error) = self.plane.reset(gone)
        {
            tracing::warn!("What the servers that are gone still had was not reset: {error}.");
        }
    }

    /// Removes everything that farmctl made.
    pub(super) fn release(&mut self, steward: &mut Steward) -> Result<Report, Trouble> {
        let full = Full {
            request: Request {
                file: FileNews::Same,
                shrink: Shrink::Allowed,
                ..Request::default()
            },
            target: Target::default(),
        };
        let report = self.whole(steward, &full)?;
        Drains::clear(&self.system.store)?;
        Ok(report)
    }

    /// When the file that waits is undone.
    pub(super) fn confirmation_due(&self) -> Option<Moment> {
        self.confirmation.as_ref().map(|waiting| waiting.due)
    }

    /// Whether this very file is the one that waits for its confirmation.
    pub(super) fn waits_for(&self, text: &str) -> bool {
        let waiting = self.confirmation.as_ref();
        waiting.is_some_and(|waiting| waiting.file == Digest::of(text.as_bytes()))
    }

    fn look_for_confirmation(&mut self) -> Result<(), Error> {
        let System { store, origin, .. } = &self.system;
        let pending = Pending::load(store)?.filter(|pending| pending.origin == *origin);
        self.confirmation = pending.map(|pending| Waiting {
            file: pending.file,
            due: Moment::since_boot(Duration::from_millis(pending.deadline)),
        });
        Ok(())
    }

    /// Undoes the file whose confirmation did not come in time; none where none is due.
    pub(super) fn undo_if_due(&mut self) -> Result<Option<GuardEnd>, Error> {
        let System {
            store,
            origin,
            clock,
            ..
        } = &self.system;
        let end = confirm::undo_if_due(store, origin, &**clock, &mut *self.plane)?;
        if end.is_some() {
            self.wrote(None);
        }
        self.look_for_confirmation()?;
        Ok(end)
    }

    pub(super) fn confirm(&mut self) -> Result<Confirmation, Error> {
        let end = confirm::confirm(&self.system.store, &self.system.origin)?;
        self.look_for_confirmation()?;
        Ok(end)
    }

    /// What we wrote since a reading began; none where that is not known.
    pub(super) fn touched_since(&self, generation: u64) -> Option<Touched> {
        let mut touched = Touched::default();
        let oldest = self.written.front().map_or(0, |(count, _)| count - 1);
        if generation < oldest {
            return None;
        }
        let since = self.written.iter().filter(|(count, _)| *count > generation);
        for (_, written) in since {
            touched.join(written.as_ref()?);
        }
        Some(touched)
    }

    fn wrote_these(&mut self, changes: &[Change]) {
        let mut touched = Touched::default();
        touched.add(changes);
        self.wrote(Some(touched));
    }

    fn wrote_all(&mut self, touched: Touched) {
        if !touched.is_empty() {
            self.wrote(Some(touched));
        }
    }

    fn wrote(&mut self, touched: Option<Touched>) {
        let count = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
        self.written.push_back((count, touched));
        if self.written.len() > REMEMBERED {
            self.written.pop_front();
        }
    }
}

/// What is handed over at once.
fn batches(atomicity: Atomicity, plan: &Plan) -> Vec<&[Change]> {
    match atomicity {
        Atomicity::Whole => vec![&plan.changes],
        Atomicity::Steps => plan.batches().map(|(_, batch)| batch).collect(),
    }
}

fn refused(failures: &[Failure]) -> String {
    let causes = failures.iter().filter(|failure| failure.is_cause());
    let told: Vec<String> = causes
        .map(|failure| format!("A step failed: {}.", failure.error))
        .collect();
    told.join(" ")
}

/// An observation in which everything was seen.
pub(super) fn complete(seen: Observation) -> Result<Observation, Error> {
    if seen.blind_spots.is_empty() {
        return Ok(seen);
    }
    let spots = seen.blind_spots.iter().map(ToString::to_string);
    Err(Error::Blind(spots.collect::<Vec<_>>().join(" ")))
}
