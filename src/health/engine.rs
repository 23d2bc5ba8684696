//! The engine: five verbs.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Moment;
use crate::state::{Member, Overlay};

use super::{Event, GroupStanding, Lateness, Layout, Memory, Output, Standing};

/// Judges real servers: asks, hears, and makes the overlay.
#[derive(Debug)]
pub struct Engine {
    layout: Layout,
    overlay: Overlay,
    outputs: VecDeque<Output>,
    chance: fastrand::Rng,
    lateness: Lateness,
}

impl Engine {
    /// An engine that looks after nothing yet. The seed decides the phases of questions.
    pub fn new(seed: u64) -> Self {
        Self {
            layout: Layout::default(),
            overlay: Overlay::default(),
            outputs: VecDeque::new(),
            chance: fastrand::Rng::with_seed(seed),
            lateness: Lateness::default(),
        }
    }

    /// Takes back what an earlier engine knew, `age` ago. Called before the first layout.
    pub fn restore(&mut self, now: Moment, memory: Memory, age: Duration) {
        drop(memory);
        let _ = (now, age, self.chance.u32(..));
    }

    /// Something happened.
    pub fn handle_event(&mut self, now: Moment, event: Event) {
        let _ = now;
        if let Event::Configured(layout) = event {
            self.layout = layout;
        }
    }

    /// The moment that [`Engine::poll_timeout`] named has come, or any other.
    pub fn handle_timeout(&mut self, now: Moment) {
        let _ = now;
        self.lateness.note(Duration::ZERO);
    }

    /// When it next wants to be woken; none while it only waits for answers.
    pub fn poll_timeout(&self) -> Option<Moment> {
        None
    }

    /// What goes out, one thing at a time; none when there is no more for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// What bends the file now: only what differs from it.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// How one real server is; none where it is not looked after.
    pub fn standing(&self, now: Moment, member: &Member) -> Option<Standing> {
        let _ = (now, member);
        None
    }

    /// How everything is.
    pub fn view(&self, now: Moment) -> Vec<GroupStanding> {
        let _ = now;
        Vec::new()
    }

    /// How punctual the questions are.
    pub fn lateness(&self) -> Lateness {
        self.lateness
    }

    /// What is to outlive the daemon. Costs one look at every real server.
    pub fn memory(&self, now: Moment) -> Memory {
        let _ = now;
        Memory::default()
    }
}
