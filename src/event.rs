//! What happened: one thing at a time, as `farmctl events`, the log and notifications tell it.
//!
//! Pure values. Made by `daemon`; read by `api`, `notification` and `cli`.

mod matter;
mod time;
mod words;

pub use matter::{Matter, Turn};
pub use time::utc;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of an event's form.
pub const FORMAT_VERSION: u64 = 1;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The version of this form.
    pub format_version: u64,
    /// Counts up by one from event to event while a daemon runs.
    pub sequence: u64,
    /// When, in milliseconds since 1970-01-01 00:00 UTC.
    pub at: u64,
    /// The machine that tells it, by its name in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// How much it matters.
    pub severity: Severity,
    /// What kind of thing it is.
    pub kind: Kind,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Subject::is_empty")]
    pub subject: Subject,
    /// What happened, in a full sentence.
    pub message: String,
}

/// What an event is about; what does not apply is left out.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct Subject {
    /// The service, by its name in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The real server, as messages call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The real server's address, where it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<std::net::IpAddr>,
    /// The group of floating addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vip: Option<String>,
    /// The machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

impl Subject {
    /// Whether it is about nothing in particular.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How much an event matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Info,
    /// Something needs a look: less is spare than should be.
    Warning,
    /// Clients are hurt, or soon will be.
    Alarm,
}

/// Kinds of events. Each has its own word, by which receivers choose.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The daemon runs.
    Started,
    /// The daemon ends.
    Stopping,
    /// A new file holds from now on.
    FileAccepted,
    /// A new file is bad; the old one goes on.
    FileRefused,
    /// A new file waits: for approval, or to be unchanged for a while.
    FileWaits,
    /// The kernel holds what is wanted again.
    Converged,
    /// The kernel could not be made to hold what is wanted.
    ApplyFailed,
    /// Somebody else changed what is ours.
    Drift,
    /// What somebody else changed was put right.
    DriftCorrected,
    /// Somebody else changes the same things again and again: farmctl stopped to.
    Fight,
    /// A real server is up.
    ServerUp,
    /// A real server is down.
    ServerDown,
    /// A real server's agent changed its weight or state.
    AgentChanged,
    /// A certificate expires soon.
    CertificateExpires,
    /// A certificate that would have expired soon has been renewed.
    CertificateRenewed,
    /// Enough real servers are up again.
    QuorumReached,
    /// Too few real servers are up.
    QuorumLost,
    /// One more failure loses the quorum, or the last real server.
    RedundancyLost,
    /// There is something spare again.
    RedundancyRestored,
    /// The sorry server serves.
    SorryServerOn,
    /// Real servers serve again.
    SorryServerOff,
    /// Many real servers failed at once: they are kept, or an alarm is given.
    MassFailure,
    /// Not so many real servers fail at once any more.
    MassFailureOver,
    /// A real server can't be checked, for a reason on this machine.
    CannotAsk,
    /// It can be checked again.
    AsksAgain,
    /// A real server gets no new connections and finishes those that it has.
    DrainBegan,
    /// A drain is at its end.
    DrainEnded,
    /// An operator's override holds.
    OverrideSet,
    /// An override is over.
    OverrideEnded,
}

impl fmt::Display for Kind {
    /// The word that the events' JSON has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
