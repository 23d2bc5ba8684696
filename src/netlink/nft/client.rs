//! The nftables client: tables of the network namespace in which it was opened.

use std::collections::BTreeMap;

use netlink_sys::protocols::NETLINK_NETFILTER;

use super::codec::wire::{self, element, kind};
use super::codec::{self, Seen, SeenElements, Transaction};
use super::model::{Chain, Rule, Set, Table, TableKey};
use super::{Found, Operation, Refused, Temporary};
use crate::netlink::error::{Errno, Error, Result};
use crate::netlink::socket::Socket;

/// A connection to the kernel's nftables. Every method needs `CAP_NET_ADMIN`.
///
/// A kernel without nftables answers [`Error::FamilyMissing`].
#[derive(Debug)]
pub struct Client {
    socket: Socket,
}

/// How often the elements of a set are asked for again that the kernel is enlarging, which takes it
/// milliseconds.
const ELEMENT_ATTEMPTS: usize = 32;

const MISSING: Error = Error::FamilyMissing { name: "nf_tables" };

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

    /// The number of this client's socket: what a [`super::Monitor`] knows its transactions by.
    pub fn port(&self) -> u32 {
        self.socket.port()
    }

    /// Does all of these operations in one transaction, or none of them: returns what the kernel
    /// refused, in order; empty when it is done. Of the elements of one operation it names the
    /// first that it refuses in each 64 KB.
    ///
    /// An error means the whole: nothing was done, except after [`Error::Overrun`], which leaves
    /// it unknown. [`Error::TooLarge`] where this user may not send so much at once.
    pub fn commit(&mut self, operations: &[Operation]) -> Result<Vec<Refused>> {
        if operations.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = Transaction::new(operations);
        let failures = self.socket.batch(transaction.batch_mut())?;
        let refused: Vec<_> = failures
            .iter()
            .filter_map(|failure| transaction.refused(failure))
            .collect();
        match failures.into_iter().next() {
            // A failure of the opening message is about the whole; what is about one operation
            // says more.
            Some(whole) if refused.is_empty() => Err(refusal_of(whole.errno, whole.message)),
            _ => Ok(refused),
        }
    }

    /// The table with everything in it that can make a difference to a packet, or `None` when
    /// there is no such table. [`Error::Interrupted`] when something changed meanwhile.
    pub fn read(&mut self, table: &TableKey) -> Result<Option<Found>> {
        let before = self.generation()?;
        let found = self.read_parts(table);
        // Whatever else went wrong: of two halves of different transactions nothing is told.
        if self.generation()? != before {
            return Err(Error::Interrupted);
        }
        found
    }

    fn read_parts(&mut self, key: &TableKey) -> Result<Option<Found>> {
        let Some(head) = self.find_table(key)? else {
            return Ok(None);
        };
        let mut strays = Vec::new();
        if head.value.is_none() {
            strays.push("The table is switched off or owned by a program.".to_owned());
        }
        let table = Table {
            key: key.clone(),
            comment: head.value.flatten(),
            sets: known(self.sets(key)?, "set", &mut strays),
            chains: known(self.chains(key)?, "chain", &mut strays),
            rules: known(self.rules(key)?, "rule", &mut strays),
        };
        let mut elements = BTreeMap::new();
        for set in table.sets.iter().filter(|set| !set.dynamic) {
            let seen = self.undisturbed_elements(key, &set.name)?;
            strays.extend(strange_elements(&seen, &set.name));
            let found = seen.elements.into_iter().map(|found| found.element);
            elements.insert(set.name.clone(), found.collect());
        }
        Ok(Some(Found {
            table,
            elements,
            strays,
        }))
    }

    /// The elements of a set that is dynamic, sorted by key; none where there is no such set.
    /// Those that farmctl never writes are left out. [`Error::Interrupted`] when the set changes
    /// so fast that it cannot be read.
    pub fn elements(&mut self, table: &TableKey, set: &str) -> Result<Vec<Temporary>> {
        match self.undisturbed_elements(table, set) {
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(Vec::new()),
            listed => listed.map(|seen| seen.elements),
        }
    }

    /// A table's comment, if there is such a table.
    pub(super) fn find_table(&mut self, table: &TableKey) -> Result<Option<Seen<Option<String>>>> {
        let mut found = None;
        let asked = self.socket.request(
            "to find the nftables table",
            kind::GET_TABLE,
            |writer| codec::write_key(writer, table),
            |message| {
                if message.kind == kind::NEW_TABLE {
                    found = Some(codec::read_table(message.payload)?);
                }
                Ok(())
            },
        );
        match asked {
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(None),
            Err(error) => Err(or_missing(error)),
            Ok(()) => Ok(found),
        }
    }

    fn sets(&mut self, table: &TableKey) -> Result<Vec<Seen<Set>>> {
        let command = "to list the nftables sets";
        self.list(command, kind::GET_SET, table, codec::read_set)
    }

    pub(super) fn chains(&mut self, table: &TableKey) -> Result<Vec<Seen<Chain>>> {
        let command = "to list the nftables chains";
        self.list(command, kind::GET_CHAIN, table, codec::read_chain)
    }

    pub(super) fn rules(&mut self, table: &TableKey) -> Result<Vec<Seen<Rule>>> {
        let command = "to list the nftables rules";
        self.list(command, kind::GET_RULE, table, codec::read_rule)
    }

    /// Everything of one kind in a table, in the kernel's order.
    fn list<T>(
        &mut self,
        command: &'static str,
        question: u16,
        table: &TableKey,
        read: impl Fn(&[u8]) -> Result<Seen<T>>,
    ) -> Result<Vec<Seen<T>>> {
        let mut found = Vec::new();
        self.socket.dump(
            command,
            question,
            |writer| codec::write_key(writer, table),
            |message| {
                // The answer's type is one below the question's. Chains of other tables come too.
                if message.kind + 1 == question {
                    let seen = read(message.payload)?;
                    found.extend((seen.table == table.name).then_some(seen));
                }
                Ok(())
            },
        )?;
        Ok(found)
    }

    /// The elements of a set, sorted by key.
    ///
    /// While the kernel enlarges a set, as it does for a while after many elements came, its
    /// answer repeats some elements and lacks as many others, without a word. So an answer that
    /// repeats one is asked for again.
    fn undisturbed_elements(&mut self, table: &TableKey, set: &str) -> Result<SeenElements> {
        for _ in 0..ELEMENT_ATTEMPTS {
            let mut seen = self.list_elements(table, set)?;
            let told = seen.elements.len();
            seen.elements
                .sort_unstable_by(|a, b| place(a).cmp(&place(b)));
            seen.elements.dedup_by(|a, b| place(a) == place(b));
            if seen.elements.len() == told {
                return Ok(seen);
            }
        }
        Err(Error::Interrupted)
    }

    fn list_elements(&mut self, table: &TableKey, set: &str) -> Result<SeenElements> {
        let mut all = SeenElements::default();
        self.socket.dump(
            "to list the elements of an nftables set",
            kind::GET_ELEMENT,
            |writer| {
                codec::write_key(writer, table);
                writer.string(element::LIST_SET, set);
            },
            |message| {
                if message.kind == kind::NEW_ELEMENT {
                    let seen = codec::read_elements(message.payload)?;
                    all.elements.extend(seen.elements);
                    all.strange += seen.strange;
                }
                Ok(())
            },
        )?;
        Ok(all)
    }

    /// The number of the last transaction of this namespace.
    fn generation(&mut self) -> Result<Option<u32>> {
        let mut number = None;
        let asked = self.socket.request(
            "to read the generation of nftables",
            kind::GET_GENERATION,
            |writer| writer.raw(&[0; wire::HEADER]),
            |message| {
                if message.kind == kind::NEW_GENERATION {
                    number = Some(codec::read_generation(message.payload)?.number);
                }
                Ok(())
            },
        );
        asked.map_err(or_missing).map(|()| number)
    }
}

/// What nfnetlink says of a subsystem that it does not have, in words.
fn or_missing(error: Error) -> Error {
    match error.errno() {
        Some(Errno::EINVAL | Errno::EOPNOTSUPP) => MISSING,
        _ => error,
    }
}

fn refusal_of(errno: Errno, message: Option<String>) -> Error {
    if errno == Errno::EOPNOTSUPP {
        return MISSING;
    }
    Error::Kernel {
        errno,
        command: "to change nftables",
        message,
    }
}

/// What there are words for; the rest is named.
fn known<T>(seen: Vec<Seen<T>>, what: &str, strays: &mut Vec<String>) -> Vec<T> {
    let mut values = Vec::with_capacity(seen.len());
    for one in seen {
        match one.value {
            Some(value) => values.push(value),
            None => strays.push(format!("The {what} `{}` is not farmctl's.", one.name)),
        }
    }
    values
}

fn strange_elements(seen: &SeenElements, set: &str) -> Option<String> {
    let strange = seen.strange;
    (strange > 0).then(|| format!("Of the set `{set}`, {strange} elements are not farmctl's."))
}

/// What tells an element from the others.
fn place(found: &Temporary) -> (&[u8], Option<&[u8]>) {
    let element = &found.element;
    (&element.key, element.key_end.as_deref())
}
