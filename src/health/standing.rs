//! What the engine knows of a real server and of a group, for `farmctl status` and metrics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::state::{Member, Share};

use super::{Expiry, GroupKey, Question, Stance, Verdict};

/// How a real server is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Not asked yet; it gets no connection.
    #[default]
    New,
    /// Well.
    Up,
    /// Not well.
    Down,
}

impl Health {
    /// Down instead of up, where its agent says so.
    pub(super) fn unless(self, agent_says_down: bool) -> Self {
        if self == Self::Up && agent_says_down {
            Self::Down
        } else {
            self
        }
    }
}

/// One real server of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which one.
    pub member: Member,
    /// How it is.
    pub health: Health,
    /// For how long; a restart of the daemon does not begin it anew.
    pub lasting: Duration,
    /// Good answers in a row.
    pub passes: u32,
    /// Failures in a row.
    pub failures: u32,
    /// Failures since the engine asks it.
    pub failed: u64,
    /// What is asked of it; none where it is not checked.
    pub question: Option<Arc<Question>>,
    /// The last answer.
    pub last: Option<LastAnswer>,
    /// Its weight in the file.
    pub file_weight: u32,
    /// Its share of new connections now.
    pub share: Share,
    /// Why the share is not the file's: one step from the file's weight to the share after the
    /// other.
    pub reasons: Vec<Reason>,
    /// How far the weight has grown since it came back.
    pub ramp: Option<Ramp>,
    /// What its agent says.
    pub agent: Option<AgentStanding>,
    /// When its certificate expires, where one was seen.
    pub certificate: Option<Expiry>,
}

/// The last answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAnswer {
    /// What it was.
    pub verdict: Verdict,
    /// How long ago it came.
    pub ago: Duration,
    /// How long it took.
    pub took: Duration,
}

/// How far a weight has grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ramp {
    /// In percent of the full weight.
    pub percent: u32,
    /// How long until it is full.
    pub left: Duration,
}

/// What an agent says, as it counts now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentStanding {
    /// The share of the weight that counts now, smoothed, in percent; none where it says none.
    pub percent: Option<u32>,
    /// Whether it lets the real server take connections.
    pub stance: Stance,
    /// Whether it says that the real server is up.
    pub health: Health,
    /// How long ago it spoke; none where it never did.
    pub ago: Option<Duration>,
    /// Whether what it said still counts.
    pub freshness: Freshness,
}

/// Whether what an agent said still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It does.
    Fresh,
    /// It is too old: the weight of the file holds.
    Stale,
}

/// One step from the file's weight to the share that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Why.
    pub cause: Cause,
    /// The share after this step.
    pub share: Share,
}

/// Why a share is not the file's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// An operator's weight.
    Override(String),
    /// The agent's percent.
    Agent(u32),
    /// Slow start, at so many percent.
    SlowStart(u32),
    /// Not asked yet.
    NotAskedYet,
    /// Down; what was seen last.
    Down(String),
    /// Its agent says that it is down.
    AgentDown,
    /// Down, but kept: too many failed at once.
    Held(String),
    /// Its agent wants no new connections.
    AgentDrain,
    /// An operator drains it.
    Drain(String),
    /// An operator took it out.
    TakenOut(String),
    /// Too few are left: the sorry server serves.
    BelowQuorum,
}

impl fmt::Display for Cause {
    /// Half a sentence: `its agent says 40 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Override(words) => write!(f, "an operator set it{}", because(words)),
            Self::Agent(percent) => write!(f, "its agent says {percent} %"),
            Self::SlowStart(percent) => write!(f, "slow start, at {percent} %"),
            Self::NotAskedYet => f.write_str("it has not passed its check yet"),
            Self::Down(text) => write!(f, "its check fails: {text}"),
            Self::AgentDown => f.write_str("its agent says that it is down"),
            Self::Held(text) => write!(
                f,
                "its check fails ({text}), but so many failed at once that it is kept"
            ),
            Self::AgentDrain => f.write_str("its agent wants no new connections"),
            Self::Drain(words) => write!(f, "an operator drains it{}", because(words)),
            Self::TakenOut(words) => write!(f, "an operator took it out{}", because(words)),
            Self::BelowQuorum => {
                f.write_str("too few real servers are left, so the sorry server serves")
            }
        }
    }
}

fn because(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!(": {words}")
    }
}

impl fmt::Display for Reason {
    /// `weight 4: its agent says 40 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.share, self.cause)
    }
}

/// One group with all its real servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupStanding {
    /// Which one.
    pub key: GroupKey,
    /// Its real servers, in the order of the file.
    pub servers: Vec<Standing>,
    /// How many of them take new connections.
    pub usable: u32,
    /// Whether that is enough.
    pub quorum: QuorumStanding,
    /// Whether the sorry server serves.
    pub serving: Serving,
    /// How many are down but kept, because so many failed at once.
    pub held: u32,
    /// How many more may fail, the heaviest first, before the quorum or the last one is lost.
    pub spare: u32,
}

/// Whether enough real servers are usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum QuorumStanding {
    /// Enough.
    #[default]
    Reached,
    /// Too few.
    Lost,
}

/// Who serves clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Serving {
    /// Real servers.
    #[default]
    RealServers,
    /// The sorry server.
    SorryServer,
    /// Nobody.
    Nobody,
}
