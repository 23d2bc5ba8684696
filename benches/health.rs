//! The cost of the health engine alone, without its probes: a second of ten thousand questions and
//! answers, a reload of ten thousand real servers with one changed, and what is written down for a
//! restart. A second that costs 30 ms is 3 % of a core.

use std::fmt::Write as _;
use std::time::Duration;

use divan::{AllocProfiler, Bencher, black_box};
use farmctl::clock::Moment;
use farmctl::health::{Answer, AskId, Engine, Event, Layout, Output, Verdict};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const SIZES: [usize; 2] = [1_000, 10_000];
/// Real servers of one service.
const TOGETHER: usize = 100;

fn main() {
    divan::main();
}

/// An engine whose questions are answered at once, and its time.
struct Farm {
    engine: Engine,
    now: Moment,
    asks: Vec<AskId>,
}

impl Farm {
    fn new(servers: usize) -> Self {
        let mut farm = Self {
            engine: Engine::new(7),
            now: Moment::default(),
            asks: Vec::new(),
        };
        let event = Event::Configured(layout(servers, 1));
        farm.engine.handle_event(farm.now, event);
        farm.run(Duration::from_secs(3));
        farm
    }

    /// Lets time pass, from waking to waking; how many questions were answered.
    fn run(&mut self, length: Duration) -> usize {
        let end = self.now + length;
        let mut answered = 0;
        while let Some(next) = self.engine.poll_timeout().filter(|next| *next < end) {
            self.now = next.max(self.now);
            self.engine.handle_timeout(self.now);
            self.take_asks();
            while let Some(ask) = self.asks.pop() {
                answered += 1;
                let event = Event::Answered {
                    ask,
                    answer: well(),
                };
                self.engine.handle_event(self.now, event);
                self.take_asks();
            }
        }
        self.now = end;
        answered
    }

    fn take_asks(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            if let Output::Ask { id, .. } = output {
                self.asks.push(id);
            }
        }
    }
}

fn well() -> Answer {
    Answer {
        verdict: Verdict::Pass("connected".to_owned()),
        took: Duration::from_millis(1),
        advice: None,
        certificate: None,
    }
}

/// Services of a hundred real servers each; the first real server has another weight.
#[expect(
    clippy::expect_used,
    reason = "a bench without its farm has nothing to measure"
)]
fn layout(servers: usize, first_weight: u32) -> Layout {
    let mut text = "version: 1\ndefaults: { check: { tcp: {} } }\n\
                    vips: { www: { addresses: [10.0.0.1/32], interface: eth0 } }\nservices:\n"
        .to_owned();
    for service in 0..servers / TOGETHER {
        let port = service + 1;
        let _ = writeln!(
            text,
            "  s{service}:\n    vip: www\n    port: {port}\n    real_servers:"
        );
        for number in 0..TOGETHER {
            let weight = if service + number == 0 {
                first_weight
            } else {
                1
            };
            let _ = writeln!(
                text,
                "      - {{ address: 10.1.{service}.{number}, port: 80, weight: {weight} }}"
            );
        }
    }
    Layout::of(&serde_yaml::from_str(&text).expect("the text is a farm"))
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn a_second_of_questions(bencher: Bencher<'_, '_>, servers: usize) {
    let mut farm = Farm::new(servers);
    bencher.bench_local(|| farm.run(Duration::from_secs(1)));
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn a_reload_with_one_change(bencher: Bencher<'_, '_>, servers: usize) {
    let mut farm = Farm::new(servers);
    let mut weight = 1;
    bencher
        .with_inputs(|| {
            weight += 1;
            layout(servers, weight)
        })
        .bench_local_values(|layout| {
            let event = Event::Configured(layout);
            farm.engine.handle_event(farm.now, event);
            farm.take_asks();
        });
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn what_is_remembered(bencher: Bencher<'_, '_>, servers: usize) {
    let farm = Farm::new(servers);
    bencher.bench_local(|| black_box(farm.engine.memory(farm.now)));
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn a_look_at_everything(bencher: Bencher<'_, '_>, servers: usize) {
    let farm = Farm::new(servers);
    bencher.bench_local(|| black_box(farm.engine.view(farm.now)));
}
