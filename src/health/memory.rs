//! What outlives a restart of the daemon.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The version of this form.
pub const MEMORY_VERSION: u64 = 1;

/// What the engine knows, in a form that outlives it: times are lengths, not moments.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// The version of this form.
    pub format_version: u64,
    /// By the service's name in the file.
    pub services: BTreeMap<String, Vec<Remembered>>,
}

/// What is remembered of one real server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// What messages call it.
    pub server: String,
    /// Its address.
    pub address: IpAddr,
    /// Its port, where the file gives it one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}
