//! `farmctl status`: what is so now, and why it is not what the file says.
//!
//! Where a daemon runs it is asked: only it knows how real servers are. Else this command looks
//! for itself, and can tell what the kernel holds.

mod daemon;
pub(super) mod report;
mod text;
mod why;

use std::time::Duration;

use schemars::JsonSchema;

use super::args::StatusArgs;
use super::compare::Comparison;
use super::failure::{Failure, code};
use super::names::Names;
use super::remote::{Daemon, Trouble};
use super::session::Session;
use crate::api::Status;
use crate::clock::{Clock as _, SystemClock};
use crate::reconcile::Adopt;
use crate::state::Overlay;
use report::StatusReport;

/// The exit code of a monitoring plugin that can't tell.
const UNKNOWN: u8 = 3;
/// How often `--watch` shows it.
const AGAIN: Duration = Duration::from_secs(1);

/// Who tells.
enum Told {
    /// A daemon.
    Daemon(Box<Status>),
    /// This command, which looked for itself.
    Kernel(Box<StatusReport>),
}

/// What `farmctl status -o json` prints: with `daemon` where one runs, else without.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum StatusOutput {
    /// What a daemon knows.
    Daemon(Box<Status>),
    /// What was looked at without a daemon.
    Kernel(Box<StatusReport>),
}

/// Runs the command. With `--check` the exit code is that of a monitoring plugin.
pub(super) fn run(session: &Session<'_>, args: &StatusArgs) -> Result<u8, Failure> {
    if args.watch {
        return watch(session, args);
    }
    if let Some(server) = &args.why {
        return why(session, args, server);
    }
    let result = ask(session, args);
    if args.check {
        return Ok(check(session, &result));
    }
    match result? {
        Told::Daemon(status) => show_daemon(session, &status)?,
        Told::Kernel(report) => show(session, &report)?,
    }
    Ok(code::OK)
}

fn check(session: &Session<'_>, result: &Result<Told, Failure>) -> u8 {
    let (line, code) = match result {
        Ok(Told::Daemon(status)) => (daemon::plugin_line(status), status.health.plugin_code()),
        Ok(Told::Kernel(report)) => (text::plugin_line(report), report.health.plugin_code()),
        Err(failure) => {
            let why = match failure.message.as_str() {
                "" => "the file has mistakes; `farmctl validate` shows them",
                message => message,
            };
            (format!("FARM UNKNOWN: {why}"), UNKNOWN)
        }
    };
    session.out.result(&line);
    code
}

/// Asks the daemon; looks for itself where none runs on this machine.
fn ask(session: &Session<'_>, args: &StatusArgs) -> Result<Told, Failure> {
    let asked = Daemon::asked(session, &args.remote)?.get("/v1/status");
    match asked {
        Ok(status) => Ok(Told::Daemon(status)),
        Err(trouble) if can_look(&trouble) && args.remote.server.is_none() => {
            let mut report = look(session, args)?;
            if let Trouble::Dead(_) | Trouble::Denied(_) = trouble {
                report
                    .notes
                    .push(format!("{trouble}. This is what the kernel holds."));
            }
            Ok(Told::Kernel(Box::new(report)))
        }
        Err(trouble) => Err(trouble.into()),
    }
}

/// Whether the kernel is the next best to ask: there is no daemon, or it may not be asked.
fn can_look(trouble: &Trouble) -> bool {
    trouble.is_absence() || matches!(trouble, Trouble::Denied(_))
}

fn look(session: &Session<'_>, args: &StatusArgs) -> Result<StatusReport, Failure> {
    let loaded = session.load(args.path.as_deref())?;
    let comparison = Comparison::live(session, &loaded, Adopt::No, &Overlay::default())?;
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

fn show_daemon(session: &Session<'_>, status: &Status) -> Result<(), Failure> {
    if session.wants_values() {
        return session.value(status);
    }
    session
        .out
        .result(&daemon::render(status, session.out.paint));
    Ok(())
}

/// Shows it until the daemon ends, the pipe is closed, or an interrupt comes.
fn watch(session: &Session<'_>, args: &StatusArgs) -> Result<u8, Failure> {
    let daemon = Daemon::asked(session, &args.remote)?;
    loop {
        let status: Status = daemon.get("/v1/status")?;
        if session.wants_values() {
            session.value(&status)?;
        } else {
            session
                .out
                .page(&daemon::render(&status, session.out.paint));
        }
        if !session.out.is_heard() {
            return Ok(code::OK);
        }
        SystemClock.sleep(AGAIN);
    }
}

fn why(session: &Session<'_>, args: &StatusArgs, server: &str) -> Result<u8, Failure> {
    let status: Status = Daemon::asked(session, &args.remote)?.get("/v1/status")?;
    let Some(text) = why::render(&status, server, session.out.paint) else {
        return Err(Failure::error(format!(
            "the farm has no real server {server}; it has: {}",
            why::names(&status).join(", ")
        )));
    };
    session.out.result(&text);
    Ok(code::OK)
}
