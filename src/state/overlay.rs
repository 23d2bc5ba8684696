//! What bends the file for a while: health, drains, ramps, overrides. Never written into the file.
//!
//! Desired state = file + overlay. The overlay is made by `health` and `daemon`; `desired` lays it
//! over the file, and `diff` shows it without counting it as a difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::Name;

use super::Family;

/// A real server in a service of the file, with the address that it serves one family with.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Member {
    /// The service's name in the file.
    pub service: String,
    /// What messages call the real server ([`crate::spec::real_server_name`]).
    pub server: String,
    /// Its address.
    pub address: IpAddr,
    /// Its port, where the file gives it one: two servers may share an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// What one real server gets of new connections, whatever the file says.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// This weight; 0 keeps the connections that it has and gives it no new one.
    Weight(u32),
    /// It is not in the service at all.
    Out,
}

/// All that bends the file on this machine now. What is not in it is as the file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overlay {
    /// Real servers that get another share than the file says.
    pub servers: BTreeMap<Member, Share>,
    /// Services that the sorry server serves, although real servers are left: too few for a quorum.
    pub sorry: BTreeSet<(Name, Family)>,
}

impl Overlay {
    /// The weight of a real server that the file gives `weight`; none where it is out.
    #[must_use]
    pub fn weight(&self, member: &Member, weight: u32) -> Option<u32> {
        match self.servers.get(member) {
            None => Some(weight),
            Some(Share::Weight(weight)) => Some(*weight),
            Some(Share::Out) => None,
        }
    }
}

impl fmt::Display for Member {
    /// `web1 of http`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.server, self.service)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weight(weight) => write!(f, "weight {weight}"),
            Self::Out => f.write_str("out"),
        }
    }
}
