//! `make bench`, part two: how fast connections go through farmctl's nftables data plane, beside
//! haproxy, nginx and rules written by hand, in one run, in rounds that take turns.
//!
//! Each way from the client to the servers is a farm of network namespaces of its own. Started by
//! cargo it measures the nftables data plane on the host's kernel, then ip_vs on the lab's (or the
//! host's, where that has ip_vs). Everything shares the same processors, so only ratios of one
//! round count. What each figure means is in docs/benchmarks.md. A missed target is printed; the
//! exit status is 0.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a table is what it is for, and a person waits for it"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement stops at the first thing that is not as it must be"
)]

#[expect(dead_code, unused_imports, reason = "the bed has more than this needs")]
#[path = "../../tests/kernel/bed/mod.rs"]
mod bed;
mod figures;
mod load;
mod place;
mod server;
mod way;

use std::time::Duration;

use figures::{Round, Table};
use load::Load;
use way::Way;

/// How many rounds there are; the first one warms up and does not count.
const ROUNDS: usize = 7;
/// How long each way is measured in a round.
const LENGTH: Duration = Duration::from_secs(1);
/// How many connections are under way at a time.
const CONNECTIONS: usize = 64;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("nftables") => {
            run(&Way::nftables());
            println!("{}", way::continuity());
        }
        Some("ipvs") => run(&Way::ipvs()),
        _ => place::run_both(),
    }
}

fn run(ways: &[Way]) {
    let mut table = Table::new(ways.iter().map(Way::name).collect());
    for round in 0..=ROUNDS {
        let words = if round == 0 { ", which warms up" } else { "" };
        eprintln!("bench: forwarding, round {round} of {ROUNDS}{words}");
        let measured = measure(ways, round);
        if round > 0 {
            table.push(measured);
        }
    }
    println!("{}", table.markdown());
}

/// One round: each way once, and another one goes first each time.
fn measure(ways: &[Way], round: usize) -> Round {
    let mut measured = Round::of(ways.len());
    for turn in 0..ways.len() {
        let place = (turn + round) % ways.len();
        let way = &ways[place];
        let load = Load {
            targets: way.targets(),
            connections: CONNECTIONS,
            length: LENGTH,
        };
        measured.connections[place] = way.client().run(|| load.connections_per_second());
        measured.requests[place] = way.client().run(|| load.requests_per_second());
    }
    measured
}
