//! A performance from its beginning to its end: build, serve, apply, load, steps in time.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::error::{Error, Result};
use super::lay::Site;
use super::steps::{Scene, farm};
use super::{Interrupt, Message, Performance, Script, words};
use crate::clock::{Clock, SystemClock};
use crate::rehearsal::load::{self, Flows, LoadError, Order, Watch};
use crate::rehearsal::protocol::Speech;
use crate::rehearsal::record::Record;
use crate::rehearsal::report::{Event, Weights};
use crate::rehearsal::scenario::{self, Scenario, Step, StepOutcome};
use crate::rehearsal::topology::{CLIENT, Topology};
use crate::spec::{EffectiveService, Farm};

/// How long after everything stands the load begins.
const BREATH: Duration = Duration::from_millis(200);
/// How often it is told where the performance is.
const TELL: Duration = Duration::from_millis(250);

/// Plays a script. Says what happens by `tell`; the last message is [`Message::Done`] or
/// [`Message::Failed`].
pub fn perform(script: &Script, interrupt: &Interrupt, tell: &mut dyn FnMut(Message)) {
    let end = match play(script, interrupt, tell) {
        Ok(performance) => Message::Done(Box::new(performance)),
        Err(error) => Message::Failed(error.to_string()),
    };
    tell(end);
}

fn play(
    script: &Script,
    interrupt: &Interrupt,
    tell: &mut dyn FnMut(Message),
) -> Result<Performance> {
    let (farm, scenario) = read(script)?;
    let later = script
        .files
        .values()
        .filter_map(|file| self::farm(&file.text));
    let later: Vec<Farm> = later.collect();
    let topology = Topology::of(&farm, &later.iter().collect::<Vec<_>>())?;
    tell(Message::Progress(format!(
        "building {} machines",
        topology.machines.len()
    )));
    let site = Site::build(&topology)?;
    let mut scene = Scene::new(script, &topology, &site, interrupt)?;
    tell(Message::Progress(
        "farmctl daemon on the directors".to_owned(),
    ));
    scene.start()?;
    let weights = scene.weights();
    let clients = Clients::start(&site, order(&farm, &topology, &scenario))?;
    let mut timeline = Timeline {
        start: clients.start,
        scenario: &scenario,
        interrupt,
        watch: Arc::clone(&clients.watch),
        events: Vec::new(),
        interrupted: false,
    };
    timeline.run(&mut scene, tell);
    let Timeline {
        events,
        interrupted,
        ..
    } = timeline;
    let record = clients.finish()?;
    Ok(Performance {
        record,
        events,
        applied: std::mem::take(&mut scene.applied),
        weights,
        notes: topology.notes.clone(),
        interrupted,
        kernel: kernel(),
    })
}

/// The farm and the scenario, which the command has judged already.
fn read(script: &Script) -> Result<(Farm, Scenario)> {
    let wrong = |name: &str| Error::Refused(format!("{name} can't be read again"));
    let farm = farm(&script.farm.text).ok_or_else(|| wrong(&script.farm.name))?;
    let scenario = match &script.scenario {
        None => scenario::default_scenario(),
        Some(written) => {
            let reading = scenario::read(&written.name, written.text.as_bytes(), &farm);
            reading.scenario.ok_or_else(|| wrong(&written.name))?
        }
    };
    Ok((farm, scenario))
}

fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().to_owned()
}

/// What the clients are to do.
fn order(farm: &Farm, topology: &Topology, scenario: &Scenario) -> Order {
    let load = scenario.load.clone();
    let asked = |service: &str| {
        let chosen = load.services.as_ref();
        chosen.is_none_or(|chosen| chosen.iter().any(|name| name.as_str() == service))
    };
    let mut targets: BTreeMap<(String, Speech), load::Target> = BTreeMap::new();
    for target in topology
        .targets
        .iter()
        .filter(|target| asked(&target.service))
    {
        let key = (target.service.clone(), target.speech);
        let known = targets.entry(key).or_insert_with(|| load::Target {
            service: target.service.clone(),
            speech: target.speech,
            endpoints: Vec::new(),
            flows: flows(farm, &target.service),
        });
        known.endpoints.push(target.at);
    }
    let of_family = |v4: bool| {
        let clients = topology.clients.iter().filter(move |ip| ip.is_ipv4() == v4);
        clients.take(load.clients as usize).copied()
    };
    Order {
        targets: targets.into_values().collect(),
        sources: of_family(true).chain(of_family(false)).collect(),
        duration: scenario.duration,
        start: SystemClock.now() + BREATH,
        load,
    }
}

fn flows(farm: &Farm, service: &str) -> Flows {
    let known = farm
        .services
        .iter()
        .find(|(name, _)| name.as_str() == service);
    let one_packet = known.is_some_and(|(_, known)| EffectiveService::of(farm, known).one_packet);
    if one_packet {
        Flows::EachPacket
    } else {
        Flows::Kept
    }
}

/// The load while it runs.
struct Clients {
    start: Instant,
    watch: Arc<Watch>,
    thread: JoinHandle<Result<std::result::Result<Record, LoadError>>>,
}

impl Clients {
    fn start(site: &Site, order: Order) -> Result<Self> {
        let start = order.start;
        let watch = Arc::new(Watch::default());
        let own = Arc::clone(&watch);
        let thread = site
            .space(CLIENT)?
            .spawn(move || load::drive(&order, &SystemClock, &own))?;
        Ok(Self {
            start,
            watch,
            thread,
        })
    }

    fn finish(self) -> Result<Record> {
        let ended = self.thread.join().map_err(|_| Error::Thread)??;
        ended.map_err(|error| Error::Refused(error.to_string()))
    }
}

/// The steps in time.
struct Timeline<'a> {
    start: Instant,
    scenario: &'a Scenario,
    interrupt: &'a Interrupt,
    watch: Arc<Watch>,
    events: Vec<Event>,
    interrupted: bool,
}

impl Timeline<'_> {
    fn run(&mut self, scene: &mut Scene<'_>, tell: &mut dyn FnMut(Message)) {
        for step in &self.scenario.steps {
            self.wait_until(step.at, tell);
            if self.interrupted {
                break;
            }
            let event = self.step(scene, step);
            tell(Message::Event(event.clone()));
            self.events.push(event);
        }
        self.wait_until(self.scenario.duration, tell);
        if self.interrupted {
            self.watch.stop();
        }
    }

    fn step(&self, scene: &mut Scene<'_>, step: &Step) -> Event {
        let at = self.now();
        let done = scene.act(&step.action);
        let (outcome, weights) = match done {
            Ok(weights) => (StepOutcome::Done, weights),
            Err(error) => (StepOutcome::Failed(error.to_string()), None::<Weights>),
        };
        Event {
            planned: step.at,
            at,
            took: self.now().saturating_sub(at),
            what: words::told(&step.action),
            note: step.note.clone(),
            outcome,
            weights,
        }
    }

    /// Time since the beginning of the load.
    fn now(&self) -> Duration {
        SystemClock.now().saturating_duration_since(self.start)
    }

    /// Waits for a time of the scenario, or for somebody who ends it.
    fn wait_until(&mut self, at: Duration, tell: &mut dyn FnMut(Message)) {
        while !self.interrupted {
            let left = (self.start + at).saturating_duration_since(SystemClock.now());
            if left.is_zero() {
                return;
            }
            self.interrupted = self.interrupt.wait(left.min(TELL));
            tell(Message::Progress(self.progress()));
        }
    }

    fn progress(&self) -> String {
        let (answered, failed, open) = (
            self.watch.answered(),
            self.watch.failed(),
            self.watch.open(),
        );
        let (now, end) = (
            self.now().as_secs_f32(),
            self.scenario.duration.as_secs_f32(),
        );
        format!("{now:.1} s of {end:.0} s: {answered} answered, {failed} failed, {open} open")
    }
}
