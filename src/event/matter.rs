//! What a kind of event is about, and whether it begins or ends something.
//!
//! By this receivers fold what belongs together, know what still lasts, and say when it is over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;

/// What events of a few kinds have in common.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// The daemon itself.
    Daemon,
    /// The file.
    File,
    /// What the kernel holds.
    Kernel,
    /// A real server.
    Server,
    /// What a real server's agent says.
    Agent,
    /// A certificate.
    Certificate,
    /// Whether enough real servers are up.
    Quorum,
    /// Whether one more failure can be borne.
    Redundancy,
    /// Who serves: real servers or the sorry server.
    SorryServer,
    /// Many failures at once.
    MassFailure,
    /// Whether a real server can be checked.
    Check,
    /// A drain.
    Drain,
    /// An operator's override.
    Override,
}

/// Whether something begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It lasts until an event with [`Turn::Ends`] of the same matter and subject. An end about
    /// nothing in particular ends all of its matter.
    Begins,
    /// It is over.
    Ends,
    /// It only happens.
    Happens,
}

impl Matter {
    /// Whether what begins here is a problem: told again while it lasts, and told when it is over.
    pub fn is_problem(self) -> bool {
        !matches!(
            self,
            Self::Daemon | Self::Agent | Self::Drain | Self::Override
        )
    }
}

impl Kind {
    /// What it is about.
    pub fn matter(self) -> Matter {
        match self {
            Self::Started | Self::Stopping => Matter::Daemon,
            Self::FileAccepted | Self::FileRefused | Self::FileWaits => Matter::File,
            Self::Converged
            | Self::ApplyFailed
            | Self::Drift
            | Self::DriftCorrected
            | Self::Fight => Matter::Kernel,
            Self::ServerUp | Self::ServerDown => Matter::Server,
            Self::AgentChanged => Matter::Agent,
            Self::CertificateExpires | Self::CertificateRenewed => Matter::Certificate,
            Self::QuorumReached | Self::QuorumLost => Matter::Quorum,
            Self::RedundancyLost | Self::RedundancyRestored => Matter::Redundancy,
            Self::SorryServerOn | Self::SorryServerOff => Matter::SorryServer,
            Self::MassFailure | Self::MassFailureOver => Matter::MassFailure,
            Self::CannotAsk | Self::AsksAgain => Matter::Check,
            Self::DrainBegan | Self::DrainEnded => Matter::Drain,
            Self::OverrideSet | Self::OverrideEnded => Matter::Override,
        }
    }

    /// Whether it begins or ends something.
    pub fn turn(self) -> Turn {
        match self {
            Self::FileRefused
            | Self::ApplyFailed
            | Self::Drift
            | Self::Fight
            | Self::ServerDown
            | Self::CertificateExpires
            | Self::QuorumLost
            | Self::RedundancyLost
            | Self::SorryServerOn
            | Self::MassFailure
            | Self::CannotAsk
            | Self::DrainBegan
            | Self::OverrideSet => Turn::Begins,
            Self::FileAccepted
            | Self::Converged
            | Self::DriftCorrected
            | Self::ServerUp
            | Self::CertificateRenewed
            | Self::QuorumReached
            | Self::RedundancyRestored
            | Self::SorryServerOff
            | Self::MassFailureOver
            | Self::AsksAgain
            | Self::DrainEnded
            | Self::OverrideEnded => Turn::Ends,
            Self::Started | Self::Stopping | Self::FileWaits | Self::AgentChanged => Turn::Happens,
        }
    }
}
