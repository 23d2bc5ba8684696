//! The kernel's connection synchronisation daemons.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Whether the daemon tells or listens; both may run in one namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncRole {
    /// Tells others its connections (`IP_VS_STATE_MASTER`).
    Master,
    /// Learns the connections of others (`IP_VS_STATE_BACKUP`).
    Backup,
}

impl fmt::Display for SyncRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Master => "master",
            Self::Backup => "backup",
        })
    }
}

/// How a daemon talks. The kernel can't change one that runs: it is stopped and started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncDaemon {
    /// The interface that it uses.
    pub interface: String,
    /// Daemons with another number are not heard; 0 to 255.
    pub id: u8,
    /// The longest message, bytes; 0 lets the kernel choose by the interface's MTU.
    pub max_length: u16,
    /// The multicast group; the kernel's default is 224.0.0.81.
    pub group: IpAddr,
    /// The UDP port; the kernel's default is 8848.
    pub port: u16,
    /// Time to live of the messages; the kernel's default is 1.
    pub ttl: u8,
}

impl SyncDaemon {
    /// Whether a daemon that runs is all that this one asks for: the same, or the same but for a
    /// length that was left to the kernel. The kernel reports the length that it chose.
    pub fn is_met_by(&self, running: &Self) -> bool {
        let chosen = match self.max_length {
            0 => running.max_length,
            written => written,
        };
        *running
            == Self {
                max_length: chosen,
                ..self.clone()
            }
    }
}
