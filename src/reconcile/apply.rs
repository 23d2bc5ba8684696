//! The engine: from a target to a kernel that holds it, or to the kernel as it was.
//!
//! ```text
//! unconfirmed change? -> observe -> leftover journal -> whose is what -> guards -> plan
//!   -> preflight -> intents, journal (disk) -> drain -> steps, phase by phase -> read back
//!   -> record, accepted file (disk)            or, after a failure: roll back, read back
//! ```
//!
//! An error means that nothing was changed; everything later ends in an [`Outcome`].

use crate::clock::Clock;
use crate::dataplane::Failure;
use crate::dataplane::{self, Removal};
use crate::state::plan;

use super::confirm::{self, GuardEnd, Pending};
use super::guards::{Shrink, check_cut, check_shrinking};
use super::journal::Leftover;
use super::run::{Prepared, Run};
use super::{
    Accepted, Digest, Error, FileNews, Footprint, Journal, Mode, Origin, Outcome, Preflight,
    Progress, Record, Refusal, Rejected, Remaining, Report, Request, Scope, Store, Surroundings,
    Target, drain,
};

/// Makes the kernel hold the target, as asked.
///
/// The caller holds the writer lock of the network namespace unless it is a dry run.
pub fn apply(
    request: &Request,
    target: &Target,
    around: &mut Surroundings<'_>,
) -> Result<Outcome, Error> {
    if request.remaining == Remaining::Reset && around.plane.removal() == Removal::Cuts {
        return Err(dataplane::Error::NoReset.into());
    }
    if request.mode == Mode::Write {
        around.store.prepare()?;
    }
    let mut refusals = match request.file {
        FileNews::New => check_pending(request, target, around)?,
        FileNews::Same => Vec::new(),
    };
    if !refusals.is_empty() {
        return Ok(Outcome::Refused(refusals));
    }
    let accepted = match request.file {
        FileNews::New => Accepted::load(around.store)?,
        FileNews::Same => None,
    };
    let (prepared, scope) = look(request, target, around)?;
    if !scope.conflicts.is_empty() {
        return Ok(Outcome::Conflict(scope.conflicts));
    }
    refusals.extend(check_guards(request, target, &prepared, accepted.as_ref()));
    if !refusals.is_empty() {
        return Ok(Outcome::Refused(refusals));
    }
    let mut prepared = prepared;
    match preflight(&prepared, around)? {
        Preflight::Passed => {}
        Preflight::Skipped(reason) => prepared.report.notes.push(reason),
        Preflight::Failed(failures) => return Ok(Outcome::PreflightFailed(failures)),
    }
    match request.mode {
        Mode::DryRun => Ok(Outcome::Planned(prepared.report)),
        Mode::Write => Run::begin(request, target, around, prepared),
    }
}

/// Everything that speaks against a new file before the kernel is compared with it: what waits for
/// its confirmation, what was undone before, and the guards against the accepted file. For a run
/// that touches only servers of services that are ours, and is not undone as a whole.
pub(super) fn speaks_against(
    request: &Request,
    target: &Target,
    around: &Ground<'_>,
) -> Result<Vec<Refusal>, Error> {
    let mut refusals = unsettled(target, around)?;
    if request.shrink == Shrink::Refused
        && let Some(accepted) = Accepted::load(around.store)?
    {
        refusals.extend(check_cut(&accepted.text, &target.text));
        let after = target.footprint(&target.state);
        refusals.extend(check_shrinking(&accepted.footprint, &after));
    }
    Ok(refusals)
}

/// What a new file is judged by, beside the kernel.
pub(super) struct Ground<'a> {
    pub(super) store: &'a Store,
    pub(super) origin: &'a Origin,
    pub(super) clock: &'a dyn Clock,
}

/// An unconfirmed change comes first: it is undone where it is due, and in the way where not.
fn check_pending(
    request: &Request,
    target: &Target,
    around: &mut Surroundings<'_>,
) -> Result<Vec<Refusal>, Error> {
    if request.mode == Mode::Write {
        let Surroundings {
            store,
            origin,
            clock,
            plane,
            ..
        } = around;
        if let Some(end) = confirm::undo_if_due(store, origin, *clock, *plane)? {
            (around.progress)(&Progress::Note(explain(&end)));
        }
    }
    unsettled(
        target,
        &Ground {
            store: around.store,
            origin: around.origin,
            clock: around.clock,
        },
    )
}

/// What earlier files left that stands in the way of this one.
fn unsettled(target: &Target, around: &Ground<'_>) -> Result<Vec<Refusal>, Error> {
    let pending = Pending::load(around.store)?.filter(|pending| pending.origin == *around.origin);
    let unconfirmed = pending.map(|pending| Refusal::Unconfirmed {
        farm: pending.farm.clone(),
        seconds: pending.left(around.clock).as_secs(),
    });
    let file = Digest::of(target.text.as_bytes());
    let known = Rejected::load(around.store)?.contains(&file);
    let rejected = known.then_some(Refusal::Rejected { file });
    Ok(unconfirmed.into_iter().chain(rejected).collect())
}

fn explain(end: &GuardEnd) -> String {
    match end {
        GuardEnd::Disarmed => "The unconfirmed change was confirmed.".to_owned(),
        GuardEnd::Undone { steps } => format!(
            "An earlier change was never confirmed and its deadline has passed: it was undone now \
             in {steps} steps."
        ),
        GuardEnd::UndoneInPart { left } => format!(
            "An earlier change was never confirmed and its deadline has passed: it was undone now, \
             but only in part. What is left: {}",
            left.join("; ")
        ),
    }
}

/// Reads the kernel and the disk, and compares.
fn look(
    request: &Request,
    target: &Target,
    around: &mut Surroundings<'_>,
) -> Result<(Prepared, Scope), Error> {
    let journal = Journal::load(around.store)?;
    let record = Record::load(around.store, around.origin)?.on(around.plane.kind())?;
    let observed = around.plane.observe()?;
    if !observed.blind_spots.is_empty() {
        let spots = observed.blind_spots.iter().map(ToString::to_string);
        return Err(Error::Blind(spots.collect::<Vec<_>>().join(" ")));
    }
    let mut report = Report::default();
    if let Some(journal) = &journal {
        let leftover = journal.judge(around.origin, &observed.state, &target.state);
        report.notes.extend(tell(journal, &leftover, around));
    }
    let scope = Scope::of(&observed.state, &target.state, &record, request.adopt);
    let desired = target.effective(&scope.ours, request.prune);
    let plan = plan(&scope.ours, &desired);
    report.plan = plan.clone();
    report.unfinished.clone_from(&scope.unfinished);
    let end = drain::End::of(around.plane, request);
    report.cut = drain::cuts(&drain::leaving(&scope.ours, &desired), &observed, end);
    let prepared = Prepared {
        observed,
        record,
        before: scope.ours.clone(),
        desired,
        plan,
        journal_left: journal.is_some(),
        report,
    };
    Ok((prepared, scope))
}

fn tell(journal: &Journal, leftover: &Leftover, around: &mut Surroundings<'_>) -> Option<String> {
    let told = journal.explain(leftover);
    (around.progress)(&Progress::Note(told.clone()));
    (*leftover != Leftover::Void).then_some(told)
}

fn check_guards(
    request: &Request,
    target: &Target,
    prepared: &Prepared,
    accepted: Option<&Accepted>,
) -> Vec<Refusal> {
    if request.shrink == Shrink::Allowed || request.file == FileNews::Same {
        return Vec::new();
    }
    let cut = accepted.and_then(|accepted| check_cut(&accepted.text, &target.text));
    let before = accepted.map_or_else(
        || Footprint::of(&prepared.before),
        |accepted| accepted.footprint.clone(),
    );
    let shrinking = check_shrinking(&before, &target.footprint(&prepared.desired));
    cut.into_iter().chain(shrinking).collect()
}

fn preflight(prepared: &Prepared, around: &mut Surroundings<'_>) -> Result<Preflight, Error> {
    let changes = &prepared.plan.changes;
    if changes.is_empty() {
        return Ok(Preflight::Passed);
    }
    let objections = around.plane.objections(changes)?;
    if objections.is_empty() {
        return Ok((around.preflight)(&prepared.observed.state, &prepared.plan));
    }
    let told = |objection: &Failure| {
        let change = changes.get(objection.index);
        match change.and_then(|change| (around.place)(&change.subject())) {
            Some(place) => format!("{} ({place})", objection.error),
            None => objection.error.to_string(),
        }
    };
    Ok(Preflight::Failed(objections.iter().map(told).collect()))
}
