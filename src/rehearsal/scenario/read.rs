//! A scenario's text to a [`Scenario`], with everything that is wrong in one run.
//!
//! Reads no file: the caller has the bytes. Whether a farm.yaml that a step applies is valid is
//! the caller's to find out.

use super::check::Check;
use super::written::WrittenScenario;
use super::{Load, Scenario};
use crate::rehearsal::expect::parse;
use crate::spec::{Farm, Problem, Reading, Severity, SourceText, read_document};

/// What reading a scenario gave.
#[derive(Debug)]
pub struct ScenarioReading {
    /// The scenario; none where there is an error.
    pub scenario: Option<Scenario>,
    /// What is wrong, in the order of the text.
    pub problems: Vec<Problem>,
    /// The text, to show the problems in.
    pub source: SourceText,
}

/// Reads a scenario for a farm; `name` is what messages call the file.
///
/// Never fails: whatever is wrong is in [`ScenarioReading::problems`].
pub fn read(name: &str, bytes: &[u8], farm: &Farm) -> ScenarioReading {
    let reading = read_document::<WrittenScenario>(name, bytes);
    let mut check = Check::new(farm, &reading);
    let scenario = reading
        .value
        .as_ref()
        .map(|written| check.scenario(written));
    let found = check.found();
    let Reading {
        problems, source, ..
    } = reading.with(found);
    let wrong = problems
        .iter()
        .any(|problem| problem.severity == Severity::Error);
    ScenarioReading {
        scenario: scenario.filter(|_| !wrong),
        problems,
        source,
    }
}

/// What is rehearsed without a scenario: ten seconds of load, no steps; nothing may be lost, and
/// every server gets what its weight says.
pub fn default_scenario() -> Scenario {
    let expectations = ["lost: 0", "errors: 0", "shares: by weight"];
    Scenario {
        duration: std::time::Duration::from_secs(10),
        load: Load::default(),
        steps: Vec::new(),
        expect: expectations
            .iter()
            .filter_map(|text| parse(text).ok())
            .map(|parsed| parsed.expectation)
            .collect(),
    }
}
