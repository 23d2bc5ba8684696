//! `farmctl apply`, and the commands that end it: `confirm` and the guard.

mod beside;
mod guard;
mod places;
mod report;

use std::collections::BTreeSet;

use super::args::{ApplyArgs, OutputFormat};
use super::compare::{Comparison, Known};
use super::diff::{self, View, adopt};
use super::failure::{Failure, code};
use super::plane;
use super::session::{Loaded, Session};
use crate::api::ApplyReport;
use crate::clock::SystemClock;
use crate::dataplane::{self, Dataplane, Seen};
use crate::reconcile::{
    self, FileNews, Mode, Origin, Outcome, Progress, Remaining, Request, Shrink, Store,
    Surroundings, Target, WriterLock,
};
use crate::spec::DataplaneKind;
use crate::state::{HostFacts, Subject};
pub(super) use guard::run as guard;
use places::Places;
pub(super) use report::ConfirmReport;

/// Runs the command.
pub(super) fn run(session: &Session<'_>, args: &ApplyArgs) -> Result<u8, Failure> {
    let loaded = session.load(args.path.as_deref())?;
    let request = request(args);
    match request.mode {
        Mode::Write => match WriterLock::take() {
            Ok(_lock) => write(session, loaded, &request),
            Err(busy) => beside::run(session, loaded, args, busy),
        },
        Mode::DryRun => dry_run(session, &loaded, args, &request),
    }
}

/// The caller has the right to write: it comes before the first look, so that nobody writes in
/// between.
fn write(session: &Session<'_>, mut loaded: Loaded, request: &Request) -> Result<u8, Failure> {
    let known = Known::here(session)?;
    let chosen = plane::for_file(session, &loaded, &known.record)?;
    let mut plane = dataplane::open(chosen.kind)?;
    let observed = plane.observe()?;
    let adopt = request.adopt;
    let comparison = Comparison::read(session, &loaded, known, &chosen, observed, adopt)?;
    tell_notes(session, &comparison);
    let text = std::mem::take(&mut loaded.text);
    // What only `diff` shows is dropped here: the run needs the memory.
    let Comparison {
        mut desired,
        observed,
        ..
    } = comparison;
    let target = Target::of(&loaded.farm, text, std::mem::take(&mut desired.state));
    let places = Places::new(&loaded.name, &target.text, &desired);
    let host = observed.host.clone();
    let mut plane = Seen::new(plane, observed);
    let outcome = engine(session, request, &target, &host, &places, &mut plane)?;
    show(session, &loaded, chosen.kind, &outcome)?;
    Ok(outcome.exit_code())
}

/// Writes nothing and needs no lock.
fn dry_run(
    session: &Session<'_>,
    loaded: &Loaded,
    args: &ApplyArgs,
    request: &Request,
) -> Result<u8, Failure> {
    let comparison = Comparison::live(session, loaded, request.adopt)?;
    tell_notes(session, &comparison);
    let dataplane = comparison.dataplane;
    let host = comparison.observed.host.clone();
    let desired = comparison.desired.clone();
    let target = Target::of(&loaded.farm, loaded.text.clone(), desired.state.clone());
    let places = Places::new(&loaded.name, &target.text, &desired);
    if session.global.output == OutputFormat::Text {
        let view = View::of(comparison, args.prune.into(), "live".into());
        diff::show(session, loaded, &view)?;
    }
    let outcome = engine(
        session,
        request,
        &target,
        &host,
        &places,
        &mut *dataplane::open(dataplane)?,
    )?;
    show(session, loaded, dataplane, &outcome)?;
    Ok(outcome.exit_code())
}

fn tell_notes(session: &Session<'_>, comparison: &Comparison) {
    let notes = comparison.desired.notes.iter();
    let notes: BTreeSet<&str> = notes.map(|note| note.message.as_str()).collect();
    for note in notes {
        session.out.message(&format!("note: {note}"));
    }
}

fn request(args: &ApplyArgs) -> Request {
    Request {
        mode: if args.dry_run {
            Mode::DryRun
        } else {
            Mode::Write
        },
        file: FileNews::New,
        adopt: adopt(args.adopt),
        shrink: if args.allow_shrink {
            Shrink::Allowed
        } else {
            Shrink::Refused
        },
        prune: args.prune.into(),
        drain: args.drain_timeout,
        remaining: if args.reset_remaining {
            Remaining::Reset
        } else {
            Remaining::Leave
        },
        wait: args.patience(),
        confirm: args.confirm_timeout,
    }
}

fn engine(
    session: &Session<'_>,
    request: &Request,
    target: &Target,
    host: &HostFacts,
    places: &Places<'_>,
    plane: &mut dyn Dataplane,
) -> Result<Outcome, Failure> {
    let origin = Origin::here().map_err(Failure::of)?;
    let store = Store::at(&session.global.state_dir);
    let at = &|subject: &Subject| places.of(subject);
    let dataplane = plane.kind();
    let mut around = Surroundings {
        plane,
        store: &store,
        origin: &origin,
        clock: &SystemClock,
        preflight: &mut |live, plan| reconcile::try_out(dataplane, live, host, plan, at),
        start_guard: &mut || guard::start(&store),
        place: at,
        progress: &mut |progress| tell(session, progress),
    };
    reconcile::apply(request, target, &mut around)
        .map_err(|error| Failure::error(format!("nothing was applied: {error}")))
}

fn tell(session: &Session<'_>, progress: &Progress) {
    match progress {
        Progress::Note(_) | Progress::RollingBack | Progress::Draining { .. } => {
            session.out.message(&progress.to_string());
        }
        Progress::Steps { .. } | Progress::Transaction { .. } | Progress::Verifying => {
            session.out.detail(&progress.to_string());
        }
    }
}

fn show(
    session: &Session<'_>,
    loaded: &Loaded,
    dataplane: DataplaneKind,
    outcome: &Outcome,
) -> Result<(), Failure> {
    let report = || ApplyReport::of(loaded.farm.farm.as_str(), dataplane, outcome);
    match session.global.output {
        OutputFormat::Json | OutputFormat::Yaml => return session.value(&report()),
        OutputFormat::Ops => {
            let report = report();
            let lines: Vec<&str> = report.changes.iter().map(|one| one.text.as_str()).collect();
            session.out.result(&lines.join("\n"));
        }
        OutputFormat::Text if outcome.exit_code() != code::OK => {
            session.out.message(&outcome.to_string());
        }
        OutputFormat::Text => {
            if session.global.verbose {
                tell_changes(session, &report());
            }
            session.out.result(&outcome.to_string());
        }
    }
    Ok(())
}

fn tell_changes(session: &Session<'_>, report: &ApplyReport) {
    for change in &report.changes {
        session.out.detail(&format!("  {}", change.text));
    }
    session.out.detail(&format!(
        "{} writing messages went to the kernel (dataplane: {}).",
        report.kernel_writes, report.dataplane
    ));
}

/// `farmctl confirm`: keeps what an `apply --confirm-timeout` did.
pub(super) fn confirm(session: &Session<'_>) -> Result<u8, Failure> {
    let _lock = match WriterLock::take() {
        Ok(lock) => lock,
        Err(busy) => return beside::confirm(session, busy),
    };
    let origin = Origin::here().map_err(Failure::of)?;
    let store = Store::at(&session.global.state_dir);
    let confirmation = reconcile::confirm(&store, &origin).map_err(Failure::of)?;
    let report = ConfirmReport::of(&confirmation);
    if session.wants_values() {
        session.value(&report)?;
    } else {
        session.out.result(&report.message);
    }
    Ok(report.exit_code)
}
