//! Real servers, their pools, and the sorry server.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CheckChoice, Forwarding, MassFailure, Name, OrNone};

/// Real servers that several services share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// The real servers.
    #[serde(default)]
    pub real_servers: Vec<RealServer>,
    /// How the real servers are checked; a service that says it differently wins, key by key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckChoice>,
    /// What is done when many of the real servers fail at once; `none` unsets a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mass_failure: Option<OrNone<MassFailure>>,
}

/// One real server: a machine of `nodes`, or a bare address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RealServer {
    /// The machine's name in `nodes`; or write `address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Name>,
    /// The real server's address, where it is no machine of `nodes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The network on which the directors reach the machine, where it is on several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Name>,
    /// What messages call it; left out, the node's name or the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The port that it listens on; left out, the client's port. Only `nat` can change the port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its share of new connections; 0 takes none. Left out, 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65535))]
    pub weight: Option<u32>,
    /// No new connection above this many; 0 is no limit. Left out, 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper_threshold: Option<u32>,
    /// New connections again below this many; 0 is three quarters of the upper one. Left out, 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower_threshold: Option<u32>,
    /// How packets reach this real server, where it differs from the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<Forwarding>,
    /// How this real server is checked, where it differs from the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckChoice>,
}

/// Values for real servers that do not say their own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RealServerDefaults {
    /// Its share of new connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65535))]
    pub weight: Option<u32>,
    /// No new connection above this many; 0 is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper_threshold: Option<u32>,
    /// New connections again below this many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower_threshold: Option<u32>,
}

/// Takes the connections when no real server can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SorryServer {
    /// The machine's name in `nodes`; or write `address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Name>,
    /// Its address, where it is no machine of `nodes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The network on which the directors reach the machine, where it is on several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Name>,
    /// The port that it listens on; left out, the client's port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How packets reach it, where it differs from the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<Forwarding>,
}
