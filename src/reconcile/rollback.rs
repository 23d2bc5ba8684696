//! Goes back to what was ours before a run, from wherever it stopped.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::clock::Clock;
use crate::dataplane::{self, Atomicity, Dataplane};
use crate::state::{Change, Plan, State, plan};

use super::key::only;
use super::ledger::Ledger;

/// How often a rollback looks, and mends what is left.
const TRIES: usize = 3;
/// How long it waits before it looks again.
const PAUSE: Duration = Duration::from_millis(100);

/// How a rollback ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undone {
    /// Everything is as it was.
    Fully {
        /// The steps that this took, a line each.
        steps: Vec<String>,
    },
    /// Something is not.
    InPart {
        /// What, a line each.
        left: Vec<String>,
        /// What the kernel holds now.
        now: State,
    },
    /// The kernel can't be read any more.
    Blind(dataplane::Error),
}

/// The part of an observed state that a run may touch: what was ours before, what it made, and
/// the settings that it looked at.
pub(super) fn own_part(observed: &State, before: &State, ledger: &Ledger) -> State {
    let mut part = only(observed, |key| {
        key.is_in(before) || ledger.made.contains(key)
    });
    for setting in before.settings.keys() {
        let value = observed.settings.get(setting);
        let seen = value.map(|value| (setting.clone(), *value));
        part.settings.extend(seen);
    }
    part
}

/// Undoes a run: plans from what is there now to what was ours before, and looks again.
pub(super) fn roll_back(
    plane: &mut dyn Dataplane,
    clock: &dyn Clock,
    before: &State,
    ledger: &Ledger,
) -> Undone {
    let mut steps = Vec::new();
    let mut trouble = Vec::new();
    let mut attempt = 0;
    loop {
        if attempt > 1 {
            clock.sleep(PAUSE);
        }
        let now = match plane.observe() {
            Ok(observation) => observation.state,
            Err(error) => return Undone::Blind(error),
        };
        let rest = way_back(&now, before, ledger);
        if rest.is_empty() {
            return Undone::Fully { steps };
        }
        if attempt == TRIES {
            return in_part(&rest, trouble, now);
        }
        attempt += 1;
        trouble.clear();
        match plane.atomicity() {
            Atomicity::Whole => steps.extend(execute(plane, &rest.changes, &mut trouble)),
            Atomicity::Steps => {
                for (_, batch) in rest.batches() {
                    steps.extend(execute(plane, batch, &mut trouble));
                }
            }
        }
    }
}

fn way_back(now: &State, before: &State, ledger: &Ledger) -> Plan {
    let mut rest = plan(&own_part(now, before, ledger), before);
    rest.changes.extend(ledger.stray_removals(now));
    rest
}

fn in_part(rest: &Plan, trouble: Vec<String>, now: State) -> Undone {
    let undone = rest
        .changes
        .iter()
        .map(|change| format!("still to do: {change}"));
    let left = undone.chain(trouble).collect();
    Undone::InPart { left, now }
}

/// Carries out what it can; a failure of one step must not keep the others from being tried.
/// Returns the steps that were taken.
fn execute(plane: &mut dyn Dataplane, batch: &[Change], trouble: &mut Vec<String>) -> Vec<String> {
    match plane.execute(batch) {
        Ok(failures) => {
            let causes = failures.iter().filter(|failure| failure.is_cause());
            trouble.extend(causes.map(|failure| failure.error.to_string()));
            let failed: BTreeSet<usize> = failures.iter().map(|failure| failure.index).collect();
            let steps = batch.iter().enumerate();
            let taken = steps.filter(|(index, _)| !failed.contains(index));
            taken.map(|(_, change)| change.to_string()).collect()
        }
        Err(error) => {
            trouble.push(error.to_string());
            Vec::new()
        }
    }
}
