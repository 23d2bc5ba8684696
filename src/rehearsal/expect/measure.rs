//! What a record says about a part of its time: counts, gaps, percentiles, shares, kept
//! connections. Pure; called by `judge` and by the report.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::record::{Family, Kind, Outcome, Record, Sample, Standing};

/// A time in which requests were due and none was answered, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gap {
    /// From the first of these requests.
    pub from: u64,
    /// To the next answer.
    pub to: u64,
}

impl Gap {
    /// How long it is.
    pub fn length(self) -> u64 {
        self.to.saturating_sub(self.from)
    }
}

/// How many requests there were, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// All of them.
    pub requests: u64,
    /// Rightly answered.
    pub answered: u64,
    /// Not answered.
    pub lost: u64,
    /// Wrongly answered.
    pub wrong: u64,
}

/// The samples of a service that belong to a time: by when they were due; a download, which lasts
/// from the beginning, by when it ended.
pub fn samples<'r>(
    record: &'r Record,
    service: u16,
    time: &Range<u64>,
) -> impl Iterator<Item = &'r Sample> + use<'r> {
    let time = time.clone();
    let samples = record.samples.iter();
    let last = u64::try_from(record.duration.as_micros())
        .unwrap_or(u64::MAX)
        .saturating_sub(1);
    samples.filter(move |sample| {
        let at = match sample.kind {
            Kind::New | Kind::Standing => sample.due,
            Kind::Download => (sample.due + u64::from(sample.took)).min(last),
        };
        sample.service == service && time.contains(&at)
    })
}

/// Counts requests.
pub fn counts<'s>(samples: impl Iterator<Item = &'s Sample>) -> Counts {
    let mut counts = Counts::default();
    for sample in samples {
        counts.requests += 1;
        match sample.outcome {
            Outcome::Answered(_) => counts.answered += 1,
            Outcome::Lost(_) => counts.lost += 1,
            Outcome::Wrong(_) => counts.wrong += 1,
        }
    }
    counts
}

/// The new connections that each server answered.
pub fn by_server<'s>(samples: impl Iterator<Item = &'s Sample>) -> BTreeMap<u16, u64> {
    let mut servers = BTreeMap::new();
    for sample in samples.filter(|sample| sample.kind == Kind::New) {
        if let Outcome::Answered(server) = sample.outcome {
            *servers.entry(server).or_default() += 1;
        }
    }
    servers
}

/// How long so many percent of the answered requests took at most, in microseconds; none where
/// nothing was answered. Downloads do not count.
pub fn percentile<'s>(samples: impl Iterator<Item = &'s Sample>, percent: u8) -> Option<u32> {
    let mut took: Vec<u32> = samples
        .filter(|sample| sample.kind != Kind::Download)
        .filter(|sample| matches!(sample.outcome, Outcome::Answered(_)))
        .map(|sample| sample.took)
        .collect();
    let rank = (took.len() * usize::from(percent)).div_ceil(100).max(1) - 1;
    if took.is_empty() {
        return None;
    }
    Some(*took.select_nth_unstable(rank).1)
}

/// The longest gap of a service within a time: of its new connections, or of the requests on
/// connections that stay open, whichever is longer.
pub fn longest_gap(record: &Record, service: u16, time: &Range<u64>) -> Gap {
    let end = u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX);
    [Kind::New, Kind::Standing]
        .into_iter()
        .flat_map(|kind| gaps(record, service, kind, end))
        .map(|gap| Gap {
            from: gap.from.max(time.start),
            to: gap.to.min(time.end),
        })
        .max_by_key(|gap| (gap.length(), std::cmp::Reverse(gap.from)))
        .unwrap_or_default()
}

/// Every gap of one kind of requests: from when a request was due, after an answer, to the next
/// answer.
pub fn gaps(record: &Record, service: u16, kind: Kind, end: u64) -> Vec<Gap> {
    let own = || {
        let samples = record.samples.iter();
        samples.filter(move |sample| sample.service == service && sample.kind == kind)
    };
    let mut dues: Vec<u64> = own().map(|sample| sample.due).collect();
    dues.sort_unstable();
    let mut answers: Vec<u64> = own()
        .filter(|sample| matches!(sample.outcome, Outcome::Answered(_)))
        .map(|sample| sample.due + u64::from(sample.took))
        .collect();
    answers.sort_unstable();
    answers.push(end);
    let mut gaps = Vec::new();
    let (mut next, mut since) = (0, 0);
    for answer in answers {
        while dues.get(next).is_some_and(|due| *due < since) {
            next += 1;
        }
        if let Some(from) = dues.get(next).copied().filter(|due| *due < answer) {
            gaps.push(Gap { from, to: answer });
        }
        since = answer;
    }
    gaps
}

/// Of the connections of a service that were open at one of these times, how many there were and
/// how many of them did not break before `end`.
pub fn kept(record: &Record, service: u16, times: &[u64], end: u64) -> (u64, u64) {
    let own = record.standing.iter().filter(|one| one.service == service);
    let (mut open, mut kept) = (0, 0);
    for one in own {
        let was_open = times.iter().any(|time| is_open(one, *time));
        if was_open {
            open += 1;
            kept += u64::from(one.broken.is_none_or(|(at, _)| at > end));
        }
    }
    (open, kept)
}

fn is_open(one: &Standing, time: u64) -> bool {
    one.opened <= time && one.broken.is_none_or(|(at, _)| at >= time)
}

/// The families that a service has samples of.
pub fn families(record: &Record, service: u16) -> Vec<Family> {
    let own = |family| {
        let mut samples = record.samples.iter();
        samples.any(|sample| sample.service == service && sample.family == family)
    };
    [Family::V4, Family::V6]
        .into_iter()
        .filter(|f| own(*f))
        .collect()
}
