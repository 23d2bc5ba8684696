//! The conntrack client, of the network namespace in which it was opened.

use std::net::IpAddr;

use netlink_sys::protocols::NETLINK_NETFILTER;

use super::codec::{self, DELETE, GET, IPV4, IPV6, NEW};
use super::{Entry, Filter};
use crate::netlink::error::{Errno, Error, Result};
use crate::netlink::socket::Socket;

/// A connection to the kernel's connection tracking. Every method needs `CAP_NET_ADMIN`.
///
/// A kernel without ctnetlink answers [`Error::FamilyMissing`].
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
    pub fn connections(&mut self, filter: &Filter, mut each: impl FnMut(Entry)) -> Result<()> {
        let family = filter.family();
        let listed = self.socket.dump(
            "to list the tracked connections",
            GET,
            |writer| codec::write_header(writer, family),
            |message| {
                if message.kind == NEW
                    && let Some(entry) = codec::read_entry(message.payload)?
                    && filter.lets_through(&entry)
                {
                    each(entry);
                }
                Ok(())
            },
        );
        listed.map_err(or_missing)
    }

    /// Forgets a connection of a protocol with ports; says whether it was still there.
    pub fn delete(&mut self, entry: &Entry) -> Result<bool> {
        let asked = self.socket.request(
            "to forget a tracked connection",
            DELETE,
            |writer| codec::write_name(writer, entry),
            |_| Ok(()),
        );
        match asked {
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(false),
            asked => asked.map(|()| true).map_err(or_missing),
        }
    }

    /// Forgets every connection of this namespace.
    pub fn flush(&mut self) -> Result<()> {
        let asked = self.socket.request(
            "to forget every tracked connection",
            DELETE,
            |writer| codec::write_header(writer, 0),
            |_| Ok(()),
        );
        asked.map_err(or_missing)
    }
}

/// What nfnetlink says of a subsystem that it does not have, in words.
fn or_missing(error: Error) -> Error {
    match error.errno() {
        Some(Errno::EOPNOTSUPP) => Error::FamilyMissing {
            name: "nf_conntrack_netlink",
        },
        _ => error,
    }
}

impl Filter {
    /// The family that the kernel may leave the other one out for; 0 for both.
    fn family(&self) -> u8 {
        match self.destination.or(self.server) {
            Some(IpAddr::V4(_)) => IPV4,
            Some(IpAddr::V6(_)) => IPV6,
            None => 0,
        }
    }

    /// Whether a connection is one of those that are asked for.
    pub fn lets_through(&self, entry: &Entry) -> bool {
        fn fits<T: PartialEq>(wanted: Option<&T>, found: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == found)
        }
        let (original, reply) = (&entry.original, &entry.reply);
        fits(self.destination.as_ref(), &original.destination)
            && fits(self.destination_port.as_ref(), &original.destination_port)
            && fits(self.protocol.as_ref(), &original.protocol)
            && fits(self.server.as_ref(), &reply.source)
            && fits(self.server_port.as_ref(), &reply.source_port)
    }
}
