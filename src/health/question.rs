//! What is asked of a real server, and what comes back.

use std::net::IpAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::{EffectiveCheck, Kind, Vantage};

/// One question to one real server. All services that would ask the same question of the same
/// server share it, and with it the answer.
///
/// It asks either a kind or an agent, never both: [`super::Layout::of`] makes two questions of a
/// check that has both. An agent's question has the agent's port, interval and time-out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// Who is asked.
    pub address: IpAddr,
    /// On which port; 0 where the kind has none (ping, exec, file).
    pub port: u16,
    /// The check: kind, timing and vantage.
    pub check: EffectiveCheck,
    /// The VIP that clients speak to, for questions that take the way of a client's packet.
    pub vip: Option<IpAddr>,
    /// The server's name, for programs and files; for others empty, so that they share.
    pub name: String,
}

impl Question {
    /// What is asked; none where only an agent is.
    pub fn kind(&self) -> Option<&Kind> {
        self.check.kind.as_ref()
    }

    /// From where it is asked.
    pub fn vantage(&self) -> &Vantage {
        &self.check.vantage
    }

    /// How long an answer may take.
    pub fn timeout(&self) -> Duration {
        self.check.timing.timeout
    }
}

/// What came back, or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it was a good answer.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
    /// What an agent, a program or a file says about the server's share.
    pub advice: Option<Advice>,
    /// When the server's certificate expires, where one was seen.
    pub certificate: Option<Expiry>,
}

/// Whether an answer was good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The real server does what it should. The text says what was seen, such as `HTTP 200`.
    Pass(String),
    /// It does not.
    Fail {
        /// What kind of failure it is.
        fault: Fault,
        /// What was seen, in half a sentence: `connection refused`, `HTTP 503`.
        text: String,
    },
    /// It could not be asked, for a reason on this machine: it says nothing about the server, and
    /// counts for nothing. The text says why.
    Unasked(String),
}

/// Kinds of failures: some are certain, some may be the network's.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The server's kernel refused the connection: nobody listens.
    Refused,
    /// Nothing came in time.
    TimedOut,
    /// The network says that there is no way to it.
    Unreachable,
    /// It answered something else than it should.
    WrongAnswer,
    /// It broke off, or spoke against the protocol.
    Broken,
    /// TLS failed: a certificate, a version.
    Tls,
    /// Its agent, program or file says that it is down.
    SaysDown,
}

/// What an agent, a program or a file says (HAProxy's agent-check words).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Advice {
    /// The share of the file's weight, in percent.
    pub percent: Option<u16>,
    /// Whether new connections are welcome.
    pub welcome: Option<Welcome>,
    /// Whether it says that it is up (`up`, `ready` do not say that) or down.
    pub up: Option<bool>,
}

/// Whether new connections are welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Welcome {
    /// They are (`ready`).
    Ready,
    /// Only those of clients that are known (`drain`).
    Drain,
    /// None, and the server is looked after (`maint`).
    Maintenance,
}

/// When a certificate expires, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expiry(pub u64);
