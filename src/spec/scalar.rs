//! The small values of the file: names, addresses, ports, durations. Each holds only what is valid.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

/// The version of the file's format: always 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version;

/// A name of something in the file: letters, digits, `-`, `_` and `.`, at most 63 characters,
/// beginning with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// A name that the caller knows to be valid.
    pub(crate) fn new_unchecked(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a network interface: at most 15 bytes, no `/`, no white space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct InterfaceName(String);

impl InterfaceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address with or without a prefix length: `192.0.2.10/24`, `2001:db8::10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressWithPrefix {
    /// The address.
    pub address: IpAddr,
    /// The prefix length, where one is written.
    pub prefix: Option<u8>,
}

/// A length of time with a unit: `50ms`, `10s`, `5m`, `1h`, `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub std::time::Duration);

/// A port, `443`, or a range of ports, `30000-30100`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortSpec {
    /// The lowest port, at least 1.
    pub first: u16,
    /// The highest port, not below the first.
    pub last: u16,
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

/// A value, or the word `none` that unsets a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrNone<T> {
    /// The word `none`.
    None,
    /// A value.
    Some(T),
}
