//! ctnetlink messages to bytes and back (`CTA_*`).
//!
//! [`read_entry`] takes the payload of one message after the netlink header; no bytes make it
//! panic. Called by [`super::Client`], by tests and by the fuzz target.

use std::net::IpAddr;

use super::{Counters, Entry, TcpState, Tuple};
use crate::netlink::attribute::{Attribute, Writer, attributes};
use crate::netlink::error::{Error, Result};
use crate::netlink::ipvs::Protocol;

/// Message types: the subsystem (`NFNL_SUBSYS_CTNETLINK`) in the high byte, `IPCTNL_MSG_CT_*` below.
pub(super) const NEW: u16 = 0x0100;
pub(super) const GET: u16 = 0x0101;
pub(super) const DELETE: u16 = 0x0102;

/// The size of `struct nfgenmsg`, bytes.
const HEADER: usize = 4;
/// `AF_INET` and `AF_INET6`.
pub(super) const IPV4: u8 = 2;
pub(super) const IPV6: u8 = 10;

/// `CTA_*`.
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const STATUS: u16 = 3;
const PROTOCOL_STATE: u16 = 4;
const TIMEOUT: u16 = 7;
const MARK: u16 = 8;
const COUNTERS_ORIGINAL: u16 = 9;
const COUNTERS_REPLY: u16 = 10;
const ID: u16 = 12;
const ZONE: u16 = 18;
/// `CTA_TUPLE_IP`, `CTA_TUPLE_PROTO`.
const TUPLE_ADDRESSES: u16 = 1;
const TUPLE_PROTOCOL: u16 = 2;
/// `CTA_IP_V4_SRC`, `_V4_DST`, `_V6_SRC`, `_V6_DST`.
const SOURCE4: u16 = 1;
const DESTINATION4: u16 = 2;
const SOURCE6: u16 = 3;
const DESTINATION6: u16 = 4;
/// `CTA_PROTO_NUM`, `_SRC_PORT`, `_DST_PORT`.
const NUMBER: u16 = 1;
const SOURCE_PORT: u16 = 2;
const DESTINATION_PORT: u16 = 3;
/// `CTA_PROTOINFO_TCP`, `CTA_PROTOINFO_TCP_STATE`.
const TCP: u16 = 1;
const TCP_STATE: u16 = 1;
/// `CTA_COUNTERS_PACKETS`, `CTA_COUNTERS_BYTES`.
const PACKETS: u16 = 1;
const BYTES: u16 = 2;

impl TcpState {
    fn from_number(number: u8) -> Self {
        match number {
            1 => Self::SynSent,
            2 => Self::SynReceived,
            3 => Self::Established,
            4 => Self::FinWait,
            5 => Self::CloseWait,
            6 => Self::LastAck,
            7 => Self::TimeWait,
            8 => Self::Close,
            other => Self::Other(other),
        }
    }
}

/// Appends the header of a question or change; family 0 means both.
pub(super) fn write_header(writer: &mut Writer, family: u8) {
    writer.raw(&[family, 0, 0, 0]);
}

/// Appends what names one connection.
pub(super) fn write_name(writer: &mut Writer, entry: &Entry) {
    let family = match entry.original.source {
        IpAddr::V4(_) => IPV4,
        IpAddr::V6(_) => IPV6,
    };
    write_header(writer, family);
    writer.nest(ORIGINAL, |nest| write_tuple(nest, &entry.original));
    if entry.zone != 0 {
        writer.be16(ZONE, entry.zone);
    }
    if let Some(id) = entry.id {
        writer.be32(ID, id);
    }
}

fn write_tuple(nest: &mut Writer, tuple: &Tuple) {
    nest.nest(TUPLE_ADDRESSES, |addresses| {
        write_address(addresses, (SOURCE4, SOURCE6), tuple.source);
        write_address(addresses, (DESTINATION4, DESTINATION6), tuple.destination);
    });
    nest.nest(TUPLE_PROTOCOL, |protocol| {
        // The kernel knows only 8 bits here.
        protocol.u8(NUMBER, u16::from(tuple.protocol).to_be_bytes()[1]);
        protocol.be16(SOURCE_PORT, tuple.source_port);
        protocol.be16(DESTINATION_PORT, tuple.destination_port);
    });
}

fn write_address(addresses: &mut Writer, (v4, v6): (u16, u16), address: IpAddr) {
    match address {
        IpAddr::V4(address) => addresses.bytes(v4, &address.octets()),
        IpAddr::V6(address) => addresses.bytes(v6, &address.octets()),
    }
}

/// Reads a connection from an `IPCTNL_MSG_CT_NEW` message; `None` where it is not of IPv4 or IPv6.
pub fn read_entry(payload: &[u8]) -> Result<Option<Entry>> {
    let body = payload
        .get(HEADER..)
        .ok_or_else(|| Error::malformed("an nfnetlink header is cut short"))?;
    let (mut original, mut reply) = (None, None);
    let mut found = Details::default();
    for attribute in attributes(body) {
        let attribute = attribute?;
        match attribute.kind {
            ORIGINAL => original = read_tuple(attribute)?,
            REPLY => reply = read_tuple(attribute)?,
            _ => found.read(attribute)?,
        }
    }
    let (Some(original), Some(reply)) = (original, reply) else {
        return Ok(None);
    };
    Ok(Some(Entry {
        original,
        reply,
        status: found.status,
        tcp: found.tcp,
        timeout: found.timeout,
        mark: found.mark,
        sent: found.sent,
        received: found.received,
        id: found.id,
        zone: found.zone,
    }))
}

/// What a message says of a connection beside its two tuples.
#[derive(Default)]
struct Details {
    status: u32,
    tcp: Option<TcpState>,
    timeout: Option<u32>,
    mark: u32,
    sent: Option<Counters>,
    received: Option<Counters>,
    id: Option<u32>,
    zone: u16,
}

impl Details {
    fn read(&mut self, attribute: Attribute<'_>) -> Result<()> {
        match attribute.kind {
            STATUS => self.status = attribute.be32()?,
            PROTOCOL_STATE => self.tcp = read_state(attribute)?,
            TIMEOUT => self.timeout = Some(attribute.be32()?),
            MARK => self.mark = attribute.be32()?,
            COUNTERS_ORIGINAL => self.sent = Some(read_counters(attribute)?),
            COUNTERS_REPLY => self.received = Some(read_counters(attribute)?),
            ID => self.id = Some(attribute.be32()?),
            ZONE => self.zone = attribute.be16()?,
            _ => {}
        }
        Ok(())
    }
}

fn read_tuple(tuple: Attribute<'_>) -> Result<Option<Tuple>> {
    let (mut addresses, mut found) = ((None, None), (0, 0, 0));
    for attribute in tuple.nested() {
        let attribute = attribute?;
        match attribute.kind {
            TUPLE_ADDRESSES => addresses = read_addresses(attribute)?,
            TUPLE_PROTOCOL => found = read_protocol(attribute)?,
            _ => {}
        }
    }
    let (Some(source), Some(destination)) = addresses else {
        return Ok(None);
    };
    let (protocol, source_port, destination_port) = found;
    Ok(Some(Tuple {
        source,
        destination,
        protocol: Protocol::from(u16::from(protocol)),
        source_port,
        destination_port,
    }))
}

/// Source and destination.
type Addresses = (Option<IpAddr>, Option<IpAddr>);

fn read_addresses(nest: Attribute<'_>) -> Result<Addresses> {
    let (mut source, mut destination) = (None, None);
    for attribute in nest.nested() {
        let attribute = attribute?;
        match attribute.kind {
            SOURCE4 => source = Some(attribute.octets::<4>()?.into()),
            DESTINATION4 => destination = Some(attribute.octets::<4>()?.into()),
            SOURCE6 => source = Some(attribute.octets::<16>()?.into()),
            DESTINATION6 => destination = Some(attribute.octets::<16>()?.into()),
            _ => {}
        }
    }
    Ok((source, destination))
}

/// The protocol's number and, where it has ports, those of the source and of the destination.
fn read_protocol(nest: Attribute<'_>) -> Result<(u8, u16, u16)> {
    let mut found = (0, 0, 0);
    for attribute in nest.nested() {
        let attribute = attribute?;
        match attribute.kind {
            NUMBER => found.0 = attribute.u8()?,
            SOURCE_PORT => found.1 = attribute.be16()?,
            DESTINATION_PORT => found.2 = attribute.be16()?,
            _ => {}
        }
    }
    Ok(found)
}

fn read_state(nest: Attribute<'_>) -> Result<Option<TcpState>> {
    for protocol in nest.nested() {
        let protocol = protocol?;
        if protocol.kind != TCP {
            continue;
        }
        for attribute in protocol.nested() {
            let attribute = attribute?;
            if attribute.kind == TCP_STATE {
                return Ok(Some(TcpState::from_number(attribute.u8()?)));
            }
        }
    }
    Ok(None)
}

fn read_counters(nest: Attribute<'_>) -> Result<Counters> {
    let mut counters = Counters::default();
    for attribute in nest.nested() {
        let attribute = attribute?;
        match attribute.kind {
            PACKETS => counters.packets = attribute.be64()?,
            BYTES => counters.bytes = attribute.be64()?,
            _ => {}
        }
    }
    Ok(counters)
}
