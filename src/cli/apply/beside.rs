//! `apply` beside a running daemon: an order to it, because there is one writer.

use std::path::Path;

use super::tell_changes;
use crate::api::{ApplyOptions, ApplyOrder, ApplyReport, ErrorAnswer, Prune, Remaining};
use crate::cli::args::{self, ApplyArgs};
use crate::cli::failure::{Failure, code};
use crate::cli::files;
use crate::cli::session::{Loaded, Session};
use crate::daemon;
use crate::reconcile::Busy;
use crate::spec::Duration;

/// The daemon refuses the order; nothing was done.
const REFUSED: u8 = 5;
/// What the API answers to an order that something stands against (RFC 9110 section 15.5.10).
const CONFLICT: u16 = 409;

/// Orders the daemon to do it. Where nobody answers, whoever holds the right to write is no daemon,
/// and `busy` says who it is.
pub(super) fn run(
    session: &Session<'_>,
    loaded: Loaded,
    args: &ApplyArgs,
    busy: Busy,
) -> Result<u8, Failure> {
    let order = order(session, loaded, args)?;
    let body = serde_json::to_string(&order).map_err(Failure::of)?;
    let socket = session.global.socket();
    let Ok((status, answer)) = daemon::request(&socket, "/v1/apply", &body) else {
        return Err(Failure::of(busy));
    };
    if (200..300).contains(&status) {
        let told: ApplyReport = serde_json::from_str(&answer).map_err(Failure::of)?;
        return show(session, &told);
    }
    let refusal = serde_json::from_str(&answer).unwrap_or(ErrorAnswer {
        error: answer,
        help: None,
    });
    let help = refusal
        .help
        .map_or_else(String::new, |help| format!(": {help}"));
    Err(Failure {
        code: if status == CONFLICT {
            REFUSED
        } else {
            code::ERROR
        },
        message: format!("the daemon did not do it: {}{help}", refusal.error),
    })
}

/// `farmctl confirm` beside a daemon, which holds what waits.
pub(super) fn confirm(session: &Session<'_>, busy: Busy) -> Result<u8, Failure> {
    let socket = session.global.socket();
    let Ok((status, answer)) = daemon::request(&socket, "/v1/confirm", "{}") else {
        return Err(Failure::of(busy));
    };
    let said: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
    let word = |key: &str| said[key].as_str().unwrap_or(&answer).to_owned();
    if (200..300).contains(&status) {
        session.out.result(&word("message"));
        return Ok(code::OK);
    }
    Err(Failure {
        code: if status == CONFLICT {
            code::DIFFERENT
        } else {
            code::ERROR
        },
        message: word("error"),
    })
}

fn order(session: &Session<'_>, loaded: Loaded, args: &ApplyArgs) -> Result<ApplyOrder, Failure> {
    let file = files::chosen(args.path.as_deref(), session.global.file.as_deref());
    let path = match file.as_path() {
        stdin if stdin == Path::new("-") => stdin.to_owned(),
        file => std::path::absolute(file).map_err(Failure::of)?,
    };
    let length = |length: std::time::Duration| (!length.is_zero()).then_some(Duration(length));
    Ok(ApplyOrder {
        text: loaded.text,
        path: path.display().to_string(),
        options: ApplyOptions {
            prune: match args.prune {
                args::Prune::Owned => Prune::Owned,
                args::Prune::None => Prune::None,
            },
            adopt: args.adopt,
            allow_shrink: args.allow_shrink,
            drain_timeout: length(args.drain_timeout),
            remaining: if args.reset_remaining {
                Remaining::Reset
            } else {
                Remaining::Leave
            },
            wait: length(args.patience()),
            confirm_timeout: args.confirm_timeout.map(Duration),
        },
    })
}

fn show(session: &Session<'_>, told: &ApplyReport) -> Result<u8, Failure> {
    if session.wants_values() {
        session.value(told)?;
        return Ok(told.exit_code);
    }
    let text = told.messages.join("\n");
    if told.exit_code == code::OK {
        tell_changes(session, told);
        session.out.result(&text);
    } else {
        session.out.message(&text);
    }
    Ok(told.exit_code)
}
