//! What the clients of a rehearsal saw, as it was seen: one [`Sample`] for each request.
//!
//! Plain values with the arithmetic on them; nothing here measures or judges. Written by `load`,
//! read by `expect` and `report`. Times count from the beginning of the load.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Everything that the clients saw.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// How long there was load; shorter than asked for where it was ended early.
    pub duration: Duration,
    /// The services, in the order of the order; a [`Sample`] names one by its place here.
    pub services: Vec<String>,
    /// The servers that answered; a [`Sample`] names one by its place here.
    pub servers: Vec<String>,
    /// Every request, in the order of its end.
    pub samples: Vec<Sample>,
    /// Every connection that was to stay open.
    pub standing: Vec<Standing>,
}

/// One request and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was due, in microseconds.
    pub due: u64,
    /// From then to the end of its answer, or to when it was given up, in microseconds.
    pub took: u32,
    /// The service, by its place in [`Record::services`].
    pub service: u16,
    /// The family of the addresses.
    pub family: Family,
    /// What kind of request.
    pub kind: Kind,
    /// What came of it.
    pub outcome: Outcome,
}

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A connection (a UDP flow) of its own: a real server is chosen for it.
    New,
    /// One of many on a connection that stays open.
    Standing,
    /// A long download.
    Download,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The right answer, from the server at this place of [`Record::servers`].
    Answered(u16),
    /// None.
    Lost(Loss),
    /// A wrong one.
    Wrong(Fault),
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Loss {
    /// Nobody listens (TCP reset of the first packet, ICMP port unreachable).
    Refused,
    /// The connection was reset.
    Reset,
    /// The other side closed the connection before the answer was complete.
    CutOff,
    /// No answer in time.
    TimedOut,
    /// No route, or an ICMP error that says so.
    Unreachable,
    /// The client itself could not ask (no socket, no free port).
    Unsent,
}

/// What was wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// An HTTP status other than 200.
    Status(u16),
    /// It cannot be understood, or is not what was sent to be echoed.
    Garbled,
    /// On a connection that stays open, another server answered than before.
    OtherServer,
}

/// A connection that was to stay open and had its first answer: keep-alive, echo, a UDP flow, a
/// download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The service, by its place in [`Record::services`].
    pub service: u16,
    /// The family of the addresses.
    pub family: Family,
    /// [`Kind::Standing`] or [`Kind::Download`].
    pub kind: Kind,
    /// The server that it is with, by its place in [`Record::servers`].
    pub server: u16,
    /// When its first answer came, in microseconds: it is open from then on.
    pub opened: u64,
    /// When it broke, in microseconds, and why; none where it went on until the end of the load.
    pub broken: Option<(u64, Outcome)>,
}
