//! The few requests to the kernel that building a topology takes. They act on the calling thread's
//! namespace and panic with the kernel's answer. Deliberately not farmctl's own netlink code: a
//! mistake there must not hide itself here.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::RawFd;
use std::str::FromStr;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{
    AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope,
};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{
    RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::net::if_::if_nametoindex;

/// An address with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    ip: IpAddr,
    prefix: u8,
}

impl Address {
    /// An address whose network is itself.
    pub(super) fn alone(ip: IpAddr) -> Self {
        Self {
            ip,
            prefix: if ip.is_ipv4() { 32 } else { 128 },
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is not an address with a prefix length");
        let (ip, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let ip = ip.parse().map_err(|_| wrong())?;
        let prefix = prefix.parse().map_err(|_| wrong())?;
        Ok(Self { ip, prefix })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.ip, self.prefix)
    }
}

pub(super) fn raise(interface: &str) {
    set_link(interface, LinkFlags::Up, Vec::new());
}

pub(super) fn lower(interface: &str) {
    set_link(interface, LinkFlags::empty(), Vec::new());
}

pub(super) fn join_bridge(interface: &str, bridge: &str) {
    set_link(
        interface,
        LinkFlags::Up,
        vec![LinkAttribute::Controller(index(bridge))],
    );
}

pub(super) fn add_bridge(name: &str) {
    add_link(name, vec![LinkInfo::Kind(InfoKind::Bridge)]);
}

/// A pair of which one end is here and the other in the namespace of the descriptor `far`.
pub(super) fn add_veth(name: &str, far_name: &str, far: RawFd) {
    let mut peer = LinkMessage::default();
    peer.attributes = vec![
        LinkAttribute::IfName(far_name.to_owned()),
        LinkAttribute::NetNsFd(far),
    ];
    let data = InfoData::Veth(InfoVeth::Peer(peer));
    add_link(
        name,
        vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(data)],
    );
}

pub(super) fn add_address(interface: &str, address: Address) {
    let message = address_message(interface, address);
    change(
        RouteNetlinkMessage::NewAddress(message),
        NLM_F_CREATE | NLM_F_EXCL,
    );
}

pub(super) fn remove_address(interface: &str, address: Address) {
    change(
        RouteNetlinkMessage::DelAddress(address_message(interface, address)),
        0,
    );
}

/// All addresses of an interface but the link-local ones, sorted.
pub(super) fn addresses(interface: &str) -> Vec<Address> {
    let index = index(interface);
    let mut found: Vec<_> = dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))
        .into_iter()
        .filter_map(|message| global_address(message, index))
        .collect();
    found.sort();
    found
}

pub(super) fn add_default_route(gateway: IpAddr) {
    let mut message = RouteMessage::default();
    message.header = RouteHeader {
        address_family: family(gateway),
        table: RouteHeader::RT_TABLE_MAIN,
        protocol: RouteProtocol::Static,
        scope: RouteScope::Universe,
        kind: RouteType::Unicast,
        ..RouteHeader::default()
    };
    message.attributes = vec![RouteAttribute::Gateway(gateway.into())];
    change(
        RouteNetlinkMessage::NewRoute(message),
        NLM_F_CREATE | NLM_F_EXCL,
    );
}

/// The address that a message of the dump tells, if it is one of this interface.
fn global_address(message: RouteNetlinkMessage, index: u32) -> Option<Address> {
    let RouteNetlinkMessage::NewAddress(message) = message else {
        return None;
    };
    if message.header.index != index || message.header.scope == AddressScope::Link {
        return None;
    }
    let prefix = message.header.prefix_len;
    message.attributes.iter().find_map(|attribute| {
        let AddressAttribute::Address(ip) = attribute else {
            return None;
        };
        Some(Address { ip: *ip, prefix })
    })
}

fn address_message(interface: &str, address: Address) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address.ip);
    message.header.prefix_len = address.prefix;
    message.header.flags = AddressHeaderFlags::Nodad;
    message.header.index = index(interface);
    message.attributes = vec![
        AddressAttribute::Local(address.ip),
        AddressAttribute::Address(address.ip),
    ];
    message
}

fn add_link(name: &str, info: Vec<LinkInfo>) {
    let mut message = LinkMessage::default();
    message.attributes = vec![
        LinkAttribute::IfName(name.to_owned()),
        LinkAttribute::LinkInfo(info),
    ];
    change(
        RouteNetlinkMessage::NewLink(message),
        NLM_F_CREATE | NLM_F_EXCL,
    );
}

fn set_link(interface: &str, flags: LinkFlags, attributes: Vec<LinkAttribute>) {
    let mut message = LinkMessage::default();
    message.header.index = index(interface);
    message.header.flags = flags;
    message.header.change_mask = LinkFlags::Up;
    message.attributes = attributes;
    change(RouteNetlinkMessage::SetLink(message), 0);
}

fn family(ip: IpAddr) -> AddressFamily {
    if ip.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    }
}

fn index(interface: &str) -> u32 {
    if_nametoindex(interface).unwrap_or_else(|error| {
        panic!("interface {interface}: {error}. A tunnel's needs the module ipip or ip6_tunnel.")
    })
}

/// Sends a change and expects the kernel's consent.
fn change(message: RouteNetlinkMessage, flags: u16) {
    let told = format!("{message:?}");
    let socket = send(message, NLM_F_ACK | flags);
    if let Err(error) = receive(&socket) {
        panic!("the kernel refused {told}: {error}");
    }
}

fn dump(message: RouteNetlinkMessage) -> Vec<RouteNetlinkMessage> {
    let socket = send(message, NLM_F_DUMP);
    let mut all = Vec::new();
    loop {
        let (part, more) = receive(&socket).unwrap();
        all.extend(part);
        if !more {
            return all;
        }
    }
}

fn send(message: RouteNetlinkMessage, flags: u16) -> Socket {
    let mut socket = Socket::new(NETLINK_ROUTE).unwrap();
    socket.bind_auto().unwrap();
    socket.connect(&SocketAddr::new(0, 0)).unwrap();
    let mut message = NetlinkMessage::from(message);
    message.header.flags = NLM_F_REQUEST | flags;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    socket.send(&bytes, 0).unwrap();
    socket
}

/// The messages of one datagram, and whether more will come.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is non-exhaustive")]
fn receive(socket: &Socket) -> io::Result<(Vec<RouteNetlinkMessage>, bool)> {
    let (bytes, _) = socket.recv_from_full()?;
    let mut rest = &bytes[..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let length = (message.header.length as usize).next_multiple_of(4);
        rest = rest.get(length..).unwrap_or_default();
        match message.payload {
            NetlinkPayload::InnerMessage(inner) => found.push(inner),
            NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
            NetlinkPayload::Error(_) | NetlinkPayload::Done(_) => return Ok((found, false)),
            other => return Err(io::Error::other(format!("unexpected: {other:?}"))),
        }
    }
    Ok((found, true))
}
