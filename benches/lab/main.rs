//! `make bench`: farmctl beside ipvsadm and keepalived, in one run, on one kernel, in rounds that
//! take turns. What each figure means is in docs/benchmarks.md.
//!
//! Started by cargo it boots the lab's kernel (or stays on the host's, where that has ip_vs and
//! this is root) and runs itself there as `guest`. It measures whole processes, from their start
//! to their exit, prints a table and leaves it in `target/bench`. It judges nothing: a missed
//! target is printed, and the exit status is 0.

#![expect(clippy::print_stdout, reason = "a table is what it is for")]
#![expect(
    clippy::print_stderr,
    reason = "progress, for a person who waits for minutes"
)]

mod contestant;
mod figures;
mod files;
mod guest;
mod host;
mod memory;
mod plan;
mod stage;

use std::error::Error;
use std::path::Path;

/// Whatever ends a measurement early.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["guest", directory] => guest::run(Path::new(directory)),
        ["memory", program, rest @ ..] => memory::measure(program, rest),
        ["plan", services] => plan::measure(services.parse()?),
        _ => host::run(),
    }
}
