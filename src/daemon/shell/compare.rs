//! Compares the file with the kernel as it is now, beside the loop.

use crate::api::{DiffReport, Refusal, RefusalKind, Reply, Summary, changes, told};
use crate::clock::{Clock as _, SystemClock};
use crate::daemon::Options;
use crate::daemon::core::{Comparison, Wanted};
use crate::dataplane::{Observation, observe_best};
use crate::reconcile::{
    Accepted, Adopt, Chosen, Origin, Record, Scope, Snapshot, Store, named, own_facts,
};
use crate::spec::DataplaneKind;
use crate::state::{ServiceKey, State, desired_with, plan};

/// Looks at the kernel and answers.
pub(super) fn answer(options: &Options, comparison: Comparison) {
    let Comparison { wanted, reply } = comparison;
    let result = look(options, wanted.as_ref()).and_then(|seen| match wanted {
        Some(wanted) => Ok(Reply::Diff(Box::new(diff(&wanted, seen)))),
        None => snapshot(options, seen).map(|it| Reply::Snapshot(Box::new(it))),
    });
    let _nobody_waits = reply.send(result);
}

/// What is there, and whose it is.
struct Seen {
    observation: Observation,
    record: Record,
    dataplane: DataplaneKind,
}

fn look(options: &Options, wanted: Option<&Wanted>) -> Result<Seen, Refusal> {
    let origin = Origin::here().map_err(failed)?;
    let record = Record::load(&Store::at(&options.state_dir), &origin).map_err(failed)?;
    let of_file = wanted.and_then(|wanted| named(&wanted.farm));
    let chosen = Chosen::of(options.dataplane.or(of_file), &record).map_err(failed)?;
    let observation = observe_best(chosen.kind).map_err(failed)?;
    Ok(Seen {
        observation,
        record,
        dataplane: chosen.kind,
    })
}

fn diff(wanted: &Wanted, mut seen: Seen) -> DiffReport {
    let host = own_facts(&seen.observation.host, &seen.record);
    let node = wanted.node.as_ref();
    let desired = desired_with(&wanted.farm, node, &host, seen.dataplane, &wanted.overlay);
    seen.observation.fill_blind_spots(&desired.state);
    let scope = Scope::of(
        &seen.observation.state,
        &desired.state,
        &seen.record,
        Adopt::No,
    );
    let plan = plan(&scope.ours, &desired.state);
    DiffReport {
        format_version: 1,
        farm: wanted.farm.farm.to_string(),
        node: node.map(ToString::to_string),
        dataplane: Some(seen.dataplane),
        against: "live".to_owned(),
        summary: Summary::of(&plan),
        changes: changes(&plan),
        impact: Vec::new(),
        conflicts: scope.conflicts.iter().map(ToString::to_string).collect(),
        unfinished: scope.unfinished.iter().map(ToString::to_string).collect(),
        foreign: foreign(&scope.foreign),
        overlay: told(&wanted.overlay),
        notes: desired.notes.into_iter().map(|note| note.message).collect(),
        blind_spots: seen
            .observation
            .blind_spots
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}

fn foreign(state: &State) -> Vec<String> {
    state.services.keys().map(ServiceKey::to_string).collect()
}

fn snapshot(options: &Options, seen: Seen) -> Result<Snapshot, Refusal> {
    let accepted = Accepted::load(&Store::at(&options.state_dir)).map_err(failed)?;
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Ok(Snapshot {
        farm: accepted.map(|accepted| accepted.farm),
        kernel: release.trim().to_owned(),
        taken: SystemClock.unix().as_secs(),
        dataplane: seen.dataplane,
        observation: seen.observation,
        record: seen.record,
    })
}

fn failed(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(RefusalKind::Failed, error.to_string())
}
