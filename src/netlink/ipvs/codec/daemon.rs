//! Synchronisation daemons to attributes and back (`IPVS_DAEMON_ATTR_*`).

use std::net::IpAddr;

use super::super::entry::{Role, SyncDaemon};
use super::super::wire::daemon as kind;
use super::missing;
use crate::netlink::attribute::{Attribute, Writer};
use crate::netlink::error::{Error, Result};

pub(super) fn write_role(nest: &mut Writer, role: Role) {
    nest.u32(kind::STATE, role.number());
}

pub(super) fn write(nest: &mut Writer, daemon: &SyncDaemon) {
    write_role(nest, daemon.role);
    nest.string(kind::MCAST_IFN, &daemon.interface);
    nest.u32(kind::SYNC_ID, daemon.sync_id);
    // The kernel reads an attribute of 0 as its default, and so it does a missing one.
    if daemon.max_length != 0 {
        nest.u16(kind::SYNC_MAXLEN, daemon.max_length);
    }
    match daemon.group {
        Some(IpAddr::V4(group)) => nest.bytes(kind::MCAST_GROUP, &group.octets()),
        Some(IpAddr::V6(group)) => nest.bytes(kind::MCAST_GROUP6, &group.octets()),
        None => {}
    }
    if daemon.port != 0 {
        // In the machine's byte order, unlike every other port of this protocol.
        nest.u16(kind::MCAST_PORT, daemon.port);
    }
    if daemon.ttl != 0 {
        nest.u8(kind::MCAST_TTL, daemon.ttl);
    }
}

pub(super) fn read_role(daemon: Attribute<'_>) -> Result<Role> {
    for attribute in daemon.nested() {
        let attribute = attribute?;
        if attribute.kind == kind::STATE {
            return role(attribute);
        }
    }
    Err(missing("daemon state"))
}

fn role(attribute: Attribute<'_>) -> Result<Role> {
    let number = attribute.u32()?;
    Role::from_number(number)
        .ok_or_else(|| Error::malformed(format!("daemon state {number} is not master or backup")))
}

pub(super) fn read(daemon: Attribute<'_>) -> Result<SyncDaemon> {
    let mut found = SyncDaemon {
        role: read_role(daemon)?,
        interface: String::new(),
        sync_id: 0,
        max_length: 0,
        group: None,
        port: 0,
        ttl: 0,
    };
    for attribute in daemon.nested() {
        take(&mut found, attribute?)?;
    }
    Ok(found)
}

fn take(daemon: &mut SyncDaemon, attribute: Attribute<'_>) -> Result<()> {
    match attribute.kind {
        kind::MCAST_IFN => daemon.interface = attribute.text(),
        kind::SYNC_ID => daemon.sync_id = attribute.u32()?,
        kind::SYNC_MAXLEN => daemon.max_length = attribute.u16()?,
        kind::MCAST_GROUP => daemon.group = Some(attribute.octets::<4>()?.into()),
        kind::MCAST_GROUP6 => daemon.group = Some(attribute.octets::<16>()?.into()),
        kind::MCAST_PORT => daemon.port = attribute.u16()?,
        kind::MCAST_TTL => daemon.ttl = attribute.u8()?,
        _ => {}
    }
    Ok(())
}
