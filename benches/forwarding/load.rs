//! Clients that ask as fast as they get answers.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use farmctl::clock::{Clock, SystemClock};
use nix::sys::socket::{setsockopt, sockopt};

use crate::server::{ANSWER, QUESTION};

/// Nobody waits longer than this for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked, by how many at a time, and for how long.
pub(crate) struct Load {
    /// Whom the clients ask in turn.
    pub(crate) targets: Vec<SocketAddr>,
    pub(crate) connections: usize,
    pub(crate) length: Duration,
}

impl Load {
    /// One question on each connection; how many a second were answered.
    pub(crate) fn connections_per_second(&self) -> f64 {
        self.count(|number, end| {
            let mut answered = 0;
            while SystemClock.now() < end {
                let target = self.targets[(number + answered) % self.targets.len()];
                let mut stream = open(target).expect("a connection");
                ask(&mut stream).expect("an answer");
                answered += 1;
            }
            answered
        })
    }

    /// Questions on connections that stay; how many a second were answered.
    pub(crate) fn requests_per_second(&self) -> f64 {
        self.count(|number, end| {
            let target = self.targets[number % self.targets.len()];
            let mut stream = open(target).expect("a connection");
            let mut answered = 0;
            while SystemClock.now() < end {
                ask(&mut stream).expect("an answer");
                answered += 1;
            }
            answered
        })
    }

    /// The threads that this starts are in the namespace of the calling thread.
    fn count(&self, client: impl Fn(usize, std::time::Instant) -> usize + Sync) -> f64 {
        let start = SystemClock.now();
        let end = start + self.length;
        let client = &client;
        let answered: usize = thread::scope(|scope| {
            let clients: Vec<_> = (0..self.connections)
                .map(|number| scope.spawn(move || client(number, end)))
                .collect();
            clients.into_iter().map(|one| one.join().unwrap()).sum()
        });
        let took = SystemClock.now() - start;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let answered = answered as f64;
        answered / took.as_secs_f64()
    }
}

/// A connection that leaves nothing behind: it is reset at its end, so that no port stays in use.
fn open(target: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&target, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let reset = nix::libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    setsockopt(&stream.as_fd(), sockopt::Linger, &reset)?;
    Ok(stream)
}

fn ask(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(QUESTION)?;
    let mut answer = [0; ANSWER.len()];
    stream.read_exact(&mut answer)
}
