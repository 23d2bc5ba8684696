//! What all rounds took, as a table.

use std::time::Duration;

use crate::process::Taken;
use crate::{MEASURED, SERVERS};

/// farmctl in one round.
pub(crate) struct Ours {
    pub(crate) taken: Taken,
    pub(crate) asked: u64,
    pub(crate) failed: u64,
    /// The 99th percentile.
    pub(crate) late: Duration,
}

/// What all rounds took.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) ours: Vec<Ours>,
    pub(crate) theirs: Vec<Taken>,
}

impl Figures {
    pub(crate) fn print(&self) {
        let own: Vec<f64> = self.ours.iter().map(|one| share(one.taken.own)).collect();
        let rival: Vec<f64> = self.theirs.iter().map(|one| share(one.own)).collect();
        let ratio = median(&own) / median(&rival);
        println!(
            "| {SERVERS} TCP checks, one a second each | farmctl | keepalived | ratio | target | met |"
        );
        println!("|-|-|-|-|-|-|");
        println!(
            "| processor, in percent of one | {} | {} | {ratio:.2} | at most 0.50 | {} |",
            spread(&own),
            spread(&rival),
            met(ratio <= 0.5)
        );
        let own: Vec<f64> = self
            .ours
            .iter()
            .map(|one| share(one.taken.server))
            .collect();
        let rival: Vec<f64> = self.theirs.iter().map(|one| share(one.server)).collect();
        println!(
            "| the same of the real servers' process | {} | {} | {:.2} | - | - |",
            spread(&own),
            spread(&rival),
            median(&own) / median(&rival)
        );
        self.print_memory();
        self.print_lateness();
    }

    fn print_memory(&self) {
        let own: Vec<f64> = (self.ours.iter())
            .map(|one| megabytes(one.taken.memory))
            .collect();
        let rival: Vec<f64> = (self.theirs.iter())
            .map(|one| megabytes(one.memory))
            .collect();
        println!(
            "| resident memory, in MB | {} | {} | {:.2} | at most 150 MB | {} |",
            spread(&own),
            spread(&rival),
            median(&own) / median(&rival),
            met(median(&own) <= 150.0)
        );
    }

    fn print_lateness(&self) {
        let late: Vec<f64> = self
            .ours
            .iter()
            .map(|one| one.late.as_secs_f64() * 1e3)
            .collect();
        let asked: u64 = self.ours.iter().map(|one| one.asked).sum();
        let failed: u64 = self.ours.iter().map(|one| one.failed).sum();
        println!(
            "| lateness of a question, 99th percentile, in ms | {} | - | - | at most 100 | {} |",
            spread(&late),
            met(median(&late) <= 100.0)
        );
        println!(
            "| questions that were not answered well | {failed} of {asked} | - | - | 0 | {} |",
            met(failed == 0)
        );
    }
}

/// Percent of one processor.
fn share(used: Duration) -> f64 {
    used.as_secs_f64() / MEASURED.as_secs_f64() * 100.0
}

#[expect(clippy::cast_precision_loss, reason = "for a person to read")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn met(so: bool) -> &'static str {
    if so { "yes" } else { "NO" }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn median(values: &[f64]) -> f64 {
    sorted(values)[values.len() / 2]
}

fn spread(values: &[f64]) -> String {
    let sorted = sorted(values);
    format!(
        "{:.1} [{:.1} .. {:.1}]",
        median(values),
        sorted[0],
        sorted[sorted.len() - 1]
    )
}
