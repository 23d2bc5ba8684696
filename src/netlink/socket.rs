//! One blocking netlink socket: requests, dumps and batches, answered by sequence number.
//!
//! It retries what may be retried (`EINTR`, a dump refused with `EBUSY`) and nothing else: an
//! overrun or an interrupted dump is the caller's to repeat. It knows no protocol.
//! Used by the clients in [`crate::netlink::ipvs`], [`crate::netlink::route`] and
//! [`crate::netlink::nft`].

use std::io;

use netlink_sys::SocketAddr;
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::attribute::Writer;
use super::error::{Errno, Error, Result};
use super::message::{
    self, Message, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_NOOP, Verdict,
    messages,
};

/// Room for one read. The kernel makes dump pieces of at most 32 KiB.
const READ_SIZE: usize = 64 * 1024;
/// The receive buffer asked for: every message of a 32 KB batch may fail, and each error reply
/// is charged nearly 1 KiB by the kernel.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;
/// Beyond this size a batch may not fit in a send buffer of the default size.
const LARGE: usize = 128 * 1024;
/// How long the kernel may keep silent. It answers within the call; this only makes sure that a
/// lost reply cannot hang farmctl for ever.
const PATIENCE_SECONDS: i64 = 60;
/// How often a dump that was refused with `EBUSY` is asked for again.
const DUMP_ATTEMPTS: usize = 8;

/// A blocking netlink socket, bound to the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Socket {
    inner: netlink_sys::Socket,
    sequence: u32,
    outgoing: Writer,
    incoming: Vec<u8>,
    writes_sent: u64,
    deep_buffer: bool,
}

/// A message of a [`Batch`] that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which one, counted from 0.
    pub index: usize,
    /// Why.
    pub errno: Errno,
    /// The kernel's own words, where it gave any. IPVS never does.
    pub message: Option<String>,
}

/// Messages that are sent in one write and that the kernel handles in order.
#[derive(Debug, Default)]
pub struct Batch {
    writer: Writer,
    starts: Vec<usize>,
    transaction: bool,
}

impl Batch {
    /// An empty batch of independent messages: one that fails does not stop the others.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch whose first and last messages open and close a transaction, as nfnetlink
    /// has it: the kernel acknowledges what is between them, and refuses the whole by an error
    /// on the first.
    pub fn transaction() -> Self {
        Self {
            transaction: true,
            ..Self::default()
        }
    }

    /// Appends a message; `flags` are added to `NLM_F_REQUEST`.
    pub fn push(&mut self, kind: u16, flags: u16, fill: impl FnOnce(&mut Writer)) {
        self.starts.push(self.writer.len());
        message::write(&mut self.writer, kind, flags | NLM_F_REQUEST, fill);
    }

    /// How many messages it holds.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether it holds no message.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How many bytes it takes on the wire.
    pub fn size(&self) -> usize {
        self.writer.len()
    }

    /// The messages as they would be sent, but for their sequence numbers.
    pub fn as_bytes(&self) -> &[u8] {
        self.writer.as_bytes()
    }

    /// Empties it and keeps the memory.
    pub fn clear(&mut self) {
        self.writer.clear();
        self.starts.clear();
    }

    /// The message whose acknowledgement ends the batch. For a plain batch it is one more, empty
    /// message: the kernel answers a command that returns `EINTR` with nothing at all (seen: a
    /// sync daemon stopped before its thread first ran), so no command can be relied on.
    fn acknowledged(&self) -> usize {
        if self.transaction {
            self.starts.len().saturating_sub(2)
        } else {
            self.starts.len()
        }
    }

    /// Numbers the messages from `first` on and asks for one acknowledgement.
    fn seal(&mut self, first: u32) {
        let mut starts = self.starts.clone();
        if !self.transaction {
            starts.push(self.writer.len());
            message::write(&mut self.writer, NLMSG_NOOP, NLM_F_REQUEST, |_| {});
        }
        let mut sequence = first;
        for &start in &starts {
            message::number(&mut self.writer, start, sequence);
            sequence = sequence.wrapping_add(1);
        }
        if let Some(&start) = starts.get(self.acknowledged()) {
            message::ask_for_acknowledgement(&mut self.writer, start);
        }
    }

    fn index_of(&self, first: u32, sequence: u32) -> Option<usize> {
        let index = usize::try_from(sequence.wrapping_sub(first)).ok()?;
        (index <= self.starts.len()).then_some(index)
    }
}

impl Socket {
    /// Opens a socket of a netlink protocol such as `netlink_sys::protocols::NETLINK_ROUTE`.
    /// Needs no privilege; most requests do.
    pub fn open(protocol: isize) -> Result<Self> {
        let mut socket = netlink_sys::Socket::new(protocol).map_err(Error::io("open"))?;
        socket.bind_auto().map_err(Error::io("bind"))?;
        // Both only make replies smaller or clearer; an old kernel does without them.
        for result in [socket.set_cap_ack(true), socket.set_ext_ack(true)] {
            result
                .or_else(ignore_old_kernel)
                .map_err(Error::io("set up"))?;
        }
        let patience = TimeVal::seconds(PATIENCE_SECONDS);
        setsockopt(&socket, sockopt::ReceiveTimeout, &patience).map_err(set_up)?;
        let deep_buffer = enlarge(&socket)?;
        Ok(Self {
            inner: socket,
            sequence: 0,
            outgoing: Writer::new(),
            incoming: Vec::with_capacity(READ_SIZE),
            writes_sent: 0,
            deep_buffer,
        })
    }

    /// How many messages that change something this socket has sent, refused ones included.
    pub fn writes_sent(&self) -> u64 {
        self.writes_sent
    }

    /// Whether the receive buffer holds the errors of a whole 32 KB batch. Without privilege in
    /// the first user namespace it does not; then keep a batch within 200 messages.
    pub fn has_deep_buffer(&self) -> bool {
        self.deep_buffer
    }

    /// Sends one question and hands each message of the answer to `each`. `command` says what is
    /// asked, for errors ("to read the IPVS timeouts").
    pub fn request(
        &mut self,
        command: &'static str,
        kind: u16,
        fill: impl FnOnce(&mut Writer),
        mut each: impl FnMut(Message<'_>) -> Result<()>,
    ) -> Result<()> {
        self.send_one(kind, NLM_F_REQUEST | NLM_F_ACK, fill)?;
        let verdict = self.answer(&mut each)?;
        accept(verdict, command)
    }

    /// Reads a whole table: sends the question and hands each entry to `each`. What `each`
    /// returns first as an error is returned after the table was read to its end.
    ///
    /// [`Error::Interrupted`] when the kernel says that the table changed meanwhile.
    pub fn dump(
        &mut self,
        command: &'static str,
        kind: u16,
        fill: impl Fn(&mut Writer),
        mut each: impl FnMut(Message<'_>) -> Result<()>,
    ) -> Result<()> {
        for _ in 1..DUMP_ATTEMPTS {
            let verdict = self.dump_once(kind, &fill, &mut each)?;
            if verdict.errno != Some(Errno::EBUSY) {
                return accept(verdict, command);
            }
            // A dump that was given up (an overrun) still runs on this socket: read it out.
            self.drain()?;
        }
        accept(self.dump_once(kind, &fill, &mut each)?, command)
    }

    fn dump_once(
        &mut self,
        kind: u16,
        fill: impl Fn(&mut Writer),
        each: &mut impl FnMut(Message<'_>) -> Result<()>,
    ) -> Result<Verdict> {
        self.send_one(kind, NLM_F_REQUEST | NLM_F_DUMP, fill)?;
        self.answer(each)
    }

    /// Sends the batch in one write and returns what the kernel refused, in order. Asks for one
    /// acknowledgement only, so that replies cannot fill the buffer.
    pub fn batch(&mut self, batch: &mut Batch) -> Result<Vec<Failure>> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.sequence.wrapping_add(1);
        let numbers = u32::try_from(batch.len() + 1).unwrap_or(u32::MAX);
        self.sequence = self.sequence.wrapping_add(numbers);
        let unsealed = batch.size();
        batch.seal(first);
        self.writes_sent += batch.len() as u64;
        if batch.size() > LARGE {
            // Where this is not allowed, the write fails with EMSGSIZE and nothing is done.
            let room = batch.size() + LARGE;
            let _refused = setsockopt(&self.inner, sockopt::SndBufForce, &room);
        }
        let sent = self.send(batch.writer.as_bytes());
        batch.writer.truncate(unsealed);
        sent?;
        self.collect(batch, first)
    }

    fn collect(&mut self, batch: &Batch, first: u32) -> Result<Vec<Failure>> {
        let mut failures = Vec::new();
        loop {
            self.receive(0)?;
            for message in messages(&self.incoming) {
                let message = message?;
                let Some(index) = batch.index_of(first, message.sequence) else {
                    continue;
                };
                let Some(verdict) = message.verdict()? else {
                    continue;
                };
                if let Some(errno) = verdict.errno {
                    failures.push(Failure {
                        index,
                        errno,
                        message: verdict.message,
                    });
                }
                if index == batch.acknowledged() || (batch.transaction && index == 0) {
                    return Ok(failures);
                }
            }
        }
    }

    fn send_one(&mut self, kind: u16, flags: u16, fill: impl FnOnce(&mut Writer)) -> Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut writer = std::mem::take(&mut self.outgoing);
        writer.clear();
        message::write(&mut writer, kind, flags, fill);
        message::number(&mut writer, 0, self.sequence);
        let sent = self.send(writer.as_bytes());
        self.outgoing = writer;
        sent
    }

    fn send(&self, bytes: &[u8]) -> Result<()> {
        let kernel = SocketAddr::new(0, 0);
        loop {
            match self.inner.send_to(bytes, &kernel, 0) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("write to")(error)),
            }
        }
    }

    /// Reads until the request with the current number is ended, handing over its messages.
    fn answer(&mut self, each: &mut impl FnMut(Message<'_>) -> Result<()>) -> Result<Verdict> {
        let mut first_error = None;
        let mut interrupted = false;
        loop {
            self.receive(0)?;
            for message in messages(&self.incoming) {
                let message = message?;
                if message.sequence != self.sequence {
                    continue;
                }
                interrupted |= message.flags & NLM_F_DUMP_INTR != 0;
                if let Some(verdict) = message.verdict()? {
                    return first_error.map_or_else(|| settle(verdict, interrupted), Err);
                }
                if message.kind != NLMSG_NOOP && first_error.is_none() {
                    first_error = each(message).err();
                }
            }
        }
    }

    /// Throws away whatever can be read without waiting.
    fn drain(&mut self) -> Result<()> {
        loop {
            match self.receive(libc::MSG_DONTWAIT) {
                Ok(()) | Err(Error::Overrun) => {}
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads one datagram of the kernel into `incoming`; those of other processes are ignored.
    fn receive(&mut self, flags: libc::c_int) -> Result<()> {
        loop {
            self.incoming.clear();
            let read = self
                .inner
                .recv_from(&mut self.incoming, flags | libc::MSG_TRUNC);
            match read {
                Ok((_, from)) if from.port_number() != 0 => {}
                Ok((length, _)) if length > self.incoming.len() => {
                    return Err(Error::malformed(format!("a datagram has {length} bytes")));
                }
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    return Err(Error::Overrun);
                }
                Err(error) => return Err(Error::io("read from")(error)),
            }
        }
    }
}

fn settle(verdict: Verdict, interrupted: bool) -> Result<Verdict> {
    if interrupted && verdict.errno.is_none() {
        return Err(Error::Interrupted);
    }
    Ok(verdict)
}

fn accept(verdict: Verdict, command: &'static str) -> Result<()> {
    match verdict.errno {
        None => Ok(()),
        Some(Errno::EINTR) => Err(Error::Interrupted),
        Some(errno) => Err(Error::Kernel {
            errno,
            command,
            message: verdict.message,
        }),
    }
}

fn ignore_old_kernel(error: io::Error) -> io::Result<()> {
    if error.raw_os_error() == Some(libc::ENOPROTOOPT) {
        Ok(())
    } else {
        Err(error)
    }
}

fn set_up(errno: Errno) -> Error {
    Error::io("set up")(errno.into())
}

/// Enlarges the receive buffer, beyond the system's limit where that is allowed; says whether
/// it was.
fn enlarge(socket: &netlink_sys::Socket) -> Result<bool> {
    if setsockopt(socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_ok() {
        return Ok(true);
    }
    setsockopt(socket, sockopt::RcvBuf, &RECEIVE_BUFFER).map_err(set_up)?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Batch {
        let mut batch = Batch::new();
        for kind in [20, 21, 22] {
            batch.push(kind, 0, |writer| writer.u32(1, 7));
        }
        batch
    }

    /// The numbers of the messages, and which of them ask for an acknowledgement.
    fn sealed(batch: &mut Batch) -> Vec<(u32, bool)> {
        batch.seal(40);
        messages(batch.writer.as_bytes())
            .map(Result::unwrap)
            .map(|message| (message.sequence, message.flags & NLM_F_ACK != 0))
            .collect()
    }

    #[test]
    fn only_an_empty_message_after_the_commands_asks_for_an_acknowledgement() {
        let expected = [(40, false), (41, false), (42, false), (43, true)];
        assert_eq!(sealed(&mut three()), expected);
    }

    #[test]
    fn a_transaction_asks_for_the_acknowledgement_before_its_closing_message() {
        let mut batch = Batch {
            transaction: true,
            ..three()
        };
        let expected = [(40, false), (41, true), (42, false)];
        assert_eq!(sealed(&mut batch), expected);
    }

    #[test]
    fn sequence_numbers_wrap_around() {
        let batch = three();
        assert_eq!(batch.index_of(u32::MAX, 0), Some(1));
        assert_eq!(batch.index_of(u32::MAX, 2), Some(3));
        assert_eq!(batch.index_of(u32::MAX, 3), None);
    }
}
