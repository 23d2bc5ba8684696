//! Tells people and programs outside what happens: by webhook, mail or a program of theirs.
//!
//! `daemon` hands every event to [`Dispatcher::tell`], which never waits and never fails. Each
//! receiver has an [`Engine`](engine) that chooses, folds, groups, limits and repeats, and a task
//! that delivers one message at a time: a receiver that is slow or dead holds up nobody else, and
//! what waits for it never grows without bound.

mod delivery;
mod dispatcher;
pub mod engine;
pub mod message;
mod receiver;
pub mod reference;
mod span;
mod text;

pub use dispatcher::Dispatcher;
pub use receiver::{Receiver, Wishes, receivers};

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
