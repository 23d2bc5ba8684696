//! The rtnetlink client: links and addresses of the network namespace in which it was opened.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use netlink_sys::protocols::NETLINK_ROUTE;

use super::build::{self, NewRoute};
use super::write::{self, NewAddress, Request};
use super::{Address, Link, read_address, read_link};
use crate::netlink::batch::Batch;
use crate::netlink::error::{Error, Result};
use crate::netlink::message::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use crate::netlink::socket::Socket;

/// `RTM_*` types of the replies (`include/uapi/linux/rtnetlink.h`).
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;

/// A connection to the kernel's rtnetlink. Reading needs no privilege, changing needs
/// `CAP_NET_ADMIN`.
#[derive(Debug)]
pub struct Client {
    socket: Socket,
}

impl Client {
    /// Opens a socket in this thread's network namespace.
    pub fn open() -> Result<Self> {
        Socket::open(NETLINK_ROUTE).map(|socket| Self { socket })
    }

    /// How many messages that change something were sent, refused ones included.
    pub fn writes_sent(&self) -> u64 {
        self.socket.writes_sent()
    }

    /// The number of this client's socket: what a [`super::Monitor`] knows its changes by.
    pub fn port(&self) -> u32 {
        self.socket.port()
    }

    /// All network interfaces. [`Error::Interrupted`] when they changed meanwhile.
    pub fn links(&mut self) -> Result<Vec<Link>> {
        let Request { kind, payload } = write::list_links();
        let mut links = Vec::new();
        self.socket.dump(
            "to list the network interfaces",
            kind,
            |writer| writer.raw(&payload),
            |message| {
                if message.kind == RTM_NEWLINK {
                    links.push(read_link(message.payload)?);
                }
                Ok(())
            },
        )?;
        Ok(links)
    }

    /// All IPv4 and IPv6 addresses. [`Error::Interrupted`] when they changed meanwhile.
    pub fn addresses(&mut self) -> Result<Vec<Address>> {
        let Request { kind, payload } = write::list_addresses();
        let mut addresses = Vec::new();
        self.socket.dump(
            "to list the addresses",
            kind,
            |writer| writer.raw(&payload),
            |message| {
                if message.kind == RTM_NEWADDR {
                    addresses.extend(read_address(message.payload)?);
                }
                Ok(())
            },
        )?;
        Ok(addresses)
    }

    /// Adds an address (`EEXIST`: it is there already; `ENODEV`: no such interface).
    pub fn add_address(&mut self, address: &NewAddress) -> Result<()> {
        let request = write::add_address(address);
        self.change("to add an address", &request, NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Deletes an address (`EADDRNOTAVAIL`: it is not there).
    pub fn delete_address(&mut self, index: u32, address: IpAddr, prefix: u8) -> Result<()> {
        self.change(
            "to delete an address",
            &write::delete_address(index, address, prefix),
            0,
        )
    }

    /// Sets an interface up (`ENODEV`: there is none with this number).
    pub fn set_link_up(&mut self, index: u32) -> Result<()> {
        self.change("to set an interface up", &write::set_link_up(index), 0)
    }

    /// Sets an interface down.
    pub fn set_link_down(&mut self, index: u32) -> Result<()> {
        self.change("to set an interface down", &build::set_link_down(index), 0)
    }

    /// Deletes an interface.
    pub fn delete_link(&mut self, index: u32) -> Result<()> {
        self.change("to delete an interface", &build::delete_link(index), 0)
    }

    /// Makes a bridge; it is up.
    pub fn add_bridge(&mut self, name: &str) -> Result<()> {
        let request = build::add_bridge(name);
        self.change("to make a bridge", &request, NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Makes a virtual Ethernet cable whose other end is in the network namespace `far`. This end
    /// is up, the other not yet.
    pub fn add_cable(&mut self, name: &str, far_name: &str, far: BorrowedFd<'_>) -> Result<()> {
        let request = build::add_cable(name, far_name, far);
        self.change("to make a cable", &request, NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Makes a device at which GRE packets with a checksum end that come to `local`, from anywhere.
    /// It is up. The kernel's own `gre0` takes none that has a checksum.
    pub fn add_gre_with_checksum(&mut self, name: &str, local: IpAddr) -> Result<()> {
        let request = build::add_gre_with_checksum(name, local);
        self.change("to make a GRE tunnel", &request, NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Makes an interface a port of a bridge, and of that one only.
    pub fn join_bridge(&mut self, index: u32, bridge: u32) -> Result<()> {
        self.change("to join a bridge", &build::join_bridge(index, bridge), 0)
    }

    /// Adds a route (`EEXIST`: it is there already).
    pub fn add_route(&mut self, route: &NewRoute) -> Result<()> {
        let request = build::add_route(route);
        self.change("to add a route", &request, NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Has packets that come from an address routed by a table of their own.
    pub fn add_source_rule(&mut self, from: IpAddr, table: u32) -> Result<()> {
        let request = build::add_source_rule(from, table);
        self.change("to add a rule", &request, NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Has every packet leave an interface this much later; zero ends it. `ENOENT`: the kernel has
    /// no netem, or there was no delay to end.
    pub fn delay(&mut self, index: u32, by: Duration) -> Result<()> {
        if by.is_zero() {
            return self.change("to end a delay", &build::no_delay(index), 0);
        }
        let request = build::delay(index, by);
        self.change("to delay packets", &request, NLM_F_CREATE | NLM_F_REPLACE)
    }

    fn change(&mut self, command: &'static str, request: &Request, flags: u16) -> Result<()> {
        let mut batch = Batch::new();
        batch.push(request.kind, flags, |writer| writer.raw(&request.payload));
        match self.socket.batch(&mut batch)?.pop() {
            None => Ok(()),
            Some(failure) => Err(Error::Kernel {
                errno: failure.errno,
                command,
                message: failure.message,
            }),
        }
    }
}
