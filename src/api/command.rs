//! An operator's orders: what may be asked of a running daemon, and what it answers.
//!
//! The body of each `POST` is the JSON form of one of these orders. `daemon` carries them out and
//! answers each exactly once; an answer that nobody waits for any more is dropped.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::reconcile::Snapshot;
use crate::spec::Duration;

use super::{ApplyReport, DiffReport};

/// One order, who gave it, and where the answer goes.
#[derive(Debug)]
pub struct Command {
    /// What is to be done.
    pub order: Order,
    /// Who wants it; none for what was asked over TCP, which only reads.
    pub peer: Option<Peer>,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Reply, Refusal>>,
}

/// A process at the other end of the unix socket, as the kernel tells (`SO_PEERCRED`, unix(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// The process; none where it is of another process namespace.
    pub pid: Option<i32>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// A real server gets no new connections and finishes those that it has.
    Drain(DrainOrder),
    /// It is served again: every drain of it ends.
    Undrain(ServerOrder),
    /// A node is taken out of everything that it serves, and given back.
    Maintenance(MaintenanceOrder),
    /// A real server gets another weight than the file says.
    Weight(WeightOrder),
    /// An override ends.
    EndOverride(EndOrder),
    /// A text of the daemon's file is made true now, with the words of `farmctl apply`.
    Apply(ApplyOrder),
    /// A file that waits for an operator is used.
    Approve(ApproveOrder),
    /// What an apply with a confirm time-out did stays; a conflict where nothing waits.
    Confirm,
    /// The file is read again now, from git where that is the source.
    Reload,
    /// Another daemon takes over: this one stops without giving anything up.
    HandOver,
    /// Another amount is logged.
    SetLog(LogOrder),
    /// What differs between what is wanted and the kernel; the overlay is part of what is wanted.
    Diff,
    /// The same, as if nothing bent the file.
    RawDiff,
    /// What the kernel holds, to compare elsewhere.
    Snapshot,
}

/// Body of `POST /v1/drain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrainOrder {
    /// The real server, as messages call it.
    pub server: String,
    /// Only in this service; left out, in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How long its connections may take to end; left out, as long as the file says for the
    /// service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// What becomes of it when its connections ended, or the time is up.
    #[serde(default)]
    pub then: Then,
    /// What becomes of connections that are left then.
    #[serde(default)]
    pub remaining: Remaining,
    /// Why, for whoever looks later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it is served again by itself; left out, not before `undrain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Duration>,
}

/// What becomes of a server that is drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It is taken out of the kernel.
    #[default]
    Remove,
    /// It stays there with weight 0.
    Keep,
}

/// What becomes of connections that are left at the end of a drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remaining {
    /// What the data plane makes of them.
    #[default]
    Leave,
    /// They are reset; refused where the data plane can't.
    Reset,
}

/// Body of `POST /v1/undrain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerOrder {
    /// The real server, as messages call it.
    pub server: String,
    /// Only in this service; left out, in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// Body of `POST /v1/maintenance`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceOrder {
    /// The node, by its name in the file.
    pub node: String,
    /// Whether it begins or is over.
    #[serde(default)]
    pub act: Act,
    /// How long connections may take to end; left out, as long as the file says for each service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Why, for whoever looks later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it is over by itself; left out, not before it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Duration>,
}

/// Whether maintenance begins or is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// It begins.
    #[default]
    Begin,
    /// It is over.
    End,
}

/// Body of `POST /v1/weight`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightOrder {
    /// The real server, as messages call it.
    pub server: String,
    /// Only in this service; left out, in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The weight; null: the one of the file again.
    pub weight: Option<u32>,
    /// Why, for whoever looks later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it is over by itself; left out, not before it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Duration>,
}

/// Body of `POST /v1/override/end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndOrder {
    /// The override's number.
    pub id: u64,
}

/// Body of `POST /v1/apply`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyOrder {
    /// The text of the file.
    pub text: String,
    /// The file's absolute path; refused where it is not the daemon's file.
    pub path: String,
    /// How.
    #[serde(default)]
    pub options: ApplyOptions,
}

/// The options of `farmctl apply`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApplyOptions {
    /// What becomes of objects that farmctl made and the file no longer has.
    pub prune: Prune,
    /// Take over objects that the file names and somebody else made.
    pub adopt: bool,
    /// Do it although it removes much of the farm.
    pub allow_shrink: bool,
    /// How long connections of removed real servers may take to end; null: as the file says.
    pub drain_timeout: Option<Duration>,
    /// What becomes of connections that are left then.
    pub remaining: Remaining,
    /// Go on until the kernel shows the wanted state, at most so long; null: look once.
    pub wait: Option<Duration>,
    /// Undo everything unless `farmctl confirm` comes within this time.
    pub confirm_timeout: Option<Duration>,
}

/// What becomes of objects that the file no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Prune {
    /// Those that farmctl made go.
    #[default]
    Owned,
    /// All stay.
    None,
}

/// Body of `POST /v1/approve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveOrder {
    /// The revision that waits: its hash or commit, or the first 7 or more digits of one.
    pub revision: String,
}

/// Body of `POST /v1/log`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogOrder {
    /// What is logged: `info`, `debug`, `farmctl::probe=trace,info`.
    pub filter: String,
}

/// What a daemon answers to an order that it carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It is done, or begun: see there.
    Done(Done),
    /// How the apply ended, whatever its end is.
    Applied(ApplyReport),
    /// What differs.
    Diff(Box<DiffReport>),
    /// What the kernel holds.
    Snapshot(Box<Snapshot>),
}

/// The answer to an order without a result of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// What was done, in a full sentence.
    pub message: String,
    /// The overrides that it made or changed, by number: a drain of three services is one.
    pub overrides: Vec<u64>,
}

/// Why a daemon does not carry an order out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of refusal it is.
    pub kind: RefusalKind,
    /// What is wrong, in a full sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Kinds of refusals, each with its HTTP status (RFC 9110 section 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// 400: the order is not one.
    Invalid,
    /// 401: the token is missing or wrong.
    Unauthorized,
    /// 403: whoever asks may not.
    Forbidden,
    /// 404: what it names is not there.
    NotFound,
    /// 408: the order did not arrive in time.
    TooSlow,
    /// 409: something else stands against it now.
    Conflict,
    /// 405: the path is for another method.
    WrongMethod,
    /// 413: the order is longer than any.
    TooLarge,
    /// 422: it can be read, and can't be done: a bad file, a bad filter.
    Impossible,
    /// 500: the daemon failed.
    Failed,
    /// 503: not now: the daemon starts, stops or is too busy.
    Unavailable,
}

/// What every answer that is no success has as its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorAnswer {
    /// What is wrong, in a full sentence.
    pub error: String,
    /// What to do; null where that is plain.
    pub help: Option<String>,
}

impl From<Refusal> for ErrorAnswer {
    fn from(refusal: Refusal) -> Self {
        Self {
            error: refusal.message,
            help: refusal.help,
        }
    }
}

impl RefusalKind {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::TooSlow => 408,
            Self::Conflict => 409,
            Self::WrongMethod => 405,
            Self::TooLarge => 413,
            Self::Impossible => 422,
            Self::Failed => 500,
            Self::Unavailable => 503,
        }
    }
}

impl Refusal {
    /// A refusal without help.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            help: None,
        }
    }

    /// With what to do.
    #[must_use]
    pub fn helped(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Peer {
    /// `uid 0`, `uid 1000, process 4711`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid {}", self.uid)?;
        match self.pid {
            Some(pid) => write!(f, ", process {pid}"),
            None => Ok(()),
        }
    }
}
