//! How an apply ended, as values: what `farmctl apply -o json` prints and `POST /v1/apply` answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::reconcile::Outcome;
use crate::spec::DataplaneKind;
use crate::state::Plan;

use super::{ChangeReport, changes};

/// What `farmctl apply -o json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplyReport {
    /// The version of this format; a change that breaks readers raises it.
    pub format_version: u32,
    /// The farm's name.
    pub farm: String,
    /// The data plane that was written to.
    pub dataplane: DataplaneKind,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// How many writing messages went to the kernel.
    pub kernel_writes: u64,
    /// The changes that were made, would be made, or still remain, by the outcome.
    pub changes: Vec<ChangeReport>,
    /// What else a person is told: full sentences.
    pub messages: Vec<String>,
}

/// How an apply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// A dry run: nothing was changed.
    Planned,
    /// The kernel holds what the file asks for.
    Converged,
    /// The kernel would refuse the plan; nothing was changed.
    PreflightFailed,
    /// A step failed; everything is as it was before.
    RolledBack,
    /// Every step was taken, and it is not as wanted yet.
    NotConverged,
    /// The file names objects of other makers; nothing was changed.
    Conflict,
    /// A guard refused the file; nothing was changed.
    Refused,
    /// A step failed, and not everything could be undone.
    RolledBackInPart,
}

impl ApplyReport {
    /// The values of an outcome.
    pub fn of(farm: &str, dataplane: DataplaneKind, outcome: &Outcome) -> Self {
        let (kind, plan, writes) = match outcome {
            Outcome::Planned(report) => (OutcomeKind::Planned, Some(&report.plan), report.writes),
            Outcome::Converged(report) => {
                (OutcomeKind::Converged, Some(&report.plan), report.writes)
            }
            Outcome::PreflightFailed(_) => (OutcomeKind::PreflightFailed, None, 0),
            Outcome::RolledBack { .. } => (OutcomeKind::RolledBack, None, 0),
            Outcome::NotConverged { remaining, .. } => {
                (OutcomeKind::NotConverged, Some(remaining), 0)
            }
            Outcome::Conflict(_) => (OutcomeKind::Conflict, None, 0),
            Outcome::Refused(_) => (OutcomeKind::Refused, None, 0),
            Outcome::RolledBackInPart { .. } => (OutcomeKind::RolledBackInPart, None, 0),
        };
        Self {
            format_version: 1,
            farm: farm.to_owned(),
            dataplane,
            outcome: kind,
            exit_code: outcome.exit_code(),
            kernel_writes: writes,
            changes: changes(plan.unwrap_or(&Plan::default())),
            messages: outcome
                .to_string()
                .lines()
                .map(|line| line.trim().to_owned())
                .collect(),
        }
    }
}
