//! A day of a busy farm, compressed: a million changes of state, none missed, none told twice, and
//! no memory kept.

use std::time::Duration;

use farmctl::clock::Moment;
use farmctl::event::Kind;
use farmctl::health::{Answer, AskId, Engine, Event, Fault, Layout, Output, Verdict};

use super::files::farm;

const SERVERS: usize = 50;
const SERVICES: usize = 20;
const CHANGES: usize = 1_000_000;

/// Twenty services of the same fifty servers: one answer changes twenty real servers.
fn text() -> String {
    let mut text = "version: 1\nvips: { www: { addresses: [10.0.0.1/32], interface: eth0 } }\n\
                    defaults: { check: { tcp: {}, rise: 1, fall: 1 } }\npools:\n  web:\n    \
                    real_servers:\n"
        .to_owned();
    for number in 1..=SERVERS {
        text.push_str(&format!(
            "      - {{ address: 192.168.1.{number}, port: 80 }}\n"
        ));
    }
    text.push_str("services:\n");
    for number in 1..=SERVICES {
        let sorry = "sorry_server: { address: 192.168.2.1, port: 80 }";
        text.push_str(&format!(
            "  s{number}: {{ vip: www, port: {number}, pool: web, {sorry} }}\n"
        ));
    }
    text
}

#[derive(Default)]
struct Count {
    downs: usize,
    ups: usize,
    changes: usize,
    /// Events of groups, by how often they begin and end.
    begins: usize,
    ends: usize,
}

struct Run {
    engine: Engine,
    chance: fastrand::Rng,
    /// How each server answered last; none before its first answer.
    was_well: Vec<Option<bool>>,
    expected: Count,
    seen: Count,
    asks: Vec<(AskId, usize)>,
}

impl Run {
    fn new() -> Self {
        Self {
            engine: Engine::new(99),
            chance: fastrand::Rng::with_seed(99),
            was_well: vec![None; SERVERS + 1],
            expected: Count::default(),
            seen: Count::default(),
            asks: Vec::new(),
        }
    }

    fn event(&mut self, now: Moment, event: Event) {
        self.engine.handle_event(now, event);
        self.take_outputs();
    }

    fn take_outputs(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Ask { id, question } => {
                    let std::net::IpAddr::V4(address) = question.address else {
                        unreachable!("the farm has IPv4 only");
                    };
                    self.asks.push((id, usize::from(address.octets()[3])));
                }
                Output::Forget { .. } => unreachable!("nothing is removed"),
                Output::Changed => self.seen.changes += 1,
                Output::Told(told) => self.hear(told.kind),
            }
        }
    }

    fn hear(&mut self, kind: Kind) {
        let begins = [Kind::QuorumLost, Kind::SorryServerOn];
        let ends = [Kind::QuorumReached, Kind::SorryServerOff];
        self.seen.downs += usize::from(kind == Kind::ServerDown);
        self.seen.ups += usize::from(kind == Kind::ServerUp);
        self.seen.begins += usize::from(begins.contains(&kind));
        self.seen.ends += usize::from(ends.contains(&kind));
    }

    /// One answer, good or bad by chance; what has to come of it is counted.
    fn answer(&mut self, now: Moment, ask: AskId, server: usize) {
        let is_well = self.chance.u8(..) < 160;
        let before = self.was_well[server].replace(is_well);
        match (before, is_well) {
            (Some(true) | None, false) => self.expected.downs += SERVICES,
            (Some(false), true) => self.expected.ups += SERVICES,
            (Some(true) | None, true) | (Some(false), false) => {}
        }
        self.expected.changes +=
            usize::from(before != Some(is_well) && (before, is_well) != (None, false));
        let verdict = if is_well {
            Verdict::Pass("connected".to_owned())
        } else {
            Verdict::Fail {
                fault: Fault::Refused,
                text: "connection refused".to_owned(),
            }
        };
        let answer = Answer {
            verdict,
            took: Duration::from_millis(1),
            advice: None,
            certificate: None,
        };
        self.event(now, Event::Answered { ask, answer });
    }

    /// An interval of one second.
    fn second(&mut self, number: u64) {
        let now = Moment::since_boot(Duration::from_secs(number));
        self.engine.handle_timeout(now);
        self.take_outputs();
        for (ask, server) in std::mem::take(&mut self.asks) {
            self.answer(now + Duration::from_millis(1), ask, server);
        }
    }

    fn state_changes(&self) -> usize {
        self.seen.downs + self.seen.ups
    }
}

/// Pages of memory that are in use (proc(5), statm).
fn resident_pages() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let resident = text.split_whitespace().nth(1).expect("the second number");
    resident.parse().expect("a number")
}

#[test]
fn a_million_changes_of_state_are_each_told_once_and_leave_nothing_behind() {
    let mut run = Run::new();
    let layout = Layout::of(&farm(&text()));
    run.event(Moment::default(), Event::Configured(layout));
    run.expected.changes += 1;
    let mut number = 0;
    let mut settled = None;
    while run.state_changes() < CHANGES {
        number += 1;
        run.second(number);
        if number == 500 {
            settled = Some((run.engine.entries(), resident_pages()));
        }
    }
    let (entries, pages) = settled.expect("it ran long enough");
    let most = entries + SERVERS * SERVICES;
    assert!(
        run.engine.entries() <= most,
        "{} entries",
        run.engine.entries()
    );
    let grown = resident_pages().saturating_sub(pages);
    assert!(grown < 1_000, "{grown} pages more after a million changes");
    assert_eq!(run.seen.downs, run.expected.downs);
    assert_eq!(run.seen.ups, run.expected.ups);
    assert_eq!(run.seen.changes, run.expected.changes);
    assert!(run.seen.begins.abs_diff(run.seen.ends) <= 2 * SERVICES);
}
