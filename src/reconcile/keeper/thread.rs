//! The keeper's thread: inputs one after the other, and what is done about each.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use super::{Converged, FileNews, Options, Order, Reason, Said, Way, Wish};
use crate::clock::SystemClock;
use crate::dataplane::{self, Dataplane};
use crate::reconcile::{
    Chosen, Error, Identity, Mode, Origin, Outcome, Preflight, Record, Request, Shrink, Store,
    Surroundings, Target, WriterLock, apply, host_name, identify, own_facts,
};
use crate::spec::Name;
use crate::state::{Desired, desired_with};

/// How long to wait after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// What reaches the keeper.
#[derive(Debug)]
pub(super) enum Input {
    /// From the daemon.
    Order(Order),
}

/// Everything that the thread has.
pub(super) struct Driver {
    _lock: WriterLock,
    store: Store,
    origin: Origin,
    plane: Box<dyn Dataplane + Send>,
    because: String,
    say: Box<dyn Fn(Said) + Send>,
    _inputs: Sender<Input>,
}

impl Driver {
    pub(super) fn open(
        options: Options,
        inputs: Sender<Input>,
        say: Box<dyn Fn(Said) + Send>,
    ) -> Result<Self, Error> {
        let lock = WriterLock::take()?;
        let store = Store::at(options.state_dir);
        store.prepare()?;
        let origin = Origin::here()?;
        let record = Record::load(&store, &origin)?;
        let farm = options.farm.as_deref();
        let asked = options
            .dataplane
            .or_else(|| farm.and_then(super::super::named));
        let chosen = Chosen::of(asked, &record)?;
        Ok(Self {
            plane: dataplane::open(chosen.kind)?,
            because: chosen.explanation(),
            _lock: lock,
            store,
            origin,
            say,
            _inputs: inputs,
        })
    }

    pub(super) fn run(mut self, inputs: &Receiver<Input>) {
        if let Err(error) = self.begin() {
            (self.say)(Said::Failed {
                generation: 0,
                cause: error.to_string(),
                retry_in: RETRY,
            });
        }
        while let Ok(Input::Order(order)) = inputs.recv() {
            match order {
                Order::Wish(wish) => self.wish(&wish),
                Order::Stop => break,
                Order::Look | Order::Release | Order::Resume | Order::Confirm => {}
            }
        }
        (self.say)(Said::Stopped);
    }

    fn begin(&mut self) -> Result<(), Error> {
        let record = Record::load(&self.store, &self.origin)?;
        let observation = self.plane.observe()?;
        (self.say)(Said::Ready {
            observation: Arc::new(observation),
            dataplane: self.plane.kind(),
            because: self.because.clone(),
            record: Arc::new(record),
        });
        Ok(())
    }

    fn wish(&mut self, wish: &Wish) {
        if let Err(error) = self.carry_out(wish) {
            (self.say)(Said::Failed {
                generation: wish.generation,
                cause: error.to_string(),
                retry_in: RETRY,
            });
        }
    }

    fn carry_out(&mut self, wish: &Wish) -> Result<(), Error> {
        let generation = wish.generation;
        let record = Record::load(&self.store, &self.origin)?;
        let host = own_facts(&self.plane.observe()?.host, &record);
        let node = match identify(&wish.farm, wish.node.as_deref(), &host, &host_name()) {
            Ok(Identity::Node(name)) => Some(name),
            Ok(Identity::SoleDirector) => None,
            Err(unknown) => {
                self.refuse(generation, Reason::Node, vec![unknown.to_string()]);
                return Ok(());
            }
        };
        let kind = self.plane.kind();
        let desired = desired_with(&wish.farm, node.as_ref(), &host, kind, &wish.overlay);
        let target = Target::of(&wish.farm, wish.text.to_string(), desired.state.clone());
        let request = Request {
            mode: Mode::Write,
            adopt: wish.adopt,
            shrink: match wish.file {
                FileNews::New => wish.shrink,
                FileNews::Same => Shrink::Allowed,
            },
            ..Request::default()
        };
        let outcome = self.apply(&request, &target)?;
        self.tell(generation, node, desired, outcome);
        Ok(())
    }

    fn apply(&mut self, request: &Request, target: &Target) -> Result<Outcome, Error> {
        let mut around = Surroundings {
            plane: &mut *self.plane,
            store: &self.store,
            origin: &self.origin,
            clock: &SystemClock,
            preflight: &mut |_, _| Preflight::Passed,
            start_guard: &mut || Ok(()),
            place: &|_| None,
            progress: &mut |_| {},
        };
        apply(request, target, &mut around)
    }

    fn tell(&self, generation: u64, node: Option<Name>, desired: Desired, outcome: Outcome) {
        let all = |items: &[String]| items.to_vec();
        match outcome {
            Outcome::Converged(report) | Outcome::Planned(report) => {
                let way = if report.plan.is_empty() {
                    Way::Nothing
                } else {
                    Way::Full
                };
                (self.say)(Said::Converged(Converged {
                    generation,
                    node,
                    desired: Arc::new(desired),
                    report,
                    way,
                }));
            }
            Outcome::Refused(refusals) => {
                let why = refusals.iter().map(ToString::to_string).collect();
                self.refuse(generation, Reason::Guard, why);
            }
            Outcome::Conflict(keys) => {
                let why = keys.iter().map(ToString::to_string).collect();
                self.refuse(generation, Reason::Conflict, why);
            }
            Outcome::PreflightFailed(why) => {
                self.refuse(generation, Reason::Preflight, all(&why));
            }
            failed @ (Outcome::RolledBack { .. }
            | Outcome::NotConverged { .. }
            | Outcome::RolledBackInPart { .. }) => (self.say)(Said::Failed {
                generation,
                cause: failed.to_string(),
                retry_in: RETRY,
            }),
        }
    }

    fn refuse(&self, generation: u64, reason: Reason, why: Vec<String>) {
        (self.say)(Said::Refused {
            generation,
            reason,
            why,
        });
    }
}
