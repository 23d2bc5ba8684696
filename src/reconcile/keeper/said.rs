//! What the keeper tells the daemon.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::dataplane::Observation;
use crate::reconcile::{Confirmation, GuardEnd, Record, Report};
use crate::spec::{DataplaneKind, Name};
use crate::state::{Change, Desired, DestinationKey, ServiceKey, Subject};

/// One thing that the keeper tells. Objects are in the kernel's words; `Converged.desired` leads
/// back to the file.
#[derive(Debug, Clone)]
pub enum Said {
    /// The kernel was read for the first time: wishes are worked on from now on.
    Ready {
        /// What is there.
        observation: Arc<Observation>,
        /// What forwards.
        dataplane: DataplaneKind,
        /// Why it is that data plane, a full sentence.
        because: String,
        /// What of it farmctl made.
        record: Arc<Record>,
    },
    /// The kernel holds a wish.
    Converged(Converged),
    /// A wish is not worked on; the one before goes on. Another try makes no difference.
    Refused {
        /// Of the wish.
        generation: u64,
        /// What kind of reason.
        reason: Reason,
        /// Why, and what to do: a full sentence each.
        why: Vec<String>,
    },
    /// The kernel could not be made to hold a wish. It is tried again.
    Failed {
        /// Of the wish.
        generation: u64,
        /// Why, in full sentences.
        cause: String,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// Somebody else changed what is farmctl's.
    Drift {
        /// What they did: each change has what was there before and what is there now.
        changes: Vec<Change>,
        /// What was done about it.
        answer: Answer,
    },
    /// Somebody else changes these back again and again: they are left alone from now on, until
    /// [`super::Order::Resume`] or another file.
    Fight {
        /// What it is about.
        objects: Vec<Subject>,
    },
    /// Everything was read back.
    Seen(Arc<Observation>),
    /// All that drains now because the file no longer has it: told whenever that changes.
    Draining(Vec<Draining>),
    /// Something is drained no more.
    Drained {
        /// What it was.
        what: Draining,
        /// How it ended.
        end: DrainEnd,
    },
    /// A new file waits for its confirmation.
    Unconfirmed {
        /// Of the wish.
        generation: u64,
        /// How long it waits.
        left: Duration,
    },
    /// The confirmation did not come: the file before holds again.
    Undone {
        /// How that went.
        end: GuardEnd,
    },
    /// What came of [`super::Order::Confirm`]; the error as a full sentence.
    Confirmed(Result<Confirmation, String>),
    /// Everything that farmctl made is gone; else what is left and why.
    Released(Result<Report, String>),
    /// The keeper has ended; the kernel keeps everything.
    Stopped,
}

/// The kernel holds a wish.
#[derive(Debug, Clone)]
pub struct Converged {
    /// Of the wish.
    pub generation: u64,
    /// Which node of the file this machine is; none where the file names no directors.
    pub node: Option<Name>,
    /// What the kernel was to hold, and where in the file each part comes from. What drains is not
    /// in it.
    pub desired: Arc<Desired>,
    /// What was done.
    pub report: Report,
    /// How it was done.
    pub way: Way,
}

/// How a wish was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The kernel held it already.
    Nothing,
    /// Only servers of services that are farmctl's: written at once, nothing on the disk.
    Fast,
    /// With intents, journal and reading back.
    Full,
}

/// Why a wish is not worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A guard speaks against the file: an operator may approve it.
    Guard,
    /// An earlier file waits for its confirmation, or this one was undone before.
    Unconfirmed,
    /// The file names what is there already and was not made by farmctl.
    Conflict,
    /// The data plane said beforehand that it can't do it.
    Preflight,
    /// The file asks for more than the data plane can do, or for another one.
    Dataplane,
    /// It is not known who this machine is in the file.
    Node,
}

/// What was done about drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is put right.
    Corrected,
    /// It stays: the policy says so.
    Reported,
    /// It stays, and nothing is written until the operator says so.
    Paused,
}

/// A server, or all of a service, that finishes its connections before it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draining {
    /// The service.
    pub service: ServiceKey,
    /// The server.
    pub destination: DestinationKey,
    /// What the file called the server, where that is known still.
    pub name: Option<String>,
    /// Its connections, as last seen; none before the first look.
    pub live: Option<u64>,
    /// Remembered clients that still come to it.
    pub persistent: u32,
    /// When it began.
    pub since: Moment,
    /// When it goes whatever is left.
    pub deadline: Moment,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrainEnd {
    /// Nothing was left.
    Empty,
    /// Its time was over; so many connections were left.
    Deadline {
        /// How many.
        live: u64,
    },
    /// The file has it again.
    Returned,
    /// Somebody else removed it, or a reboot did.
    Gone,
}

impl fmt::Display for Draining {
    /// `real server 10.0.0.21:8080 of tcp 192.0.2.10:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Subject::Destination(self.service, self.destination).fmt(f)
    }
}
