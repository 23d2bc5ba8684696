//! The shell around [`super::core::Core`]: one loop that takes in what happens and does what the
//! core wants done. It decides nothing.
//!
//! Everything that may take long (reading and judging a file, writing to the disk, comparing with
//! the kernel) is done beside the loop and comes back as [`Happened`].

mod api;
mod begin;
mod compare;
mod outputs;
mod publish;
mod rehearsed;
mod release;
mod repository;
mod source;
pub(super) mod takeover;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until};
use tracing::info;

use super::core::{ApplyRequest, Core, End, Input};
use super::git::Fetched;
use super::judge::Judged;
use super::now::Now;
use super::watch::Look;
use super::{Error, Options, Start};
use crate::api::{Command, EventLog};
use crate::clock::{Moment, SystemClock};
use crate::health::AskId;
use crate::notification::Dispatcher;
use crate::probe::{Answers, Runner};
use crate::reconcile::Store;
use crate::reconcile::keeper::{Keeper, Said};
use crate::spec::{GitSource, LogLevel};
use crate::systemd::{Guard, Notifier, Pulse};
use api::Doors;
use publish::Publisher;
use repository::Fetching;
use source::Source;

/// What happens beside the loop.
#[derive(Debug)]
pub(super) enum Happened {
    /// The keeper says something.
    Said(Said),
    /// The source has something new.
    Found(Look),
    /// The file only names a repository.
    Sourced(GitSource),
    /// The repository was looked at; the error is half a sentence.
    Fetched(Result<Fetched, String>),
    /// It was judged; the number tells which of several came last.
    Judged(u64, Judged),
    /// A question was answered without being asked.
    Answered(AskId, crate::health::Answer),
    /// The text of an `apply` was judged.
    Asked(ApplyRequest, Judged),
}

/// All that the loop has.
pub(super) struct Shell {
    options: Options,
    core: Core,
    keeper: Keeper,
    runner: Runner<AskId>,
    source: Source,
    /// Where the farm's file comes from a repository.
    fetching: Option<Fetching>,
    store: Arc<Store>,
    log: crate::log::Filter,
    events: Arc<EventLog>,
    dispatcher: Dispatcher,
    publisher: Publisher,
    doors: Doors,
    notifier: Notifier,
    pulse: Pulse,
    guard: Guard,
    /// Whether the service manager was told that the daemon does what it is for.
    ready: bool,
    /// How much the file wants to be logged; an operator's word holds until the file says another.
    level: Option<LogLevel>,
    inbox: UnboundedSender<Happened>,
    /// How many texts of the source were given to a judge.
    judged: u64,
    /// Documents are written one after the other.
    writing: Arc<tokio::sync::Mutex<()>>,
    end: Option<End>,
}

/// What the loop hears.
struct Ears {
    happened: UnboundedReceiver<Happened>,
    answers: Answers<AskId>,
    commands: tokio::sync::mpsc::Receiver<Command>,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// Runs until a signal ends it.
pub(super) fn run(options: &Options, log: &crate::log::Handle) -> Result<(), Error> {
    if options.start == Start::Release {
        return release::release(options);
    }
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| system("start its runtime", source))?;
    let result = runtime.block_on(serve(options, log));
    // A look at a file on a server that does not answer must not hold up the end.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

async fn serve(options: &Options, log: &crate::log::Handle) -> Result<(), Error> {
    let (mut shell, mut ears) = begin::begin(options, log)?;
    let ended = shell.turn_until_end(&mut ears).await;
    shell.finish(ended).await
}

/// Why the loop ended.
#[derive(Debug)]
enum Ended {
    /// A signal.
    Signal,
    /// The core wants it.
    Core(End),
}

impl Shell {
    async fn turn_until_end(&mut self, ears: &mut Ears) -> Ended {
        loop {
            self.carry_out();
            if let Some(end) = self.end.take() {
                return Ended::Core(end);
            }
            self.pulse.beat(now().moment);
            let wake = instant_of(self.wake_at());
            tokio::select! {
                biased;
                _ = ears.terminate.recv() => return Ended::Signal,
                _ = ears.interrupt.recv() => return Ended::Signal,
                _ = ears.hangup.recv() => self.look_now(),
                Some(happened) = ears.happened.recv() => self.happened(happened),
                Some(command) = ears.commands.recv() => {
                    self.core.handle(now(), Input::Ordered(command));
                }
                Some(answers) = ears.answers.next() => self.answered(answers),
                () = sleep_until(wake) => self.core.handle_timeout(now()),
            }
        }
    }

    fn wake_at(&self) -> Moment {
        /// The loop turns so often although nothing happens: the watchdog wants to see it.
        const TURN: Duration = Duration::from_secs(1);
        let turn = now().moment + TURN;
        let due = [self.core.poll_timeout(), self.publisher.due()];
        due.into_iter().flatten().fold(turn, Moment::min)
    }

    fn answered(&mut self, answers: Vec<(AskId, crate::health::Answer)>) {
        let now = now();
        for (ask, answer) in answers {
            self.publisher.meters().answered(answer.took);
            self.core.handle(now, Input::Answered { ask, answer });
        }
        if self
            .core
            .poll_timeout()
            .is_some_and(|due| due <= now.moment)
        {
            self.core.handle_timeout(now);
        }
    }

    fn happened(&mut self, happened: Happened) {
        match happened {
            Happened::Said(said) => {
                self.publisher.measure(&said);
                self.core.handle(now(), Input::Said(said));
            }
            Happened::Found(look) => self.judge(look),
            Happened::Judged(number, judged) if number == self.judged => {
                self.core.handle(now(), Input::Judged(judged));
            }
            Happened::Answered(ask, answer) => self.answered(vec![(ask, answer)]),
            Happened::Sourced(source) => self.sourced(source),
            Happened::Fetched(fetched) => self.fetched(fetched),
            // A newer text is being judged.
            Happened::Judged(..) => {}
            Happened::Asked(request, judged) => {
                self.core.handle(now(), Input::Asked(request, judged));
            }
        }
    }

    /// What is kept on the disk is there when this returns; services, connections and addresses
    /// stay in the kernel.
    async fn finish(self, ended: Ended) -> Result<(), Error> {
        let health = self.core.health_document(now());
        let Self {
            keeper,
            runner,
            source,
            fetching,
            store,
            dispatcher,
            doors,
            notifier,
            pulse,
            guard: _guard,
            ..
        } = self;
        notifier.stopping();
        drop(runner);
        drop(source);
        drop(fetching);
        doors.close();
        let kept = store.save(crate::reconcile::Document::Health, &health);
        if let Err(error) = kept {
            tracing::warn!("What is known of the real servers could not be kept: {error}");
        }
        drop(keeper);
        pulse.finish();
        dispatcher.stop().await;
        match ended {
            Ended::Signal => info!("The daemon ends; services, connections and addresses stay."),
            Ended::Core(End::HandedOver(reply)) => takeover::let_go(reply).await,
            Ended::Core(End::Released(result)) => return result.map_err(Error::Release),
            Ended::Core(End::KeeperGone) => return Err(Error::KeeperGone),
        }
        Ok(())
    }
}

/// The time.
pub(super) fn now() -> Now {
    Now::of(&SystemClock)
}

/// A moment for the runtime's timer.
fn instant_of(moment: Moment) -> Instant {
    Instant::now() + moment.since(now().moment)
}

/// An error of the system.
pub(super) fn system(what: &'static str, source: std::io::Error) -> Error {
    Error::System { what, source }
}

/// Hears a signal.
fn hear(kind: SignalKind) -> Result<Signal, Error> {
    signal(kind).map_err(|source| system("hear signals", source))
}
