//! The loop: what is due is asked, what comes is heard, all in one thread.
//!
//! It reads the clock once for each time that it wakes. Called by [`drive`](super::drive).

use std::net::SocketAddr;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::agenda::{Agenda, Due, Steps};
use super::connection::{Asked, Connection, Turn};
use super::notebook::{Notebook, Whose};
use super::slots::{Key, Slots};
use super::socket::{Progress, Socket, allow_many_files};
use super::sources::Sources;
use super::talk::{self, Pace};
use super::{DOWNLOAD_RETRY, Flows, LATENESS, LoadError, Order, SEAT_RATE, Watch};
use crate::clock::Clock;
use crate::rehearsal::protocol::Speech;
use crate::rehearsal::record::{Family, Fault, Kind, Outcome, Record};

/// The most events that are taken from the kernel at once.
const EVENTS: usize = 256;

/// The most bytes that are read at once.
const READ: usize = 64 * 1024;

pub(super) struct Engine<'o> {
    order: &'o Order,
    clock: &'o dyn Clock,
    watch: &'o Watch,
    epoll: Epoll,
    agenda: Agenda,
    notebook: Notebook<'o>,
    connections: Slots,
    seats: Vec<Seat>,
    streams: Vec<Stream>,
    sources: Sources,
    buffer: Vec<u8>,
    /// Microseconds since the beginning of the load.
    now: u64,
    end: u64,
    /// Requests without an outcome.
    pending: usize,
}

/// The place of one connection that is to stay open: when it breaks, another sits down.
struct Seat {
    target: usize,
    kind: Kind,
    steps: Steps,
    connection: Option<Key>,
}

/// What is asked of one target.
struct Stream {
    /// When the new connections are due; none where there are to be none.
    steps: Option<Steps>,
    /// The next of its endpoints.
    turn: usize,
}

impl<'o> Engine<'o> {
    pub(super) fn new(
        order: &'o Order,
        clock: &'o dyn Clock,
        watch: &'o Watch,
    ) -> Result<Self, LoadError> {
        allow_many_files().map_err(LoadError::Files)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(LoadError::epoll)?;
        let mut engine = Self {
            order,
            clock,
            watch,
            epoll,
            agenda: Agenda::default(),
            notebook: Notebook::new(&order.targets, watch),
            connections: Slots::default(),
            seats: Vec::new(),
            streams: Vec::new(),
            sources: Sources::new(&order.sources),
            buffer: vec![0; READ],
            now: 0,
            end: micros(order.duration),
            pending: 0,
        };
        engine.plan();
        Ok(engine)
    }

    /// Puts the first of everything on the agenda. Targets begin one after the other within the
    /// first step, so that they do not all ask in the same moment.
    fn plan(&mut self) {
        let order = self.order;
        let targets = u64::try_from(order.targets.len()).unwrap_or(1).max(1);
        for (number, target) in order.targets.iter().enumerate() {
            let rate = match target.speech {
                Speech::UdpEcho => order.load.udp.0,
                Speech::Http | Speech::TcpEcho => order.load.rate.0,
            };
            let phase = 1_000_000 * number as u64 / (targets * u64::from(rate.max(1)));
            let mut steps = Steps::new(rate, phase);
            if let Some(steps) = &mut steps {
                self.agenda.add(steps.next(), Due::New(number));
            }
            self.streams.push(Stream { steps, turn: 0 });
            if target.flows == Flows::Kept {
                self.seat(number, Kind::Standing, order.load.keep_alive, SEAT_RATE);
            }
            if target.speech == Speech::Http {
                self.seat(number, Kind::Download, order.load.downloads, DOWNLOAD_RETRY);
            }
        }
    }

    fn seat(&mut self, target: usize, kind: Kind, count: u32, rate: u32) {
        for number in 0..count {
            let phase = match kind {
                Kind::Download => 0,
                Kind::New | Kind::Standing => {
                    u64::from(number) * 1_000_000 / (u64::from(count) * u64::from(rate))
                }
            };
            let Some(mut steps) = Steps::new(rate, phase) else {
                return;
            };
            self.agenda.add(steps.next(), Due::Seat(self.seats.len()));
            self.seats.push(Seat {
                target,
                kind,
                steps,
                connection: None,
            });
        }
    }

    /// Runs to the end of the load, and until the last answer is there or given up.
    pub(super) fn run(mut self) -> Result<Record, LoadError> {
        self.await_start();
        let mut events = vec![EpollEvent::empty(); EVENTS];
        let mut over = false;
        loop {
            let count = self.wait(&mut events)?;
            self.now = micros(self.clock.now().saturating_duration_since(self.order.start));
            for event in events.iter().take(count) {
                self.event(event);
            }
            while let Some((at, due)) = self.agenda.next(self.now) {
                self.due(at, due);
            }
            if self.now >= self.end && !over {
                over = true;
                self.end_downloads();
            }
            if self.watch.is_stopped() || over && self.pending == 0 {
                let duration = Duration::from_micros(self.now.min(self.end));
                return Ok(self.notebook.finish(duration));
            }
        }
    }

    fn await_start(&self) {
        let ahead = self.order.start.saturating_duration_since(self.clock.now());
        if !ahead.is_zero() {
            self.clock.sleep(ahead);
        }
    }

    fn wait(&self, events: &mut [EpollEvent]) -> Result<usize, LoadError> {
        let next = self
            .agenda
            .wake()
            .unwrap_or(self.end)
            .min(if self.now < self.end {
                self.end
            } else {
                u64::MAX
            });
        let ahead = next.saturating_sub(self.now).div_ceil(1_000).min(100);
        let timeout = EpollTimeout::from(u8::try_from(ahead).unwrap_or(u8::MAX));
        match self.epoll.wait(events, timeout) {
            Ok(count) => Ok(count),
            Err(Errno::EINTR) => Ok(0),
            Err(error) => Err(LoadError::epoll(error)),
        }
    }

    fn due(&mut self, at: u64, due: Due) {
        match due {
            Due::New(target) => self.new_connection(target, at),
            Due::Seat(seat) => self.ask_seat(seat, at),
            Due::Timeout {
                slot,
                generation,
                serial,
            } => self.timed_out(Key { slot, generation }, serial),
        }
    }

    fn new_connection(&mut self, target: usize, at: u64) {
        if at >= self.end {
            return;
        }
        if let Some(steps) = self.streams.get_mut(target).and_then(|s| s.steps.as_mut()) {
            self.agenda.add(steps.next(), Due::New(target));
        }
        self.launch(target, Kind::New, None, at);
    }

    fn ask_seat(&mut self, number: usize, at: u64) {
        let Some(seat) = self.seats.get_mut(number).filter(|_| at < self.end) else {
            return;
        };
        self.agenda.add(seat.steps.next(), Due::Seat(number));
        let (target, kind) = (seat.target, seat.kind);
        match seat.connection {
            None => self.launch(target, kind, Some(number), at),
            Some(_) if kind == Kind::Download => {}
            Some(key) => self.ask_again(key, at),
        }
    }

    fn ask_again(&mut self, key: Key, due: u64) {
        let since = self.since(due);
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        connection.asked.push_back(Asked { due, since });
        let serial = connection.last_serial();
        let turn = connection.send();
        self.pending += 1;
        self.remember_timeout(key, serial, since);
        self.turn(key, turn);
    }

    /// From when on a latency counts: from when it was due, except for the little by which the
    /// kernel wakes a sleeper late.
    fn since(&self, due: u64) -> u64 {
        if self.now.saturating_sub(due) <= LATENESS {
            self.now
        } else {
            due
        }
    }

    fn remember_timeout(&mut self, key: Key, serial: u32, since: u64) {
        let at = since + micros(self.order.load.timeout);
        let Key { slot, generation } = key;
        self.agenda.add(
            at,
            Due::Timeout {
                slot,
                generation,
                serial,
            },
        );
    }

    fn launch(&mut self, target: usize, kind: Kind, seat: Option<usize>, due: u64) {
        let Some((speech, to)) = self.endpoint(target) else {
            return;
        };
        let whose = Whose {
            target,
            family: Family::of(to.ip()),
            kind,
        };
        let since = self.since(due);
        self.pending += 1;
        let source = self.sources.next(whose.family);
        match Socket::open(speech, source, to) {
            Err(loss) => self.sample(whose, Asked { due, since }, Outcome::Lost(loss)),
            Ok((socket, progress)) => {
                let pace = self.pace();
                let mut connection = Connection::new(socket, whose, speech, pace);
                connection.seat = seat;
                connection.heard_at = self.now;
                connection.asked.push_back(Asked { due, since });
                self.begin(connection, progress, since);
            }
        }
    }

    fn begin(&mut self, connection: Connection, progress: Progress, since: u64) {
        let seat = connection.seat;
        let key = self.connections.put(connection);
        if let Some(seat) = seat.and_then(|seat| self.seats.get_mut(seat)) {
            seat.connection = Some(key);
        }
        self.remember_timeout(key, 0, since);
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let mut wanted = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
        if progress == Progress::Pending {
            wanted |= EpollFlags::EPOLLOUT;
        }
        let added = self.epoll.add(
            connection.socket.fd(),
            EpollEvent::new(wanted, key.number()),
        );
        let turn = match (added, progress) {
            (Err(_), _) => Turn::unsent(),
            (Ok(()), Progress::Ready) => connection.send(),
            (Ok(()), Progress::Pending) => Turn::Wait,
        };
        self.turn(key, turn);
    }

    /// The endpoint whose turn it is.
    fn endpoint(&mut self, target: usize) -> Option<(Speech, SocketAddr)> {
        let order = self.order;
        let of = order.targets.get(target)?;
        let stream = self.streams.get_mut(target)?;
        let to = of.endpoints.get(stream.turn % of.endpoints.len().max(1))?;
        stream.turn = stream.turn.wrapping_add(1);
        Some((of.speech, *to))
    }

    /// A download that is asked for now lasts until after the end.
    fn pace(&self) -> Pace {
        talk::pace(self.end.saturating_sub(self.now) / 1_000 + 1_000)
    }

    fn event(&mut self, event: &EpollEvent) {
        let key = Key::of_number(event.data());
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let mut turn = connection.send();
        let arrived = EpollFlags::EPOLLIN
            | EpollFlags::EPOLLRDHUP
            | EpollFlags::EPOLLHUP
            | EpollFlags::EPOLLERR;
        if turn == Turn::Wait && event.events().intersects(arrived) {
            turn = connection.hear(&mut self.buffer, self.now);
        }
        self.turn(key, turn);
    }

    fn turn(&mut self, key: Key, turn: Turn) {
        match turn {
            Turn::Wait => {}
            Turn::Began(server) => self.began(key, &server),
            Turn::Answered(server) => self.answered(key, &server),
            Turn::Failed(outcome) => self.failed(key, outcome),
        }
    }

    /// The head of a download is there: it is open from now on.
    fn began(&mut self, key: Key, server: &str) {
        let server = self.notebook.server(server);
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        connection.server = Some(server);
        let opened = self.notebook.opened(connection.whose, server, self.now);
        connection.standing = Some(opened);
        let turn = connection.hear(&mut self.buffer, self.now);
        self.turn(key, turn);
        if self.now >= self.end {
            self.end_download(key);
        }
    }

    fn answered(&mut self, key: Key, server: &str) {
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let server = match (server, connection.server) {
            ("", Some(known)) => known,
            (name, _) => self.notebook.server(name),
        };
        if connection.server.is_some_and(|known| known != server) {
            self.failed(key, Outcome::Wrong(Fault::OtherServer));
            return;
        }
        connection.server = Some(server);
        let (whose, asked) = (connection.whose, connection.advance());
        if whose.kind == Kind::Standing && connection.standing.is_none() {
            connection.standing = Some(self.notebook.opened(whose, server, self.now));
        }
        if let Some(asked) = asked {
            self.sample(whose, asked, Outcome::Answered(server));
        }
        match whose.kind {
            Kind::New => self.close(key),
            Kind::Download => self.end_download(key),
            Kind::Standing => self.go_on(key),
        }
    }

    fn go_on(&mut self, key: Key) {
        if let Some(connection) = self.connections.get(key) {
            let turn = connection.send();
            self.turn(key, turn);
        }
    }

    /// The connection is lost, and every request that waits on it.
    fn failed(&mut self, key: Key, outcome: Outcome) {
        let Some(connection) = self.connections.take(key) else {
            return;
        };
        if let Some(standing) = connection.standing {
            self.notebook.broke(standing, self.now, outcome);
        }
        for asked in &connection.asked {
            self.sample(connection.whose, *asked, outcome);
        }
        self.stand_up(&connection);
    }

    fn timed_out(&mut self, key: Key, serial: u32) {
        let timeout = micros(self.order.load.timeout);
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        if connection.is_past(serial) {
            return;
        }
        let silent_since = connection.heard_at;
        if connection.rest.is_some() && silent_since + timeout > self.now {
            self.remember_timeout(key, serial, silent_since);
            return;
        }
        self.failed(key, Turn::TIMED_OUT);
    }

    fn end_downloads(&mut self) {
        for key in self.connections.keys() {
            let begun = self.connections.get(key).is_some_and(|c| c.rest.is_some());
            if begun {
                self.end_download(key);
            }
        }
    }

    /// A download went well until the end of the load, or until its own.
    fn end_download(&mut self, key: Key) {
        let Some(mut connection) = self.connections.take(key) else {
            return;
        };
        if let (Some(asked), Some(server)) = (connection.advance(), connection.server) {
            self.sample(connection.whose, asked, Outcome::Answered(server));
        }
        if connection.standing.is_some() {
            self.notebook.ended();
        }
        self.stand_up(&connection);
    }

    fn close(&mut self, key: Key) {
        if let Some(connection) = self.connections.take(key) {
            self.stand_up(&connection);
        }
    }

    fn stand_up(&mut self, connection: &Connection) {
        let seat = connection.seat.and_then(|seat| self.seats.get_mut(seat));
        if let Some(seat) = seat {
            seat.connection = None;
        }
    }

    fn sample(&mut self, whose: Whose, asked: Asked, outcome: Outcome) {
        self.pending = self.pending.saturating_sub(1);
        let took = self.now.saturating_sub(asked.since);
        self.notebook.sample(whose, asked.due, took, outcome);
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
