//! What rules there must be: services that are chosen for in the same way share their rules.
//!
//! A [`Part`] stands for a rule or a few, or for a chain or an interface that must be there because
//! some service needs it. Called by the compiler. Pure.

use super::slots::Method;
use crate::netlink::nft::model::TableFamily;
use crate::state::{Family, Protocol, ServiceKey};

/// What the field of a service is compared with, in the order in which a packet is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// The mark that the packet carries.
    Mark,
    /// The mark that farmctl's own map has for the packet.
    OwnMark,
    /// Its address, protocol and port.
    Port,
    /// Its address and protocol.
    EveryPort,
}

impl Kind {
    /// Every kind, in order.
    pub(super) const ALL: [Self; 4] = [Self::Mark, Self::OwnMark, Self::Port, Self::EveryPort];
}

/// How the client's address is kept in mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Memory {
    /// How many of its bits tell clients apart.
    pub(super) prefix: u8,
    /// How long it is kept after the last connection, seconds; less than 2^23.
    pub(super) timeout: u32,
}

impl Memory {
    /// The number of the element that says that a service has this memory. It is no slot.
    pub(super) fn marker(self) -> u32 {
        1 << 31 | u32::from(self.prefix) << 23 | self.timeout
    }
}

/// What becomes of the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Onward {
    /// Its destination becomes the server's address and port.
    Translated,
    /// Its destination becomes the server's address; the port stays.
    TranslatedSamePort,
    /// It goes to the neighbour as it is.
    Routed,
}

impl Onward {
    /// The table in which that happens.
    pub(super) fn table(self) -> TableFamily {
        match self {
            Self::Translated | Self::TranslatedSamePort => TableFamily::Inet,
            Self::Routed => TableFamily::Netdev,
        }
    }
}

/// A way of choosing that services share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Class {
    /// What becomes of the packet.
    pub(super) onward: Onward,
    /// Of which family it is.
    pub(super) family: Family,
    /// How its service is found.
    pub(super) kind: Kind,
    /// Whether and how the client is remembered.
    pub(super) memory: Option<Memory>,
    /// How a slot is chosen.
    pub(super) method: Method,
    /// Of how many.
    pub(super) modulus: u32,
    /// The only service that it is for; a sequence is counted for one.
    pub(super) only: Option<ServiceKey>,
}

/// Something that must be there because a service needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// Packets of a protocol are looked up.
    Entry(TableFamily, Family, Protocol),
    /// A way of choosing.
    Choice(Class),
    /// What nobody took is refused.
    Refusal(Family, Kind),
    /// Connections get the director's address.
    Masquerade(Family, Kind),
    /// Answers of connections that this director does not know get the service's address.
    Reverse(Family),
    /// Connections are reset.
    Killed(Family),
    /// The map of farmctl's own marks.
    Marks(TableFamily, Family),
    /// Frames that arrive on an interface are looked at.
    Device(String),
}

impl Part {
    /// The way of choosing that it is.
    pub(super) fn class(&self) -> Option<&Class> {
        if let Self::Choice(class) = self {
            Some(class)
        } else {
            None
        }
    }

    /// The entry that it is.
    pub(super) fn entry(&self) -> Option<(TableFamily, Family, Protocol)> {
        if let Self::Entry(table, family, protocol) = self {
            Some((*table, *family, *protocol))
        } else {
            None
        }
    }

    /// The interface that it is.
    pub(super) fn device(&self) -> Option<&str> {
        if let Self::Device(name) = self {
            Some(name)
        } else {
            None
        }
    }
}

impl Class {
    /// The number of the first slot in the map: each way of choosing has its own.
    ///
    /// A modulus is at most 64 or a power of two; a sequence has a rule of its own.
    pub(super) fn offset(&self) -> u32 {
        let method = match self.method {
            Method::Hash(input) => input as u32,
            Method::Sequence => 3,
        };
        let modulus = match self.method {
            Method::Sequence => 0,
            Method::Hash(_) if self.modulus <= 64 => self.modulus,
            Method::Hash(_) => 64 + self.modulus.ilog2(),
        };
        u32::from(self.memory.is_some()) << 30 | method << 28 | modulus << 16
    }
}
