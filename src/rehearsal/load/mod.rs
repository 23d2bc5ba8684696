//! The clients of a rehearsal: they ask on schedule, whatever the farm does, and write down what
//! came of it.
//!
//! One thread, epoll, few system calls. Sockets are made in the calling thread's network namespace
//! and nowhere else. Requests are due by the clock, not by the answer before: a farm that stalls
//! shows as lateness and gaps, not as fewer requests. It changes nothing of the farm and judges
//! nothing. Called by the stage.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::protocol::Speech;
use super::scenario::Load;

/// What to drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The services; `load.services` was applied to them already.
    pub targets: Vec<Target>,
    /// The clients' addresses, which the namespace has; each family is used in turn for the
    /// endpoints of its family. A family without any uses what the kernel chooses.
    pub sources: Vec<IpAddr>,
    /// What the clients do.
    pub load: Load,
    /// How long.
    pub duration: Duration,
    /// The beginning: time zero of the record and of the scenario's steps. It may lie ahead.
    pub start: Instant,
}

/// One service as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name in the farm; for a service with several protocols the same name comes several
    /// times.
    pub service: String,
    /// What is spoken there.
    pub speech: Speech,
    /// Its addresses and ports, which are asked in turn. A range of ports is given as some of them.
    pub endpoints: Vec<SocketAddr>,
}

/// What other threads see of a load that runs, and how they end it.
#[derive(Debug, Default)]
pub struct Watch {
    answered: AtomicU64,
    failed: AtomicU64,
    open: AtomicU64,
    stop: AtomicBool,
}

impl Watch {
    /// Requests that were answered rightly so far.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Requests that were lost or answered wrongly so far.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Long connections and downloads that are open now.
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// Ends the load within a few milliseconds; the record holds what was until then.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
