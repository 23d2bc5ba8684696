//! `farmctl daemon`: hands its arguments to [`crate::daemon`].

use super::args::DaemonArgs;
use super::failure::{Failure, code};
use super::files;
use super::session::Session;
use crate::daemon::{self, Options, Programs, Start};

/// Runs the command.
pub(super) fn run(session: &Session<'_>, args: &DaemonArgs) -> Result<u8, Failure> {
    let options = options(session, args)?;
    let filter = if session.global.verbose {
        "debug"
    } else {
        "info"
    };
    let log = crate::log::start(filter).map_err(Failure::of)?;
    daemon::run(&options, &log).map_err(Failure::of)?;
    Ok(code::OK)
}

fn options(session: &Session<'_>, args: &DaemonArgs) -> Result<Options, Failure> {
    let global = session.global;
    let file = files::chosen(args.path.as_deref(), global.file.as_deref());
    if file.as_os_str() == "-" {
        return Err(Failure::error(
            "standard input can't be watched: give the daemon a file",
        ));
    }
    let start = if args.release {
        Start::Release
    } else if args.replace {
        Start::Replace
    } else {
        Start::Run
    };
    Ok(Options {
        file: std::path::absolute(file).map_err(Failure::of)?,
        node: global.node.clone(),
        state_dir: std::path::absolute(&global.state_dir).map_err(Failure::of)?,
        socket: std::path::absolute(global.socket()).map_err(Failure::of)?,
        start,
        dataplane: session.dataplane,
        programs: if args.rehearsed {
            Programs::Logged
        } else {
            Programs::Run
        },
    })
}
