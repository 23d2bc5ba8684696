//! What the daemon decides, without input or output: inputs and the time go in, outputs come out.
//!
//! It opens no file and no socket and knows no clock. Tests run it under a time of their own.
//! Called by the shell alone.
//!
//! ```text
//! Judged -> Files --------\
//! Answered -> Engine ------+--> Wish -> keeper -> Said -> Files, Status
//! Ordered -> Overrides ---/
//! ```

mod answers;
mod kept;
mod orders;
mod said;
mod servers;
mod status;
#[cfg(test)]
mod tests;
mod wish;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::clock::Moment;
use crate::dataplane::Observation;
use crate::health::{self, Engine};
use crate::reconcile::keeper::Draining;
use crate::spec::{EffectiveDaemon, Farm};
use crate::state::{DestinationKey, ServiceKey};

use super::files::{Files, Step};
use super::judge::{Against, Good};
use super::now::Now;
use super::overrides::Overrides;
use super::roster::Roster;
use answers::Asked;
pub use kept::{HealthDocument, OverridesDocument};
use said::Kernel;
pub use words::{ApplyRequest, Comparison, End, Input, Output, Provenance, Setup, Wanted};

/// So long what is to be kept on the disk may be newer than the disk.
const KEPT_AFTER: std::time::Duration = std::time::Duration::from_secs(1);
/// So often the health engine is told the date, for certificates.
const DATED: std::time::Duration = std::time::Duration::from_secs(3600);
/// So often the kernel is looked at while a drain goes on.
const DRAIN_LOOK: std::time::Duration = std::time::Duration::from_secs(1);

/// Decides.
#[derive(Debug)]
pub struct Core {
    setup: Setup,
    provenance: Provenance,
    files: Files,
    engine: Engine,
    /// The file that the engine looks after.
    looked_after: Option<Arc<Farm>>,
    roster: Roster,
    overrides: Overrides,
    kernel: Kernel,
    generation: u64,
    /// Whether the overlay is another than the one that was wished for.
    bent: bool,
    /// The first wish of the trial.
    trial_generation: u64,
    asked: Asked,
    outputs: VecDeque<Output>,
    health_kept: Option<Moment>,
    dated: Option<Moment>,
    drain_look: Option<Moment>,
    draining: Vec<Draining>,
    /// Places whose connections are to be ended once they are gone.
    resets: Vec<(ServiceKey, DestinationKey)>,
    /// Whether something changed that the status shows.
    changed: bool,
    /// Whether something else changed than what answers say.
    urgent: bool,
}

impl Core {
    /// A core that takes up what an earlier daemon kept.
    pub fn new(now: Now, setup: Setup, kept: Kept) -> Self {
        let mut engine = Engine::new(setup.seed);
        if let Some((memory, age)) = kept.health {
            engine.restore(now.moment, memory, age);
        }
        let mut files = Files::default();
        if let Some(good) = kept.accepted {
            files.remember(good);
        }
        Self {
            setup,
            provenance: Provenance::default(),
            files,
            engine,
            looked_after: None,
            roster: Roster::default(),
            overrides: kept.overrides.woken(now),
            kernel: Kernel::default(),
            generation: 0,
            bent: false,
            trial_generation: 0,
            asked: Asked::default(),
            outputs: VecDeque::new(),
            health_kept: None,
            dated: None,
            drain_look: None,
            draining: Vec::new(),
            resets: Vec::new(),
            changed: true,
            urgent: true,
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Judged(judged) => {
                let steps = self.files.judged(now.moment, judged);
                self.take(now, steps);
            }
            Input::Asked(request, judged) => self.asked_for(now, request, judged),
            Input::Answered { ask, answer } => {
                let event = health::Event::Answered { ask, answer };
                self.engine.handle_event(now.moment, event);
                self.changed = true;
                self.drive(now);
                return;
            }
            Input::Said(said) => self.said(now, said),
            Input::Ordered(command) => self.ordered(now, command),
            Input::Dispatched(order) => self.outputs.push_back(Output::Keeper(order)),
        }
        self.show();
        self.drive(now);
    }

    /// The moment that [`Core::poll_timeout`] named has come, or any other.
    pub fn handle_timeout(&mut self, now: Now) {
        let steps = self.files.timeout(now.moment);
        self.take(now, steps);
        self.expire(now);
        self.look_while_draining(now);
        if self.dated.is_some_and(|at| at <= now.moment) {
            self.date(now);
        }
        if self.health_kept.is_some_and(|at| at <= now.moment) {
            self.keep_health(now);
        }
        if self
            .engine
            .poll_timeout()
            .is_some_and(|at| at <= now.moment)
        {
            self.engine.handle_timeout(now.moment);
        }
        self.drive(now);
    }

    /// When it next wants to be woken.
    pub fn poll_timeout(&self) -> Option<Moment> {
        [
            self.files.deadline(),
            self.overrides.deadline(&self.roster),
            self.engine.poll_timeout(),
            self.health_kept,
            self.dated,
            self.drain_look,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What is to be done, in order; none when there is no more for now.
    pub fn output(&mut self) -> Option<Output> {
        // One wish for all that changed since: a thousand answers that come together are one.
        if self.outputs.is_empty() && std::mem::take(&mut self.bent) {
            self.wish();
        }
        self.outputs.pop_front()
    }

    /// What a new text is to be judged against.
    pub fn against(&self) -> Against {
        let running = self.files.running();
        Against {
            forced: self.setup.dataplane,
            dataplane: self.kernel.dataplane(),
            running: running.map(|good| (Arc::clone(&good.farm), self.kernel.node().cloned())),
            ..Against::default()
        }
    }

    /// Says where the farm's file comes from.
    pub fn set_provenance(&mut self, provenance: Provenance) {
        self.provenance = provenance;
    }

    /// The file that is wished for now.
    pub fn wished(&self) -> Option<&Arc<Good>> {
        self.files.wished()
    }

    /// What the kernel held when it was read last.
    pub fn observed(&self) -> Option<Arc<Observation>> {
        self.kernel.seen.as_ref().map(|(_, seen)| Arc::clone(seen))
    }

    /// Whether the kernel has held what is wanted since the daemon started.
    pub fn has_converged(&self) -> bool {
        self.kernel.has_converged
    }

    /// Whether the status is another than at the last call.
    pub fn take_change(&mut self) -> StatusChange {
        let change = match (self.urgent, self.changed) {
            (true, _) => StatusChange::Urgent,
            (false, true) => StatusChange::Answers,
            (false, false) => StatusChange::None,
        };
        (self.urgent, self.changed) = (false, false);
        change
    }

    /// Something changed that is to be seen at once.
    fn show(&mut self) {
        self.urgent = true;
    }

    fn take(&mut self, now: Now, steps: Vec<Step>) {
        for step in steps {
            self.show();
            match step {
                Step::Try => self.begin_trial(now),
                Step::Return => self.return_to_running(now),
                Step::Tell(kind, severity, message) => self.tell(now, kind, severity, message),
            }
        }
    }

    /// Takes what the engine has to say.
    fn drive(&mut self, now: Now) {
        let mut changed = false;
        while let Some(output) = self.engine.poll_output() {
            match output {
                health::Output::Ask { id, question } => {
                    self.outputs.push_back(Output::Ask { id, question });
                }
                health::Output::Forget { id } => self.outputs.push_back(Output::Forget { id }),
                health::Output::Changed => changed = true,
                health::Output::Told(told) => {
                    self.show();
                    self.health_changed(now);
                    self.tell_about(now, told);
                }
            }
        }
        if changed {
            self.show();
            self.health_changed(now);
            self.bent = true;
        }
    }

    /// The memory is to be kept soon.
    fn health_changed(&mut self, now: Now) {
        self.health_kept.get_or_insert(now.moment + KEPT_AFTER);
    }

    fn date(&mut self, now: Now) {
        self.dated = Some(now.moment + DATED);
        let event = health::Event::Dated(now.unix);
        self.engine.handle_event(now.moment, event);
    }

    /// How the daemon works, by the file that is wished for.
    fn options(&self) -> Option<EffectiveDaemon> {
        self.wished().map(|good| EffectiveDaemon::of(&good.farm))
    }

    fn configure(&mut self, now: Now, farm: &Arc<Farm>) {
        let same = self
            .looked_after
            .as_ref()
            .is_some_and(|looked_after| Arc::ptr_eq(looked_after, farm));
        if same {
            return;
        }
        let first = self.looked_after.replace(Arc::clone(farm)).is_none();
        let layout = health::Layout::of(farm);
        self.engine
            .handle_event(now.moment, health::Event::Configured(layout));
        if first {
            self.adopt(now, farm);
            self.date(now);
        }
        self.roster = Roster::of(farm);
        self.end_strays(now);
        self.bend(now);
        self.outputs.push_back(Output::Configured(Arc::clone(farm)));
    }

    /// Tells the engine how operators bend shares now.
    fn bend(&mut self, now: Now) {
        let bends = self.overrides.bends(&self.roster);
        self.engine
            .handle_event(now.moment, health::Event::Bent(bends));
    }
}

/// What an earlier daemon kept, as far as it holds now.
#[derive(Debug, Default)]
pub struct Kept {
    /// The last accepted file, judged anew.
    pub accepted: Option<Arc<Good>>,
    /// What was known of the real servers, and how long ago.
    pub health: Option<(health::Memory, std::time::Duration)>,
    /// The operator's overrides.
    pub overrides: Overrides,
}

/// Whether the status is another than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusChange {
    /// It is not.
    None,
    /// Real servers answered; nothing came of it.
    Answers,
    /// Something that an operator waits for.
    Urgent,
}
