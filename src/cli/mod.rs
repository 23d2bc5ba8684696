//! The command line: arguments in, text and an exit code out.
//!
//! Each command is a module with one `run`. Only `output` prints; the commands build text from
//! values that the library gives them. Called by `main.rs` alone.

pub mod args;
mod diff;
mod failure;
mod files;
mod names;
mod node;
mod output;
mod status;

use std::process::ExitCode;

use clap::Parser;

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let _cli = args::Cli::parse();
    ExitCode::SUCCESS
}
