//! The status of a running daemon, as values: what `GET /v1/status` and `farmctl status -o json`
//! show. Filled by `daemon`.
//!
//! Points in time are milliseconds since 1970-01-01 00:00 UTC, lengths of time milliseconds.

mod daemon;
mod service;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::DataplaneKind;

use super::OverlayReport;

pub use daemon::{
    ApplyStatus, DaemonStatus, DriftPolicy, DriftStatus, FileProblem, FileRevision, RefusedFile,
    WaitingFile,
};
pub use service::{
    AgentStatus, CertificateStatus, ConnectionCounts, DrainStatus, GroupStatus, LastAnswer,
    MassFailureStatus, QuorumStatus, RealServerStatus, Reason, ServerState, ServiceStatus,
    SorryStatus, Step, WeightStatus,
};

/// The version of the form of [`Status`]; a change that breaks readers raises it.
const FORMAT_VERSION: u32 = 1;

/// All that a daemon knows of its farm at one time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The version of this format; a change that breaks readers raises it.
    pub format_version: u32,
    /// When this was so.
    pub at: u64,
    /// The farm's name.
    pub farm: String,
    /// The machine, by its name in the file; null where the file names no directors.
    pub node: Option<String>,
    /// What forwards here; null until it is chosen.
    pub dataplane: Option<DataplaneKind>,
    /// The worst of everything below.
    pub health: Health,
    /// Why it is not `full`: full sentences.
    pub reasons: Vec<String>,
    /// The process.
    pub daemon: DaemonStatus,
    /// The file that runs; null before any was accepted.
    pub revision: Option<FileRevision>,
    /// A newer file that is bad: the one above goes on.
    pub refused: Option<RefusedFile>,
    /// A newer file that waits.
    pub waiting: Option<WaitingFile>,
    /// The last time that the kernel was changed, or was to be.
    pub last_apply: Option<ApplyStatus>,
    /// What others changed of what is ours.
    pub drift: DriftStatus,
    /// The floating addresses of the file that belong on this machine.
    pub addresses: Vec<AddressStatus>,
    /// The services of the file.
    pub services: Vec<ServiceStatus>,
    /// What operators ordered, beside the file.
    pub overrides: Vec<OverrideStatus>,
    /// What bends the file now, in the form that `diff` lays over it.
    pub overlay: OverlayReport,
    /// What there is to spare.
    pub redundancy: Vec<RedundancyStatus>,
    /// Certificates that real servers showed.
    pub certificates: Vec<CertificateStatus>,
    /// What a person should know besides: full sentences.
    pub notes: Vec<String>,
    /// How many services of other makers the kernel has.
    pub foreign_services: usize,
    /// What could not be seen, and why.
    pub blind_spots: Vec<String>,
}

impl Status {
    /// The status of a farm of which nothing is known yet.
    pub fn of(farm: impl Into<String>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            farm: farm.into(),
            ..Self::default()
        }
    }
}

/// How well something is; the numbers are those of monitoring plugins.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Everything that the file wants is there.
    #[default]
    Full,
    /// Clients are served, but something is missing or different.
    Degraded,
    /// A service takes no connection.
    Down,
}

impl Health {
    /// The exit code of a monitoring plugin.
    pub fn plugin_code(self) -> u8 {
        match self {
            Self::Full => 0,
            Self::Degraded => 1,
            Self::Down => 2,
        }
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

/// One floating address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddressStatus {
    /// The address.
    pub address: String,
    /// The interface that it belongs on.
    pub interface: String,
    /// Whether it is there, on an interface that is up.
    pub up: bool,
}

/// One order of an operator that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverrideStatus {
    /// Its number, by which it is ended; never given twice in one state directory.
    pub id: u64,
    /// What kind of order it is.
    pub kind: OverrideKind,
    /// Whom it is about, as messages call it: `web1`, `web1 of http`.
    pub subject: String,
    /// The real server or node, by its name in the file.
    pub target: String,
    /// The only service that it is about; null where it is about all.
    pub service: Option<String>,
    /// The weight that it gives; null where it gives none (a drain).
    pub weight: Option<u32>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// Who ordered it: `root (uid 0)`.
    pub by: String,
    /// Since when it holds.
    pub since: u64,
    /// When it ends by itself; null where it does not.
    pub expires: Option<u64>,
    /// How a drain is getting on: null for other kinds.
    pub drain: Option<DrainStatus>,
}

/// Kinds of orders that stand beside the file.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OverrideKind {
    /// A real server gets no new connections.
    Drain,
    /// A node is taken out of everything that it serves.
    Maintenance,
    /// A real server has another weight than the file says.
    Weight,
}

/// What there is to spare of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RedundancyStatus {
    /// What: `service http ipv4`.
    pub object: String,
    /// How many may fail before clients are hurt.
    pub spare: u32,
}

impl OverrideKind {
    /// The word of the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Maintenance => "maintenance",
            Self::Weight => "weight",
        }
    }
}
