//! Floating addresses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AddressWithPrefix, InterfaceName, Name};

/// A group of floating addresses that move together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vip {
    /// The addresses, of either family, each with a prefix length for its neighbours.
    #[schemars(length(min = 1))]
    pub addresses: Vec<VipAddress>,
    /// The network (of the directors' `networks`) that the addresses are on; or write `interface`.
    /// Left out, the network `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Name>,
    /// The interface, where it has the same name on every director.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<InterfaceName>,
    /// Who may hold the addresses. A farm with one director needs none: they are its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ownership: Option<Ownership>,
}

/// Who may hold floating addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// Somebody else puts the addresses up and takes them down; farmctl leaves them alone.
    None,
}

/// One floating address: `192.0.2.10/24`, or with a network or interface of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VipAddress {
    /// The address, with the prefix length that its neighbours use.
    pub address: AddressWithPrefix,
    /// The network of this address, where it differs from the group's.
    pub network: Option<Name>,
    /// The interface of this address, where it differs from the group's.
    pub interface: Option<InterfaceName>,
}
