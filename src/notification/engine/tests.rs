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

/// An engine, its receiver and a clock that only tests move.
struct Bench {
    engine: Engine,
    now: Duration,
    sequence: u64,
    told: Vec<(Duration, Message)>,
    answer: Result<(), Failure>,
    attempts: u64,
}

fn wishes() -> Wishes {
    Wishes {
        on: ["warning", "alarm"].into(),
        group: SECOND * 10,
        repeat: None,
        limit: Rate {
            count: 20,
            per: HOUR,
        },
    }
}

fn server(name: &str) -> Subject {
    Subject {
        service: Some("http".to_owned()),
        server: Some(name.to_owned()),
        ..Subject::default()
    }
}

impl Bench {
    fn new(wishes: Wishes) -> Self {
        let sender = Sender {
            farm: "shop".to_owned(),
            node: "lb1".to_owned(),
        };
        Self {
            engine: Engine::new(wishes, sender, 7),
            now: Duration::from_secs(1_000_000),
            sequence: 0,
            told: Vec::new(),
            answer: Ok(()),
            attempts: 0,
        }
    }

    fn moment(&self) -> Moment {
        Moment::since_boot(self.now)
    }

    fn event(&mut self, kind: Kind, severity: Severity, subject: Subject, message: &str) {
        self.sequence += 1;
        let event = Event {
            format_version: FORMAT_VERSION,
            sequence: self.sequence,
            at: u64::try_from(self.now.as_millis()).unwrap(),
            node: Some("lb1".to_owned()),
            severity,
            kind,
            subject,
            message: message.to_owned(),
        };
        let now = self.moment();
        self.engine.handle_event(&event, now);
    }

    fn down(&mut self, name: &str) {
        let text = format!("{name} of http is down: connection refused.");
        self.event(Kind::ServerDown, Severity::Warning, server(name), &text);
    }

    fn up(&mut self, name: &str) {
        let text = format!("{name} of http is up.");
        self.event(Kind::ServerUp, Severity::Info, server(name), &text);
    }

    /// Lets time pass: it jumps from one message to the next.
    fn pass(&mut self, length: Duration) {
        let end = self.now + length;
        loop {
            while let Some(message) = self.engine.poll_transmit(self.moment()) {
                self.attempts += 1;
                let now = self.moment();
                match self.answer.clone() {
                    Ok(()) => {
                        self.engine.handle_delivered(now);
                        self.told.push((self.now, message));
                    }
                    Err(failure) => self.engine.handle_failure(&failure, now),
                }
            }
            match self.engine.poll_timeout().map(Moment::as_since_boot) {
                Some(due) if due <= end => self.now = due.max(self.now),
                Some(_) | None => break,
            }
        }
        self.now = end;
    }

    /// The titles that were told since they were asked for last.
    fn titles(&mut self) -> Vec<String> {
        let told = self.told.drain(..);
        told.map(|(_, message)| format!("{}: {}", message.label(), message.title()))
            .collect()
    }

    fn last(&self) -> &Message {
        &self.told.last().unwrap().1
    }
}

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

mod laws {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Down(u8),
        Up(u8),
        Pass(u16),
        Die,
        Refuse,
        Recover,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0_u8..6).prop_map(Step::Down),
            4 => (0_u8..6).prop_map(Step::Up),
            4 => (0_u16..900).prop_map(Step::Pass),
            1 => Just(Step::Die),
            1 => Just(Step::Refuse),
            1 => Just(Step::Recover),
        ]
    }

    fn play(bench: &mut Bench, step: &Step) {
        match step {
            Step::Down(number) => bench.down(&format!("web{number}")),
            Step::Up(number) => bench.up(&format!("web{number}")),
            Step::Pass(seconds) => bench.pass(SECOND * u32::from(*seconds)),
            Step::Die => bench.answer = Err(Failure::Unreachable("gone".to_owned())),
            Step::Refuse => bench.answer = Err(Failure::Refused("no".to_owned())),
            Step::Recover => bench.answer = Ok(()),
        }
    }

    /// What a reader of all messages believes to be down.
    fn believed(told: &[(Duration, Message)]) -> Vec<String> {
        let mut down = std::collections::BTreeSet::new();
        for (_, message) in told {
            for entry in &message.entries {
                let name = entry.subject.server.clone().unwrap();
                if entry.state == State::Lasts {
                    down.insert(name);
                } else {
                    down.remove(&name);
                }
            }
            down.extend(
                message
                    .ongoing
                    .iter()
                    .map(|each| each.subject.server.clone().unwrap()),
            );
        }
        down.into_iter().collect()
    }

    proptest! {
        /// Whatever happened and however the receiver failed: once it is back, it knows every
        /// server that is down, and no event was told twice.
        #[test]
        fn a_receiver_that_is_back_knows_what_is_down(steps in proptest::collection::vec(step(), 1..120)) {
            let mut bench = Bench::new(wishes());
            let mut down = std::collections::BTreeSet::new();
            for step in &steps {
                match step {
                    Step::Down(number) => drop(down.insert(*number)),
                    Step::Up(number) => drop(down.remove(number)),
                    Step::Pass(_) | Step::Die | Step::Refuse | Step::Recover => {}
                }
                play(&mut bench, step);
            }
            bench.answer = Ok(());
            bench.pass(HOUR * 24);
            let gone_up_unseen = bench.engine.count().dropped > 0;
            let believed = believed(&bench.told);
            for number in &down {
                let name = format!("web{number}");
                prop_assert!(believed.contains(&name), "{} is not known to be down", name);
            }
            if !gone_up_unseen {
                prop_assert_eq!(believed.len(), down.len());
            }
            let counted: u64 = bench.told.iter().flat_map(|(_, message)| &message.entries).map(|entry| entry.times).sum();
            prop_assert!(counted + bench.engine.count().dropped <= bench.sequence);
            prop_assert_eq!(bench.engine.waiting(), 0);
        }
    }
}
