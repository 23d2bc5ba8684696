//! How the daemon works: as it is written, and with nothing left out.
//!
//! Pure values; `daemon`, `api` and `cli` act on them.

use std::time::Duration as Time;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, Farm, FilePath, SocketAddress};

/// How `farmctl daemon` works.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DaemonOptions {
    /// What is done where somebody else changed what is farmctl's. Left out, `correct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftPolicy>,
    /// How often the kernel is read whole, beside its own notices. Left out, 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<Duration>,
    /// A file that is written in place must be unchanged for so long before it is used; one that
    /// is put in place as a whole (by rename) is used at once. Left out, 2s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle: Option<Duration>,
    /// So many checks run at once at most. Left out, 1024.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65536))]
    pub concurrency: Option<u32>,
    /// Directories of programs that farmctl may run (checks and notifications `exec`). They and
    /// the programs must belong to root, and nobody else may write them. Left out,
    /// `[/etc/farmctl/scripts]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exec_dirs: Vec<FilePath>,
    /// The API over TCP, read-only; over its unix socket it is always there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<ApiOptions>,
    /// More names for metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsOptions>,
    /// How much is logged; `farmctl` can change it while the daemon runs. Left out, `info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogLevel>,
}

/// What is done where somebody else changed what is farmctl's.
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
#[serde(rename_all = "snake_case")]
pub enum DriftPolicy {
    /// It is put right at once, and told.
    #[default]
    Correct,
    /// It is told, and left until the file changes or an operator applies.
    Report,
    /// It is told, and nothing more is written to the kernel until an operator applies.
    Pause,
}

/// The API over TCP, read-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiOptions {
    /// The address and port to listen on, such as `127.0.0.1:9310`.
    pub listen: SocketAddress,
    /// A file with the token that callers must send (`Authorization: Bearer …`). Required unless
    /// it listens on loopback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<FilePath>,
}

/// More names for metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricsOptions {
    /// The names of other exporters beside farmctl's own, so that dashboards go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compatible: Vec<MetricsNames>,
}

/// The metrics of another exporter.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MetricsNames {
    /// `node_ipvs_*`, as node_exporter names them.
    NodeIpvs,
    /// `keepalived_*`, as the keepalived exporter names them.
    Keepalived,
}

/// How much is logged.
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
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what needs a look.
    Warn,
    /// And what happened.
    #[default]
    Info,
    /// And why.
    Debug,
    /// And every step.
    Trace,
}

/// How the daemon works, with nothing left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveDaemon {
    /// What is done where somebody else changed what is farmctl's.
    pub drift: DriftPolicy,
    /// How often the kernel is read whole.
    pub poll: Time,
    /// So long a file must be unchanged before it is used.
    pub settle: Time,
    /// So many checks run at once at most.
    pub concurrency: u32,
    /// Directories of programs that may be run.
    pub exec_dirs: Vec<FilePath>,
    /// The API over TCP, where there is one.
    pub api: Option<ApiOptions>,
    /// The names of other exporters that are shown too.
    pub compatible_metrics: Vec<MetricsNames>,
    /// How much is logged.
    pub log: LogLevel,
}

impl EffectiveDaemon {
    /// How often the kernel is read whole, where nothing is written.
    pub const POLL: Time = Time::from_secs(10);
    /// How long a file must be unchanged, where nothing is written.
    pub const SETTLE: Time = Time::from_secs(2);
    /// How many checks run at once, where nothing is written.
    pub const CONCURRENCY: u32 = 1024;
    /// Where programs are, where nothing is written.
    pub const EXEC_DIR: &str = "/etc/farmctl/scripts";

    /// What holds in a farm.
    pub fn of(farm: &Farm) -> Self {
        let written = farm.daemon.clone().unwrap_or_default();
        let exec_dirs = match written.exec_dirs {
            dirs if dirs.is_empty() => vec![FilePath::new_unchecked(Self::EXEC_DIR)],
            dirs => dirs,
        };
        Self {
            drift: written.drift.unwrap_or_default(),
            poll: written.poll.map_or(Self::POLL, |time| time.0),
            settle: written.settle.map_or(Self::SETTLE, |time| time.0),
            concurrency: written.concurrency.unwrap_or(Self::CONCURRENCY),
            exec_dirs,
            api: written.api,
            compatible_metrics: written
                .metrics
                .map(|metrics| metrics.compatible)
                .unwrap_or_default(),
            log: written.log.unwrap_or_default(),
        }
    }
}
