//! Samples become rows of a table: median and spread of both sides, their ratio, the target.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

/// The durations of one case, one of each round.
#[derive(Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    /// Takes one more.
    pub(crate) fn push(&mut self, took: Duration) {
        self.0.push(took);
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted: Vec<f64> = self.0.iter().map(Duration::as_secs_f64).collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// The middle one in seconds; of an even number the upper of the two.
    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn json(&self) -> Value {
        json!({ "median_seconds": self.median(), "seconds": self.sorted() })
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = self.sorted();
        let of = |place: Option<&f64>| seconds(place.copied().unwrap_or(f64::NAN));
        write!(
            f,
            "{} [{} .. {}]",
            seconds(self.median()),
            of(sorted.first()),
            of(sorted.last())
        )
    }
}

/// Seconds with three figures that count, in the unit that fits.
fn seconds(value: f64) -> String {
    if value >= 1.0 {
        format!("{value:.2} s")
    } else {
        format!("{:.1} ms", value * 1e3)
    }
}

/// What is asked of a ratio: the rival's median by farmctl's.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// farmctl is at least so many times faster.
    Faster(f64),
    /// Nothing was promised.
    None,
}

/// One row: farmctl beside a rival.
pub(crate) struct Row<'a> {
    /// What was done.
    pub(crate) case: &'static str,
    /// What the rival did.
    pub(crate) rival: &'static str,
    /// farmctl's durations.
    pub(crate) ours: &'a Samples,
    /// The rival's durations.
    pub(crate) theirs: &'a Samples,
    /// What was promised.
    pub(crate) target: Target,
}

impl Row<'_> {
    fn ratio(&self) -> f64 {
        self.theirs.median() / self.ours.median()
    }

    fn met(&self) -> Option<bool> {
        match self.target {
            Target::Faster(least) => Some(self.ratio() >= least),
            Target::None => None,
        }
    }

    /// A row of a Markdown table.
    pub(crate) fn markdown(&self) -> String {
        let Self { case, rival, .. } = self;
        let target = match self.target {
            Target::Faster(least) => format!("{least} times"),
            Target::None => "-".to_owned(),
        };
        format!(
            "| {case} | {} | {rival} | {} | {:.1} times | {target} | {} |",
            self.ours,
            self.theirs,
            self.ratio(),
            verdict(self.met())
        )
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "case": self.case,
            "rival": self.rival,
            "farmctl": self.ours.json(),
            "other": self.theirs.json(),
            "ratio": self.ratio(),
            "met": self.met(),
        })
    }
}

/// Something that is so or is not, with its figure.
pub(crate) struct Fact {
    /// What was looked at.
    pub(crate) what: &'static str,
    /// What was found.
    pub(crate) found: String,
    /// What was promised.
    pub(crate) target: &'static str,
    /// Whether it is so; none where nothing was promised.
    pub(crate) met: Option<bool>,
}

impl Fact {
    /// A row of a Markdown table.
    pub(crate) fn markdown(&self) -> String {
        let Self {
            what,
            found,
            target,
            met,
        } = self;
        format!("| {what} | {found} | {target} | {} |", verdict(*met))
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        json!({ "what": self.what, "found": self.found, "target": self.target, "met": self.met })
    }
}

fn verdict(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "-",
    }
}
