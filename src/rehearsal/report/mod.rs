//! What a rehearsal found, for people and for tools.
//!
//! Made from a record and from what the stage did; prints nothing. Called by the stage and `cli`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::scenario::StepOutcome;
pub use super::weights::Weights;

/// A step as it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it was to be done, from the beginning of the load.
    pub planned: Duration,
    /// When it began.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
    /// What it is, short: `weight of web1 in http: 3`.
    pub what: String,
    /// The scenario's note.
    pub note: Option<String>,
    /// How it went.
    pub outcome: StepOutcome,
    /// The weights that hold from its end on, where it changed them.
    pub weights: Option<Weights>,
}
