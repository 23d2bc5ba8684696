//! Destinations to attributes and back (`IPVS_DEST_ATTR_*`).

use super::super::command::{Destination, DestinationId};
use super::super::entry::{DestinationEntry, Family, ForwardingMethod, Tunnel};
use super::super::wire::dest as kind;
use super::{missing, read_address, read_family, stats, write_address};
use crate::netlink::attribute::{Attribute, Writer};
use crate::netlink::error::Result;

pub(super) fn write_id(nest: &mut Writer, id: DestinationId) {
    nest.u16(kind::ADDR_FAMILY, Family::of(id.address).number());
    write_address(nest, kind::ADDR, id.address);
    nest.be16(kind::PORT, id.port);
}

pub(super) fn write(nest: &mut Writer, destination: &Destination) {
    write_id(nest, destination.id());
    nest.u32(kind::FWD_METHOD, destination.forwarding.into());
    nest.u32(kind::WEIGHT, destination.weight);
    nest.u32(kind::U_THRESH, destination.upper_threshold);
    nest.u32(kind::L_THRESH, destination.lower_threshold);
    // Left out, they mean the default, and a kernel before 5.2 does not know them.
    if destination.tunnel != Tunnel::default() {
        nest.u8(kind::TUN_TYPE, destination.tunnel.kind);
        nest.be16(kind::TUN_PORT, destination.tunnel.port);
        nest.u16(kind::TUN_FLAGS, destination.tunnel.flags);
    }
}

pub(super) fn write_entry(nest: &mut Writer, entry: &DestinationEntry) {
    write(nest, &Destination::from(entry));
    nest.u32(kind::ACTIVE_CONNS, entry.active);
    nest.u32(kind::INACT_CONNS, entry.inactive);
    nest.u32(kind::PERSIST_CONNS, entry.persistent);
    stats::write(nest, kind::STATS, kind::STATS64, &entry.stats);
}

pub(super) fn read(destination: Attribute<'_>, family: Family) -> Result<Destination> {
    read_entry(destination, family).map(|entry| Destination::from(&entry))
}

pub(super) fn read_entry(destination: Attribute<'_>, family: Family) -> Result<DestinationEntry> {
    let mut parts = Parts::default();
    for attribute in destination.nested() {
        parts.take(attribute?)?;
    }
    parts.finish(family)
}

/// A destination's attributes before the family is known that says how to read the address.
#[derive(Default)]
struct Parts<'a> {
    family: Option<Family>,
    address: Option<Attribute<'a>>,
    port: Option<u16>,
    forwarding: u32,
    weight: u32,
    upper_threshold: u32,
    lower_threshold: u32,
    active: u32,
    inactive: u32,
    persistent: u32,
    tunnel: Tunnel,
    stats: stats::Reader,
}

impl<'a> Parts<'a> {
    fn take(&mut self, attribute: Attribute<'a>) -> Result<()> {
        match attribute.kind {
            kind::ADDR_FAMILY => self.family = Some(read_family(attribute)?),
            kind::ADDR => self.address = Some(attribute),
            kind::PORT => self.port = Some(attribute.be16()?),
            kind::FWD_METHOD => self.forwarding = attribute.u32()?,
            kind::WEIGHT => self.weight = attribute.u32()?,
            kind::U_THRESH => self.upper_threshold = attribute.u32()?,
            kind::L_THRESH => self.lower_threshold = attribute.u32()?,
            kind::ACTIVE_CONNS => self.active = attribute.u32()?,
            kind::INACT_CONNS => self.inactive = attribute.u32()?,
            kind::PERSIST_CONNS => self.persistent = attribute.u32()?,
            kind::TUN_TYPE => self.tunnel.kind = attribute.u8()?,
            kind::TUN_PORT => self.tunnel.port = attribute.be16()?,
            kind::TUN_FLAGS => self.tunnel.flags = attribute.u16()?,
            kind::STATS => self.stats.take_narrow(attribute)?,
            kind::STATS64 => self.stats.take_wide(attribute)?,
            _ => {}
        }
        Ok(())
    }

    fn finish(self, service: Family) -> Result<DestinationEntry> {
        let address = self.address.ok_or_else(|| missing("destination address"))?;
        Ok(DestinationEntry {
            address: read_address(address, self.family.unwrap_or(service))?,
            port: self.port.ok_or_else(|| missing("destination port"))?,
            forwarding: ForwardingMethod::from(self.forwarding),
            weight: self.weight,
            upper_threshold: self.upper_threshold,
            lower_threshold: self.lower_threshold,
            active: self.active,
            inactive: self.inactive,
            persistent: self.persistent,
            tunnel: self.tunnel,
            stats: self.stats.found(),
        })
    }
}
