//! What a run says while it works.

use std::fmt;
use std::time::Duration;

use crate::state::Phase;

/// One thing that happens now. It prints as a full sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Something that the operator should know, a full sentence.
    Note(String),
    /// The next steps of one kind are carried out.
    Steps {
        /// The kind.
        phase: Phase,
        /// How many.
        count: usize,
    },
    /// All steps are carried out in one transaction.
    Transaction {
        /// How many.
        count: usize,
    },
    /// Servers that go keep their connections for a while.
    Draining {
        /// How many connections there are.
        live: u64,
        /// How long they may last at most.
        left: Duration,
    },
    /// Everything is read back.
    Verifying,
    /// What was done is undone; the outcome says why.
    RollingBack,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(note) => f.write_str(note),
            Self::Steps { phase, count } => write!(f, "{}: {}.", words(*phase), steps(*count)),
            Self::Transaction { count } => write!(f, "In one transaction: {}.", steps(*count)),
            Self::Draining { live, left } => write!(
                f,
                "Draining: {live} connections of servers that go; at most {} s more.",
                left.as_secs()
            ),
            Self::Verifying => f.write_str("Reading everything back."),
            Self::RollingBack => f.write_str("That failed: rolling back."),
        }
    }
}

fn steps(count: usize) -> String {
    format!("{count} {}", if count == 1 { "step" } else { "steps" })
}

fn words(phase: Phase) -> &'static str {
    match phase {
        Phase::Settings => "Settings",
        Phase::StopSync => "Stopping connection synchronisation",
        Phase::AddServices => "Adding services",
        Phase::Raise => "Adding servers and raising weights",
        Phase::Edit => "Editing in place",
        Phase::Marks => "Firewall marks",
        Phase::AddressesUp => "Putting addresses up",
        Phase::Lower => "Lowering weights",
        Phase::DeleteDestinations => "Removing servers",
        Phase::AddressesDown => "Taking addresses down",
        Phase::DeleteServices => "Removing services",
        Phase::StartSync => "Starting connection synchronisation",
    }
}
