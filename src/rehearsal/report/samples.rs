//! Reports for tests: a rehearsal in which everything happens that a report can show.

use std::time::Duration;

use super::{Event, Material, Report};
use crate::rehearsal::expect::parse;
use crate::rehearsal::record::{Family, Fault, Kind, Loss, Outcome, Record, Sample, Standing};
use crate::rehearsal::scenario::{Load, Scenario, StepOutcome};
use crate::rehearsal::weights::{ServiceWeights, Spread, Weights};

const MS: u64 = 1_000;

/// Weights of http for three servers.
fn weights(of: [u32; 3]) -> Weights {
    let names = ["web1", "web2", "web3"].map(str::to_owned);
    let service = ServiceWeights {
        spread: Spread::Connections,
        servers: names.into_iter().zip(of).collect(),
    };
    Weights {
        services: [("http".to_owned(), [(Family::V4, service)].into())].into(),
    }
}

/// Who answers a request of http: in turn by weight, but nobody while web3 is dead.
fn http(number: u64, due: u64) -> Outcome {
    let before = [0, 1, 1, 2, 2, 2];
    let dead = [0, 1, 1];
    let pick = |order: &[u16]| order[usize::try_from(number).unwrap() % order.len()];
    let server = match due / MS {
        4_000..7_000 => pick(&dead),
        _ => pick(&before),
    };
    match due / MS {
        3_000..4_000 if server == 2 => Outcome::Lost(Loss::Refused),
        3_500..3_800 => Outcome::Lost(Loss::TimedOut),
        3_900..3_910 => Outcome::Wrong(Fault::Status(503)),
        _ => Outcome::Answered(server),
    }
}

fn record() -> Record {
    let request = |service, number: u64, every: u64| {
        let due = number * every;
        let outcome = match service {
            0 => http(number, due),
            _ => Outcome::Answered(u16::from(number.is_multiple_of(3))),
        };
        let noise = u32::try_from(number * 7_919 % 900).unwrap();
        Sample {
            due,
            took: 600 + noise,
            service,
            family: Family::V4,
            kind: Kind::New,
            outcome,
        }
    };
    let mut samples: Vec<Sample> = (0..2_000).map(|n| request(0, n, 5 * MS)).collect();
    samples.extend((0..1_000).map(|n| request(1, n, 10 * MS)));
    let standing = |server, broken| Standing {
        service: 0,
        family: Family::V4,
        kind: Kind::Standing,
        server,
        opened: 20 * MS,
        broken,
    };
    let reset = Some((3_001 * MS, Outcome::Lost(Loss::Reset)));
    Record {
        duration: Duration::from_secs(10),
        services: vec!["http".to_owned(), "dns".to_owned()],
        servers: ["web1", "web2", "web3"].map(str::to_owned).to_vec(),
        samples,
        standing: vec![
            standing(0, None),
            standing(1, None),
            standing(2, reset),
            standing(2, reset),
        ],
    }
}

fn event(at: u64, what: &str, note: Option<&str>, weights: Option<Weights>) -> Event {
    Event {
        planned: Duration::from_millis(at),
        at: Duration::from_micros(at * MS + 300),
        took: Duration::from_micros(84_200),
        what: what.to_owned(),
        note: note.map(str::to_owned),
        outcome: StepOutcome::Done,
        weights,
    }
}

fn scenario(expectations: &[&str]) -> Scenario {
    let expect = expectations.iter();
    Scenario {
        duration: Duration::from_secs(10),
        load: Load::default(),
        steps: Vec::new(),
        expect: expect
            .map(|text| parse(text).unwrap().expectation)
            .collect(),
    }
}

/// A server dies, is drained, comes back; a step fails; two expectations fail.
pub(in crate::rehearsal) fn eventful() -> Report {
    let mut failed = event(9_000, "netem on lb1, back: 5 ms", None, None);
    failed.outcome = StepOutcome::Failed("the kernel has no netem".to_owned());
    let events = [
        event(3_000, "kill web3", Some("its program dies"), None),
        event(
            4_000,
            "weight of web3 in http: 0",
            None,
            Some(weights([1, 2, 0])),
        ),
        event(4_150, "connections of lb1 flushed", None, None),
        event(6_900, "start web3", None, None),
        event(
            7_000,
            "weight of web3 in http: 3",
            None,
            Some(weights([1, 2, 3])),
        ),
        failed,
    ];
    let scenario = scenario(&[
        "lost: 0 from 4s",
        "lost: 0 of http",
        "gap < 200ms",
        "shares: by weight",
        "share web3: 50% ± 3% from 7s to 10s of http",
        "kept: all",
    ]);
    Report::new(&Material {
        farm: "shop",
        dataplane: "nftables",
        scenario: &scenario,
        record: &record(),
        events: &events,
        weights: &weights([1, 2, 3]),
        notes: &["Of the ports of shop, clients ask 443.".to_owned()],
        interrupted: false,
    })
}

/// More of everything than fits well: services, servers, steps, long names, a gap at the end.
pub(in crate::rehearsal) fn crowded() -> Report {
    let mut record = record();
    record.services = (0..10)
        .map(|n| format!("service-with-a-long-name-{n}"))
        .collect();
    record.servers = (0..9).map(|n| format!("2001:db8:0:1::{n}:<b>&")).collect();
    let mut all = Vec::new();
    for (sample, number) in record.samples.iter().zip(0_u16..) {
        let outcome = match sample.due / MS {
            9_600.. => Outcome::Lost(Loss::Unreachable),
            _ => Outcome::Answered(number % 9),
        };
        let service = number % 10;
        all.push(Sample {
            service,
            outcome,
            ..*sample
        });
    }
    record.samples = all;
    let events: Vec<Event> = (0..9)
        .map(|n| {
            event(
                5_000 + n * 40,
                "delay on web1-with-a-long-name, back: 200 ms & more",
                None,
                None,
            )
        })
        .chain([event(9_990, "kill the last one", None, None)])
        .collect();
    let expectations = [
        "gap < 200ms",
        "lost: 0 of http",
        "share web1: 10% from 1s to 9s",
    ];
    Report::new(&Material {
        farm: "a-farm-with-a-long-name-of-its-own",
        dataplane: "nftables",
        scenario: &scenario(&expectations),
        record: &record,
        events: &events,
        weights: &Weights::default(),
        notes: &[],
        interrupted: false,
    })
}

/// Nothing happens, everything holds.
pub(in crate::rehearsal) fn quiet() -> Report {
    let mut record = record();
    record.services.truncate(1);
    record.samples.retain(|sample| sample.service == 0);
    for (sample, number) in record.samples.iter_mut().zip(0_u64..) {
        sample.outcome = http(number, 0);
    }
    record.standing.truncate(2);
    Report::new(&Material {
        farm: "shop",
        dataplane: "ipvs",
        scenario: &crate::rehearsal::scenario::default_scenario(),
        record: &record,
        events: &[],
        weights: &weights([1, 2, 3]),
        notes: &[],
        interrupted: false,
    })
}

/// Ended before anything was asked.
pub(in crate::rehearsal) fn empty() -> Report {
    Report::new(&Material {
        farm: "shop",
        dataplane: "nftables",
        scenario: &scenario(&["lost: 0"]),
        record: &Record::default(),
        events: &[],
        weights: &Weights::default(),
        notes: &[],
        interrupted: true,
    })
}
