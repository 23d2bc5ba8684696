//! `farmctl apply`, and the commands that end it: `confirm` and the guard.

mod guard;
mod report;

use std::collections::BTreeSet;

use super::args::{ApplyArgs, OutputFormat};
use super::compare::Comparison;
use super::diff::{self, View, adopt};
use super::failure::{Failure, code};
use super::session::{Loaded, Session};
use crate::clock::SystemClock;
use crate::dataplane::{self, Failure as Refusal, Ipvs};
use crate::reconcile::{
    self, Mode, Origin, Outcome, Preflight, Progress, Request, Shrink, Store, Surroundings, Target,
    WriterLock,
};
use crate::spec::Place;
use crate::state::{Change, Desired, HostFacts, Plan, State, Subject};
pub(super) use guard::run as guard;
pub(super) use report::{ApplyReport, ConfirmReport};

/// Runs the command.
pub(super) fn run(session: &Session<'_>, args: &ApplyArgs) -> Result<u8, Failure> {
    let loaded = session.load(args.path.as_deref())?;
    let request = request(args);
    // The lock comes before the first look, so that nobody writes in between. A dry run writes
    // nothing and needs none.
    let _lock = match request.mode {
        Mode::Write => Some(WriterLock::take().map_err(failure)?),
        Mode::DryRun => None,
    };
    let comparison = Comparison::live(session, &loaded, request.adopt)?;
    let notes = comparison.desired.notes.iter();
    for note in notes
        .map(|note| note.message.as_str())
        .collect::<BTreeSet<_>>()
    {
        session.out.message(&format!("note: {note}"));
    }
    let host = comparison.observed.host.clone();
    let target = target(&loaded, &comparison);
    let desired = comparison.desired.clone();
    if args.dry_run && session.global.output == OutputFormat::Text {
        diff::show(
            session,
            &loaded,
            &View::of(comparison, args.prune.into(), "live".into()),
        )?;
    }
    let place = |subject: &Subject| place(&loaded, &desired, subject);
    let outcome = engine(session, &request, &target, &host, &place)?;
    show(session, &loaded, &outcome)?;
    Ok(outcome.exit_code())
}

fn request(args: &ApplyArgs) -> Request {
    Request {
        mode: if args.dry_run {
            Mode::DryRun
        } else {
            Mode::Write
        },
        adopt: adopt(args.adopt),
        shrink: if args.allow_shrink {
            Shrink::Allowed
        } else {
            Shrink::Refused
        },
        prune: args.prune.into(),
        drain: args.drain_timeout,
        wait: args.patience(),
        confirm: args.confirm_timeout,
    }
}

fn target(loaded: &Loaded, comparison: &Comparison) -> Target {
    let vips = loaded.farm.vips.values().flat_map(|vip| &vip.addresses);
    Target {
        farm: loaded.farm.farm.to_string(),
        text: loaded.text.clone(),
        state: comparison.desired.state.clone(),
        vips: vips.map(|address| address.address.address).collect(),
    }
}

/// Where the file asks for an object: `services.http, farm.yaml:12`.
fn place(loaded: &Loaded, desired: &Desired, subject: &Subject) -> Option<String> {
    let path = match subject {
        Subject::Service(key) => &desired.services.get(key)?.path,
        Subject::Destination(service, key) => &desired.destinations.get(&(*service, *key))?.path,
        Subject::Address(key) => &desired.addresses.get(key)?.path,
        Subject::Setting(_) | Subject::Marks | Subject::Sync(_) => return None,
    };
    let line = loaded.source.line(&Place::Value(path.clone()));
    Some(format!("{path}, {}:{line}", loaded.name))
}

fn engine(
    session: &Session<'_>,
    request: &Request,
    target: &Target,
    host: &HostFacts,
    place: &dyn Fn(&Subject) -> Option<String>,
) -> Result<Outcome, Failure> {
    let origin = Origin::here().map_err(failure)?;
    let store = Store::at(&session.global.state_dir);
    let mut around = Surroundings {
        plane: &mut Ipvs::open()?,
        store: &store,
        origin: &origin,
        clock: &SystemClock,
        preflight: &mut |live, plan| try_out(live, host, plan, place),
        start_guard: &mut || guard::start(&store),
        place,
        progress: &mut |progress| tell(session, progress),
    };
    reconcile::apply(request, target, &mut around).map_err(failure)
}

/// Tries the plan out on a copy of what the kernel holds.
fn try_out(
    live: &State,
    host: &HostFacts,
    plan: &Plan,
    place: &dyn Fn(&Subject) -> Option<String>,
) -> Preflight {
    let homeless = homeless(plan, host, place);
    if !homeless.is_empty() {
        return Preflight::Failed(homeless);
    }
    match dataplane::rehearse(live, host, &plan.changes) {
        dataplane::Preflight::Passed => Preflight::Passed,
        dataplane::Preflight::Skipped { reason } => Preflight::Skipped(reason),
        dataplane::Preflight::Refused { failures } => {
            Preflight::Failed(failures.iter().map(|it| refusal(it, plan, place)).collect())
        }
        dataplane::Preflight::Different { remaining } => Preflight::Failed(
            remaining
                .iter()
                .map(|change| {
                    format!("The kernel took the plan, and it would still have to {change}.")
                })
                .collect(),
        ),
    }
}

/// Addresses for interfaces that this machine does not have: the rehearsal leaves addresses out.
fn homeless(
    plan: &Plan,
    host: &HostFacts,
    place: &dyn Fn(&Subject) -> Option<String>,
) -> Vec<String> {
    let known: Vec<&str> = host.interfaces.keys().map(String::as_str).collect();
    let sentence = |change: &Change| {
        let Change::AddAddress { key, .. } = change else {
            return None;
        };
        let place = place(&change.subject()).unwrap_or_default();
        (!known.contains(&key.interface.as_str())).then(|| {
            format!(
                "{} goes on {}, and this machine has no such interface; it has {} ({place})",
                key.address,
                key.interface,
                known.join(", "),
            )
        })
    };
    plan.changes.iter().filter_map(sentence).collect()
}

/// Why the kernel refuses a step, and where the file asks for it.
fn refusal(failure: &Refusal, plan: &Plan, place: &dyn Fn(&Subject) -> Option<String>) -> String {
    let change = plan.changes.get(failure.index);
    match change.and_then(|change| place(&change.subject())) {
        Some(place) => format!("{} ({place})", failure.error),
        None => failure.error.to_string(),
    }
}

fn tell(session: &Session<'_>, progress: &Progress) {
    match progress {
        Progress::Note(_) | Progress::RollingBack | Progress::Draining { .. } => {
            session.out.message(&progress.to_string());
        }
        Progress::Steps { .. } | Progress::Verifying => session.out.detail(&progress.to_string()),
    }
}

fn show(session: &Session<'_>, loaded: &Loaded, outcome: &Outcome) -> Result<(), Failure> {
    let report = ApplyReport::of(loaded.farm.farm.as_str(), outcome);
    match session.global.output {
        OutputFormat::Json | OutputFormat::Yaml => session.value(&report),
        OutputFormat::Ops => {
            let lines: Vec<&str> = report.changes.iter().map(|one| one.text.as_str()).collect();
            session.out.result(&lines.join("\n"));
            Ok(())
        }
        OutputFormat::Text => {
            tell_outcome(session, &report, outcome);
            Ok(())
        }
    }
}

fn tell_outcome(session: &Session<'_>, report: &ApplyReport, outcome: &Outcome) {
    if outcome.exit_code() != code::OK {
        session.out.message(&outcome.to_string());
        return;
    }
    for change in &report.changes {
        session.out.detail(&format!("  {}", change.text));
    }
    session.out.detail(&format!(
        "{} writing messages went to the kernel.",
        report.kernel_writes
    ));
    session.out.result(&outcome.to_string());
}

/// `farmctl confirm`: keeps what an `apply --confirm-timeout` did.
pub(super) fn confirm(session: &Session<'_>) -> Result<u8, Failure> {
    let _lock = WriterLock::take().map_err(failure)?;
    let origin = Origin::here().map_err(failure)?;
    let store = Store::at(&session.global.state_dir);
    let confirmation = reconcile::confirm(&store, &origin).map_err(failure)?;
    let report = ConfirmReport::of(&confirmation);
    if session.wants_values() {
        session.value(&report)?;
    } else {
        session.out.result(&report.message);
    }
    Ok(report.exit_code)
}

/// An error before anything was changed: exit code 2.
fn failure(error: impl std::fmt::Display) -> Failure {
    Failure::error(error.to_string())
}
