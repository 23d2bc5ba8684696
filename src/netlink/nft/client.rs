//! The nftables client: whole tables of mark rules in the network namespace in which it was
//! opened.

use netlink_sys::protocols::NETLINK_NETFILTER;

use super::codec;
use super::model::TableKey;
use super::{Found, MarkRule, MarkTable, Operation, Refused, Temporary};
use crate::netlink::error::{Errno, Error, Result};
use crate::netlink::socket::{Batch, Socket};

/// A connection to the kernel's nftables. Every method needs `CAP_NET_ADMIN`.
///
/// A kernel without nftables answers [`Error::FamilyMissing`].
#[derive(Debug)]
pub struct Client {
    socket: Socket,
}

impl Client {
    /// Opens a socket in this thread's network namespace.
    pub fn open() -> Result<Self> {
        let opened = Socket::open(NETLINK_NETFILTER);
        if let Err(Error::Io { source, .. }) = &opened
            && source.raw_os_error() == Some(Errno::EPROTONOSUPPORT as i32)
        {
            return Err(MISSING);
        }
        opened.map(|socket| Self { socket })
    }

    /// How many messages that change something were sent, refused ones included.
    pub fn writes_sent(&self) -> u64 {
        self.socket.writes_sent()
    }

    /// Leaves exactly these rules in the table `inet name`, in order, in one transaction: no
    /// packet sees half of it, and after an error everything is as it was.
    pub fn replace_table(&mut self, name: &str, rules: &[MarkRule]) -> Result<()> {
        self.commit_marks(
            "to replace the nftables table",
            codec::replace_table(name, rules),
        )
    }

    /// Deletes the table `inet name`; it is no error if there is none.
    pub fn delete_table(&mut self, name: &str) -> Result<()> {
        match self.commit_marks("to delete the nftables table", codec::delete_table(name)) {
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(()),
            result => result,
        }
    }

    /// The mark rules of the table `inet name`, or `None` when there is no such table. What
    /// somebody else wrote there is left out: see [`Self::table`].
    pub fn mark_rules(&mut self, name: &str) -> Result<Option<Vec<MarkRule>>> {
        Ok(self.table(name)?.map(|table| table.rules))
    }

    /// The table `inet name` with everything in it that is not farmctl's named, or `None` when
    /// there is no such table. [`Error::Interrupted`] when it changed meanwhile.
    pub fn table(&mut self, name: &str) -> Result<Option<MarkTable>> {
        if !self.exists(name)? {
            return Ok(None);
        }
        let mut chains = Vec::new();
        self.list(
            "to list the nftables chains",
            codec::GETCHAIN,
            name,
            |payload| {
                chains.push(codec::read_chain(payload)?);
                Ok(())
            },
        )?;
        let mut rules = Vec::new();
        self.list(
            "to list the nftables rules",
            codec::GETRULE,
            name,
            |payload| {
                rules.push(codec::read_rule(payload)?);
                Ok(())
            },
        )?;
        Ok(Some(codec::assemble(name, &chains, &rules)))
    }

    /// The number of this client's socket: what a [`super::Monitor`] knows its transactions by.
    pub fn port(&self) -> u32 {
        0
    }

    /// Does all of these operations in one transaction, or none of them: returns what the kernel
    /// refused, in order; empty when it is done.
    ///
    /// An error means the whole: nothing was done, except after [`Error::Overrun`], which leaves
    /// it unknown.
    pub fn commit(&mut self, _operations: &[Operation]) -> Result<Vec<Refused>> {
        Err(MISSING)
    }

    /// The table with everything in it, or `None` when there is no such table.
    /// [`Error::Interrupted`] when something changed meanwhile.
    pub fn read(&mut self, _table: &TableKey) -> Result<Option<Found>> {
        Err(MISSING)
    }

    /// The elements of a set that is dynamic, in no order.
    pub fn elements(&mut self, _table: &TableKey, _set: &str) -> Result<Vec<Temporary>> {
        Err(MISSING)
    }

    fn exists(&mut self, name: &str) -> Result<bool> {
        let mut found = false;
        let asked = self.socket.request(
            "to find the nftables table",
            codec::GETTABLE,
            |writer| codec::write_table(writer, name),
            |message| {
                found |= message.kind == codec::NEWTABLE;
                Ok(())
            },
        );
        match asked.as_ref().map_err(Error::errno) {
            Err(Some(Errno::ENOENT)) => Ok(false),
            // What nfnetlink says of a subsystem that it does not have.
            Err(Some(Errno::EINVAL | Errno::EOPNOTSUPP)) => Err(MISSING),
            Err(_) | Ok(()) => asked.map(|()| found),
        }
    }

    fn list(
        &mut self,
        command: &'static str,
        kind: u16,
        name: &str,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        // The answer's type is one below the question's: NEWCHAIN, NEWRULE.
        let answer = kind - 1;
        self.socket.dump(
            command,
            kind,
            |writer| codec::write_table(writer, name),
            |message| {
                if message.kind == answer {
                    each(message.payload)
                } else {
                    Ok(())
                }
            },
        )
    }

    fn commit_marks(&mut self, command: &'static str, mut batch: Batch) -> Result<()> {
        let failures = self.socket.batch(&mut batch)?;
        // An error on the opening message is about the whole; another one says more.
        match failures
            .into_iter()
            .max_by_key(|failure| failure.index != 0)
        {
            None => Ok(()),
            Some(failure) if failure.index == 0 && failure.errno == Errno::EOPNOTSUPP => {
                Err(MISSING)
            }
            Some(failure) => Err(Error::Kernel {
                errno: failure.errno,
                command,
                message: failure.message,
            }),
        }
    }
}

const MISSING: Error = Error::FamilyMissing { name: "nf_tables" };
