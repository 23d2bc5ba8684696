//! `make bench`, part three: how fast the nftables data plane writes its table, beside the `nft`
//! program with the very same ruleset, in one run, in rounds that take turns.
//!
//! What is timed of farmctl is the data plane alone, as the daemon has it: from the plan to the
//! kernel's answer. The whole of `farmctl apply`, which reads the file and the kernel too, is in
//! the table beside it. Everything happens in network namespaces of their own on the host's kernel.
//! What each figure means is in docs/benchmarks.md. A missed target is printed; the exit status
//! is 0.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a table is what it is for, and a person waits for it"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a measurement stops at the first thing that is not as it must be"
)]

mod contest;
mod farm;
mod ruleset;

use std::time::Duration;

use contest::Contest;

/// How many rounds there are.
const ROUNDS: usize = 7;
/// How often one weight is changed in a round.
const EDITS: usize = 20;

fn main() {
    let small = Contest::new(1_000);
    let large = Contest::new(10_000);
    let mut figures = Figures::default();
    for round in 1..=ROUNDS {
        eprintln!("bench: programming, round {round} of {ROUNDS}");
        figures.load.push(small.load());
        figures.whole.push(small.apply());
        figures.nft.push(small.nft());
        figures.large.push(large.load());
        let (ours, theirs) = large.edits(EDITS);
        figures.weight.extend(ours);
        figures.nft_weight.extend(theirs);
    }
    figures.print();
}

/// What all rounds took.
#[derive(Default)]
struct Figures {
    load: Vec<Duration>,
    whole: Vec<Duration>,
    nft: Vec<Duration>,
    large: Vec<Duration>,
    weight: Vec<Duration>,
    nft_weight: Vec<Duration>,
}

impl Figures {
    fn print(&self) {
        println!("| case | farmctl | beside | its time | ratio | target | met |");
        println!("|-|-|-|-|-|-|-|");
        let nft = "`nft -f` of the same ruleset";
        row("1,000 x 10", &self.load, nft, &self.nft, 2.5);
        row(
            "1,000 x 10, all of `farmctl apply`",
            &self.whole,
            nft,
            &self.nft,
            0.0,
        );
        let edit = "`nft -f` of the same elements";
        row(
            "one weight of 10,000 x 10",
            &self.weight,
            edit,
            &self.nft_weight,
            50.0,
        );
        let growth = seconds(&self.large) / seconds(&self.load);
        println!("\n| what | found | target | met |\n|-|-|-|-|");
        println!(
            "| 10,000 x 10 | {} | - | - |\n| its growth from 1,000 x 10 | {growth:.1} times | at most 12 times | {} |",
            spread(&self.large),
            met(growth <= 12.0)
        );
    }
}

fn row(case: &str, ours: &[Duration], rival: &str, theirs: &[Duration], least: f64) {
    let ratio = seconds(theirs) / seconds(ours);
    let (target, verdict) = if least > 0.0 {
        (format!("{least} times faster"), met(ratio >= least))
    } else {
        ("-".to_owned(), "-")
    };
    println!(
        "| {case} | {} | {rival} | {} | {ratio:.1} times | {target} | {verdict} |",
        spread(ours),
        spread(theirs)
    );
}

fn met(so: bool) -> &'static str {
    if so { "yes" } else { "NO" }
}

fn sorted(durations: &[Duration]) -> Vec<Duration> {
    let mut sorted = durations.to_vec();
    sorted.sort();
    sorted
}

/// The median.
fn seconds(durations: &[Duration]) -> f64 {
    sorted(durations)[durations.len() / 2].as_secs_f64()
}

fn spread(durations: &[Duration]) -> String {
    let sorted = sorted(durations);
    let words = |duration: &Duration| format!("{:.3} ms", duration.as_secs_f64() * 1e3);
    format!(
        "{} [{} .. {}]",
        words(&sorted[sorted.len() / 2]),
        words(&sorted[0]),
        words(&sorted[sorted.len() - 1])
    )
}
