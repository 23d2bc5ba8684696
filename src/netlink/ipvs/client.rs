//! The IPVS client: one socket, one table.
//!
//! It reads and writes the table of the network namespace in which it was opened. It repeats
//! nothing by itself that might be done twice. Used by the IPVS data plane.

use netlink_sys::protocols::NETLINK_GENERIC;

use super::codec;
use super::command::{Command, Query, Reply};
use super::entry::{DestinationEntry, Family, Info, ServiceEntry, ServiceId, SyncDaemon, Timeouts};
use super::wire;
use crate::netlink::batch::{Batch, Failure};
use crate::netlink::error::{Error, Result};
use crate::netlink::generic;
use crate::netlink::message::Message;
use crate::netlink::socket::Socket;

/// The size at which a batch is sent, bytes: measured, larger ones gain nothing.
const BATCH_SIZE: usize = 32 * 1024;
/// The most messages in a batch whose errors must fit in a receive buffer of the default size.
const SHALLOW_BATCH: usize = 200;

/// A connection to the kernel's IPVS. Every method needs `CAP_NET_ADMIN`.
#[derive(Debug)]
pub struct Client {
    socket: Socket,
    family: u16,
    batch: Batch,
}

impl Client {
    /// Opens a socket in this thread's network namespace.
    ///
    /// [`Error::FamilyMissing`] when the kernel has no IPVS or has not loaded it.
    pub fn open() -> Result<Self> {
        let mut socket = Socket::open(NETLINK_GENERIC)?;
        let family = generic::resolve(&mut socket, wire::FAMILY)?;
        Ok(Self {
            socket,
            family,
            batch: Batch::new(),
        })
    }

    /// How many commands were sent to the kernel, refused ones included.
    pub fn writes_sent(&self) -> u64 {
        self.socket.writes_sent()
    }

    /// All virtual services, in the kernel's order. The kernel does not say when the table
    /// changes meanwhile: read twice before deleting because of something missing.
    pub fn services(&mut self) -> Result<Vec<ServiceEntry>> {
        let mut services = Vec::new();
        self.dump(
            "to list the virtual services",
            &Query::Services,
            Family::Inet,
            |reply| {
                services.extend(as_service(reply));
            },
        )?;
        Ok(services)
    }

    /// One virtual service; `None` when there is none with this identity.
    pub fn service(&mut self, id: &ServiceId) -> Result<Option<ServiceEntry>> {
        let mut found = None;
        let asked = self.ask("to read a virtual service", &Query::Service(*id), |reply| {
            found = as_service(reply);
        });
        match asked {
            Err(error) if error.errno() == Some(super::super::Errno::ESRCH) => Ok(None),
            Err(error) => Err(error),
            Ok(()) => Ok(found),
        }
    }

    /// The destinations of a service, newest first. Empty also when the service does not exist.
    pub fn destinations(&mut self, id: &ServiceId) -> Result<Vec<DestinationEntry>> {
        let mut destinations = Vec::new();
        let query = Query::Destinations(*id);
        self.dump(
            "to list the destinations of a service",
            &query,
            id.family(),
            |reply| {
                if let Reply::Destination(entry) = reply {
                    destinations.push(entry);
                }
            },
        )?;
        Ok(destinations)
    }

    /// The synchronisation daemons that run, at most one of each role.
    pub fn daemons(&mut self) -> Result<Vec<SyncDaemon>> {
        let mut daemons = Vec::new();
        self.dump(
            "to list the sync daemons",
            &Query::Daemons,
            Family::Inet,
            |reply| {
                if let Reply::Daemon(daemon) = reply {
                    daemons.push(daemon);
                }
            },
        )?;
        Ok(daemons)
    }

    /// The connection timeouts.
    pub fn timeouts(&mut self) -> Result<Timeouts> {
        let mut found = None;
        self.ask(
            "to read the connection timeouts",
            &Query::Timeouts,
            |reply| {
                if let Reply::Timeouts(timeouts) = reply {
                    found = Some(timeouts);
                }
            },
        )?;
        found.ok_or_else(|| Error::malformed("the kernel sent no timeouts"))
    }

    /// The version of IPVS.
    pub fn info(&mut self) -> Result<Info> {
        let mut found = None;
        self.ask("to read the version of IPVS", &Query::Info, |reply| {
            if let Reply::Info(info) = reply {
                found = Some(info);
            }
        })?;
        found.ok_or_else(|| Error::malformed("the kernel sent no version"))
    }

    /// Sends the commands in order, in batches; returns those that the kernel refused. The
    /// others were done. After an error any number of them may have been done: read the table.
    pub fn execute(&mut self, commands: &[Command]) -> Result<Vec<Failure>> {
        let mut failures = Vec::new();
        self.batch.clear();
        let mut first = 0;
        for (index, command) in commands.iter().enumerate() {
            if self.batch_is_full() {
                self.flush(first, &mut failures)?;
                first = index;
            }
            self.batch.push(self.family, 0, |writer| {
                codec::write_command(writer, command);
            });
        }
        self.flush(first, &mut failures)?;
        Ok(failures)
    }

    fn batch_is_full(&self) -> bool {
        let shallow = !self.socket.has_deep_buffer();
        self.batch.size() >= BATCH_SIZE || (shallow && self.batch.len() >= SHALLOW_BATCH)
    }

    fn flush(&mut self, first: usize, failures: &mut Vec<Failure>) -> Result<()> {
        let refused = self.socket.batch(&mut self.batch);
        self.batch.clear();
        failures.extend(refused?.into_iter().map(|mut failure| {
            failure.index += first;
            failure
        }));
        Ok(())
    }

    fn dump(
        &mut self,
        command: &'static str,
        query: &Query,
        family: Family,
        each: impl FnMut(Reply),
    ) -> Result<()> {
        let fill = |writer: &mut _| codec::write_query(writer, query);
        self.socket.dump(
            command,
            self.family,
            fill,
            reading(self.family, family, each),
        )
    }

    fn ask(&mut self, command: &'static str, query: &Query, each: impl FnMut(Reply)) -> Result<()> {
        let fill = |writer: &mut _| codec::write_query(writer, query);
        self.socket.request(
            command,
            self.family,
            fill,
            reading(self.family, Family::Inet, each),
        )
    }
}

/// Hands the IPVS replies among the messages to `each`.
fn reading(
    kind: u16,
    family: Family,
    mut each: impl FnMut(Reply),
) -> impl FnMut(Message<'_>) -> Result<()> {
    move |message| {
        if message.kind == kind {
            each(codec::read_reply(message.payload, family)?);
        }
        Ok(())
    }
}

fn as_service(reply: Reply) -> Option<ServiceEntry> {
    match reply {
        Reply::Service(entry) => Some(entry),
        Reply::Destination(_) | Reply::Daemon(_) | Reply::Timeouts(_) | Reply::Info(_) => None,
    }
}
