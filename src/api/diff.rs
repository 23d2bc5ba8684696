//! A comparison as values: what `diff -o json` prints, `apply` repeats and `GET /v1/diff` answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::DataplaneKind;
use crate::state::{Change, Phase, Plan};

/// What `farmctl diff -o json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffReport {
    /// The version of this format; a change that breaks readers raises it.
    pub format_version: u32,
    /// The farm's name.
    pub farm: String,
    /// The node that this machine is; null where the file names no directors.
    pub node: Option<String>,
    /// The data plane of the comparison; null where two versions of the file are compared and leave
    /// the choice to the machine.
    pub dataplane: Option<DataplaneKind>,
    /// What the file was compared with: `live`, a snapshot's or another version's name.
    pub against: String,
    /// How many changes of each kind.
    pub summary: Summary,
    /// The changes, in the order in which `apply` makes them.
    pub changes: Vec<ChangeReport>,
    /// What clients will feel: full sentences.
    pub impact: Vec<String>,
    /// Objects that the file names and somebody else made: `apply` refuses them without `--adopt`.
    pub conflicts: Vec<String>,
    /// Objects of an apply that was killed, which the file does not name; never deleted.
    pub unfinished: Vec<String>,
    /// Services of other makers, never touched.
    pub foreign: Vec<String>,
    /// What bends the file now: health, drains, overrides. It is part of what is wanted, and no
    /// difference.
    #[serde(default)]
    pub overlay: Vec<String>,
    /// What farmctl has to say besides: full sentences.
    pub notes: Vec<String>,
    /// What could not be seen, and why.
    pub blind_spots: Vec<String>,
}

/// How many changes of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// New objects.
    pub add: usize,
    /// Edited objects.
    pub change: usize,
    /// Removed objects.
    pub remove: usize,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeReport {
    /// The kind of the change, such as `set_destination`.
    pub op: String,
    /// The change in words.
    pub text: String,
    /// The phase of the apply in which it is made.
    pub phase: String,
    /// The change with every value before and after.
    pub values: serde_json::Value,
}

impl Summary {
    /// Counts a plan.
    pub fn of(plan: &Plan) -> Self {
        plan.changes
            .iter()
            .fold(Self::default(), |mut summary, change| {
                match change {
                    Change::AddService { .. }
                    | Change::AddDestination { .. }
                    | Change::AddAddress { .. }
                    | Change::StartSync { .. } => summary.add += 1,
                    Change::SetSetting { .. }
                    | Change::SetService { .. }
                    | Change::SetDestination { .. }
                    | Change::SetAddress { .. }
                    | Change::SetMarks { .. } => summary.change += 1,
                    Change::DeleteService { .. }
                    | Change::DeleteDestination { .. }
                    | Change::DeleteAddress { .. }
                    | Change::StopSync { .. } => summary.remove += 1,
                }
                summary
            })
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} to add, {} to change, {} to remove",
            self.add, self.change, self.remove
        )
    }
}

/// The plan's changes as a program reads them.
pub fn changes(plan: &Plan) -> Vec<ChangeReport> {
    plan.phases()
        .map(|(phase, change)| change_report(phase, change))
        .collect()
}

fn change_report(phase: Phase, change: &Change) -> ChangeReport {
    let values = serde_json::to_value(change).unwrap_or_default();
    let op = values["op"].as_str().unwrap_or_default().to_owned();
    ChangeReport {
        op,
        text: change.to_string(),
        phase: phase.to_string(),
        values,
    }
}
