//! Machines and the networks that they are on.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AddressWithPrefix, InterfaceName, Name};

/// One machine. Short form: `address` (or `addresses`) and `interface`, on one network that is
/// called `main`. Long form: `networks`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The machine's own address on the network `main`, with or without a prefix length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<AddressWithPrefix>,
    /// The machine's own addresses on the network `main`, where it has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressWithPrefix>,
    /// The machine's interface to the network `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<InterfaceName>,
    /// The networks that the machine is on, by the name that they have in this file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<Name, NodeNetwork>,
}

/// Where a machine is on one network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeNetwork {
    /// The machine's interface to this network.
    pub interface: InterfaceName,
    /// The machine's own addresses there, with or without a prefix length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressWithPrefix>,
}
