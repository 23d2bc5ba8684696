//! `farmctl status`: what is so now, and why it is not what the file says.

pub(super) mod report;
mod text;

use super::args::StatusArgs;
use super::compare::Comparison;
use super::failure::{Failure, code};
use super::names::Names;
use super::session::Session;
use crate::reconcile::Adopt;
use report::StatusReport;

/// The exit code of a monitoring plugin that can't tell.
const UNKNOWN: u8 = 3;

/// Runs the command. With `--check` the exit code is that of a monitoring plugin.
pub(super) fn run(session: &Session<'_>, args: &StatusArgs) -> Result<u8, Failure> {
    let result = look(session, args);
    if !args.check {
        show(session, &result?)?;
        return Ok(code::OK);
    }
    match result {
        Ok(report) => {
            session.out.result(&text::plugin_line(&report));
            Ok(report.health.plugin_code())
        }
        Err(failure) => {
            let why = match failure.message.as_str() {
                "" => "the file has mistakes; `farmctl validate` shows them",
                message => message,
            };
            session.out.result(&format!("FARM UNKNOWN: {why}"));
            Ok(UNKNOWN)
        }
    }
}

fn look(session: &Session<'_>, args: &StatusArgs) -> Result<StatusReport, Failure> {
    let loaded = session.load(args.path.as_deref())?;
    let comparison = Comparison::live(session, &loaded, Adopt::No)?;
    let desired = comparison.desired;
    let mut report = report::report(
        loaded.farm.farm.as_str(),
        comparison.dataplane,
        &desired.state,
        &comparison.observed,
        comparison.scope.foreign.services.len(),
        &Names::new(desired.services, desired.destinations),
    );
    let notes = desired.notes.into_iter();
    report.notes.extend(notes.map(|note| note.message));
    report.notes.extend(comparison.notes);
    Ok(report)
}

fn show(session: &Session<'_>, report: &StatusReport) -> Result<(), Failure> {
    if session.wants_values() {
        return session.value(report);
    }
    session.out.result(&text::render(report, session.out.paint));
    Ok(())
}
