//! Links and addresses out of rtnetlink messages. Attributes that do not matter here are not
//! looked at; no bytes make it panic.

use std::net::IpAddr;

use super::{Address, FOREVER, Link};
use crate::netlink::attribute::{Attribute, attributes};
use crate::netlink::error::{Error, Result};

/// `IFF_*` bits of a link (`include/uapi/linux/if.h`).
const IFF_UP: u32 = 0x1;
const IFF_LOOPBACK: u32 = 0x8;
const IFF_LOWER_UP: u32 = 0x1_0000;

/// `IFLA_*` and `IFLA_INFO_*`.
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;

/// `IFA_*`.
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_LABEL: u16 = 3;
const IFA_BROADCAST: u16 = 4;
const IFA_CACHEINFO: u16 = 6;
const IFA_FLAGS: u16 = 8;

/// Reads the payload of an `RTM_NEWLINK` message (`struct ifinfomsg` and attributes).
pub fn read_link(payload: &[u8]) -> Result<Link> {
    let (header, body) = payload
        .split_first_chunk::<16>()
        .ok_or_else(|| Error::malformed("a link's header is cut short"))?;
    // Family and type, the number, the flags, and which flags changed.
    let (words, _) = header.as_chunks::<4>();
    let [_, index, flags, _] = [0, 1, 2, 3].map(|at: usize| u32::from_ne_bytes(words[at]));
    let mut link = Link {
        index,
        up: flags & IFF_UP != 0,
        carrier: flags & IFF_LOWER_UP != 0,
        loopback: flags & IFF_LOOPBACK != 0,
        ..Link::default()
    };
    for attribute in attributes(body) {
        take_link(&mut link, attribute?)?;
    }
    Ok(link)
}

fn take_link(link: &mut Link, attribute: Attribute<'_>) -> Result<()> {
    match attribute.kind {
        IFLA_ADDRESS => link.hardware_address = attribute.value.to_vec(),
        IFLA_IFNAME => link.name = attribute.text(),
        IFLA_MTU => link.mtu = attribute.u32()?,
        IFLA_MASTER => link.master = Some(attribute.u32()?),
        IFLA_LINKINFO => link.kind = read_kind(attribute)?,
        _ => {}
    }
    Ok(())
}

fn read_kind(info: Attribute<'_>) -> Result<Option<String>> {
    for attribute in info.nested() {
        let attribute = attribute?;
        if attribute.kind == IFLA_INFO_KIND {
            return Ok(Some(attribute.text()));
        }
    }
    Ok(None)
}

/// Reads the payload of an `RTM_NEWADDR` message (`struct ifaddrmsg` and attributes). `None` for
/// a message of a family other than IPv4 and IPv6, and for one that holds no address.
pub fn read_address(payload: &[u8]) -> Result<Option<Address>> {
    let (header, body) = payload
        .split_first_chunk::<8>()
        .ok_or_else(|| Error::malformed("an address's header is cut short"))?;
    let [_, prefix, flags, scope, a, b, c, d] = *header;
    let mut parts = Parts {
        flags: u32::from(flags),
        ..Parts::default()
    };
    for attribute in attributes(body) {
        parts.take(attribute?)?;
    }
    // With a peer, `address` is the other end's.
    let Some(address) = parts.local.or(parts.address) else {
        return Ok(None);
    };
    Ok(Some(Address {
        index: u32::from_ne_bytes([a, b, c, d]),
        address,
        prefix,
        flags: parts.flags,
        scope,
        valid_lifetime: parts.valid.unwrap_or(FOREVER),
        preferred_lifetime: parts.preferred.unwrap_or(FOREVER),
        label: parts.label,
        broadcast: parts.broadcast,
    }))
}

#[derive(Default)]
struct Parts {
    flags: u32,
    local: Option<IpAddr>,
    address: Option<IpAddr>,
    broadcast: Option<IpAddr>,
    label: Option<String>,
    preferred: Option<u32>,
    valid: Option<u32>,
}

impl Parts {
    fn take(&mut self, attribute: Attribute<'_>) -> Result<()> {
        match attribute.kind {
            IFA_LOCAL => self.local = Some(ip(attribute)?),
            IFA_ADDRESS => self.address = Some(ip(attribute)?),
            IFA_BROADCAST => self.broadcast = Some(ip(attribute)?),
            IFA_LABEL => self.label = Some(attribute.text()),
            IFA_FLAGS => self.flags = attribute.u32()?,
            IFA_CACHEINFO => {
                // struct ifa_cacheinfo: preferred, valid, then two time stamps.
                let [preferred, valid, _, _] = attribute.u32s()?;
                self.preferred = Some(preferred);
                self.valid = Some(valid);
            }
            _ => {}
        }
        Ok(())
    }
}

fn ip(attribute: Attribute<'_>) -> Result<IpAddr> {
    if attribute.value.len() == 4 {
        return attribute.octets::<4>().map(Into::into);
    }
    attribute.octets::<16>().map(Into::into)
}
