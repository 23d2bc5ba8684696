//! Turns arguments into a call and an error into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    farmctl::cli::run()
}
