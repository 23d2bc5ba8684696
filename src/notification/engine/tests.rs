//! Under a time of their own: nothing sleeps.

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Moment;
use crate::event::{Event, FORMAT_VERSION, Kind, Severity, Subject};
use crate::notification::message::State;
use crate::notification::{Sender, Wishes};
use crate::spec::Rate;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

mod bench;
mod laws;

use self::bench::{Bench, server, wishes};

#[test]
fn what_happens_together_is_one_message_in_order() {
    let mut bench = Bench::new(wishes());
    bench.down("web1");
    bench.pass(SECOND * 3);
    bench.down("web2");
    bench.pass(SECOND * 6);
    assert_eq!(bench.told.len(), 0);
    bench.pass(SECOND);
    let names: Vec<_> = bench
        .last()
        .entries
        .iter()
        .map(|entry| entry.subject.server.clone().unwrap())
        .collect();
    assert_eq!(names, ["web1", "web2"]);
    assert_eq!(
        bench.titles(),
        ["WARNING: web1 of http is down: connection refused. (and 1 more)"]
    );
}

#[test]
fn a_receiver_is_told_the_severities_and_kinds_that_it_wants() {
    let mut bench = Bench::new(Wishes {
        on: ["alarm", "drain_ended"].into(),
        ..wishes()
    });
    bench.down("web1");
    bench.event(
        Kind::QuorumLost,
        Severity::Alarm,
        Subject::default(),
        "http has lost its quorum.",
    );
    bench.event(
        Kind::DrainEnded,
        Severity::Info,
        server("web3"),
        "web3 is drained.",
    );
    bench.event(
        Kind::DrainBegan,
        Severity::Info,
        server("web4"),
        "web4 is drained.",
    );
    bench.pass(HOUR);
    let kinds: Vec<_> = bench
        .last()
        .entries
        .iter()
        .map(|entry| entry.kind)
        .collect();
    assert_eq!(kinds, [Kind::QuorumLost, Kind::DrainEnded]);
}

#[test]
fn the_end_of_what_was_told_is_told_though_its_kind_is_not_wanted() {
    let mut bench = Bench::new(wishes());
    bench.up("web2");
    bench.down("web1");
    bench.pass(SECOND * 720);
    bench.up("web1");
    bench.up("web1");
    bench.pass(HOUR);
    assert_eq!(
        bench.titles(),
        [
            "WARNING: web1 of http is down: connection refused.",
            "over: web1 of http is up. It lasted 12 min.",
        ]
    );
}

#[test]
fn what_is_over_before_it_is_told_is_told_as_over() {
    let mut bench = Bench::new(wishes());
    bench.down("web1");
    bench.pass(SECOND * 4);
    bench.up("web1");
    bench.pass(HOUR);
    assert_eq!(bench.last().entries[0].state, State::Over);
    assert_eq!(bench.last().severity, Severity::Info);
    assert_eq!(bench.titles(), ["over: web1 of http is up. That took 4 s."]);
}

#[test]
fn an_end_about_nothing_in_particular_ends_all_of_its_matter() {
    let mut bench = Bench::new(wishes());
    let service = |name: &str| Subject {
        service: Some(name.to_owned()),
        ..Subject::default()
    };
    bench.event(
        Kind::Drift,
        Severity::Warning,
        service("http"),
        "http was changed.",
    );
    bench.event(
        Kind::Drift,
        Severity::Warning,
        service("mail"),
        "mail was changed.",
    );
    bench.pass(SECOND * 60);
    bench.down("web1");
    bench.event(
        Kind::Converged,
        Severity::Info,
        Subject::default(),
        "All is as wanted.",
    );
    bench.pass(SECOND * 60);
    let message = bench.last();
    assert_eq!(message.entries.len(), 2);
    assert_eq!(message.entries[1].state, State::Over);
    assert!(message.ongoing.is_empty());
}

/// keepalived #666: 130,000 false mails; ldirectord RA#251.
#[test]
fn a_hundred_and_thirty_thousand_turns_in_an_hour_are_a_few_messages_that_say_how_it_is() {
    let mut bench = Bench::new(wishes());
    let mut turns = 0;
    let end = bench.now + HOUR;
    while bench.now < end {
        for number in 0..36 {
            let name = format!("web{number}");
            if turns % 2 == 0 {
                bench.down(&name);
            } else {
                bench.up(&name);
            }
        }
        turns += 1;
        bench.pass(SECOND);
    }
    assert!(bench.sequence >= 129_600, "{}", bench.sequence);
    bench.pass(HOUR);
    assert!(bench.told.len() <= 20, "{} messages", bench.told.len());
    let counted: u64 = bench
        .told
        .iter()
        .flat_map(|(_, message)| &message.entries)
        .map(|entry| entry.times)
        .sum();
    assert_eq!(
        counted, bench.sequence,
        "every event is counted in some message"
    );
    let last = bench.last();
    assert_eq!((last.entries.len(), last.dropped), (36, 0));
    assert!(last.entries.iter().all(|entry| entry.state == State::Over));
    assert!(bench.engine.waiting() == 0);
}

#[test]
fn what_goes_up_and_down_again_and_again_is_told_less_and_less_often() {
    let mut bench = Bench::new(Wishes {
        limit: Rate {
            count: 1000,
            per: HOUR,
        },
        ..wishes()
    });
    for _ in 0..60 {
        bench.down("web1");
        bench.pass(SECOND * 30);
        bench.up("web1");
        bench.pass(SECOND * 30);
    }
    assert!(bench.told.len() <= 12, "{} messages", bench.told.len());
    let title = bench.titles().pop().unwrap();
    assert!(title.contains("web1 of http went down and up 1"), "{title}");
    assert!(title.contains(" times in "), "{title}");
    bench.pass(HOUR * 2);
    bench.titles();
    bench.down("web1");
    bench.pass(SECOND * 10);
    assert_eq!(
        bench.titles().len(),
        1,
        "after a quiet time it is news again"
    );
}

#[test]
fn no_hour_has_more_messages_than_the_limit_and_alarms_find_room() {
    let mut bench = Bench::new(wishes());
    for number in 0..720 {
        bench.down(&format!("web{number}"));
        bench.pass(SECOND * 10);
    }
    for start in 0..bench.told.len() {
        let from = bench.told[start].0;
        let within = bench.told[start..]
            .iter()
            .take_while(|(at, _)| *at < from + HOUR);
        assert!(within.count() <= 20);
    }
    let before = bench.told.len();
    bench.event(
        Kind::QuorumLost,
        Severity::Alarm,
        Subject::default(),
        "http has lost its quorum.",
    );
    bench.pass(SECOND * 10);
    assert_eq!(
        bench.told.len(),
        before + 1,
        "an alarm does not wait for its turn"
    );
    assert_eq!(bench.last().severity, Severity::Alarm);
}

#[test]
fn what_lasts_is_told_again_until_it_is_over() {
    let mut bench = Bench::new(Wishes {
        repeat: Some(HOUR),
        ..wishes()
    });
    bench.down("web1");
    bench.down("web2");
    bench.pass(HOUR * 2 + SECOND * 60);
    assert!(bench.last().reminder);
    assert_eq!(
        bench.titles(),
        [
            "WARNING: web1 of http is down: connection refused. (and 1 more)",
            "still: web1 of http is down: connection refused. (and 1 more)",
            "still: web1 of http is down: connection refused. (and 1 more)",
        ]
    );
    bench.up("web1");
    bench.up("web2");
    bench.pass(HOUR * 10);
    assert_eq!(
        bench.titles().len(),
        1,
        "it is over, and nothing is repeated"
    );
}

#[test]
fn a_receiver_that_is_gone_for_an_hour_gets_everything_in_one_message() {
    let mut bench = Bench::new(wishes());
    bench.answer = Err(Failure::Unreachable("connection refused".to_owned()));
    for number in 0..60 {
        bench.down(&format!("web{}", number % 20));
        bench.pass(SECOND * 30);
        bench.up(&format!("web{}", number % 20));
        bench.pass(SECOND * 30);
    }
    assert_eq!(bench.engine.waiting(), 120);
    assert!(
        (10..30).contains(&bench.attempts),
        "{} attempts",
        bench.attempts
    );
    assert_eq!(
        bench.engine.count().trouble.as_deref(),
        Some("connection refused")
    );
    bench.answer = Ok(());
    bench.pass(SECOND * 376);
    assert_eq!(bench.told.len(), 1);
    assert_eq!(bench.engine.count().trouble, None);
    let message = bench.last();
    let sequences: Vec<_> = message
        .entries
        .iter()
        .map(|entry| entry.first.as_ref().unwrap().sequence)
        .collect();
    assert!(
        sequences.is_sorted(),
        "in the order in which they began: {sequences:?}"
    );
    assert_eq!(
        message.entries.iter().map(|entry| entry.times).sum::<u64>(),
        120
    );
}

#[test]
fn a_dead_receiver_costs_no_more_memory_after_a_hundred_thousand_topics() {
    let mut bench = Bench::new(wishes());
    bench.answer = Err(Failure::Unreachable("timed out".to_owned()));
    bench.event(
        Kind::QuorumLost,
        Severity::Alarm,
        Subject::default(),
        "http has lost its quorum.",
    );
    for number in 0..100_000 {
        bench.event(
            Kind::AgentChanged,
            Severity::Warning,
            server(&number.to_string()),
            "It changed.",
        );
        if number % 100 == 0 {
            bench.pass(SECOND);
        }
    }
    assert!(bench.engine.waiting() <= 2 * digest::ENTRIES as u64);
    bench.answer = Ok(());
    bench.pass(HOUR);
    let message = &bench.told[0].1;
    assert_eq!(message.entries.len(), digest::ENTRIES);
    assert_eq!(
        message.entries[0].kind,
        Kind::QuorumLost,
        "what matters most is kept"
    );
    assert_eq!(message.dropped + message.entries.len() as u64, 100_001);
    bench.down("web1");
    bench.pass(HOUR);
    assert_eq!(bench.last().dropped, 0, "it is told once");
}

#[test]
fn a_message_that_is_refused_again_and_again_is_given_up_and_what_lasts_is_told() {
    let mut bench = Bench::new(wishes());
    bench.answer = Err(Failure::Refused("413 Payload Too Large".to_owned()));
    bench.down("web1");
    bench.pass(HOUR);
    assert_eq!(bench.engine.waiting(), 0);
    assert_eq!(bench.engine.count().dropped, 1);
    bench.answer = Ok(());
    bench.pass(HOUR);
    let message = bench.last();
    assert_eq!(message.dropped, 1);
    assert_eq!(message.ongoing[0].subject, server("web1"));
    assert_eq!(
        bench.titles(),
        ["still: web1 of http is down: connection refused."]
    );
}

#[test]
fn retries_wait_longer_and_longer_but_never_longer_than_some_minutes() {
    let mut bench = Bench::new(wishes());
    bench.answer = Err(Failure::Unreachable("timed out".to_owned()));
    bench.down("web1");
    let mut waits = Vec::new();
    for _ in 0..12 {
        let due = bench.engine.poll_timeout().unwrap().as_since_boot();
        waits.push(due.saturating_sub(bench.now));
        bench.pass(due.saturating_sub(bench.now));
    }
    assert!(waits[1] >= SECOND && waits[1] < SECOND * 3, "{waits:?}");
    assert!(waits[2..7].is_sorted(), "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= SECOND * 375), "{waits:?}");
    assert!(waits[11] >= SECOND * 225, "{waits:?}");
}

#[test]
fn an_interrupted_delivery_is_told_again_and_a_new_file_keeps_what_waits() {
    let mut bench = Bench::new(wishes());
    bench.down("web1");
    bench.now += SECOND * 10;
    assert!(bench.engine.poll_transmit(bench.moment()).is_some());
    assert_eq!(bench.engine.poll_timeout(), None, "one message at a time");
    bench.down("web2");
    bench.engine.handle_interruption();
    bench.engine.configure(Wishes {
        group: Duration::ZERO,
        ..wishes()
    });
    bench.pass(SECOND);
    assert_eq!(bench.last().entries.len(), 2);
}

#[test]
fn at_the_end_what_waits_is_due_at_once() {
    let mut bench = Bench::new(wishes());
    bench.down("web1");
    bench.engine.close();
    assert!(!bench.engine.is_done());
    bench.pass(Duration::ZERO);
    assert_eq!(bench.told.len(), 1);
    assert!(bench.engine.is_done());
}

#[test]
fn a_mail_says_what_where_since_when_and_what_to_do() {
    let mut bench = Bench::new(wishes());
    bench.now = Duration::from_secs(1_795_290_322);
    bench.down("web1");
    bench.event(
        Kind::RedundancyLost,
        Severity::Warning,
        Subject {
            service: Some("http".to_owned()),
            ..Subject::default()
        },
        "http has only web2 left.",
    );
    bench.pass(SECOND * 60);
    bench.up("web1");
    for _ in 0..3 {
        bench.pass(SECOND);
        bench.down("web3");
        bench.up("web3");
    }
    let address: IpAddr = "2001:db8::7".parse().unwrap();
    let alien = Subject {
        address: Some(address),
        ..server("web4")
    };
    bench.event(
        Kind::ServerDown,
        Severity::Alarm,
        alien,
        "web4 of http is down: it said \"\r\nBcc: all\".",
    );
    bench.pass(HOUR);
    let mut message = bench.last().clone();
    message.at = 1_795_290_400_000;
    insta::assert_snapshot!(format!(
        "Subject: {}\n\n{}",
        message.subject(),
        message.text()
    ));
    let json = serde_json::to_value(&message).unwrap();
    assert_eq!(serde_json::from_value::<Message>(json).unwrap(), message);
}
