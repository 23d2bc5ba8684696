//! `make bench`, part five: 10,000 TCP checks a second beside keepalived with the same checks, in
//! one run, in rounds that take turns.
//!
//! What is measured is a process's time on the processors (utime and stime of
//! `/proc/PID/stat`) over some seconds in which every check is asked once a second, after a
//! warm-up. Everything happens in a network namespace of its own on the host's kernel; the real
//! servers are 10,000 addresses of 127.0.0.0/8 behind one server process. What each figure means
//! is in docs/benchmarks.md. A missed target is printed; the exit status is 0.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a table is what it is for, and a person waits for it"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a measurement stops at the first thing that is not as it must be"
)]

mod asker;
mod figures;
mod process;
mod rival;
mod server;

use std::time::Duration;

use figures::Figures;
use process::Process;

/// How many real servers there are.
const SERVERS: u16 = 10_000;
/// Where they serve.
const PORT: u16 = 8080;
/// How many rounds there are.
const ROUNDS: usize = 5;
/// From the start of a contestant until it is measured.
const WARM_UP: Duration = Duration::from_secs(4);
/// How long it is measured.
const MEASURED: Duration = Duration::from_secs(10);

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("serve") => server::run(),
        Some("ask") => asker::run(),
        _ => contest(),
    }
}

fn contest() {
    process::enter_namespace();
    let server = Process::own("serve");
    let mut figures = Figures::default();
    for round in 1..=ROUNDS {
        eprintln!("bench: checks, round {round} of {ROUNDS}");
        // They take turns in going first.
        if round % 2 == 0 {
            figures.theirs.push(rival::measure(&server));
        }
        figures.ours.push(asker::measure(&server));
        if round % 2 == 1 {
            figures.theirs.push(rival::measure(&server));
        }
    }
    figures.print();
}

/// The address of a real server: 127.1.0.1 and on.
fn address(number: u16) -> std::net::Ipv4Addr {
    let [high, low] = (number + 1).to_be_bytes();
    std::net::Ipv4Addr::new(127, 1, high, low)
}
