//! One blocking netlink socket: requests, dumps and batches, answered by sequence number.
//!
//! It retries what may be retried (`EINTR`, a dump refused with `EBUSY`) and nothing else: an
//! overrun or an interrupted dump is the caller's to repeat. It knows no protocol.
//! Used by the clients in [`crate::netlink::ipvs`], [`crate::netlink::route`] and
//! [`crate::netlink::nft`].

use std::io;
use std::time::Duration;

use netlink_sys::SocketAddr;
use nix::libc;
use nix::sys::socket::{getsockopt, setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::attribute::Writer;
use super::batch::{Batch, Failure};
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
/// What the kernel keeps of a send buffer for itself, bytes (`netlink_sendmsg`).
const WRITE_OVERHEAD: usize = 32;
/// How long the kernel may keep silent. It answers within the call; this only makes sure that a
/// lost reply cannot hang farmctl for ever.
const PATIENCE_SECONDS: i64 = 60;
/// How often a dump that was refused with `EBUSY` is asked for again.
const DUMP_ATTEMPTS: usize = 8;

/// A blocking netlink socket, bound to the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Socket {
    inner: netlink_sys::Socket,
    port: u32,
    sequence: u32,
    outgoing: Writer,
    incoming: Vec<u8>,
    writes_sent: u64,
    deep_buffer: bool,
}

impl Socket {
    /// Opens a socket of a netlink protocol such as `netlink_sys::protocols::NETLINK_ROUTE`.
    /// Needs no privilege; most requests do.
    pub fn open(protocol: isize) -> Result<Self> {
        let mut socket = netlink_sys::Socket::new(protocol).map_err(Error::io("open"))?;
        let address = socket.bind_auto().map_err(Error::io("bind"))?;
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
            port: address.port_number(),
            sequence: 0,
            outgoing: Writer::new(),
            incoming: Vec::with_capacity(READ_SIZE),
            writes_sent: 0,
            deep_buffer,
        })
    }

    /// The number that the kernel knows this socket by, unique in its network namespace.
    pub fn port(&self) -> u32 {
        self.port
    }

    /// Joins a multicast group of the protocol, such as `NFNLGRP_NFTABLES`; read it by
    /// [`Self::hear`].
    pub fn join(&mut self, group: u32) -> Result<()> {
        self.inner
            .add_membership(group)
            .map_err(Error::io("listen on"))
    }

    /// Waits for a datagram of a group and hands each message in it to `each`; says whether one
    /// came in time. With no time to wait it takes one that is there. [`Error::Overrun`] when some
    /// were lost.
    pub fn hear(
        &mut self,
        timeout: Duration,
        mut each: impl FnMut(Message<'_>) -> Result<()>,
    ) -> Result<bool> {
        let flags = if timeout.is_zero() {
            libc::MSG_DONTWAIT
        } else {
            let microseconds = i64::try_from(timeout.as_micros()).unwrap_or(i64::MAX);
            // 0 would mean to wait for ever.
            let patience = TimeVal::microseconds(microseconds.max(1));
            setsockopt(&self.inner, sockopt::ReceiveTimeout, &patience).map_err(set_up)?;
            0
        };
        match self.receive(flags) {
            Ok(()) => {}
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::WouldBlock => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        for message in messages(&self.incoming) {
            each(message?)?;
        }
        Ok(true)
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
        let sent = self
            .make_room(batch.size())
            .and_then(|()| self.send(batch.as_bytes()));
        batch.unseal(unsealed);
        sent?;
        let mut failures = Vec::new();
        match self.collect(batch, first, &mut failures) {
            // More errors than the buffer holds. Where a transaction failed, it was not done.
            Err(Error::Overrun) if batch.is_transaction() => {
                self.collect_rest(batch, first, &mut failures)?;
                Ok(failures)
            }
            collected => collected.map(|()| failures),
        }
    }

    /// Makes sure that so many bytes can be written at once.
    fn make_room(&self, size: usize) -> Result<()> {
        if size <= LARGE {
            return Ok(());
        }
        let wanted = size + LARGE;
        // What may not be forced is cut to the system's limit, without an error.
        setsockopt(&self.inner, sockopt::SndBufForce, &wanted)
            .or_else(|_| setsockopt(&self.inner, sockopt::SndBuf, &wanted))
            .map_err(set_up)?;
        let room = getsockopt(&self.inner, sockopt::SndBuf).map_err(set_up)?;
        let room = room.saturating_sub(WRITE_OVERHEAD);
        if size > room {
            return Err(Error::TooLarge { size, room });
        }
        Ok(())
    }

    /// Reads verdicts up to the one that ends the batch.
    fn collect(&mut self, batch: &Batch, first: u32, failures: &mut Vec<Failure>) -> Result<()> {
        loop {
            self.receive(0)?;
            if self.note(batch, first, failures)? {
                return Ok(());
            }
        }
    }

    /// Reads the verdicts that are there after some were lost.
    fn collect_rest(&mut self, batch: &Batch, first: u32, found: &mut Vec<Failure>) -> Result<()> {
        loop {
            match self.receive(libc::MSG_DONTWAIT) {
                Ok(()) => {
                    self.note(batch, first, found)?;
                }
                Err(Error::Overrun) => {}
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::WouldBlock => {
                    let none = found.is_empty();
                    return if none { Err(Error::Overrun) } else { Ok(()) };
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Notes the failures in what was read; says whether it ends the batch.
    fn note(&self, batch: &Batch, first: u32, failures: &mut Vec<Failure>) -> Result<bool> {
        let mut ended = false;
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
                    offset: verdict.offset,
                });
            }
            ended |= index == batch.acknowledged() || (batch.is_transaction() && index == 0);
        }
        Ok(ended)
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
