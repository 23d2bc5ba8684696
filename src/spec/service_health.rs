//! What a service does when real servers fail, leave and come back: as it is written, and with
//! nothing left out.
//!
//! Pure values; `health` and `daemon` act on them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, Farm, OrNone, Percent, VirtualService};

/// How many real servers must be up for a service to be served by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    /// So many must be up, else the sorry server takes over. Left out, 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub minimum: Option<u32>,
    /// Once lost, the quorum comes back when so many more than `minimum` are up: it does not
    /// flap. Left out, 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hysteresis: Option<u32>,
    /// What is counted. Left out, `real_servers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<QuorumCount>,
}

/// What a quorum counts.
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
pub enum QuorumCount {
    /// The real servers that are up and have a weight.
    #[default]
    RealServers,
    /// Their weights together.
    Weight,
}

/// How a real server leaves: no new connections, time for those that it has, then gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    /// So long it may finish its connections. Left out, 60s; `0s` removes it at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// What becomes of it then. Left out, `remove`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<AfterDrain>,
    /// What becomes of the connections that are left then. Left out, `leave`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<Remaining>,
}

/// What becomes of a real server at the end of its drain.
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
pub enum AfterDrain {
    /// It is taken out of the service.
    #[default]
    Remove,
    /// It stays with weight 0, so that connections that are left go on. A real server that is
    /// gone from the file is taken out in either case.
    Keep,
}

/// What becomes of the connections that are left at the end of a drain.
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
pub enum Remaining {
    /// They are left alone; the kernel decides.
    #[default]
    Leave,
    /// They are reset, so that clients connect anew at once.
    Reset,
}

/// What becomes of a real server that is down.
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
pub enum OnFailure {
    /// It is taken out of the service, and its connections end.
    #[default]
    Remove,
    /// It stays with weight 0: no new connections, and those that it has go on.
    Inhibit,
}

/// What is done when many real servers of a service fail at once: then it is more likely the
/// check, or the network between, that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MassFailure {
    /// So many of the service's real servers. Left out, 60%.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Percent>,
    /// Within this time. Left out, 2s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
    /// What is done. Left out, `alarm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<MassFailureThen>,
}

/// What is done at a mass failure.
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
pub enum MassFailureThen {
    /// The real servers are taken out as ever, and an alarm is given.
    #[default]
    Alarm,
    /// They are kept, except those that refuse connections, and an alarm is given.
    Hold,
}

/// A quorum with nothing left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectiveQuorum {
    /// So much must be up.
    pub minimum: u32,
    /// Once lost, it comes back at `minimum` + `hysteresis`.
    pub hysteresis: u32,
    /// What is counted.
    pub count: QuorumCount,
}

/// A drain with nothing left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectiveDrain {
    /// So long a real server may finish its connections; zero removes it at once.
    pub timeout: std::time::Duration,
    /// What becomes of it then.
    pub then: AfterDrain,
    /// What becomes of the connections that are left then.
    pub remaining: Remaining,
}

/// The guard against mass failure with nothing left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectiveMassFailure {
    /// So many of the service's real servers.
    pub share: Percent,
    /// Within this time.
    pub within: std::time::Duration,
    /// What is done.
    pub then: MassFailureThen,
}

impl Quorum {
    /// What holds, the nearest first.
    pub(super) fn effective(levels: &[Option<Self>]) -> EffectiveQuorum {
        EffectiveQuorum {
            minimum: nearest(levels, |level| level.minimum).unwrap_or(1),
            hysteresis: nearest(levels, |level| level.hysteresis).unwrap_or(0),
            count: nearest(levels, |level| level.count).unwrap_or_default(),
        }
    }
}

impl Drain {
    /// How long a drain lasts at most, where nothing is written.
    pub const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

    /// What holds, the nearest first.
    pub(super) fn effective(levels: &[Option<Self>]) -> EffectiveDrain {
        EffectiveDrain {
            timeout: nearest(levels, |level| level.timeout).map_or(Self::TIMEOUT, |time| time.0),
            then: nearest(levels, |level| level.then).unwrap_or_default(),
            remaining: nearest(levels, |level| level.remaining).unwrap_or_default(),
        }
    }
}

impl Default for EffectiveDrain {
    fn default() -> Self {
        Drain::effective(&[])
    }
}

impl EffectiveDrain {
    /// What holds for a service of a farm.
    pub fn of(farm: &Farm, service: &VirtualService) -> Self {
        let defaults = farm.defaults.as_ref();
        let defaults = defaults.and_then(|defaults| defaults.service.as_ref());
        Drain::effective(&[service.drain, defaults.and_then(|defaults| defaults.drain)])
    }
}

impl MassFailure {
    /// The time within which the failures are one, where nothing is written.
    pub const WITHIN: std::time::Duration = std::time::Duration::from_secs(2);

    /// What holds, the nearest first; none where there is no guard.
    pub(super) fn effective(levels: &[Option<OrNone<Self>>]) -> Option<EffectiveMassFailure> {
        let written: Vec<Option<Self>> = levels
            .iter()
            .flatten()
            .map_while(|level| match level {
                OrNone::None => None,
                OrNone::Some(guard) => Some(Some(*guard)),
            })
            .collect();
        (!written.is_empty()).then(|| EffectiveMassFailure {
            share: nearest(&written, |level| level.share).unwrap_or(Percent::MASS_FAILURE),
            within: nearest(&written, |level| level.within).map_or(Self::WITHIN, |time| time.0),
            then: nearest(&written, |level| level.then).unwrap_or_default(),
        })
    }
}

/// The nearest value that is written.
fn nearest<L: Copy, V>(levels: &[Option<L>], value: impl Fn(L) -> Option<V>) -> Option<V> {
    levels.iter().flatten().find_map(|level| value(*level))
}
