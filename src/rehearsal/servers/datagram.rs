//! The UDP echo: each datagram is answered with the server's name, a space, and the datagram.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::manners::Manners;
use crate::clock::{Clock, SystemClock};
use crate::rehearsal::protocol::LONGEST_LINE;

/// How long the server listens before it looks at what waits.
const GLANCE: Duration = Duration::from_millis(50);

/// A server that runs.
#[derive(Debug)]
pub(super) struct Server {
    manners: Arc<Manners>,
    thread: JoinHandle<()>,
}

/// An answer that waits for its time.
struct Answer {
    due: Instant,
    to: SocketAddr,
    text: Vec<u8>,
}

impl Server {
    pub(super) fn start(at: SocketAddr, manners: Arc<Manners>) -> io::Result<Self> {
        let socket = UdpSocket::bind(at)?;
        let own = Arc::clone(&manners);
        let thread = thread::Builder::new().spawn(move || answer(&socket, &own))?;
        Ok(Self { manners, thread })
    }

    pub(super) fn manners(&self) -> &Manners {
        &self.manners
    }

    /// Returns when nobody listens any more.
    pub(super) fn end(self) {
        self.manners.end();
        let _ended = self.thread.join();
    }
}

/// Until the program ends. An error of one datagram (its client went away) is none of the others'.
fn answer(socket: &UdpSocket, manners: &Manners) {
    let mut waiting: VecDeque<Answer> = VecDeque::new();
    let mut datagram = [0; LONGEST_LINE];
    while !manners.has_ended() {
        let patience = patience(waiting.front());
        if socket.set_read_timeout(Some(patience)).is_err() {
            return;
        }
        if let Ok((length, to)) = socket.recv_from(&mut datagram) {
            let mut text = format!("{} ", manners.name).into_bytes();
            text.extend(datagram.iter().take(length));
            let due = SystemClock.now() + manners.slowness();
            waiting.push_back(Answer { due, to, text });
        }
        send_due(socket, &mut waiting, manners);
    }
}

/// How long to listen: to the next answer's time, at most a glance, at least a moment.
fn patience(next: Option<&Answer>) -> Duration {
    let left = next.map(|next| next.due.saturating_duration_since(SystemClock.now()));
    left.unwrap_or(GLANCE)
        .clamp(Duration::from_micros(100), GLANCE)
}

fn send_due(socket: &UdpSocket, waiting: &mut VecDeque<Answer>, manners: &Manners) {
    if manners.is_paused() {
        return;
    }
    let now = SystemClock.now();
    while let Some(answer) = waiting.pop_front() {
        if answer.due > now {
            waiting.push_front(answer);
            return;
        }
        let _lost = socket.send_to(&answer.text, answer.to);
    }
}
