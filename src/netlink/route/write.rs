//! Requests about links and addresses, built with netlink-packet-route.

use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_core::NetlinkSerializable;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, CacheInfo};
use netlink_packet_route::link::{LinkFlags, LinkMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{ADDRESS_NO_DAD, ADDRESS_NO_PREFIX_ROUTE, FOREVER};

/// An address to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAddress {
    /// The interface's number.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// The length of its prefix in bits.
    pub prefix: u8,
    /// The kernel shall make no route for the prefix.
    pub no_prefix_route: bool,
    /// IPv6: no duplicate address detection. IPv4 has none and ignores it.
    pub no_dad: bool,
    /// Seconds until the address is deprecated; `Some(0)` is at once, so that nothing leaves
    /// from it unasked; `None` is never.
    pub preferred_lifetime: Option<u32>,
    /// The IPv4 broadcast address; none is set for `None`.
    pub broadcast: Option<Ipv4Addr>,
    /// The IPv4 label; the interface's name for `None`.
    pub label: Option<String>,
}

impl NewAddress {
    /// An address with no special treatment.
    pub fn new(index: u32, address: IpAddr, prefix: u8) -> Self {
        Self {
            index,
            address,
            prefix,
            no_prefix_route: false,
            no_dad: false,
            preferred_lifetime: None,
            broadcast: None,
            label: None,
        }
    }

    fn flags(&self) -> u32 {
        let mut flags = 0;
        if self.no_prefix_route {
            flags |= ADDRESS_NO_PREFIX_ROUTE;
        }
        if self.no_dad && self.address.is_ipv6() {
            flags |= ADDRESS_NO_DAD;
        }
        flags
    }
}

/// An rtnetlink request: its message type and its payload.
pub(super) struct Request {
    pub(super) kind: u16,
    pub(super) payload: Vec<u8>,
}

fn request(message: &RouteNetlinkMessage) -> Request {
    let mut payload = vec![0; NetlinkSerializable::buffer_len(message)];
    message.serialize(&mut payload);
    Request {
        kind: message.message_type(),
        payload,
    }
}

fn header(index: u32, address: IpAddr, prefix: u8) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = if address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    message.header.prefix_len = prefix;
    message.header.index = index;
    message.attributes.push(AddressAttribute::Local(address));
    message
}

pub(super) fn add_address(address: &NewAddress) -> Request {
    let mut message = header(address.index, address.address, address.prefix);
    let attributes = &mut message.attributes;
    attributes.push(AddressAttribute::Address(address.address));
    attributes.push(AddressAttribute::Flags(AddressFlags::from_bits_retain(
        address.flags(),
    )));
    if let Some(preferred) = address.preferred_lifetime {
        let mut lifetimes = CacheInfo::default();
        lifetimes.ifa_preferred = preferred;
        lifetimes.ifa_valid = FOREVER;
        attributes.push(AddressAttribute::CacheInfo(lifetimes));
    }
    if let (Some(broadcast), true) = (address.broadcast, address.prefix < 32) {
        attributes.push(AddressAttribute::Broadcast(broadcast));
    }
    attributes.extend(address.label.clone().map(AddressAttribute::Label));
    request(&RouteNetlinkMessage::NewAddress(message))
}

pub(super) fn delete_address(index: u32, address: IpAddr, prefix: u8) -> Request {
    request(&RouteNetlinkMessage::DelAddress(header(
        index, address, prefix,
    )))
}

pub(super) fn set_link_up(index: u32) -> Request {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    request(&RouteNetlinkMessage::SetLink(message))
}

pub(super) fn list_links() -> Request {
    request(&RouteNetlinkMessage::GetLink(LinkMessage::default()))
}

pub(super) fn list_addresses() -> Request {
    request(&RouteNetlinkMessage::GetAddress(AddressMessage::default()))
}

#[cfg(test)]
mod tests {
    use super::super::{ADDRESS_NO_DAD, ADDRESS_NO_PREFIX_ROUTE, FOREVER, read_address};
    use super::*;

    #[test]
    fn an_address_to_add_reads_back_as_asked_for() {
        let mut wanted = NewAddress::new(7, "2001:db8::1".parse().unwrap(), 64);
        wanted.no_dad = true;
        wanted.no_prefix_route = true;
        wanted.preferred_lifetime = Some(0);
        let read = read_address(&add_address(&wanted).payload)
            .unwrap()
            .unwrap();
        assert_eq!(
            (read.index, read.address, read.prefix),
            (7, wanted.address, 64)
        );
        assert_eq!(read.flags, ADDRESS_NO_DAD | ADDRESS_NO_PREFIX_ROUTE);
        assert_eq!((read.preferred_lifetime, read.valid_lifetime), (0, FOREVER));
    }

    #[test]
    fn a_host_address_gets_no_broadcast_address() {
        let mut wanted = NewAddress::new(1, [192, 0, 2, 10].into(), 32);
        wanted.broadcast = Some([192, 0, 2, 255].into());
        let read = read_address(&add_address(&wanted).payload)
            .unwrap()
            .unwrap();
        assert_eq!(read.broadcast, None);
    }
}
