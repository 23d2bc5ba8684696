//! Wakes when another program changes farmctl's tables.
//!
//! It says that something changed and who did it; what differs is found by reading again. Called by
//! whoever keeps a machine converged.

use std::fmt;
use std::time::Duration;

use super::{Nftables, content};
use crate::dataplane::Error;
use crate::dataplane::explain::unreadable;
use crate::netlink::nft::{Author, Heard, Monitor};

/// A watch over the tables of one network namespace.
#[derive(Debug)]
pub struct Watch {
    monitor: Monitor,
}

/// What a watch saw. It prints as a full sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// Another program changed our tables.
    Changed {
        /// Its name, as it calls itself.
        program: String,
        /// Its process, as the first namespace of processes counts.
        process: u32,
    },
    /// More happened than could be told: anything may have changed.
    Unknown,
}

impl Nftables {
    /// Begins to watch. What this value itself does is no drift.
    pub fn watch(&self) -> Result<Watch, Error> {
        let tables = [content::inet(), content::netdev()];
        let monitor = Monitor::open(&tables, &[self.tables.port()])
            .map_err(|error| unreadable("the changes of nftables", &error))?;
        Ok(Watch { monitor })
    }
}

impl Watch {
    /// Waits for a change by somebody else, at most so long; it may come back sooner without one.
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<Drift>, Error> {
        let heard = self.monitor.wait(timeout);
        let heard = heard.map_err(|error| unreadable("the changes of nftables", &error))?;
        Ok(heard.and_then(|heard| match heard {
            Heard::Unknown => Some(Drift::Unknown),
            Heard::Changed { by: Author::Us, .. } => None,
            Heard::Changed {
                by: Author::Other { process, name },
                ..
            } => Some(Drift::Changed {
                program: name,
                process,
            }),
        }))
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { program, process } => write!(
                f,
                "`{program}` (process {process}) changed farmctl's nftables tables."
            ),
            Self::Unknown => f.write_str("nftables changed faster than could be told."),
        }
    }
}
