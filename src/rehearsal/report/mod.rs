//! What a rehearsal found, for people and for tools.
//!
//! Made from a record and from what the stage did; prints nothing. [`Report`] is what `-o json`
//! gives (`schemas/rehearsal.schema.json`); [`text()`] and the picture are made from it. Called by
//! `cli`.

mod build;
mod series;
mod text;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use text::headline;
pub use text::text;

use super::record::Record;
use super::scenario::{Scenario, StepOutcome};
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

/// What a report is made from.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// The farm's name.
    pub farm: &'a str,
    /// What forwarded the packets: `ipvs` or `nftables`.
    pub dataplane: &'a str,
    /// What was to happen.
    pub scenario: &'a Scenario,
    /// What the clients saw.
    pub record: &'a Record,
    /// What happened.
    pub events: &'a [Event],
    /// The weights in the beginning.
    pub weights: &'a Weights,
    /// What an operator should know about how the farm was rehearsed, in full sentences.
    pub notes: &'a [String],
    /// Whether somebody ended it before its time.
    pub interrupted: bool,
}

/// What a rehearsal found. Times are in milliseconds from the beginning of the load, lengths in
/// milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The version of this format; a change that breaks readers raises it.
    pub format_version: u32,
    /// The farm's name.
    pub farm: String,
    /// What forwarded the packets: `ipvs` or `nftables`.
    pub dataplane: String,
    /// What came of it.
    pub outcome: Outcome,
    /// How long there was load.
    pub duration_ms: u64,
    /// Each service that had load.
    pub services: Vec<ServiceReport>,
    /// Each step that was done, in the order of time.
    pub steps: Vec<StepReport>,
    /// Each expectation, in the order of the scenario.
    pub expectations: Vec<ExpectationReport>,
    /// What an operator should know about how the farm was rehearsed, in full sentences.
    pub notes: Vec<String>,
    /// Requests over time.
    pub timeline: Timeline,
}

/// What came of a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every step was done and every expectation held.
    Held,
    /// A step or an expectation failed.
    Failed,
    /// Somebody ended it early; expectations are judged on what was seen until then.
    Interrupted,
}

/// What clients saw of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceReport {
    /// Its name.
    pub service: String,
    /// Requests that were due: new connections, requests on open ones, downloads.
    pub requests: u64,
    /// Rightly answered.
    pub answered: u64,
    /// Not answered.
    pub lost: u64,
    /// Wrongly answered.
    pub wrong: u64,
    /// Why requests were lost or answered wrongly, the most frequent first.
    pub failures: Vec<Failure>,
    /// The longest time in which requests were due and none was answered.
    pub longest_gap: GapReport,
    /// Half of the requests took no longer; null where nothing was answered.
    pub p50_ms: Option<f64>,
    /// 99 of 100 requests took no longer; null where nothing was answered.
    pub p99_ms: Option<f64>,
    /// Connections that stay open, and what became of those that were open at a step.
    pub kept: Kept,
    /// Who answered new connections.
    pub servers: Vec<ServerReport>,
}

/// One reason of failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The reason: `refused`, `timed out`, `status 503`.
    pub reason: String,
    /// How many requests.
    pub count: u64,
}

/// A gap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GapReport {
    /// When it began.
    pub at_ms: f64,
    /// How long it was.
    pub length_ms: f64,
}

/// What became of connections that were open when a step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kept {
    /// How many were open (without steps: how many were opened).
    pub open: u64,
    /// How many of them went on to the end.
    pub kept: u64,
}

/// One server's part of a service's new connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerReport {
    /// The server, as its answers name it.
    pub server: String,
    /// The new connections that it answered.
    pub connections: u64,
    /// Its part of those that were answered, from 0 to 1.
    pub share: f64,
    /// What its weights over time make of it; null where weights say nothing of it.
    pub by_weight: Option<f64>,
}

/// A step as it was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepReport {
    /// When it was to be done.
    pub planned_ms: f64,
    /// When it began.
    pub at_ms: f64,
    /// How long it took.
    pub took_ms: f64,
    /// What it is.
    pub what: String,
    /// The scenario's note.
    pub note: Option<String>,
    /// Why it could not be done; null where it was.
    pub failure: Option<String>,
}

/// An expectation and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectationReport {
    /// As it is written.
    pub expectation: String,
    /// Whether it held.
    pub held: bool,
    /// What was measured, and by how much it is off.
    pub measured: String,
}

/// Requests over time, in buckets of equal length. Downloads are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// The length of a bucket.
    pub bucket_ms: u64,
    /// Each service.
    pub services: Vec<ServiceSeries>,
}

/// A service over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceSeries {
    /// Its name.
    pub service: String,
    /// Each server that answered.
    pub servers: Vec<ServerSeries>,
    /// Requests without an answer, by when they were due.
    pub lost: Vec<u32>,
    /// Requests with a wrong answer, by when they were due.
    pub wrong: Vec<u32>,
}

/// A server over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerSeries {
    /// The server.
    pub server: String,
    /// Requests that it answered, by when the answer came.
    pub answered: Vec<u32>,
}

/// The JSON Schema of a [`Report`], draft-07.
pub fn report_schema() -> serde_json::Value {
    schemars::generate::SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<Report>()
        .to_value()
}

#[cfg(test)]
pub(super) mod samples;
#[cfg(test)]
mod tests;
