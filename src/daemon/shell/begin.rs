//! The start: what an earlier daemon kept, the file as it is now, the keeper, the API.

use std::sync::Arc;

use tokio::signal::unix::SignalKind;
use tokio::sync::mpsc::unbounded_channel;
use tracing::warn;

use super::api::Doors;
use super::outputs::source_of;
use super::publish::Publisher;
use super::repository::Fetching;
use super::source::{Source, look};
use super::{Ears, Happened, Shell, hear, now, system, takeover};
use crate::api::{EventLog, Sources};
use crate::clock::{Clock as _, SystemClock};
use crate::daemon::core::{
    Core, HealthDocument, Input, Kept, OverridesDocument, Provenance, Setup,
};
use crate::daemon::judge::{Against, Good, Judged, Revision, judge};
use crate::daemon::watch::Look;
use crate::daemon::{Error, Options, Programs, Start};
use crate::notification::{Dispatcher, Sender};
use crate::probe::{Runner, Tools};
use crate::reconcile::keeper::{Keeper, Options as KeeperOptions, Said};
use crate::reconcile::{Accepted, Digest, Document, Origin, Store, host_name};
use crate::spec::Farm;
use crate::systemd::{Guard, Notifier, watchdog_interval};

/// One turn of the loop takes no longer than this, or the daemon is frozen.
const TURN: std::time::Duration = std::time::Duration::from_secs(5);

pub(super) fn begin(options: &Options, log: &crate::log::Handle) -> Result<(Shell, Ears), Error> {
    let store = Arc::new(Store::at(&options.state_dir));
    store.prepare()?;
    if options.start == Start::Replace {
        takeover::ask_to_let_go(&options.socket)?;
    }
    let origin = Origin::here()?;
    let kept = kept(options, &store, &origin);
    let first = look(&options.file);
    let judged = judge_first(options, &first);
    let (inbox, happened) = unbounded_channel();
    let seed = seed();
    let keeper = start_keeper(options, &kept, &judged, seed, &inbox)?;
    let tools = Arc::new(Tools::default());
    let (runner, answers) =
        Runner::new(tools).map_err(|source| system("start its probes", source))?;
    let publisher = Publisher::new();
    let started = now().unix_ms();
    let events = Arc::new(EventLog::new(started));
    let (doors, commands) = Doors::open(&options.socket, |commands| Sources {
        status: publisher.status(),
        observed: publisher.observation(),
        events: Arc::clone(&events),
        meters: Arc::clone(publisher.meters()),
        commands,
        names: Vec::new(),
    })?;
    let mut core = Core::new(now(), setup(options, origin, seed, started), kept);
    let fetching = match source_of(&judged) {
        Some(source) if options.programs == Programs::Run => {
            core.set_provenance(Provenance::Repository);
            let source = source.clone();
            Some(Fetching::begin(source, &options.state_dir, inbox.clone()))
        }
        Some(_) | None => {
            core.handle(now(), Input::Judged(judged));
            None
        }
    };
    let farm = core.wished().map(|good| good.farm.farm.to_string());
    let notifier = Notifier::from_environment();
    let guard = Guard::start(notifier.clone(), watchdog_interval());
    let shell = Shell {
        options: options.clone(),
        core,
        keeper,
        runner,
        fetching,
        source: Source::watch(options.file.clone(), &first, inbox.clone()),
        store,
        log: log.filter(),
        events,
        dispatcher: Dispatcher::start(Vec::new(), sender(options, farm)),
        publisher,
        doors,
        pulse: guard.watch("the loop", TURN),
        guard,
        notifier,
        ready: false,
        level: None,
        inbox,
        judged: 0,
        writing: Arc::default(),
        end: None,
    };
    let ears = Ears {
        happened,
        answers,
        commands,
        terminate: hear(SignalKind::terminate())?,
        interrupt: hear(SignalKind::interrupt())?,
        hangup: hear(SignalKind::hangup())?,
    };
    Ok((shell, ears))
}

/// Each start, and each director, has other chances.
fn seed() -> u64 {
    let now = now();
    now.unix_ms().rotate_left(20) ^ u64::from(std::process::id())
}

fn setup(options: &Options, origin: Origin, seed: u64, started: u64) -> Setup {
    Setup {
        node: options.node.clone(),
        host_name: host_name(),
        file: options.file.clone(),
        dataplane: options.dataplane,
        origin,
        seed,
        pid: std::process::id(),
        started,
    }
}

fn sender(options: &Options, farm: Option<String>) -> Sender {
    Sender {
        farm: farm.unwrap_or_default(),
        node: options.node.clone().unwrap_or_else(host_name),
    }
}

/// What an earlier daemon kept. What can't be read is told and stops nobody.
fn kept(options: &Options, store: &Store, origin: &Origin) -> Kept {
    let told = |error: crate::reconcile::Error| {
        warn!("{error}");
    };
    let health: Option<HealthDocument> = store
        .load(Document::Health)
        .map_err(told)
        .unwrap_or_default();
    let overrides: Option<OverridesDocument> = store
        .load(Document::Overrides)
        .map_err(told)
        .unwrap_or_default();
    let accepted = Accepted::load(store).map_err(told).unwrap_or_default();
    Kept {
        accepted: accepted.and_then(|accepted| judge_again(options, accepted)),
        health: health.and_then(|kept| kept.here(origin, now().moment)),
        overrides: overrides.map(|kept| kept.overrides).unwrap_or_default(),
    }
}

/// The last accepted file. One that this farmctl does not take any more is no use.
fn judge_again(options: &Options, accepted: Accepted) -> Option<Arc<Good>> {
    let revision = Revision {
        file: options.file.display().to_string(),
        digest: accepted.digest,
        commit: None,
        since: accepted.when.saturating_mul(1000),
    };
    match judge(revision, accepted.text.as_bytes(), &against(options)) {
        Judged::Good(good) => Some(good),
        Judged::Bad(bad) => {
            warn!(
                "The last accepted file can't be used any more: {}",
                bad.message
            );
            None
        }
        Judged::Absent(_) => None,
    }
}

fn against(options: &Options) -> Against {
    Against {
        forced: options.dataplane,
        ..Against::default()
    }
}

fn judge_first(options: &Options, first: &Look) -> Judged {
    let bytes = match first {
        Look::Content(bytes) => bytes,
        Look::Nothing(why) => return Judged::Absent(why.clone()),
    };
    let revision = Revision {
        file: options.file.display().to_string(),
        digest: Digest::of(bytes),
        commit: None,
        since: u64::try_from(SystemClock.unix().as_millis()).unwrap_or_default(),
    };
    judge(revision, bytes, &against(options))
}

fn start_keeper(
    options: &Options,
    kept: &Kept,
    judged: &Judged,
    seed: u64,
    inbox: &tokio::sync::mpsc::UnboundedSender<Happened>,
) -> Result<Keeper, Error> {
    let newest: Option<Arc<Farm>> = match judged {
        Judged::Good(good) => Some(Arc::clone(&good.farm)),
        Judged::Bad(_) | Judged::Absent(_) => None,
    };
    let accepted = kept.accepted.as_ref().map(|good| Arc::clone(&good.farm));
    let keeper = KeeperOptions {
        state_dir: options.state_dir.clone(),
        dataplane: options.dataplane,
        farm: accepted.or(newest),
        seed,
    };
    let voice = Voice(inbox.clone());
    let say = move |said| voice.say(said);
    Ok(Keeper::start(keeper, say)?)
}

/// What the keeper speaks with. It goes with the keeper's thread, however that ends: a daemon whose
/// keeper is gone must not seem alive.
struct Voice(tokio::sync::mpsc::UnboundedSender<Happened>);

impl Voice {
    fn say(&self, said: Said) {
        // The loop has ended: nobody wants to hear it.
        let _ended = self.0.send(Happened::Said(said));
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.say(Said::Stopped);
    }
}
