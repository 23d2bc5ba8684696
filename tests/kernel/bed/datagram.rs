//! UDP in threads: a server that says who it is, and a client of one port.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::Node;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a server looks whether it is still wanted.
const GLANCE: Duration = Duration::from_millis(200);

/// Answers each datagram with its node's name, until it is dropped.
pub(crate) struct Echo {
    dropped: Arc<AtomicBool>,
}

impl Echo {
    /// Listens on an address of `node`, from which it also answers.
    pub(crate) fn start(node: &Node, at: SocketAddr) -> Self {
        let socket = node.run(|| UdpSocket::bind(at)).unwrap();
        socket.set_read_timeout(Some(GLANCE)).unwrap();
        let dropped = Arc::new(AtomicBool::new(false));
        let (name, ended) = (node.name().to_owned(), Arc::clone(&dropped));
        thread::spawn(move || answer(&socket, &name, &ended));
        Self { dropped }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

fn answer(socket: &UdpSocket, name: &str, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        if let Ok((_, client)) = socket.recv_from(&mut [0; 64]) {
            // A client that went away is none of the server's business.
            socket.send_to(name.as_bytes(), client).unwrap_or_default();
        }
    }
}

/// A client's port, from which it asks as often as it likes.
pub(crate) struct Datagrams {
    socket: UdpSocket,
}

impl Datagrams {
    /// A port of `node`, connected to a server.
    pub(crate) fn open(node: &Node, to: SocketAddr) -> io::Result<Self> {
        let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = node.run(|| UdpSocket::bind(any).and_then(|s| s.connect(to).map(|()| s)))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { socket })
    }

    /// One datagram; who answered it.
    pub(crate) fn ask(&self) -> io::Result<String> {
        self.socket.send(b"who")?;
        let mut name = [0; 64];
        let length = self.socket.recv(&mut name)?;
        Ok(String::from_utf8_lossy(&name[..length]).into_owned())
    }

    /// So many datagrams one after another; how often each server answered.
    pub(crate) fn spread(&self, times: usize) -> io::Result<BTreeMap<String, usize>> {
        let mut answers = BTreeMap::new();
        for _ in 0..times {
            *answers.entry(self.ask()?).or_default() += 1;
        }
        Ok(answers)
    }
}
