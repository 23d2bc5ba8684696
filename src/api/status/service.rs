//! The part of the status that is about services and their real servers.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::health::Fault;
use crate::state::Family;

use super::Health;

/// One service of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ServiceStatus {
    /// Its name in the file.
    pub name: String,
    /// How well it is.
    pub health: Health,
    /// Its groups: one for each family of addresses.
    pub groups: Vec<GroupStatus>,
}

/// The real servers of a service in one family: quorum and sorry server are judged for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupStatus {
    /// The family.
    pub family: Family,
    /// The kernel's keys of it, such as `tcp 192.0.2.10:80`.
    pub keys: Vec<String>,
    /// How well it is.
    pub health: Health,
    /// How many of its real servers are up.
    pub up: u32,
    /// How many real servers it has.
    pub total: u32,
    /// How many may fail before clients are hurt.
    pub spare: u32,
    /// The quorum; null where the file asks for none.
    pub quorum: Option<QuorumStatus>,
    /// The sorry server; null where the file names none.
    pub sorry_server: Option<SorryStatus>,
    /// Many failed at once; null where that is not so.
    pub mass_failure: Option<MassFailureStatus>,
    /// Its real servers.
    pub real_servers: Vec<RealServerStatus>,
}

/// The quorum of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuorumStatus {
    /// The weight or number that it needs, as the file says.
    pub minimum: u32,
    /// How much more it needs to be reached again.
    pub hysteresis: u32,
    /// Whether it is reached.
    pub reached: bool,
}

/// The sorry server of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SorryStatus {
    /// Where it is: `10.0.0.99:8080`, or `builtin`.
    pub server: String,
    /// Whether it serves now.
    pub active: bool,
    /// Since when it does or does not; null where that was never seen to change.
    pub since: Option<u64>,
}

/// Many real servers of a group failed at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MassFailureStatus {
    /// Whether they are kept in service nevertheless.
    pub held: bool,
    /// Since when.
    pub since: u64,
    /// How many.
    pub failed: u32,
}

/// One real server of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RealServerStatus {
    /// What messages call it.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// Its port; null where it keeps the client's.
    pub port: Option<u16>,
    /// How packets reach it: `nat`, `direct_routing`, `tunnel …`.
    pub forwarding: String,
    /// What its checks say.
    pub state: ServerState,
    /// Since when.
    pub since: Option<u64>,
    /// What it is asked: `http`, `tcp`; null where nothing is.
    pub check: Option<String>,
    /// What came back last; null before the first answer.
    pub last_answer: Option<LastAnswer>,
    /// What it gets of new connections, and why.
    pub weight: WeightStatus,
    /// Connections that it has, by the kernel.
    pub connections: ConnectionCounts,
    /// It is being drained.
    pub drain: Option<DrainStatus>,
    /// What its agent says; null where none is asked.
    pub agent: Option<AgentStatus>,
}

/// What checks say of a real server.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    /// It does what it should.
    Up,
    /// It does not.
    Down,
    /// Nothing is known yet: it gets no connections before its first good answer.
    Unknown,
    /// It is not checked, and taken to be well.
    Unchecked,
}

/// What came back from a real server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastAnswer {
    /// When.
    pub at: u64,
    /// Whether it was good.
    pub good: bool,
    /// What kind of failure it was; null where it was none.
    pub fault: Option<Fault>,
    /// What was seen: `HTTP 200`, `connection refused`.
    pub text: String,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// How many answers of this kind came in a row.
    pub in_a_row: u32,
    /// How many failures there were since the daemon knows it.
    pub failures: u64,
}

/// What a real server gets of new connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WeightStatus {
    /// What the file says; null where the file no longer has it (it is being drained).
    pub file: Option<u32>,
    /// What it gets; null where it is out.
    pub effective: Option<u32>,
    /// Each step from the one to the other, in order. Empty where both are the same.
    pub why: Vec<Reason>,
}

/// One step from the weight of the file to the one that a real server gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// What kind of step it is.
    pub step: Step,
    /// The weight after it; null where it is out.
    pub weight: Option<u32>,
    /// Why, in half a sentence: `down for 12 s: connection refused`.
    pub text: String,
}

/// What changes a weight, in the order in which it does.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// An operator gave it another weight.
    Override,
    /// Its agent says how much of its weight it can bear.
    Agent,
    /// It came back and is given more little by little.
    SlowStart,
    /// Its checks say that it is down, or do not say anything yet.
    Health,
    /// It is being drained.
    Drain,
    /// Its node is looked after.
    Maintenance,
    /// Too few of its group are up: the sorry server serves.
    Quorum,
    /// Too many failed at once: it is kept although it is down.
    MassFailure,
}

/// Connections that a real server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionCounts {
    /// In an active state.
    pub active: u64,
    /// In any other state.
    pub inactive: u64,
    /// Persistence templates.
    pub persistent: u64,
}

/// How a drain is getting on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DrainStatus {
    /// Since when.
    pub since: u64,
    /// When it ends, whatever is left; null where it waits for ever.
    pub deadline: Option<u64>,
    /// Connections and persistence templates that are left.
    pub remaining: u64,
    /// Whether it is at its end: the server has no connection any more, or its time was up.
    pub ended: bool,
    /// Why: `ordered by root (uid 0)`, `removed from the file`.
    pub because: String,
}

/// What a real server's agent says (HAProxy's agent-check).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentStatus {
    /// When it spoke last; null where it never did.
    pub at: Option<u64>,
    /// Whether that is too long ago to count.
    pub stale: bool,
    /// The share of the file's weight that it is given for it, in percent; null where all of it.
    pub percent: Option<u16>,
}

/// A certificate that a real server showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateStatus {
    /// The service.
    pub service: String,
    /// The real server.
    pub server: String,
    /// Its address and port.
    pub address: String,
    /// When it expires, in seconds since 1970.
    pub expires: u64,
    /// Whether that is soon enough to warn of it.
    pub soon: bool,
}
