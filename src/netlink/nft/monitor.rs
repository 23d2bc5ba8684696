//! Listens for changes of nftables tables (`NFNLGRP_NFTABLES`).
//!
//! It tells that a table changed and who did it, never what: whoever hears it reads the table.
//! Used by whoever waits for drift.

use std::collections::BTreeSet;
use std::time::Duration;

use netlink_sys::protocols::NETLINK_NETFILTER;

use super::codec::wire::kind;
use super::codec::{self, Generation};
use super::model::TableKey;
use crate::netlink::error::{Error, Result};
use crate::netlink::message::Message;
use crate::netlink::socket::Socket;

/// `NFNLGRP_NFTABLES`.
const GROUP: u32 = 7;

/// A socket that hears of every transaction in its network namespace.
#[derive(Debug)]
pub struct Monitor {
    socket: Socket,
    watch: Watch,
}

/// What a [`Monitor`] heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A transaction touched these tables, of those that are watched.
    Changed {
        /// Which, in order.
        tables: Vec<TableKey>,
        /// Who did it.
        by: Author,
    },
    /// The kernel had more to tell than the socket's buffer holds, as it does of a large
    /// transaction, be it our own: anything may have changed.
    Unknown,
}

/// Who committed a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// A [`super::Client`] whose port was given to [`Monitor::open`].
    Us,
    /// Another program.
    Other {
        /// Its process (`NFTA_GEN_PROC_PID`), as the first namespace of processes counts.
        process: u32,
        /// What it calls itself (`NFTA_GEN_PROC_NAME`).
        name: String,
    },
}

impl Monitor {
    /// Begins to listen, in this thread's network namespace, for changes of these tables. `ours`
    /// are the ports of the clients whose transactions are our own ([`super::Client::port`]).
    pub fn open(tables: &[TableKey], ours: &[u32]) -> Result<Self> {
        let mut socket = Socket::open(NETLINK_NETFILTER)?;
        socket.join(GROUP)?;
        let watch = Watch {
            tables: tables.to_vec(),
            ours: ours.to_vec(),
            touched: BTreeSet::new(),
            heard: Vec::new(),
        };
        Ok(Self { socket, watch })
    }

    /// What was heard next. `None` when nothing of the watched tables was heard for so long; also,
    /// before that, when only others or a part of a transaction were heard: whoever wants to wait
    /// longer asks again.
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<Heard>> {
        let mut patience = timeout;
        while self.watch.heard.is_empty() {
            let Self { socket, watch } = self;
            match socket.hear(patience, |message| watch.note(&message)) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(Error::Overrun) => {
                    watch.touched.clear();
                    return Ok(Some(Heard::Unknown));
                }
                Err(error) => return Err(error),
            }
            patience = Duration::ZERO;
        }
        Ok(Some(self.watch.heard.remove(0)))
    }
}

/// What is listened for, and what was heard so far.
#[derive(Debug)]
struct Watch {
    tables: Vec<TableKey>,
    ours: Vec<u32>,
    /// Those that the transaction touches which is being told.
    touched: BTreeSet<TableKey>,
    /// The transactions that were told to their end.
    heard: Vec<Heard>,
}

impl Watch {
    fn note(&mut self, message: &Message<'_>) -> Result<()> {
        if message.kind == kind::NEW_GENERATION {
            let generation = codec::read_generation(message.payload)?;
            self.end(message.port, generation);
        } else if let Some(table) = codec::read_key(message.payload)?
            && self.tables.contains(&table)
        {
            self.touched.insert(table);
        }
        Ok(())
    }

    /// A transaction was told to its end.
    fn end(&mut self, port: u32, generation: Generation) {
        let tables: Vec<_> = std::mem::take(&mut self.touched).into_iter().collect();
        if tables.is_empty() {
            return;
        }
        let by = if self.ours.contains(&port) {
            Author::Us
        } else {
            Author::Other {
                process: generation.process,
                name: generation.name,
            }
        };
        self.heard.push(Heard::Changed { tables, by });
    }
}
