//! `farmctl validate`: every mistake of every file at once.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::ValidateArgs;
use super::failure::{Failure, code};
use super::files;
use super::session::{self, Session};
use crate::spec::{Reading, report};

/// What `farmctl validate -o json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct ValidateReport {
    /// The version of this format; a change that breaks readers raises it.
    pub format_version: u32,
    /// Each file, in the order of the command line.
    pub files: Vec<FileReport>,
}

/// What is wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct FileReport {
    /// The version of this format.
    pub format_version: u32,
    /// The file's name.
    pub file: String,
    /// How many problems are errors: 0 means valid.
    pub errors: usize,
    /// How many problems are warnings.
    pub warnings: usize,
    /// The problems, in the order of the text.
    pub problems: Vec<ProblemReport>,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct ProblemReport {
    /// `error` or `warning`.
    pub severity: String,
    /// The kind; docs/problems.md lists them.
    pub code: String,
    /// What is wrong, one sentence.
    pub message: String,
    /// What stands under the caret.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
    /// Other places that belong to it.
    pub related: Vec<RelatedReport>,
    /// The file's name.
    pub file: String,
    /// The path in the file, such as `services.http.port`.
    pub path: String,
    /// The first line, from 1.
    pub line: usize,
    /// The first column in characters, from 1.
    pub column: usize,
    /// The last line.
    pub end_line: usize,
    /// The column behind the last character.
    pub end_column: usize,
}

/// A place that belongs to a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct RelatedReport {
    /// Why it belongs to it.
    pub message: String,
    /// The file's name.
    pub file: String,
    /// The path in the file.
    pub path: String,
    /// The first line, from 1.
    pub line: usize,
    /// The first column in characters, from 1.
    pub column: usize,
    /// The last line.
    pub end_line: usize,
    /// The column behind the last character.
    pub end_column: usize,
}

/// Runs the command. 0: all valid; 1: problems; 2: a file that can't be read.
pub(super) fn run(session: &Session<'_>, args: &ValidateArgs) -> Result<u8, Failure> {
    let mut readings = Vec::new();
    let mut unreadable = None;
    for path in paths(session, args) {
        match files::read(&path) {
            Ok(text) => readings.push(session::read(&text.name, &text.bytes)),
            Err(failure) => {
                session.out.message(&format!("error: {failure}"));
                unreadable = Some(Failure::silent(failure.code));
            }
        }
    }
    show(session, &readings)?;
    let failed = readings
        .iter()
        .any(|reading| session::has_error(&reading.problems));
    match unreadable {
        Some(failure) => Err(failure),
        None if failed => Ok(code::DIFFERENT),
        None => Ok(code::OK),
    }
}

fn paths(session: &Session<'_>, args: &ValidateArgs) -> Vec<PathBuf> {
    if args.files.is_empty() {
        vec![files::chosen(None, session.global.file.as_deref())]
    } else {
        args.files.clone()
    }
}

fn show(session: &Session<'_>, readings: &[Reading]) -> Result<(), Failure> {
    if session.wants_values() {
        return session.value(&values(readings)?);
    }
    for reading in readings {
        if !reading.problems.is_empty() {
            let style = session::style(session.out.message_paint);
            session
                .out
                .message(&report::render(&reading.problems, &reading.source, style));
        }
        if !session::has_error(&reading.problems) {
            session
                .out
                .result(&format!("{} is valid", reading.source.name()));
        }
    }
    Ok(())
}

/// The problems as the schema promises them.
fn values(readings: &[Reading]) -> Result<ValidateReport, Failure> {
    let files: Result<Vec<FileReport>, _> = readings
        .iter()
        .map(|one| serde_json::from_value(report::to_json(&one.problems, &one.source)))
        .collect();
    let files = files.map_err(|error| Failure::error(format!("output failed: {error}")))?;
    Ok(ValidateReport {
        format_version: 1,
        files,
    })
}
