//! The table of connections that are being made.
//!
//! SYN, SYN-ACK, RST: a connection that says nothing is given up before its last acknowledgement,
//! so that the server's kernel never hands it to the server's program. For that the kernel is told
//! not to acknowledge at once (`TCP_QUICKACK` off, tcp(7)) and to reset instead of to finish
//! (`SO_LINGER` 0, socket(7)).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags, EpollTimeout};
use socket2::Socket;

use super::deadlines::Deadlines;
use crate::clock::{Clock as _, SystemClock};
use crate::health::{Answer, Question, Verdict};
use crate::probe::runner::{Ask, Batch};
use crate::probe::socket::{self, Form};
use crate::probe::{Failure, Target, tcp};

/// A place in the table and how often it was used: what epoll(7) gives back.
type Key = (u32, u32);

/// Connections that are being made.
#[derive(Debug)]
pub(super) struct Connector<Id> {
    epoll: Epoll,
    places: Vec<Place<Id>>,
    free: Vec<u32>,
    known: HashMap<Id, u32>,
    deadlines: Deadlines<Key>,
    answers: Batch<Id>,
}

#[derive(Debug)]
struct Place<Id> {
    used: u32,
    pending: Option<Pending<Id>>,
}

#[derive(Debug)]
struct Pending<Id> {
    id: Id,
    socket: Socket,
    began: Instant,
    timeout: Duration,
}

/// How far a connection has come at its beginning.
enum Begun {
    Done,
    Pending(Socket),
}

impl<Id: Ask> Connector<Id> {
    pub(super) fn new(epoll: Epoll) -> Self {
        Self {
            epoll,
            places: Vec::new(),
            free: Vec::new(),
            known: HashMap::new(),
            deadlines: Deadlines::new(),
            answers: Vec::new(),
        }
    }

    pub(super) fn epoll(&self) -> &Epoll {
        &self.epoll
    }

    /// How many are out.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Begins a connection.
    pub(super) fn begin(&mut self, id: Id, question: &Question) {
        let began = SystemClock.now();
        match connect(question) {
            Ok(Begun::Pending(socket)) => self.wait_for(Pending {
                id,
                socket,
                began,
                timeout: question.timeout(),
            }),
            Ok(Begun::Done) => self.answer(id, Ok(()), SystemClock.now() - began),
            Err(failure) => self.answer(id, Err(failure), SystemClock.now() - began),
        }
    }

    fn wait_for(&mut self, pending: Pending<Id>) {
        let (id, began, timeout) = (pending.id, pending.began, pending.timeout);
        let place = self.free.pop().unwrap_or_else(|| self.new_place());
        let Some(slot) = self.places.get_mut(place as usize) else {
            return; // Every place that is free is in the table.
        };
        slot.used = slot.used.wrapping_add(1);
        let key = (place, slot.used);
        let event = EpollEvent::new(EpollFlags::EPOLLOUT, packed(key));
        if let Err(error) = self.epoll.add(&pending.socket, event) {
            self.free.push(place);
            return self.answer(id, Err(error.into()), Duration::ZERO);
        }
        slot.pending = Some(pending);
        self.known.insert(id, place);
        self.deadlines.push(began, timeout, key);
    }

    fn new_place(&mut self) -> u32 {
        let place = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.places.push(Place {
            used: 0,
            pending: None,
        });
        place
    }

    /// The kernel says that one is decided.
    pub(super) fn ready(&mut self, event: &EpollEvent, now: Instant) {
        let Some(pending) = self.take(unpacked(event.data())) else {
            return;
        };
        let bad = EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP;
        let outcome = if event.events().intersects(bad) {
            why(&pending.socket)
        } else {
            Ok(())
        };
        let took = now.saturating_duration_since(pending.began);
        self.answer(pending.id, outcome, took);
    }

    /// Ends those whose time is over.
    pub(super) fn late(&mut self, now: Instant) {
        let places = &self.places;
        let mut late = Vec::new();
        while let Some(key) = self.deadlines.late(now, |key| is_out(places, key)) {
            late.push(key);
        }
        for key in late {
            if let Some(pending) = self.take(key) {
                let failure = Failure::timed_out(pending.timeout, "the connection");
                let took = now.saturating_duration_since(pending.began);
                self.answer(pending.id, Err(failure), took);
            }
        }
    }

    /// How long there is nothing to do, in whole milliseconds and rounded up.
    pub(super) fn timeout(&mut self, now: Instant) -> EpollTimeout {
        let places = &self.places;
        let Some(next) = self.deadlines.next(|key| is_out(places, key)) else {
            return EpollTimeout::NONE;
        };
        let length = next.saturating_duration_since(now) + Duration::from_micros(999);
        EpollTimeout::try_from(length).unwrap_or(EpollTimeout::MAX)
    }

    /// Breaks one off; nobody gets an answer.
    pub(super) fn forget(&mut self, id: Id) {
        if let Some(place) = self.known.get(&id).copied() {
            self.clear(place);
        }
    }

    pub(super) fn take_answers(&mut self) -> Batch<Id> {
        std::mem::take(&mut self.answers)
    }

    fn take(&mut self, key: Key) -> Option<Pending<Id>> {
        if is_out(&self.places, key) {
            self.clear(key.0)
        } else {
            None
        }
    }

    fn clear(&mut self, place: u32) -> Option<Pending<Id>> {
        let pending = self.places.get_mut(place as usize)?.pending.take()?;
        self.known.remove(&pending.id);
        self.free.push(place);
        Some(pending)
    }

    fn answer(&mut self, id: Id, outcome: Result<(), Failure>, took: Duration) {
        let verdict = match outcome {
            Ok(()) => Verdict::Pass(tcp::CONNECTED.to_owned()),
            Err(failure) => failure.into(),
        };
        let answer = Answer {
            verdict,
            took,
            advice: None,
            certificate: None,
        };
        self.answers.push((id, answer));
    }
}

fn connect(question: &Question) -> Result<Begun, Failure> {
    let target = Target::new(question);
    let address = target.address();
    let socket = socket::open_here(target.vantage(), Form::tcp(address.ip()))?;
    socket::hush(&socket)?;
    match socket.connect(&address.into()) {
        Ok(()) => Ok(Begun::Done),
        Err(error) if error.raw_os_error() == Some(Errno::EINPROGRESS as i32) => {
            Ok(Begun::Pending(socket))
        }
        Err(error) => Err(error.into()),
    }
}

/// Why the kernel gave a connection up. It may have come about nevertheless, and been closed.
fn why(socket: &Socket) -> Result<(), Failure> {
    match socket.take_error()? {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

fn is_out<Id>(places: &[Place<Id>], (place, used): Key) -> bool {
    places
        .get(place as usize)
        .is_some_and(|slot| slot.used == used && slot.pending.is_some())
}

fn packed((place, used): Key) -> u64 {
    u64::from(used) << 32 | u64::from(place)
}

fn unpacked(data: u64) -> Key {
    let low = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
    (low(data), low(data >> 32))
}
