//! Waits for changes that other programs make.
//!
//! It tells that something changed, not what: whoever hears it reads the kernel. ip_vs tells of
//! nothing; nftables and the machine's addresses and links do. Called by the keeper's reader.

use std::time::Duration;

use super::explain::unreadable;
use super::{Error, nftables};
use crate::netlink::route;

/// Something that tells of changes.
#[derive(Debug)]
pub enum Watch {
    /// farmctl's nftables tables.
    Tables(nftables::Watch),
    /// The machine's addresses and links.
    Machine(route::Monitor),
}

impl Watch {
    /// Waits for a change by somebody else, at most so long; it may come back sooner without one.
    /// Gives what happened, a full sentence.
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<String>, Error> {
        match self {
            Self::Tables(watch) => {
                let heard = watch.wait(timeout)?;
                Ok(heard.map(|drift| drift.to_string()))
            }
            Self::Machine(monitor) => {
                let heard = monitor.wait(timeout).map_err(|error| {
                    unreadable("the changes of addresses and interfaces", &error)
                })?;
                Ok(heard.then(|| "An address or an interface changed.".to_owned()))
            }
        }
    }
}
