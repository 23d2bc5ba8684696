//! Who is told, of what, by which way and how often.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::event::{Kind, Severity};

/// One receiver, as the file has it with everything filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Its name in the file.
    pub name: String,
    /// How it is told.
    pub way: Way,
    /// What it is told.
    pub choice: Choice,
    /// How often.
    pub pace: Pace,
}

/// What a receiver wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// These kinds; empty means every kind.
    pub kinds: BTreeSet<Kind>,
    /// Events that matter at least so much.
    pub severity: Severity,
}

/// How often a receiver is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// What happens within this time after the first event comes in one message.
    pub group: Duration,
    /// At most so many messages in an hour.
    pub hourly: u32,
    /// What lasts is told again so often; none where it is not.
    pub repeat: Option<Duration>,
}

/// How a receiver is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// An HTTP POST with JSON.
    Webhook {
        /// Where to.
        url: String,
    },
    /// A program of the operator's, with JSON on its standard input.
    Exec {
        /// The program and its arguments.
        command: Vec<String>,
        /// It must lie in one of these directories.
        directories: Vec<PathBuf>,
    },
}
