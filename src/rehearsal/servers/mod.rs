//! The built-in real servers: small programs in threads that say who they are.
//!
//! What they speak is in [`super::protocol`]. They listen in the network namespace of the thread
//! that starts them and nowhere else, know nothing of the farm, and judge nothing. A [`Program`] is
//! what is behind one port; the stage stops, starts, slows and kills it.

mod datagram;
mod manners;
mod stream;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use manners::Manners;

use super::protocol::Speech;

/// How a program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// In good order: the listener closes, then the connections.
    Orderly,
    /// As if killed with everything in its hands: connections are reset.
    Killed,
}

/// What is behind one port of a real server.
#[derive(Debug)]
pub struct Program {
    name: Arc<str>,
    speech: Speech,
    at: SocketAddr,
    slow: Duration,
    running: Option<Running>,
}

#[derive(Debug)]
enum Running {
    Stream(stream::Server),
    Datagram(datagram::Server),
}

impl Program {
    /// A program that does not run yet. `name` is what it answers with.
    pub fn new(name: &str, speech: Speech, at: SocketAddr) -> Self {
        Self {
            name: name.into(),
            speech,
            at,
            slow: Duration::ZERO,
            running: None,
        }
    }

    /// Where it listens.
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// Starts it in the calling thread's network namespace; it listens when this returns. One that
    /// runs already goes on.
    pub fn start(&mut self) -> io::Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let manners = Arc::new(Manners::new(&self.name, self.slow));
        self.running = Some(match self.speech {
            Speech::UdpEcho => Running::Datagram(datagram::Server::start(self.at, manners)?),
            Speech::Http | Speech::TcpEcho => {
                Running::Stream(stream::Server::start(self.at, self.speech, manners)?)
            }
        });
        Ok(())
    }

    /// Ends it; one that does not run stays so.
    pub fn end(&mut self, ending: Ending) {
        match self.running.take() {
            None => {}
            Some(Running::Stream(server)) => server.end(ending),
            Some(Running::Datagram(server)) => server.end(),
        }
    }

    /// Has it take connections and say nothing, until it is resumed or ended.
    pub fn pause(&mut self) {
        if let Some(running) = &self.running {
            running.manners().pause();
        }
    }

    /// Has it go on.
    pub fn resume(&mut self) {
        if let Some(running) = &self.running {
            running.manners().resume();
        }
    }

    /// Has every answer come this much later; zero ends it.
    pub fn slow(&mut self, by: Duration) {
        self.slow = by;
        if let Some(running) = &self.running {
            running.manners().slow_down(by);
        }
    }
}

impl Running {
    fn manners(&self) -> &Manners {
        match self {
            Self::Stream(server) => server.manners(),
            Self::Datagram(server) => server.manners(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end(Ending::Killed);
    }
}

#[cfg(test)]
mod tests;
