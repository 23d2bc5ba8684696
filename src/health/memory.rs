//! What outlives a restart of the daemon.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::state::Family;

use super::standing::Health;
use super::word::Bend;

/// The version of this form. A memory of another version counts as none.
pub const MEMORY_VERSION: u64 = 1;

/// What the engine knows, in a form that outlives it: times are lengths, not moments.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// The version of this form.
    pub format_version: u64,
    /// By the service's name in the file.
    pub services: BTreeMap<String, RememberedService>,
}

/// What is remembered of one service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RememberedService {
    /// Its real servers.
    pub servers: Vec<Remembered>,
    /// Its families, where not all is well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<RememberedFamily>,
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
    /// What its check says.
    pub health: Health,
    /// For how long, in milliseconds.
    pub lasting: u64,
    /// Good answers in a row.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub passes: u32,
    /// Failures in a row.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// Kept in service although its check fails.
    #[serde(default, skip_serializing_if = "is_false")]
    pub held: bool,
    /// How much of a slow start is over, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<u64>,
    /// What an operator bends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bend: Option<Bend>,
    /// What its agent said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<RememberedAgent>,
}

/// What an agent said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedAgent {
    /// The percent that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u32>,
    /// It wants no new connections.
    #[serde(default, skip_serializing_if = "is_false")]
    pub drains: bool,
    /// It says that the real server is down.
    #[serde(default, skip_serializing_if = "is_false")]
    pub down: bool,
}

/// What is remembered of one family of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedFamily {
    /// Which one.
    pub family: Family,
    /// Too few are usable.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lost: bool,
    /// The sorry server serves.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sorry: bool,
    /// Nothing is spare.
    #[serde(default, skip_serializing_if = "is_false")]
    pub thin: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over references"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over references"
)]
fn is_false(word: &bool) -> bool {
    !*word
}
