//! Services to attributes and back (`IPVS_SVC_ATTR_*`).

use super::super::command::Service;
use super::super::entry::{Family, Netmask, Protocol, ServiceEntry, ServiceId};
use super::super::wire::{FLAG_HASHED, service as kind};
use super::{missing, read_address, read_family, stats, write_address};
use crate::netlink::attribute::{Attribute, Writer};
use crate::netlink::error::Result;

pub(super) fn write_id(nest: &mut Writer, id: &ServiceId) {
    nest.u16(kind::AF, id.family().number());
    match id {
        ServiceId::Address {
            protocol,
            address,
            port,
        } => {
            nest.u16(kind::PROTOCOL, (*protocol).into());
            write_address(nest, kind::ADDR, *address);
            nest.be16(kind::PORT, *port);
        }
        ServiceId::Mark { mark, .. } => nest.u32(kind::FWMARK, *mark),
    }
}

pub(super) fn write(nest: &mut Writer, service: &Service) {
    // The kernel takes a service that claims to be in its table for one that already is.
    let settable = !FLAG_HASHED;
    write_with(nest, service, [service.flags & settable, settable]);
}

fn write_with(nest: &mut Writer, service: &Service, flags_and_mask: [u32; 2]) {
    write_id(nest, &service.id);
    nest.string(kind::SCHED_NAME, &service.scheduler);
    if let Some(engine) = &service.engine {
        nest.string(kind::PE_NAME, engine);
    }
    let mut flags = [0; 8];
    flags[..4].copy_from_slice(&flags_and_mask[0].to_ne_bytes());
    flags[4..].copy_from_slice(&flags_and_mask[1].to_ne_bytes());
    nest.bytes(kind::FLAGS, &flags);
    nest.u32(kind::TIMEOUT, service.timeout);
    match service.netmask {
        Netmask::V4(mask) => nest.bytes(kind::NETMASK, &mask.octets()),
        Netmask::V6(prefix) => nest.u32(kind::NETMASK, prefix),
    }
}

pub(super) fn write_entry(nest: &mut Writer, entry: &ServiceEntry) {
    write_with(nest, &Service::from(entry), [entry.flags, u32::MAX]);
    stats::write(nest, kind::STATS, kind::STATS64, &entry.stats);
}

pub(super) fn read_id(service: Attribute<'_>) -> Result<ServiceId> {
    Parts::read(service)?.id()
}

pub(super) fn read(service: Attribute<'_>) -> Result<Service> {
    read_entry(service).map(|entry| Service::from(&entry))
}

pub(super) fn read_entry(service: Attribute<'_>) -> Result<ServiceEntry> {
    let parts = Parts::read(service)?;
    let id = parts.id()?;
    Ok(ServiceEntry {
        id,
        netmask: parts.netmask(id.family())?,
        scheduler: parts.scheduler,
        flags: parts.flags,
        timeout: parts.timeout,
        engine: parts.engine,
        stats: parts.stats.found(),
    })
}

/// A service's attributes before the family is known that says how to read some of them.
#[derive(Default)]
struct Parts<'a> {
    family: Option<Family>,
    protocol: Option<Protocol>,
    address: Option<Attribute<'a>>,
    port: Option<u16>,
    mark: Option<u32>,
    scheduler: String,
    flags: u32,
    timeout: u32,
    netmask: Option<Attribute<'a>>,
    engine: Option<String>,
    stats: stats::Reader,
}

impl<'a> Parts<'a> {
    fn read(service: Attribute<'a>) -> Result<Self> {
        let mut parts = Self::default();
        for attribute in service.nested() {
            parts.take(attribute?)?;
        }
        Ok(parts)
    }

    fn take(&mut self, attribute: Attribute<'a>) -> Result<()> {
        match attribute.kind {
            kind::AF => self.family = Some(read_family(attribute)?),
            kind::PROTOCOL => self.protocol = Some(attribute.u16()?.into()),
            kind::ADDR => self.address = Some(attribute),
            kind::PORT => self.port = Some(attribute.be16()?),
            kind::FWMARK => self.mark = Some(attribute.u32()?),
            kind::SCHED_NAME => self.scheduler = attribute.text(),
            kind::FLAGS => self.flags = read_flags(attribute)?,
            kind::TIMEOUT => self.timeout = attribute.u32()?,
            kind::NETMASK => self.netmask = Some(attribute),
            kind::PE_NAME => self.engine = Some(attribute.text()).filter(|name| !name.is_empty()),
            kind::STATS => self.stats.take_narrow(attribute)?,
            kind::STATS64 => self.stats.take_wide(attribute)?,
            _ => {}
        }
        Ok(())
    }

    fn id(&self) -> Result<ServiceId> {
        let family = self.family.ok_or_else(|| missing("address family"))?;
        if let Some(mark) = self.mark {
            return Ok(ServiceId::Mark { family, mark });
        }
        let address = self
            .address
            .ok_or_else(|| missing("service address or mark"))?;
        Ok(ServiceId::Address {
            protocol: self.protocol.ok_or_else(|| missing("protocol"))?,
            address: read_address(address, family)?,
            port: self.port.ok_or_else(|| missing("service port"))?,
        })
    }

    fn netmask(&self, family: Family) -> Result<Netmask> {
        let Some(attribute) = self.netmask else {
            return Ok(Netmask::full(family));
        };
        match family {
            Family::Inet => Ok(Netmask::V4(attribute.octets::<4>()?.into())),
            Family::Inet6 => Ok(Netmask::V6(attribute.u32()?)),
        }
    }
}

/// The flags that the mask beside them says are meant (`struct ip_vs_flags`).
fn read_flags(attribute: Attribute<'_>) -> Result<u32> {
    let [flags, mask] = attribute.u32s()?;
    Ok(flags & mask)
}
