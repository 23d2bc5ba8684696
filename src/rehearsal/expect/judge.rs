//! Whether a record holds an expectation, and by how much it does not. Pure; called by the report.

use std::ops::Range;
use std::time::Duration;

use super::super::record::{Family, Record};
use super::super::report::Event;
use super::super::weights::{ServiceWeights, Spread, Weights, precise};
use super::measure::{self, by_server, counts, families, percentile, samples};
use super::{Amount, Claim, Expectation, Relation};

/// With this many standard deviations on either side, chance alone fails one honest run in more
/// than a hundred thousand.
const DEVIATIONS: f64 = 4.5;
/// Slots are whole: weights are rounded onto them (64 slots or more, see the nftables data plane).
const ROUNDING: f64 = 0.01;
/// Below this many connections nothing is said of their shares.
const FEWEST: u64 = 50;

/// What came of an expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Whether it held.
    pub verdict: Verdict,
    /// What was measured, with the place where it is not as expected.
    pub measured: String,
}

/// Whether an expectation held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It did.
    Held,
    /// It did not, or there was nothing to measure.
    Failed,
}

impl From<bool> for Verdict {
    fn from(holds: bool) -> Self {
        if holds { Self::Held } else { Self::Failed }
    }
}

/// What an expectation is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What the clients saw.
    pub record: &'a Record,
    /// What happened.
    pub events: &'a [Event],
    /// The weights in the beginning.
    pub weights: &'a Weights,
    /// How many addresses clients have of each family.
    pub clients: u32,
}

/// One thing that was measured: of one service, whether it is as expected, how far it is off.
struct Finding {
    verdict: Verdict,
    measured: String,
    /// How near it is to failing, or how far beyond; the largest is shown.
    badness: f64,
}

/// Judges one expectation: of each service by itself.
pub fn judge(expectation: &Expectation, evidence: Evidence<'_>) -> Judgement {
    let judge = Judge {
        expectation,
        evidence,
        time: time(expectation, evidence.record),
    };
    let mut findings: Vec<Finding> = judge.services().flat_map(|one| judge.of(one)).collect();
    if findings.is_empty() {
        return Judgement {
            verdict: Verdict::Failed,
            measured: "nothing was measured".to_owned(),
        };
    }
    let failed = |finding: &Finding| finding.verdict == Verdict::Failed;
    findings.sort_by(|a, b| {
        let by_verdict = failed(b).cmp(&failed(a));
        by_verdict.then(b.badness.total_cmp(&a.badness))
    });
    let verdict = Verdict::from(!findings.iter().any(failed));
    let measured = findings.swap_remove(0).measured;
    Judgement { verdict, measured }
}

/// The time that an expectation is about, in microseconds.
fn time(expectation: &Expectation, record: &Record) -> Range<u64> {
    let window = expectation.window;
    let end = micros(record.duration);
    window.from.map_or(0, micros)..window.to.map_or(end, micros)
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

struct Judge<'a> {
    expectation: &'a Expectation,
    evidence: Evidence<'a>,
    time: Range<u64>,
}

impl Judge<'_> {
    /// The places of the services that it is about.
    fn services(&self) -> impl Iterator<Item = u16> + '_ {
        let names = self.evidence.record.services.iter().zip(0..);
        names
            .filter(|(name, _)| {
                let of = self.expectation.of.as_ref();
                of.is_none_or(|of| of.as_str() == name.as_str())
            })
            .map(|(_, place)| place)
    }

    fn of(&self, service: u16) -> Vec<Finding> {
        let one = match &self.expectation.claim {
            Claim::Lost(relation, amount) => {
                self.counted(service, *relation, *amount, |counts| counts.lost)
            }
            Claim::Errors(relation, amount) => {
                self.counted(service, *relation, *amount, |counts| counts.wrong)
            }
            Claim::Gap(relation, limit) => self.gap(service, *relation, *limit),
            Claim::Latency(percent, relation, limit) => {
                let own = samples(self.evidence.record, service, &self.time);
                let took = percentile(own, percent.0);
                took.map(|took| self.bounded(service, u64::from(took), *relation, *limit, ""))
            }
            Claim::Share {
                server,
                part,
                tolerance,
            } => self.share(service, server, *part, *tolerance),
            Claim::Shares { tolerance } => return self.shares(service, *tolerance),
            Claim::Kept(relation, amount) => self.kept(service, *relation, *amount),
        };
        one.into_iter().collect()
    }

    fn counted(
        &self,
        service: u16,
        relation: Relation,
        amount: Amount,
        which: fn(&measure::Counts) -> u64,
    ) -> Option<Finding> {
        let counts = counts(samples(self.evidence.record, service, &self.time));
        (counts.requests > 0)
            .then(|| self.amount(service, which(&counts), counts.requests, relation, amount))
    }

    fn amount(
        &self,
        service: u16,
        count: u64,
        all: u64,
        relation: Relation,
        amount: Amount,
    ) -> Finding {
        let part = precise(count) / precise(all.max(1));
        let (value, limit) = match amount {
            Amount::Count(limit) => (precise(count), precise(limit)),
            Amount::Part(limit) => (part, limit),
        };
        let percent = match count {
            0 => String::new(),
            _ => format!(" ({})", percent(part)),
        };
        let measured = format!("{count} of {all}{percent}{}", self.service_words(service));
        Finding {
            verdict: holds(relation, value, limit).into(),
            measured,
            badness: badness(relation, value, limit),
        }
    }

    fn gap(&self, service: u16, relation: Relation, limit: Duration) -> Option<Finding> {
        let mut own = samples(self.evidence.record, service, &self.time);
        own.next()?;
        let gap = measure::longest_gap(self.evidence.record, service, &self.time);
        let place = format!(" at {}", seconds(gap.from));
        Some(self.bounded(service, gap.length(), relation, limit, &place))
    }

    /// A measured time (in microseconds) against its limit.
    fn bounded(
        &self,
        service: u16,
        value: u64,
        relation: Relation,
        limit: Duration,
        place: &str,
    ) -> Finding {
        let (value, limit) = (precise(value), precise(micros(limit)));
        let verdict = Verdict::from(holds(relation, value, limit));
        let off = match (verdict, value > limit) {
            (Verdict::Held, _) => String::new(),
            (Verdict::Failed, true) => format!(", {} too long", milliseconds(value - limit)),
            (Verdict::Failed, false) => format!(", {} too short", milliseconds(limit - value)),
        };
        let service = self.service_words(service);
        Finding {
            verdict,
            measured: format!("{}{place}{off}{service}", milliseconds(value)),
            badness: badness(relation, value, limit),
        }
    }

    fn share(
        &self,
        service: u16,
        server: &str,
        part: f64,
        tolerance: Option<f64>,
    ) -> Option<Finding> {
        let record = self.evidence.record;
        let place = record
            .servers
            .iter()
            .zip(0..)
            .find(|(name, _)| *name == server);
        let servers = by_server(samples(record, service, &self.time));
        let all: u64 = servers.values().sum();
        let own = place.and_then(|(_, place)| servers.get(&place)).copied();
        // A server of another service of the farm is not missed here.
        let is_its_own = self.expectation.of.is_some() || self.knows(service, server);
        if all == 0 || own.is_none() && !is_its_own {
            return None;
        }
        let tolerance = tolerance.unwrap_or_else(|| chance(part, all));
        Some(self.part(service, server, own.unwrap_or(0), all, (part, tolerance)))
    }

    /// Whether the weights name the server in the service.
    fn knows(&self, service: u16, server: &str) -> bool {
        let name = self.service_name(service);
        let families = self.evidence.weights.services.get(name);
        let mut families = families.into_iter().flat_map(|families| families.values());
        families.any(|weights| weights.servers.contains_key(server))
    }

    fn part(
        &self,
        service: u16,
        server: &str,
        count: u64,
        all: u64,
        (expected, tolerance): (f64, f64),
    ) -> Finding {
        let part = precise(count) / precise(all.max(1));
        let off = (part - expected).abs();
        let verdict = Verdict::from(off <= tolerance + f64::EPSILON);
        let mut measured = format!("{server} {} ({count} of {all})", percent(part));
        if verdict == Verdict::Failed {
            let points = format!("{:.1}", (off - tolerance) * 100.0);
            let way = if part > expected { "many" } else { "few" };
            let range = format!("{} ± {}", percent(expected), percent(tolerance));
            measured += &format!(", {points} points too {way} for {range}");
        }
        measured += &self.service_words(service);
        Finding {
            verdict,
            measured,
            badness: off - tolerance,
        }
    }

    /// Each server of a service, between any two changes of the weights.
    fn shares(&self, service: u16, tolerance: Option<f64>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (time, weights) in phases(self.evidence, &self.time) {
            for family in families(self.evidence.record, service) {
                let weights = weights.of(self.service_name(service), family);
                let weights = weights.filter(|one| one.spread != Spread::Unforeseen);
                if let Some(weights) = weights {
                    findings.extend(self.by_weight(service, family, &time, weights, tolerance));
                }
            }
        }
        findings
    }

    fn by_weight(
        &self,
        service: u16,
        family: Family,
        time: &Range<u64>,
        weights: &ServiceWeights,
        tolerance: Option<f64>,
    ) -> Vec<Finding> {
        let record = self.evidence.record;
        let own = samples(record, service, time).filter(|sample| sample.family == family);
        let servers = by_server(own);
        let all: u64 = servers.values().sum();
        if all < FEWEST {
            return Vec::new();
        }
        let dice = match weights.spread {
            Spread::Clients => all.min(u64::from(self.evidence.clients)),
            Spread::Connections | Spread::Unforeseen => all,
        };
        let place = |name: &str| record.servers.iter().zip(0..).find(|(one, _)| *one == name);
        let parts = weights.parts().into_iter();
        parts
            .map(|(server, part)| {
                let own = place(server).and_then(|(_, place)| servers.get(&place));
                let own = own.copied().unwrap_or(0);
                let tolerance = tolerance.unwrap_or_else(|| chance(part, dice));
                let finding = self.part(service, server, own, all, (part, tolerance));
                Self::told_against(finding, server, precise(own) / precise(all), part)
            })
            .collect()
    }

    /// Of shares that all hold, the one that is farthest from its weight is told.
    fn told_against(finding: Finding, server: &str, part: f64, expected: f64) -> Finding {
        if finding.verdict == Verdict::Failed {
            return finding;
        }
        let off = (part - expected).abs();
        let (part, expected) = (percent(part), percent(expected));
        Finding {
            measured: format!(
                "at most {:.1} points off: {server} {part} for {expected}",
                off * 100.0
            ),
            badness: off,
            ..finding
        }
    }

    fn kept(&self, service: u16, relation: Relation, amount: Amount) -> Option<Finding> {
        let (open, kept) = kept(self.evidence, service, &self.time);
        (open > 0).then(|| self.amount(service, kept, open, relation, amount))
    }

    fn service_name(&self, service: u16) -> &str {
        let names = &self.evidence.record.services;
        names.get(usize::from(service)).map_or("", String::as_str)
    }

    /// ` in http`, where there is more than one service that it could be.
    fn service_words(&self, service: u16) -> String {
        let several = self.evidence.record.services.len() > 1 && self.expectation.of.is_none();
        if several {
            format!(" in {}", self.service_name(service))
        } else {
            String::new()
        }
    }
}

/// Of the connections that were open when a step came, in a time: how many there were and how many
/// of them went on to its end. Without steps, those that were opened at all.
pub fn kept(evidence: Evidence<'_>, service: u16, time: &Range<u64>) -> (u64, u64) {
    let mut times: Vec<u64> = evidence
        .events
        .iter()
        .map(|event| micros(event.at))
        .filter(|at| time.contains(at))
        .collect();
    if times.is_empty() {
        let own = evidence.record.standing.iter();
        times = own.map(|one| one.opened).collect();
        times.retain(|at| time.contains(at));
    }
    measure::kept(evidence.record, service, &times, time.end)
}

/// The times between two changes of the weights, with the weights that held; the time that a
/// change took is in none of them.
pub fn phases<'a>(evidence: Evidence<'a>, time: &Range<u64>) -> Vec<(Range<u64>, &'a Weights)> {
    let mut phases = Vec::new();
    let (mut from, mut weights) = (time.start, evidence.weights);
    for event in evidence.events {
        let Some(next) = &event.weights else { continue };
        phases.push((from..micros(event.at).min(time.end), weights));
        from = micros(event.at + event.took).max(time.start);
        weights = next;
    }
    phases.push((from..time.end, weights));
    phases.retain(|(time, _)| time.start < time.end);
    phases
}

/// How far chance alone takes a share of `part` from it with so many dice.
fn chance(part: f64, dice: u64) -> f64 {
    DEVIATIONS * (part * (1.0 - part) / precise(dice.max(1))).sqrt()
        + ROUNDING * part.min(1.0 - part)
}

fn holds(relation: Relation, value: f64, limit: f64) -> bool {
    match relation {
        Relation::Is => (value - limit).abs() < f64::EPSILON,
        Relation::Below => value < limit,
        Relation::AtMost => value <= limit,
        Relation::Above => value > limit,
        Relation::AtLeast => value >= limit,
    }
}

fn badness(relation: Relation, value: f64, limit: f64) -> f64 {
    match relation {
        Relation::Is => (value - limit).abs(),
        Relation::Below | Relation::AtMost => value - limit,
        Relation::Above | Relation::AtLeast => limit - value,
    }
}

/// `12.5%`, `100%`, `<0.1%`.
pub fn percent(part: f64) -> String {
    let percent = part * 100.0;
    if percent > 0.0 && percent < 0.1 {
        return "<0.1%".to_owned();
    }
    let text = format!("{percent:.1}");
    format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
}

/// Microseconds as `152 ms`, `2.4 ms`.
pub fn milliseconds(micros: f64) -> String {
    let value = micros / 1_000.0;
    if value < 10.0 {
        format!("{value:.1} ms")
    } else {
        format!("{value:.0} ms")
    }
}

/// Microseconds as `4.95 s`.
pub fn seconds(micros: u64) -> String {
    format!("{:.2} s", precise(micros) / 1_000_000.0)
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
