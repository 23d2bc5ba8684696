use super::super::super::record::{Kind, Loss, Outcome, Sample, Standing};
use super::super::super::scenario::StepOutcome;
use super::super::parse;
use super::*;
use std::collections::BTreeMap;

const MS: u64 = 1_000;

/// Ten seconds, 100 connections in a second that web1 and web2 answer in turn, each in 2 ms.
fn record() -> Record {
    let samples = (0..1_000).map(|number: u64| Sample {
        due: number * 10 * MS,
        took: 2_000,
        service: 0,
        family: Family::V4,
        kind: Kind::New,
        outcome: Outcome::Answered(u16::from(number % 2 == 1)),
    });
    Record {
        duration: Duration::from_secs(10),
        services: vec!["http".to_owned()],
        servers: vec!["web1".to_owned(), "web2".to_owned()],
        samples: samples.collect(),
        standing: Vec::new(),
    }
}

fn weights(web1: u32, web2: u32) -> Weights {
    let servers = [("web1".to_owned(), web1), ("web2".to_owned(), web2)];
    let service = ServiceWeights {
        spread: Spread::Connections,
        servers: servers.into(),
    };
    let families = BTreeMap::from([(Family::V4, service)]);
    Weights {
        services: BTreeMap::from([("http".to_owned(), families)]),
    }
}

fn event(at: u64, weights: Option<Weights>) -> Event {
    Event {
        planned: Duration::from_millis(at),
        at: Duration::from_millis(at),
        took: Duration::from_millis(100),
        what: "something".to_owned(),
        note: None,
        outcome: StepOutcome::Done,
        weights,
    }
}

fn judged(text: &str, record: &Record, events: &[Event]) -> (Verdict, String) {
    let evidence = Evidence {
        record,
        events,
        weights: &weights(1, 1),
        clients: 64,
    };
    let Judgement { verdict, measured } = judge(&parse(text).unwrap().expectation, evidence);
    (verdict, measured)
}

fn held(text: &str, record: &Record) -> String {
    let (verdict, measured) = judged(text, record, &[]);
    assert_eq!(verdict, Verdict::Held, "{text}: {measured}");
    measured
}

fn failed(text: &str, record: &Record) -> String {
    let (verdict, measured) = judged(text, record, &[]);
    assert_eq!(verdict, Verdict::Failed, "{text}: {measured}");
    measured
}

/// From 4 s to 4.3 s every request is lost.
fn outage() -> Record {
    let mut record = record();
    for sample in &mut record.samples {
        if (4_000 * MS..4_300 * MS).contains(&sample.due) {
            sample.outcome = Outcome::Lost(Loss::TimedOut);
        }
    }
    record
}

#[test]
fn a_run_in_which_all_went_well_holds_what_is_usually_expected() {
    let record = record();
    assert_eq!(held("lost: 0", &record), "0 of 1000");
    assert_eq!(held("errors: 0", &record), "0 of 1000");
    assert_eq!(held("gap < 200ms", &record), "2.0 ms at 0.00 s");
    assert_eq!(held("p99 < 50ms", &record), "2.0 ms");
    assert_eq!(
        held("share web1: 50% ± 1%", &record),
        "web1 50% (500 of 1000)"
    );
    assert_eq!(
        held("shares: by weight", &record),
        "at most 0.0 points off: web1 50% for 50%"
    );
}

#[test]
fn an_outage_is_counted_and_its_gap_has_a_place() {
    let record = outage();
    assert_eq!(failed("lost: 0", &record), "30 of 1000 (3%)");
    assert_eq!(failed("lost < 3%", &record), "30 of 1000 (3%)");
    assert_eq!(held("lost <= 3%", &record), "30 of 1000 (3%)");
    assert_eq!(
        held("lost > 10% from 3s to 5s of http", &record),
        "30 of 200 (15%)"
    );
    assert_eq!(
        failed("gap < 200ms", &record),
        "302 ms at 4.00 s, 102 ms too long"
    );
}

#[test]
fn a_window_leaves_out_what_is_not_in_it() {
    let record = outage();
    assert_eq!(held("lost: 0 from 5s", &record), "0 of 500");
    assert_eq!(held("lost: 0 to 4s", &record), "0 of 400");
    assert_eq!(
        held("gap < 200ms from 5s to 9s", &record),
        "2.0 ms at 5.00 s"
    );
}

#[test]
fn a_download_belongs_to_the_time_in_which_it_ended() {
    let mut record = record();
    for (sample, took) in record.samples.iter_mut().zip([4_000_000, 10_000_000]) {
        sample.kind = Kind::Download;
        sample.due = 0;
        sample.took = took;
        sample.outcome = Outcome::Lost(Loss::Reset);
    }
    assert_eq!(held("lost: 0 to 3s", &record), "0 of 298");
    assert_eq!(failed("lost: 0 from 3s to 5s", &record), "1 of 201 (0.5%)");
    assert_eq!(failed("lost: 0 from 9s", &record), "1 of 101 (1%)");
}

#[test]
fn a_service_that_was_never_asked_holds_nothing() {
    let mut record = record();
    record.samples.clear();
    for text in [
        "lost: 0",
        "gap < 200ms",
        "p99 < 50ms",
        "shares: by weight",
        "kept: all",
    ] {
        assert_eq!(failed(text, &record), "nothing was measured");
    }
}

#[test]
fn a_share_that_is_off_says_by_how_many_points() {
    let record = record();
    assert_eq!(
        failed("share web1: 30% ± 3%", &record),
        "web1 50% (500 of 1000), 17.0 points too many for 30% ± 3%"
    );
    assert_eq!(
        failed("share web9: 10% ± 3% of http", &record),
        "web9 0% (0 of 1000), 7.0 points too few for 10% ± 3%"
    );
}

#[test]
fn shares_by_weight_are_judged_between_the_changes_of_the_weights() {
    let mut record = record();
    for sample in &mut record.samples {
        if sample.due >= 5_050 * MS {
            sample.outcome = Outcome::Answered(u16::from(sample.due / MS % 100 >= 10));
        }
    }
    let (before, _) = judged("shares: by weight", &record, &[]);
    assert_eq!(before, Verdict::Failed);
    let events = [event(5_000, Some(weights(1, 9)))];
    let (after, measured) = judged("shares: by weight", &record, &events);
    assert_eq!(after, Verdict::Held, "{measured}");
}

#[test]
fn connections_count_as_kept_when_they_were_open_at_a_step_and_went_on() {
    let standing = |opened, broken| Standing {
        service: 0,
        family: Family::V4,
        kind: Kind::Standing,
        server: 0,
        opened,
        broken,
    };
    let cut = |at| Some((at, Outcome::Lost(Loss::Reset)));
    let mut record = record();
    record.standing = vec![
        standing(0, None),
        standing(0, cut(5_010 * MS)),
        // Broken before the step, and opened after it.
        standing(0, cut(2_000 * MS)),
        standing(6_000 * MS, cut(7_000 * MS)),
    ];
    let events = [event(5_000, None)];
    let kept = |text| judged(text, &record, &events);
    assert_eq!(
        kept("kept: all"),
        (Verdict::Failed, "1 of 2 (50%)".to_owned())
    );
    assert_eq!(
        kept("kept >= 50%"),
        (Verdict::Held, "1 of 2 (50%)".to_owned())
    );
}

#[test]
fn the_service_with_the_worst_finding_is_named() {
    let mut record = record();
    record.services.push("dns".to_owned());
    for sample in &mut record.samples {
        if sample.due % (50 * MS) == 0 {
            sample.service = 1;
            sample.outcome = Outcome::Lost(Loss::Refused);
        }
    }
    assert_eq!(failed("lost: 0", &record), "200 of 200 (100%) in dns");
    assert_eq!(held("lost: 0 of http", &record), "0 of 800");
}
