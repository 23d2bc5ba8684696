//! Listens for changes of links and addresses (`RTNLGRP_LINK`, `RTNLGRP_IPV4_IFADDR`,
//! `RTNLGRP_IPV6_IFADDR`; `include/uapi/linux/rtnetlink.h`).
//!
//! It tells that something changed, never what: whoever hears it reads again. Used by whoever waits
//! for drift.

use std::time::Duration;

use netlink_sys::protocols::NETLINK_ROUTE;

use crate::netlink::error::{Error, Result};
use crate::netlink::socket::Socket;

/// `RTNLGRP_LINK`, `RTNLGRP_IPV4_IFADDR`, `RTNLGRP_IPV6_IFADDR`.
const GROUPS: [u32; 3] = [1, 5, 9];

/// A socket that hears of every change of links and addresses in its network namespace.
#[derive(Debug)]
pub struct Monitor {
    socket: Socket,
    ours: u32,
}

impl Monitor {
    /// Begins to listen, in this thread's network namespace. `ours` is the port of the client whose
    /// changes are our own ([`super::Client::port`]).
    pub fn open(ours: u32) -> Result<Self> {
        let mut socket = Socket::open(NETLINK_ROUTE)?;
        for group in GROUPS {
            socket.join(group)?;
        }
        Ok(Self { socket, ours })
    }

    /// Waits for a change by somebody else, at most so long. It may come back sooner without one.
    /// What was lost because too much happened counts as a change.
    pub fn wait(&mut self, timeout: Duration) -> Result<bool> {
        let Self { socket, ours } = self;
        let mut changed = false;
        let mut patience = timeout;
        loop {
            let heard = socket.hear(patience, |message| {
                changed |= message.port != *ours;
                Ok(())
            });
            match heard {
                Ok(true) => patience = Duration::ZERO,
                Ok(false) => return Ok(changed),
                Err(Error::Overrun) => changed = true,
                Err(error) => return Err(error),
            }
        }
    }
}
