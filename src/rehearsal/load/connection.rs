//! One connection of a client: what it asked, what it heard so far.
//!
//! It owns its socket and knows nothing of other connections or of the schedule. Called by the
//! engine.

use std::collections::VecDeque;

use super::super::protocol::Speech;
use super::super::record::{Fault, Kind, Loss, Outcome};
use super::notebook::Whose;
use super::socket::{Progress, Read, Socket};
use super::talk::{self, Heard, Pace};

/// A request that has no answer yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// When it was due.
    pub(super) due: u64,
    /// From when on its latency counts.
    pub(super) since: u64,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: Socket,
    pub(super) whose: Whose,
    pub(super) speech: Speech,
    /// The seat that it belongs to, of a connection that is to stay open.
    pub(super) seat: Option<usize>,
    /// Its place among the record's standing connections, once it had an answer.
    pub(super) standing: Option<usize>,
    /// Who answered so far.
    pub(super) server: Option<u16>,
    /// The requests without an answer, the one that was sent first.
    pub(super) asked: VecDeque<Asked>,
    /// The number of the first of them.
    pub(super) serial: u32,
    /// Whether the first of them was sent.
    pub(super) sent: Sent,
    /// What was heard and not understood yet.
    pub(super) inbox: Vec<u8>,
    /// The bytes of a download that are still to come, once its head was heard.
    pub(super) rest: Option<u64>,
    /// When anything was heard last.
    pub(super) heard_at: u64,
    pub(super) pace: Pace,
}

/// Whether the present request is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Yes,
    No,
}

/// What an event on a connection led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing to tell.
    Wait,
    /// The head of a download by this server.
    Began(String),
    /// The present request is answered by this server.
    Answered(String),
    /// It has failed as a whole.
    Failed(Outcome),
}

impl Turn {
    /// What a timeout comes to.
    pub(super) const TIMED_OUT: Outcome = Outcome::Lost(Loss::TimedOut);

    /// The client itself could not ask.
    pub(super) fn unsent() -> Self {
        Self::Failed(Outcome::Lost(Loss::Unsent))
    }
}

impl Connection {
    /// A connection that has asked nothing yet.
    pub(super) fn new(socket: Socket, whose: Whose, speech: Speech, pace: Pace) -> Self {
        Self {
            socket,
            whose,
            speech,
            pace,
            seat: None,
            standing: None,
            server: None,
            asked: VecDeque::new(),
            serial: 0,
            sent: Sent::No,
            inbox: Vec::new(),
            rest: None,
            heard_at: 0,
        }
    }

    /// The number of the last request that waits.
    pub(super) fn last_serial(&self) -> u32 {
        let waiting = u32::try_from(self.asked.len()).unwrap_or(u32::MAX);
        self.serial.wrapping_add(waiting).wrapping_sub(1)
    }

    /// Whether the request of this number is done with.
    pub(super) fn is_past(&self, serial: u32) -> bool {
        self.serial > serial
    }

    /// Sends the present request, if there is one that was not sent.
    pub(super) fn send(&mut self) -> Turn {
        if self.sent == Sent::Yes || self.asked.is_empty() {
            return Turn::Wait;
        }
        let bytes = talk::request(self.speech, self.whose.kind, self.serial, self.pace);
        match self.socket.send(&bytes) {
            Ok(Progress::Ready) => {
                self.sent = Sent::Yes;
                Turn::Wait
            }
            Ok(Progress::Pending) => Turn::Wait,
            Err(loss) => Turn::Failed(Outcome::Lost(loss)),
        }
    }

    /// Reads what is there, and what it means.
    pub(super) fn hear(&mut self, buffer: &mut [u8], now: u64) -> Turn {
        loop {
            let turn = match self.socket.read(buffer, self.speech) {
                Ok(Read::Nothing) => return Turn::Wait,
                Ok(Read::End) => Turn::Failed(Outcome::Lost(Loss::CutOff)),
                Ok(Read::Bytes(length)) => {
                    self.heard_at = now;
                    let bytes = buffer.get(..length).unwrap_or_default();
                    self.take(bytes)
                }
                Err(loss) => Turn::Failed(Outcome::Lost(loss)),
            };
            if turn != Turn::Wait {
                return turn;
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Turn {
        if let Some(rest) = self.rest {
            return self.download(rest, bytes.len());
        }
        self.inbox.extend_from_slice(bytes);
        self.understand()
    }

    /// What the inbox means, as often as there is something whole in it.
    pub(super) fn understand(&mut self) -> Turn {
        if self.asked.is_empty() && !self.inbox.is_empty() && self.server.is_some() {
            return Turn::Failed(Outcome::Wrong(Fault::Garbled));
        }
        let heard = match (self.speech, self.whose.kind) {
            (Speech::Http, Kind::Download) => talk::head(&self.inbox),
            (Speech::Http, _) => talk::page(&self.inbox),
            (Speech::TcpEcho, _) => self.echo(),
            (Speech::UdpEcho, _) => talk::datagram(&self.inbox, self.serial),
        };
        match heard {
            Heard::Part => Turn::Wait,
            Heard::Wrong(fault) => Turn::Failed(Outcome::Wrong(fault)),
            Heard::Whole { server, used, rest } => {
                let server = server.to_owned();
                self.inbox.drain(..used.min(self.inbox.len()));
                self.whole(server, rest)
            }
        }
    }

    /// The greeting of an echo server stands before its first echo.
    fn echo(&self) -> Heard<'_> {
        if self.server.is_some() {
            talk::echo(&self.inbox, self.serial, "")
        } else {
            talk::greeted_echo(&self.inbox, self.serial)
        }
    }

    fn whole(&mut self, server: String, rest: u64) -> Turn {
        if self.whose.kind == Kind::Download {
            let early = u64::try_from(self.inbox.len()).unwrap_or(u64::MAX);
            self.inbox.clear();
            self.rest = Some(rest.saturating_sub(early));
            return Turn::Began(server);
        }
        Turn::Answered(server)
    }

    fn download(&mut self, rest: u64, length: usize) -> Turn {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.rest = Some(rest.saturating_sub(length));
        if rest > length {
            Turn::Wait
        } else {
            Turn::Answered(String::new())
        }
    }

    /// The present request is done with.
    pub(super) fn advance(&mut self) -> Option<Asked> {
        self.sent = Sent::No;
        self.serial = self.serial.wrapping_add(1);
        self.asked.pop_front()
    }
}
