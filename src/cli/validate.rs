//! `farmctl validate`: every mistake of every file at once.

use std::path::PathBuf;

use super::args::ValidateArgs;
use super::failure::{Failure, code};
use super::files;
use super::session::{self, Session};
use crate::spec::{Reading, report};

/// Runs the command. 0: all valid; 1: problems; 2: a file that can't be read.
pub fn run(session: &Session<'_>, args: &ValidateArgs) -> Result<u8, Failure> {
    let mut readings = Vec::new();
    for path in paths(session, args) {
        let text = files::read(&path)?;
        readings.push(session::read(&text.name, &text.bytes));
    }
    show(session, &readings)?;
    let failed = readings.iter().any(|reading| session::has_error(&reading.problems));
    Ok(if failed { code::DIFFERENT } else { code::OK })
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
        let files: Vec<_> =
            readings.iter().map(|one| report::to_json(&one.problems, &one.source)).collect();
        return session.value(&serde_json::json!({ "format_version": 1, "files": files }));
    }
    for reading in readings {
        if !reading.problems.is_empty() {
            let style = session::style(session.out.message_paint);
            session.out.message(&report::render(&reading.problems, &reading.source, style));
        }
        if !session::has_error(&reading.problems) {
            session.out.result(&format!("{} is valid", reading.source.name()));
        }
    }
    Ok(())
}
