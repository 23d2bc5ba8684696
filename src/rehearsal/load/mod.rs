//! The clients of a rehearsal: they ask on schedule, whatever the farm does, and write down what
//! came of it.
//!
//! One thread, epoll, few system calls. Sockets are made in the calling thread's network namespace
//! and nowhere else. Requests are due by the clock, not by the answer before: a farm that stalls
//! shows as lateness and gaps, not as fewer requests. It changes nothing of the farm and judges
//! nothing. Called by the stage.

mod agenda;
mod connection;
mod engine;
mod notebook;
mod slots;
mod socket;
mod sources;
mod talk;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::protocol::Speech;
use super::record::Record;
use super::scenario::Load;
use crate::clock::Clock;

/// How often a connection that stays open asks, in a second.
const SEAT_RATE: u32 = 10;

/// How often a download that broke is begun again, in a second.
const DOWNLOAD_RETRY: u32 = 1;

/// By how much the client may wake late without its being the farm's lateness, in microseconds.
const LATENESS: u64 = 5_000;

/// Why there could be no load at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The limit of open files could not be read or raised (setrlimit(2)).
    #[error("the clients can't have enough open sockets: {0}")]
    Files(#[source] io::Error),
    /// The kernel has no event queue for them (epoll(7)).
    #[error("the clients can't wait for their sockets: {0}")]
    Epoll(#[source] io::Error),
}

impl LoadError {
    fn epoll(error: nix::errno::Errno) -> Self {
        Self::Epoll(error.into())
    }
}

/// Drives clients from this thread, in its network namespace, until the order's time is over and
/// the last request is answered or given up; gives what they saw.
pub fn drive(order: &Order, clock: &dyn Clock, watch: &Watch) -> Result<Record, LoadError> {
    engine::Engine::new(order, clock, watch)?.run()
}

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
    /// Whether a flow stays with its server: not so where each UDP packet is scheduled by itself.
    pub flows: Flows,
}

/// Whether the packets of one flow reach one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flows {
    /// They do: clients hold flows open and expect the same server.
    Kept,
    /// Each packet is scheduled by itself (`one_packet`).
    EachPacket,
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

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Ends the load within a few milliseconds; the record holds what was until then.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
