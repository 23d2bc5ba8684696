//! The command line: arguments in, text and an exit code out.
//!
//! Each command is a module with one `run`. Only `output` prints; the commands build text from
//! values that the library gives them. Called by `main.rs` alone.

mod apply;
pub mod args;
mod compare;
mod diff;
mod failure;
mod files;
mod names;
mod node;
mod output;
mod reference;
mod session;
mod snapshot;
mod status;
mod validate;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use failure::Failure;
use session::Session;

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let session = Session::new(&cli.global);
    match dispatch(&session, &cli.command) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if !failure.message.is_empty() {
                let error = session.out.message_paint.alert("error:");
                session.out.message(&format!("{error} {failure}"));
            }
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(session: &Session<'_>, command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Validate(args) => validate::run(session, args),
        Command::Diff(args) => diff::run(session, args),
        Command::Apply(args) => apply::run(session, args),
        Command::Confirm => apply::confirm(session),
        Command::Guard => apply::guard(session),
        Command::Status(args) => status::run(session, args),
        Command::Snapshot => snapshot::run(session),
        Command::Schema(args) => reference::schema(session, args),
        Command::Explain(args) => reference::explain(session, args),
        Command::Completions(args) => Ok(reference::completions(session, args)),
        Command::Man => reference::man(session),
    }
}
