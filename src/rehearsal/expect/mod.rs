//! What a scenario expects: the small language of it, and whether a record holds it.
//!
//! Pure: a text in, an [`Expectation`] out; a record in, a judgement out. Called by `scenario` (to
//! read) and by `report` (to judge).

mod judge;
pub mod measure;
mod parse;
mod words;

pub use judge::{
    Evidence, Judgement, Verdict, judge, kept, milliseconds, percent, phases, seconds,
};
pub use parse::{ParseError, Parsed, parse};

use std::time::Duration;

use crate::spec::Name;

/// One thing that must hold: `lost < 0.1% of http from 2s to 8s`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// As it is written.
    pub text: String,
    /// What is claimed.
    pub claim: Claim,
    /// Of which service only; none means of each.
    pub of: Option<Name>,
    /// When; none means the whole time.
    pub window: Window,
}

/// A part of the load's time. A request belongs to it when it was due in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// From when on, from the beginning of the load.
    pub from: Option<Duration>,
    /// Until when.
    pub to: Option<Duration>,
}

/// What is claimed.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// `lost: 0`, `lost < 0.1%`: requests without an answer (refused, reset, timed out, cut off).
    Lost(Relation, Amount),
    /// `errors: 0`: requests with a wrong answer.
    Errors(Relation, Amount),
    /// `gap < 200ms`: the longest time in which requests were due and none was answered.
    Gap(Relation, Duration),
    /// `p99 < 50ms`: so many percent of the answered requests took no longer.
    Latency(Percentile, Relation, Duration),
    /// `share web1: 30% ± 3%`: the part of the new connections that one server answered.
    Share {
        /// The server.
        server: String,
        /// The part, from 0 to 1.
        part: f64,
        /// How far it may be off, as a part of all connections, too; none: as far as chance
        /// explains.
        tolerance: Option<f64>,
    },
    /// `shares: by weight`: every server's part is as its weight says.
    Shares {
        /// How far each may be off; none: as far as chance explains.
        tolerance: Option<f64>,
    },
    /// `kept: all`: of the connections that were open when a step came, how many went on.
    Kept(Relation, Amount),
}

/// How a measured value stands to the one that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `:` or `=`.
    Is,
    /// `<`.
    Below,
    /// `<=`.
    AtMost,
    /// `>`.
    Above,
    /// `>=`.
    AtLeast,
}

/// A number of requests, or a part of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// So many.
    Count(u64),
    /// A part, from 0 to 1.
    Part(f64),
}

/// Which percentile: 50 is the median.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentile(pub u8);
