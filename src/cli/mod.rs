//! The command line: arguments in, text and an exit code out.
//!
//! Each command is a module with one `run`. Only `output` prints; the commands build text from
//! values that the library gives them. Called by `main.rs` alone.

mod apply;
pub mod args;
mod bent;
mod compare;
mod daemon;
mod diff;
mod events;
mod failure;
mod files;
mod memory;
mod names;
mod orders;
mod output;
mod plane;
mod reference;
mod rehearse;
mod remote;
mod session;
mod snapshot;
mod status;
mod validate;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command, OutputFormat};
use failure::Failure;
use session::Session;

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if reads_much(&cli.command) {
        memory::map_ahead();
    }
    let session = Session::new(&cli.global, cli.command.dataplane());
    let end = has_output(&cli).and_then(|()| dispatch(&session, &cli.command));
    let code = end.unwrap_or_else(|failure| {
        if !failure.message.is_empty() {
            complain(&session, &failure.message);
        }
        failure.code
    });
    ExitCode::from(delivered(&session, &cli.command, code))
}

/// Whether the command reads a whole farm or a whole kernel. The guard does so only at its end,
/// and waits long before it.
fn reads_much(command: &Command) -> bool {
    match command {
        Command::Validate(_)
        | Command::Diff(_)
        | Command::Apply(_)
        | Command::Status(_)
        | Command::Snapshot => true,
        Command::Confirm
        | Command::Events(_)
        | Command::Drain(_)
        | Command::Undrain(_)
        | Command::Maintenance(_)
        | Command::Weight(_)
        | Command::Approve(_)
        | Command::Reload
        | Command::Log(_)
        | Command::Daemon(_)
        | Command::Guard
        | Command::Rehearse(_)
        | Command::RehearsalGate(_)
        | Command::RehearsalStage(_)
        | Command::Schema(_)
        | Command::Explain(_)
        | Command::Completions(_)
        | Command::Man(_) => false,
    }
}

/// A result that got lost (a full disk) makes the exit code an error, except that of `apply`: it
/// says what became of the kernel.
fn delivered(session: &Session<'_>, command: &Command, code: u8) -> u8 {
    let Some(error) = session.out.lost() else {
        return code;
    };
    complain(
        session,
        &format!("the result could not be written: {error}"),
    );
    if matches!(command, Command::Apply(_)) {
        code
    } else {
        failure::code::ERROR
    }
}

fn complain(session: &Session<'_>, message: &str) {
    let error = session.out.message_paint.alert("error:");
    session.out.message(&format!("{error} {message}"));
}

/// Steps are an output of the commands that have a plan.
fn has_output(cli: &Cli) -> Result<(), Failure> {
    let without_plan = matches!(
        cli.command,
        Command::Validate(_) | Command::Status(_) | Command::Confirm | Command::Rehearse(_)
    );
    if without_plan && cli.global.output == OutputFormat::Ops {
        return Err(Failure::error(
            "`-o ops` is an output of diff and apply; this command has text, json and yaml",
        ));
    }
    Ok(())
}

fn dispatch(session: &Session<'_>, command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Validate(args) => validate::run(session, args),
        Command::Diff(args) => diff::run(session, args),
        Command::Apply(args) => apply::run(session, args),
        Command::Daemon(args) => daemon::run(session, args),
        Command::Rehearse(args) => rehearse::run(session, args),
        Command::RehearsalGate(args) => Ok(rehearse::gate(session, args)),
        Command::RehearsalStage(args) => Ok(rehearse::stage(session, args)),
        Command::Confirm => apply::confirm(session),
        Command::Guard => apply::guard(session),
        Command::Status(args) => status::run(session, args),
        Command::Events(args) => events::run(session, args),
        Command::Drain(args) => orders::drain(session, args),
        Command::Undrain(args) => orders::undrain(session, args),
        Command::Maintenance(args) => orders::maintenance(session, args),
        Command::Weight(args) => orders::weight(session, args),
        Command::Approve(args) => orders::approve(session, args),
        Command::Reload => orders::reload(session),
        Command::Log(args) => orders::log(session, args),
        Command::Snapshot => snapshot::run(session),
        Command::Schema(args) => reference::schema(session, args),
        Command::Explain(args) => reference::explain(session, args),
        Command::Completions(args) => Ok(reference::completions(session, args)),
        Command::Man(args) => reference::man(session, args),
    }
}
