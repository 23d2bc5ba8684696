//! An apply where a daemon holds the right to write: a request to it, with the same words and exit
//! codes.

use std::path::Path;

use crate::api::{ApplyOptions, ApplyOrder, ApplyReport, Done, Prune, RefusalKind, Remaining};
use crate::cli::args::{self, ApplyArgs, OutputFormat};
use crate::cli::failure::{Failure, code};
use crate::cli::files;
use crate::cli::remote::{Daemon, Patience, Trouble};
use crate::cli::session::{Loaded, Session};
use crate::reconcile::Busy;
use crate::spec;

/// The exit code of an apply that a guard refused; nothing was done.
const REFUSED: u8 = 5;

/// Asks the daemon to make the file true. `busy` is told where whoever holds the right to write
/// is no daemon.
pub(super) fn apply(
    session: &Session<'_>,
    loaded: Loaded,
    args: &ApplyArgs,
    busy: &Busy,
) -> Result<u8, Failure> {
    let path = files::chosen(args.path.as_deref(), session.global.file.as_deref());
    if path == Path::new("-") {
        return Err(Failure::error(
            "a daemon runs here, and it runs a file: write the text into that file, or stop the \
             daemon",
        ));
    }
    let order = ApplyOrder {
        text: loaded.text,
        path: absolute(&path)?,
        options: options(args),
    };
    session
        .out
        .detail("A daemon holds the right to write here: it is asked to do it.");
    let asked = Daemon::here(session).post("/v1/apply", &order, Patience::Endless);
    let report: ApplyReport = asked.map_err(|trouble| refused(&trouble, busy))?;
    show(session, &report)?;
    Ok(report.exit_code)
}

/// `farmctl confirm` where a daemon holds the right to write.
pub(super) fn confirm(session: &Session<'_>, busy: &Busy) -> Result<u8, Failure> {
    let asked = Daemon::here(session).post("/v1/confirm", &(), Patience::Moment);
    let done: Done = match asked {
        Ok(done) => done,
        Err(Trouble::Refused(answer, status)) if status == RefusalKind::Conflict.status() => {
            session.out.result(&answer.error);
            return Ok(code::DIFFERENT);
        }
        Err(trouble) => return Err(refused(&trouble, busy)),
    };
    session.out.result(&done.message);
    Ok(code::OK)
}

/// The path as the daemon knows its file: without `..` of this shell's place.
fn absolute(path: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(path).map_err(Failure::of)?;
    Ok(path.display().to_string())
}

/// Where nobody answers, the holder is another command. What stands against the order is a guard's
/// refusal.
fn refused(trouble: &Trouble, busy: &Busy) -> Failure {
    if trouble.is_absence() {
        return Failure::of(busy);
    }
    let conflict = RefusalKind::Conflict.status();
    let guarded = matches!(trouble, Trouble::Refused(_, status) if *status == conflict);
    Failure {
        code: if guarded { REFUSED } else { code::ERROR },
        message: format!("nothing was applied: {trouble}"),
    }
}

fn options(args: &ApplyArgs) -> ApplyOptions {
    let patience = args.patience();
    ApplyOptions {
        prune: match args.prune {
            args::Prune::Owned => Prune::Owned,
            args::Prune::None => Prune::None,
        },
        adopt: args.adopt,
        allow_shrink: args.allow_shrink,
        drain_timeout: (!args.drain_timeout.is_zero())
            .then_some(spec::Duration(args.drain_timeout)),
        remaining: if args.reset_remaining {
            Remaining::Reset
        } else {
            Remaining::Leave
        },
        wait: (!patience.is_zero()).then_some(spec::Duration(patience)),
        confirm_timeout: args.confirm_timeout.map(spec::Duration),
    }
}

fn show(session: &Session<'_>, report: &ApplyReport) -> Result<(), Failure> {
    match session.global.output {
        OutputFormat::Json | OutputFormat::Yaml => return session.value(report),
        OutputFormat::Ops => {
            let lines: Vec<&str> = report.changes.iter().map(|one| one.text.as_str()).collect();
            session.out.result(&lines.join("\n"));
        }
        OutputFormat::Text if report.exit_code != code::OK => {
            session.out.message(&report.messages.join("\n"));
        }
        OutputFormat::Text => {
            super::tell_changes(session, report);
            session.out.result(&report.messages.join("\n"));
        }
    }
    Ok(())
}
