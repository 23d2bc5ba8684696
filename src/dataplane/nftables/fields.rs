//! Keys and data of elements as bytes: services, destinations, slots, marks.
//!
//! Each field takes whole registers of four bytes. Addresses and ports are in network order,
//! numbers in the machine's own. Reading takes any bytes and refuses what is none. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::netlink::nft::model::Field;
use crate::state::{DestinationKey, Family, MarkRule, PortRange, Protocol, ServiceKey};

/// The field of an address.
pub(super) fn address_field(family: Family) -> Field {
    match family {
        Family::V4 => Field::Ipv4,
        Family::V6 => Field::Ipv6,
    }
}

/// How many bytes an address takes.
pub(super) fn address_length(family: Family) -> usize {
    match family {
        Family::V4 => 4,
        Family::V6 => 16,
    }
}

/// How many bytes K takes.
pub(super) fn service_length(family: Family) -> usize {
    address_length(family) + 8
}

/// An address.
pub(super) fn address(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// The number of a protocol.
pub(super) fn protocol_number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    }
}

fn protocol(number: u8) -> Option<Protocol> {
    [Protocol::Tcp, Protocol::Udp, Protocol::Sctp]
        .into_iter()
        .find(|known| protocol_number(*known) == number)
}

fn push_port(bytes: &mut Vec<u8>, port: u16) {
    bytes.extend(port.to_be_bytes());
    bytes.extend([0, 0]);
}

/// An address, a protocol and a port.
pub(super) fn endpoint(at: IpAddr, protocol: Protocol, port: u16) -> Vec<u8> {
    let mut bytes = address(at);
    bytes.extend([protocol_number(protocol), 0, 0, 0]);
    push_port(&mut bytes, port);
    bytes
}

/// An address and a port.
pub(super) fn socket(at: IpAddr, port: u16) -> Vec<u8> {
    let mut bytes = address(at);
    push_port(&mut bytes, port);
    bytes
}

/// A mark in the field of an address: its last four bytes.
pub(super) fn marked(family: Family, mark: u32) -> Vec<u8> {
    let mut bytes = vec![0; address_length(family) - 4];
    bytes.extend(mark.to_ne_bytes());
    bytes
}

/// K. A mark stands in the field of the address, with protocol 0, which no packet has.
pub(super) fn service(key: ServiceKey) -> Vec<u8> {
    match key {
        ServiceKey::Address {
            protocol,
            address,
            port,
        } => endpoint(address, protocol, port),
        ServiceKey::Mark { family, mark } => {
            let mut bytes = marked(family, mark);
            bytes.resize(service_length(family), 0);
            bytes
        }
    }
}

/// X of a destination that is translated to.
pub(super) fn translated(destination: DestinationKey) -> Vec<u8> {
    socket(destination.address, destination.port)
}

/// X of a destination that is a neighbour.
pub(super) fn routed(at: IpAddr, interface: u32) -> Vec<u8> {
    let mut bytes = address(at);
    bytes.extend(interface.to_ne_bytes());
    bytes
}

/// The length of the filler before what a map has, bytes: a lookup puts it where the last field of
/// the key stands, which is then loaded again.
pub(super) const FILLER: usize = 4;

/// The data of a map from K to X: the last field of K once more, and X.
pub(super) fn slot(key: ServiceKey, target: &[u8]) -> Vec<u8> {
    let mut key = service(key);
    let mut data = key.split_off(key.len() - FILLER);
    data.extend(target);
    data
}

/// The first and the last key of a mark rule, and its data.
pub(super) fn mark(rule: &MarkRule) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let at = |port| endpoint(rule.address, rule.protocol, port);
    let mut data = vec![0; FILLER];
    data.extend(marked(Family::of(rule.address), rule.mark));
    (at(rule.ports.first), at(rule.ports.last), data)
}

/// Takes fields off the front of bytes.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn address(&mut self, family: Family) -> Option<IpAddr> {
        Some(match family {
            Family::V4 => Ipv4Addr::from(self.take::<4>()?).into(),
            Family::V6 => Ipv6Addr::from(self.take::<16>()?).into(),
        })
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        self.take().map(u32::from_ne_bytes)
    }

    pub(super) fn port(&mut self) -> Option<u16> {
        match self.take::<4>()? {
            [high, low, 0, 0] => Some(u16::from_be_bytes([high, low])),
            _ => None,
        }
    }

    fn protocol(&mut self) -> Option<u8> {
        match self.take::<4>()? {
            [number, 0, 0, 0] => Some(number),
            _ => None,
        }
    }

    /// K.
    pub(super) fn service(&mut self, family: Family) -> Option<ServiceKey> {
        let start = self.0;
        let address = self.address(family)?;
        let number = self.protocol()?;
        let port = self.port()?;
        if number != 0 {
            return Some(ServiceKey::Address {
                protocol: protocol(number)?,
                address,
                port,
            });
        }
        let place = address_length(family) - 4;
        let mark = Reader(start.get(place..)?).number()?;
        let key = ServiceKey::Mark { family, mark };
        let bytes = service(key);
        (mark != 0 && start.starts_with(&bytes)).then_some(key)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The rule that an element of the map of marks is.
pub(super) fn read_mark(
    family: Family,
    first: &[u8],
    last: &[u8],
    data: &[u8],
) -> Option<MarkRule> {
    let (mut first, mut last, mut data) = (Reader(first), Reader(last), Reader(data));
    let from = first.service(family)?;
    let to = last.service(family)?;
    let filler = data.number()?;
    let field = data.0;
    data.address(family)?;
    let mark = Reader(field.get(address_length(family) - 4..)?).number()?;
    let (
        ServiceKey::Address {
            protocol,
            address,
            port: low,
        },
        ServiceKey::Address {
            protocol: protocol_to,
            address: address_to,
            port: high,
        },
    ) = (from, to)
    else {
        return None;
    };
    let ends = first.is_empty() && last.is_empty() && data.is_empty();
    let fits = (protocol, address) == (protocol_to, address_to) && low <= high;
    let is_mark = mark != 0 && filler == 0 && field == marked(family, mark);
    (ends && fits && is_mark).then_some(MarkRule {
        mark,
        address,
        protocol,
        ports: PortRange {
            first: low,
            last: high,
        },
    })
}
