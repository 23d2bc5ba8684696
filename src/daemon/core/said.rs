//! What the keeper says, and what is known of the kernel from it.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::daemon::now::Now;
use crate::dataplane::Observation;
use crate::event::{Kind, Severity, Subject};
use crate::health::Told;
use crate::reconcile::keeper::{Answer, Converged, DrainEnd, Draining, Order, Reason, Said, Way};
use crate::reconcile::{Confirmation, GuardEnd, Record, own_facts};
use crate::spec::{DataplaneKind, Name};
use crate::state::{Change, Desired, HostFacts, State, Subject as Object};

use super::{Core, DRAIN_LOOK, End, Output};

/// What is known of the kernel.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    first: Option<First>,
    node: Option<Name>,
    pub(super) desired: Option<Arc<Desired>>,
    pub(super) seen: Option<(Moment, Arc<Observation>)>,
    pub(super) last: Option<LastRun>,
    pub(super) drift: Option<Drift>,
    pub(super) fight: Option<String>,
    /// Whether the kernel has held what was wished for since the daemon started.
    pub(super) has_converged: bool,
    /// Whether it holds what is wished for now, as far as is known.
    pub(super) holds: bool,
}

/// What was there when the keeper started.
#[derive(Debug)]
struct First {
    observation: Arc<Observation>,
    host: HostFacts,
    dataplane: DataplaneKind,
    because: String,
    record: Arc<Record>,
}

/// How the kernel was last changed, or was to be.
#[derive(Debug, Clone)]
pub(super) struct LastRun {
    pub(super) at: u64,
    pub(super) converged: bool,
    pub(super) changes: usize,
    pub(super) messages: Vec<String>,
    pub(super) retry_at: Option<u64>,
}

/// What others changed and is not put right.
#[derive(Debug, Clone)]
pub(super) struct Drift {
    pub(super) since: u64,
    pub(super) changes: Vec<Change>,
}

impl Kernel {
    /// Whether the keeper has read the kernel.
    pub(super) fn is_ready(&self) -> bool {
        self.first.is_some()
    }

    /// What forwards here.
    pub(super) fn dataplane(&self) -> Option<DataplaneKind> {
        self.first.as_ref().map(|first| first.dataplane)
    }

    /// Why it is that data plane.
    pub(super) fn because(&self) -> Option<&str> {
        self.first.as_ref().map(|first| first.because.as_str())
    }

    /// Which node of the file this machine is.
    pub(super) fn node(&self) -> Option<&Name> {
        self.node.as_ref()
    }

    /// What was there at the start.
    pub(super) fn first(&self) -> Option<(&State, &HostFacts, DataplaneKind)> {
        let first = self.first.as_ref()?;
        Some((&first.observation.state, &first.host, first.dataplane))
    }

    /// What farmctl had made at the start.
    pub(super) fn record(&self) -> Option<&Record> {
        self.first.as_ref().map(|first| &*first.record)
    }
}

impl Core {
    pub(super) fn said(&mut self, now: Now, said: Said) {
        match said {
            Said::Ready {
                observation,
                dataplane,
                because,
                record,
            } => {
                self.kernel.seen = Some((now.moment, Arc::clone(&observation)));
                self.kernel.first = Some(First {
                    host: own_facts(&observation.host, &record),
                    observation,
                    dataplane,
                    because,
                    record,
                });
                self.start(now);
            }
            Said::Converged(converged) => self.converged(now, converged),
            Said::Refused {
                generation,
                reason,
                why,
            } => self.refused(now, generation, reason, why),
            Said::Failed {
                generation,
                cause,
                retry_in,
            } => self.failed(now, generation, &cause, retry_in),
            Said::Drift { changes, answer } => self.drifted(now, changes, answer),
            Said::Fight { objects } => self.fights(now, &objects),
            Said::Seen(observation) => self.seen(now, observation),
            Said::Draining(draining) => self.draining_changed(now, draining),
            Said::Drained { what, end } => self.drained(now, &what, end),
            Said::Unconfirmed { left, .. } => self.unconfirmed(now, left),
            Said::Undone { end } => self.undone(now, &end),
            Said::Confirmed(result) => self.confirmed(now, result),
            Said::Released(result) => {
                let result = result.map(|_| ());
                self.outputs.push_back(Output::End(End::Released(result)));
            }
            Said::Stopped => self.outputs.push_back(Output::End(End::KeeperGone)),
        }
    }

    /// The kernel was read: what ran before runs again, and nothing else is written.
    fn start(&mut self, now: Now) {
        if let Some(good) = self.files.wished().cloned() {
            self.configure(now, &good.farm);
            self.wish();
        }
    }

    fn converged(&mut self, now: Now, converged: Converged) {
        let Converged {
            generation,
            node,
            desired,
            report,
            way,
        } = converged;
        let was_failing = self
            .kernel
            .last
            .as_ref()
            .is_some_and(|last| !last.converged);
        let writes = way != Way::Nothing;
        if writes || was_failing || self.kernel.last.is_none() {
            self.kernel.last = Some(LastRun {
                at: now.unix_ms(),
                converged: true,
                changes: report.plan.changes.len(),
                messages: report.notes.clone(),
                retry_at: None,
            });
        }
        self.kernel.node = node;
        let gone = |place: &_| !desired.destinations.contains_key(place);
        let (gone, left) = std::mem::take(&mut self.resets).into_iter().partition(gone);
        self.resets = left;
        if !Vec::is_empty(&gone) {
            self.outputs.push_back(Output::Keeper(Order::Reset(gone)));
        }
        self.kernel.desired = Some(desired);
        self.kernel.holds = generation == self.generation;
        self.kernel.drift = None;
        let accepts = self.files.trial().is_some() && generation >= self.trial_generation;
        if accepts {
            let steps = self.files.accepted();
            self.take(now, steps);
            self.kernel.fight = None;
        }
        let first = !std::mem::replace(&mut self.kernel.has_converged, true);
        if first || was_failing {
            let count = report.plan.changes.len();
            let told = format!("The kernel holds what is wanted, after {count} changes.");
            self.tell(now, Kind::Converged, Severity::Info, told);
        }
        self.applied(&report, writes);
        if accepts && let Some(good) = self.files.running().cloned() {
            self.configure(now, &good.farm);
        }
    }

    fn refused(&mut self, now: Now, generation: u64, reason: Reason, why: Vec<String>) {
        if self.files.trial().is_some() && generation < self.trial_generation {
            return; // Of an earlier trial, which a newer one has taken the place of.
        }
        if self.files.trial().is_none() {
            self.kernel.holds = false;
            self.failed_run(now, why.clone(), None);
            self.tell(now, Kind::ApplyFailed, Severity::Alarm, why.join(" "));
            return;
        }
        self.apply_refused(reason, &why);
        let steps = match reason {
            Reason::Guard => self.files.guarded(why),
            Reason::Unconfirmed
            | Reason::Conflict
            | Reason::Preflight
            | Reason::Dataplane
            | Reason::Node => self.files.unfit(why),
        };
        self.take(now, steps);
    }

    fn failed(&mut self, now: Now, generation: u64, cause: &str, retry_in: Duration) {
        self.kernel.holds = false;
        let known = self.kernel.last.as_ref().is_some_and(|last| {
            !last.converged && last.messages.first().is_some_and(|it| it == cause)
        });
        let retry_at = now.later(retry_in).unix_ms();
        self.failed_run(now, vec![cause.to_owned()], Some(retry_at));
        if !known {
            let seconds = retry_in.as_secs_f64();
            let told = format!("{cause} It is tried again in {seconds:.1} s.");
            self.tell(now, Kind::ApplyFailed, Severity::Alarm, told);
        }
        if generation >= self.trial_generation {
            self.apply_failed(cause);
        }
    }

    fn failed_run(&mut self, now: Now, messages: Vec<String>, retry_at: Option<u64>) {
        self.kernel.last = Some(LastRun {
            at: now.unix_ms(),
            converged: false,
            changes: 0,
            messages,
            retry_at,
        });
    }

    fn drifted(&mut self, now: Now, changes: Vec<Change>, answer: Answer) {
        let (kind, severity, what) = match answer {
            Answer::Corrected => (Kind::DriftCorrected, Severity::Warning, "It is put right."),
            Answer::Reported => (
                Kind::Drift,
                Severity::Warning,
                "It stays so: `drift: report`.",
            ),
            Answer::Paused => (
                Kind::Drift,
                Severity::Alarm,
                "Nothing is written to the kernel from now on: `drift: pause`.",
            ),
        };
        let told = format!(
            "Somebody else changed what is farmctl's: {}. {what}",
            few(&changes)
        );
        self.kernel.drift = (answer != Answer::Corrected).then(|| Drift {
            since: now.unix_ms(),
            changes,
        });
        self.tell(now, kind, severity, told);
    }

    fn fights(&mut self, now: Now, objects: &[Object]) {
        let told = format!(
            "Somebody else changes these back again and again: {}. They are left alone until the \
             file changes or an operator applies it: find out who does, and stop one of the two.",
            few(objects)
        );
        self.kernel.fight = Some(told.clone());
        self.tell(now, Kind::Fight, Severity::Alarm, told);
    }

    fn seen(&mut self, now: Now, observation: Arc<Observation>) {
        self.kernel.seen = Some((now.moment, observation));
        self.outputs.push_back(Output::Observed);
        self.advance_drains(now);
    }

    /// While a drain goes on the kernel is looked at often, so that it ends as soon as it can.
    pub(super) fn look_while_draining(&mut self, now: Now) {
        if !self.overrides.is_draining(&self.roster) {
            self.drain_look = None;
            return;
        }
        match self.drain_look {
            Some(at) if at > now.moment => {}
            Some(_) | None => {
                self.drain_look = Some(now.moment + DRAIN_LOOK);
                self.outputs.push_back(Output::Keeper(Order::Look));
            }
        }
    }

    fn draining_changed(&mut self, now: Now, draining: Vec<Draining>) {
        let began: Vec<&Draining> = draining
            .iter()
            .filter(|one| {
                let same = |old: &&Draining| {
                    (old.service, old.destination) == (one.service, one.destination)
                };
                !self.draining.iter().any(|old| same(&old))
            })
            .collect();
        let told: Vec<Told> = began
            .iter()
            .map(|one| Told {
                kind: Kind::DrainBegan,
                severity: Severity::Info,
                subject: subject(one),
                message: format!(
                    "The file has {one} no more: it gets no new connections and finishes those \
                     that it has, for at most {} s.",
                    one.deadline.since(now.moment).as_secs()
                ),
            })
            .collect();
        self.draining = draining;
        for one in told {
            self.tell_about(now, one);
        }
    }

    fn drained(&mut self, now: Now, what: &Draining, end: DrainEnd) {
        let (severity, how) = match end {
            DrainEnd::Empty => (Severity::Info, "it has no connection any more".to_owned()),
            DrainEnd::Deadline { live } => (
                Severity::Warning,
                format!("its time was over with {live} connections left"),
            ),
            DrainEnd::Returned => (Severity::Info, "the file has it again".to_owned()),
            DrainEnd::Gone => (Severity::Info, "it is gone already".to_owned()),
        };
        self.tell_about(
            now,
            Told {
                kind: Kind::DrainEnded,
                severity,
                subject: subject(what),
                message: format!("The drain of {what} is at its end: {how}."),
            },
        );
    }

    fn unconfirmed(&mut self, now: Now, left: Duration) {
        let told = format!(
            "The new file holds and is undone in {} s unless `farmctl confirm` comes.",
            left.as_secs()
        );
        self.tell(now, Kind::FileWaits, Severity::Warning, told);
    }

    fn undone(&mut self, now: Now, end: &GuardEnd) {
        let how = match end {
            GuardEnd::Disarmed => return,
            GuardEnd::Undone { steps } => format!("{steps} steps"),
            GuardEnd::UndoneInPart { left } => {
                format!("only in part; what is left: {}", left.join("; "))
            }
        };
        let told = format!("Nobody confirmed the new file in time: it was undone, {how}.");
        self.tell(now, Kind::FileRefused, Severity::Warning, told);
        let steps = self.files.undone();
        self.take(now, steps);
    }

    fn confirmed(&mut self, now: Now, result: Result<Confirmation, String>) {
        self.tell_confirmation(&result);
        let told = match result {
            Ok(Confirmation::Confirmed { farm }) => {
                self.files.confirmed();
                format!("Confirmed: {farm} stays as it is.")
            }
            Ok(Confirmation::NothingPending | Confirmation::Void) => return,
            Err(error) => error,
        };
        self.tell(now, Kind::FileAccepted, Severity::Info, told);
    }
}

fn subject(what: &Draining) -> Subject {
    Subject {
        server: what.name.clone(),
        address: Some(what.destination.address),
        ..Subject::default()
    }
}

/// The first five, and how many more.
fn few<T: std::fmt::Display>(items: &[T]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = items.iter().take(SHOWN).map(ToString::to_string).collect();
    match items.len().saturating_sub(SHOWN) {
        0 => shown.join("; "),
        more => format!("{} and {more} more", shown.join("; ")),
    }
}
