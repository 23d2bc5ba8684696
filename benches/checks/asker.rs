//! farmctl's side: a runner that is handed every question once a second, each at a moment of its
//! own, as the daemon's runtime would.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use farmctl::clock::{Clock as _, SystemClock};
use farmctl::health::{Question, Verdict};
use farmctl::probe::{Answers, Runner, Tools};
use farmctl::spec::{EffectiveCheck, Kind, TcpCheck, Timing, Vantage};

use crate::figures::Ours;
use crate::process::{self, Process};
use crate::{PORT, SERVERS, WARM_UP, address};

/// One round.
pub(crate) fn measure(server: &Process) -> Ours {
    let asker = Process::own("ask");
    SystemClock.sleep(WARM_UP);
    let taken = process::measure(asker.pid(), server);
    let told = asker.finish();
    let mut numbers = told
        .split_whitespace()
        .map(|word| word.parse::<u64>().unwrap());
    Ours {
        taken,
        asked: numbers.next().unwrap(),
        failed: numbers.next().unwrap(),
        late: Duration::from_micros(numbers.next().unwrap()),
    }
}

/// Asks until the input ends, then writes how many were asked, how many were not answered well, and
/// the 99th percentile of their lateness in microseconds.
pub(crate) fn run() {
    static ENDED: AtomicBool = AtomicBool::new(false);
    std::thread::spawn(|| {
        let mut rest = Vec::new();
        let _ended = std::io::stdin().read_to_end(&mut rest);
        ENDED.store(true, Ordering::SeqCst);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let rota = runtime.block_on(async {
        let (runner, answers) = Runner::new(Arc::new(Tools::default())).unwrap();
        let mut rota = Rota::new(runner);
        rota.run(answers, &ENDED).await;
        rota
    });
    println!("{} {} {}", rota.asked, rota.failed, rota.percentile());
}

/// Who is asked when: a second is divided evenly.
struct Rota {
    runner: Runner<u16>,
    questions: Vec<Arc<Question>>,
    start: Instant,
    asked: u64,
    failed: u64,
    lateness: Vec<u32>,
}

impl Rota {
    fn new(runner: Runner<u16>) -> Self {
        Self {
            runner,
            questions: (0..SERVERS)
                .map(|number| Arc::new(question(number)))
                .collect(),
            start: SystemClock.now(),
            asked: 0,
            failed: 0,
            lateness: Vec::new(),
        }
    }

    async fn run(&mut self, mut answers: Answers<u16>, ended: &AtomicBool) {
        while !ended.load(Ordering::SeqCst) {
            let pause = tokio::time::sleep(
                self.due(self.asked)
                    .saturating_duration_since(SystemClock.now()),
            );
            tokio::select! {
                () = pause => self.ask_due(),
                batch = answers.next() => self.judge(&batch.unwrap()),
            }
        }
    }

    fn due(&self, turn: u64) -> Instant {
        self.start + Duration::from_micros(turn * 1_000_000 / u64::from(SERVERS))
    }

    fn ask_due(&mut self) {
        let now = SystemClock.now();
        while self.due(self.asked) <= now {
            let number = u16::try_from(self.asked % u64::from(SERVERS)).unwrap();
            let question = Arc::clone(&self.questions[usize::from(number)]);
            let late = SystemClock.now() - self.due(self.asked);
            self.lateness
                .push(u32::try_from(late.as_micros()).unwrap_or(u32::MAX));
            self.runner.ask(number, question);
            self.asked += 1;
        }
    }

    fn judge(&mut self, batch: &[(u16, farmctl::health::Answer)]) {
        if self.failed == 0 {
            let one = batch
                .iter()
                .find(|(_, answer)| !matches!(answer.verdict, Verdict::Pass(_)));
            if let Some((number, answer)) = one {
                eprintln!(
                    "bench: {} answered first: {:?}",
                    address(*number),
                    answer.verdict
                );
            }
        }
        let bad = batch
            .iter()
            .filter(|(_, answer)| !matches!(answer.verdict, Verdict::Pass(_)));
        self.failed += bad.count() as u64;
    }

    fn percentile(&self) -> u32 {
        let mut sorted = self.lateness.clone();
        sorted.sort_unstable();
        sorted
            .get(sorted.len() * 99 / 100)
            .copied()
            .unwrap_or_default()
    }
}

fn question(number: u16) -> Question {
    Question {
        address: address(number).into(),
        port: PORT,
        check: EffectiveCheck {
            kind: Some(Kind::Tcp(TcpCheck::default())),
            agent: None,
            timing: Timing {
                interval: Duration::from_secs(1),
                timeout: Duration::from_millis(500),
                rise: 2,
                fall: 3,
                fast_retry: Duration::from_millis(250),
                warm_up: Duration::from_secs(1),
            },
            port: None,
            address: None,
            vantage: Vantage::default(),
        },
        vip: None,
        name: String::new(),
    }
}
