//! The words of kinds and severities, and what an operator does about each kind.
//!
//! `docs/events.md` is made of these; a test keeps it fresh.

use super::{Kind, Severity};

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Alarm];

    /// The word that JSON and the file have.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
        }
    }
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 29] = [
        Self::Started,
        Self::Stopping,
        Self::FileAccepted,
        Self::FileRefused,
        Self::FileWaits,
        Self::Converged,
        Self::ApplyFailed,
        Self::Drift,
        Self::DriftCorrected,
        Self::Fight,
        Self::ServerUp,
        Self::ServerDown,
        Self::AgentChanged,
        Self::CertificateExpires,
        Self::CertificateRenewed,
        Self::QuorumReached,
        Self::QuorumLost,
        Self::RedundancyLost,
        Self::RedundancyRestored,
        Self::SorryServerOn,
        Self::SorryServerOff,
        Self::MassFailure,
        Self::MassFailureOver,
        Self::CannotAsk,
        Self::AsksAgain,
        Self::DrainBegan,
        Self::DrainEnded,
        Self::OverrideSet,
        Self::OverrideEnded,
    ];

    /// The word that JSON and the file have.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopping => "stopping",
            Self::FileAccepted => "file_accepted",
            Self::FileRefused => "file_refused",
            Self::FileWaits => "file_waits",
            Self::Converged => "converged",
            Self::ApplyFailed => "apply_failed",
            Self::Drift => "drift",
            Self::DriftCorrected => "drift_corrected",
            Self::Fight => "fight",
            Self::ServerUp => "server_up",
            Self::ServerDown => "server_down",
            Self::AgentChanged => "agent_changed",
            Self::CertificateExpires => "certificate_expires",
            Self::CertificateRenewed => "certificate_renewed",
            Self::QuorumReached => "quorum_reached",
            Self::QuorumLost => "quorum_lost",
            Self::RedundancyLost => "redundancy_lost",
            Self::RedundancyRestored => "redundancy_restored",
            Self::SorryServerOn => "sorry_server_on",
            Self::SorryServerOff => "sorry_server_off",
            Self::MassFailure => "mass_failure",
            Self::MassFailureOver => "mass_failure_over",
            Self::CannotAsk => "cannot_ask",
            Self::AsksAgain => "asks_again",
            Self::DrainBegan => "drain_began",
            Self::DrainEnded => "drain_ended",
            Self::OverrideSet => "override_set",
            Self::OverrideEnded => "override_ended",
        }
    }

    /// What to do about it; empty where nothing is to be done.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::FileRefused => {
                "The old farm goes on. Run `farmctl validate` on the file, correct it, and save it again."
            }
            Self::FileWaits => {
                "Look at what it would change with `farmctl diff`; `farmctl approve` lets it in."
            }
            Self::ApplyFailed => {
                "The kernel keeps what it had. `farmctl status` says what failed and when it is tried again; `farmctl diff` shows what is missing."
            }
            Self::Drift => {
                "Find out who changed it (another tool, a person). `farmctl diff` shows what; `farmctl apply` puts it right where `drift` is not `correct`."
            }
            Self::Fight => {
                "Another program sets the same things: stop it, or take them out of the file. Until then farmctl leaves them alone; `farmctl apply` makes it try again."
            }
            Self::ServerDown => {
                "It gets no new connections. Look at the machine and at the program on it; `farmctl status` shows what the check saw. It comes back by itself once its check passes."
            }
            Self::CertificateExpires => {
                "Renew it on the real server; clients will refuse it after that day."
            }
            Self::QuorumLost => {
                "Too few real servers are up to carry the load. Bring some back, or lower `quorum` if fewer will do."
            }
            Self::RedundancyLost => {
                "Clients notice nothing yet; the next failure hurts them. Bring back what is missing before you go to bed."
            }
            Self::CannotAsk => {
                "Its state is what it was when it could be asked last. The message says what is missing on the director: an interface, an address, a right, a program."
            }
            Self::SorryServerOn => {
                "Clients get the sorry page. Bring real servers back; then it ends by itself."
            }
            Self::MassFailure => {
                "So many at once is seldom the servers: look at the network between director and servers, at a shared database, at the check itself."
            }
            Self::AsksAgain
            | Self::Started
            | Self::Stopping
            | Self::FileAccepted
            | Self::Converged
            | Self::DriftCorrected
            | Self::ServerUp
            | Self::AgentChanged
            | Self::CertificateRenewed
            | Self::QuorumReached
            | Self::RedundancyRestored
            | Self::SorryServerOff
            | Self::MassFailureOver
            | Self::DrainBegan
            | Self::DrainEnded
            | Self::OverrideSet
            | Self::OverrideEnded => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::event::Turn;
    use crate::spec::EVENT_WORDS;

    fn json(value: impl serde::Serialize) -> String {
        serde_json::to_value(value)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn every_word_is_the_one_of_the_json() {
        for kind in Kind::ALL {
            assert_eq!(json(kind), kind.word());
            assert_eq!(kind.to_string(), kind.word());
        }
        for severity in Severity::ALL {
            assert_eq!(json(severity), severity.word());
        }
    }

    #[test]
    fn the_file_knows_every_severity_and_every_kind() {
        let ours = Severity::ALL.iter().map(|severity| severity.word());
        let ours: BTreeSet<_> = ours
            .chain(Kind::ALL.iter().map(|kind| kind.word()))
            .collect();
        assert_eq!(EVENT_WORDS.iter().copied().collect::<BTreeSet<_>>(), ours);
        assert_eq!(EVENT_WORDS.len(), ours.len());
    }

    #[test]
    fn what_begins_as_a_problem_says_what_to_do_and_can_end() {
        for kind in Kind::ALL {
            if kind.turn() == Turn::Begins && kind.matter().is_problem() {
                assert!(!kind.advice().is_empty(), "{kind}");
            }
            if kind.turn() == Turn::Begins {
                let ends =
                    |other: &Kind| other.turn() == Turn::Ends && other.matter() == kind.matter();
                assert!(Kind::ALL.iter().any(ends), "{kind}");
            }
        }
    }
}
