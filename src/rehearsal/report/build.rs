//! A record and what the stage did to a [`Report`]. Pure.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::super::expect::measure::{
    by_server, counts, families, longest_gap, percentile, samples,
};
use super::super::expect::{Evidence, Verdict, judge, kept, phases};
use super::super::record::{self, Fault, Loss};
use super::super::scenario::StepOutcome;
use super::super::weights::{Spread, precise};
use super::series::timeline;
use super::{
    Event, ExpectationReport, Failure, GapReport, Kept, Material, Outcome, Report, ServerReport,
    ServiceReport, StepReport,
};

impl Report {
    /// The report of a rehearsal.
    pub fn new(material: &Material<'_>) -> Self {
        let record = material.record;
        let builder = Builder {
            evidence: Evidence {
                record,
                events: material.events,
                weights: material.weights,
                clients: material.scenario.load.clients,
            },
            time: 0..u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX),
        };
        let steps: Vec<StepReport> = material.events.iter().map(step).collect();
        let expectations: Vec<_> = material
            .scenario
            .expect
            .iter()
            .map(|expectation| {
                let judgement = judge(expectation, builder.evidence);
                ExpectationReport {
                    expectation: expectation.text.clone(),
                    held: judgement.verdict == Verdict::Held,
                    measured: judgement.measured,
                }
            })
            .collect();
        let services = record.services.iter().zip(0..);
        Self {
            format_version: 1,
            farm: material.farm.to_owned(),
            dataplane: material.dataplane.to_owned(),
            outcome: outcome(material, &steps, &expectations),
            duration_ms: u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX),
            services: services
                .map(|(name, place)| builder.service(name, place))
                .collect(),
            steps,
            expectations,
            notes: material.notes.to_vec(),
            timeline: timeline(record),
        }
    }
}

fn outcome(
    material: &Material<'_>,
    steps: &[StepReport],
    expectations: &[ExpectationReport],
) -> Outcome {
    let failed = steps.iter().any(|step| step.failure.is_some())
        || expectations.iter().any(|expectation| !expectation.held);
    if material.interrupted {
        Outcome::Interrupted
    } else if failed {
        Outcome::Failed
    } else {
        Outcome::Held
    }
}

fn step(event: &Event) -> StepReport {
    StepReport {
        planned_ms: millis(event.planned),
        at_ms: millis(event.at),
        took_ms: millis(event.took),
        what: event.what.clone(),
        note: event.note.clone(),
        failure: match &event.outcome {
            StepOutcome::Done => None,
            StepOutcome::Failed(reason) => Some(reason.clone()),
        },
    }
}

/// Milliseconds with one digit behind the point.
fn millis(length: Duration) -> f64 {
    rounded(length.as_secs_f64() * 1_000.0)
}

fn rounded(millis: f64) -> f64 {
    (millis * 10.0).round() / 10.0
}

fn from_micros(micros: u64) -> f64 {
    rounded(precise(micros) / 1_000.0)
}

struct Builder<'a> {
    evidence: Evidence<'a>,
    time: Range<u64>,
}

impl Builder<'_> {
    fn service(&self, name: &str, place: u16) -> ServiceReport {
        let record = self.evidence.record;
        let own = || samples(record, place, &self.time);
        let counts = counts(own());
        let gap = longest_gap(record, place, &self.time);
        let latency = |percent| percentile(own(), percent).map(|took| from_micros(took.into()));
        let (open, kept) = kept(self.evidence, place, &self.time);
        ServiceReport {
            service: name.to_owned(),
            requests: counts.requests,
            answered: counts.answered,
            lost: counts.lost,
            wrong: counts.wrong,
            failures: self.failures(place),
            longest_gap: GapReport {
                at_ms: from_micros(gap.from),
                length_ms: from_micros(gap.length()),
            },
            p50_ms: latency(50),
            p99_ms: latency(99),
            kept: Kept { open, kept },
            servers: self.servers(name, place),
        }
    }

    fn failures(&self, place: u16) -> Vec<Failure> {
        let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
        for sample in samples(self.evidence.record, place, &self.time) {
            if let Some(reason) = reason(sample.outcome) {
                *reasons.entry(reason).or_default() += 1;
            }
        }
        let mut failures: Vec<Failure> = reasons
            .into_iter()
            .map(|(reason, count)| Failure { reason, count })
            .collect();
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
        failures
    }

    fn servers(&self, name: &str, place: u16) -> Vec<ServerReport> {
        let record = self.evidence.record;
        let answered = by_server(samples(record, place, &self.time));
        let all: u64 = answered.values().sum();
        let expected = self.expected(name, place);
        let mut connections: BTreeMap<&str, u64> = BTreeMap::new();
        for server in expected.keys() {
            connections.insert(server, 0);
        }
        for (server, count) in answered {
            if let Some(server) = record.servers.get(usize::from(server)) {
                connections.insert(server, count);
            }
        }
        connections
            .into_iter()
            .map(|(server, connections)| ServerReport {
                server: server.to_owned(),
                connections,
                share: part(precise(connections), precise(all)),
                by_weight: expected.get(server).copied(),
            })
            .collect()
    }

    /// What the weights make of each server's part: those of each time between two changes and of
    /// each family, by how many connections were answered then.
    fn expected(&self, name: &str, place: u16) -> BTreeMap<String, f64> {
        let mut expected: BTreeMap<String, f64> = BTreeMap::new();
        let mut all = 0.0;
        for (time, weights) in phases(self.evidence, &self.time) {
            for family in families(self.evidence.record, place) {
                let Some(weights) = weights.of(name, family) else {
                    continue;
                };
                if weights.spread == Spread::Unforeseen {
                    continue;
                }
                let own = samples(self.evidence.record, place, &time);
                let own = own.filter(|sample| sample.family == family);
                let count = by_server(own).values().sum::<u64>();
                all += precise(count);
                for (server, part) in weights.parts() {
                    *expected.entry(server.to_owned()).or_default() += part * precise(count);
                }
            }
        }
        let parts = expected.into_iter();
        parts
            .map(|(server, count)| (server, part(count, all)))
            .collect()
    }
}

/// A part of all, with four digits behind the point.
fn part(count: f64, all: f64) -> f64 {
    if all == 0.0 {
        return 0.0;
    }
    (count / all * 10_000.0).round() / 10_000.0
}

/// Why a request failed; none where it did not.
fn reason(outcome: record::Outcome) -> Option<String> {
    let reason = match outcome {
        record::Outcome::Answered(_) => return None,
        record::Outcome::Lost(Loss::Refused) => "refused",
        record::Outcome::Lost(Loss::Reset) => "reset",
        record::Outcome::Lost(Loss::CutOff) => "closed before the answer",
        record::Outcome::Lost(Loss::TimedOut) => "timed out",
        record::Outcome::Lost(Loss::Unreachable) => "unreachable",
        record::Outcome::Lost(Loss::Unsent) => "not sent: the client had no socket or port",
        record::Outcome::Wrong(Fault::Status(status)) => return Some(format!("status {status}")),
        record::Outcome::Wrong(Fault::Garbled) => "answer not understood",
        record::Outcome::Wrong(Fault::OtherServer) => "another server answered in the same flow",
    };
    Some(reason.to_owned())
}
