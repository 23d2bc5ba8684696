//! The words between the engine and its driver: what comes in, and what goes out.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Kind, Severity, Subject};
use crate::state::Member;

use super::{Answer, Layout, Question};

/// One asking of one question. Never used twice by one engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId {
    /// The place of the probe that asks.
    pub(super) slot: u32,
    /// Counts up from asking to asking.
    pub(super) serial: u64,
}

impl fmt::Display for AskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.slot, self.serial)
    }
}

/// What comes in.
#[derive(Debug, Clone)]
pub enum Event {
    /// This is looked after from now on, instead of what was before. What did not change goes on
    /// undisturbed; what is gone is forgotten.
    Configured(Layout),
    /// An answer came, or what stands for one (a time-out is an answer too). One that nobody
    /// waits for any more is dropped.
    Answered {
        /// What it answers.
        ask: AskId,
        /// The answer.
        answer: Answer,
    },
    /// All that the operator bends now; replaces all that was bent before. Real servers that are
    /// not looked after may be in it: it counts once they are. After a restart what was bent before
    /// holds until this comes.
    Bent(BTreeMap<Member, Bend>),
    /// The kernel held these real servers with these weights when the daemon started: those with a
    /// weight count as up until they are asked. Sent once, right after the first layout.
    Adopted(BTreeMap<Member, u32>),
    /// The time since 1970: now. For the warnings of certificates alone; sent at the start and
    /// every hour or so.
    Dated(Duration),
}

/// How an operator bends a real server's share.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bend {
    /// A weight instead of the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// Whether it takes new connections.
    pub stance: Stance,
    /// Why, in the operator's words; status shows it.
    pub words: String,
}

/// Whether an operator lets a real server take connections.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    /// It serves, if it is well.
    #[default]
    Serves,
    /// It gets no new connection and keeps those that it has (weight 0).
    Drains,
    /// It is not in the service at all.
    Out,
}

/// What goes out. The driver takes all of it after each call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// This is to be asked, now. Exactly one [`Event::Answered`] is to come back, unless it is
    /// forgotten.
    Ask {
        /// What the answer has to name.
        id: AskId,
        /// The question; either of a kind or of an agent, never both.
        question: Arc<Question>,
    },
    /// Nobody waits for the answer any more: the asking may be broken off.
    Forget {
        /// What was asked.
        id: AskId,
    },
    /// The overlay is another than before: see [`super::Engine::overlay`]. At most once between
    /// two events.
    Changed,
    /// Something happened that people may want to know.
    Told(Told),
}

/// Something that happened, before it has a time and a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What kind of thing it is.
    pub kind: Kind,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// What happened, in a full sentence.
    pub message: String,
}
