//! Between the kernel's entries and the state's words, in canonical form.
//!
//! Canonical: the kernel's own flag is masked out, a client mask and an engine exist only with
//! persistence, encapsulation only with a tunnel, and a destination whose port the kernel ignores
//! has the service's port. Pure; called by the IPVS data plane only.

use crate::dataplane::protocol::protocol;
use crate::dataplane::{Counters, DestinationCounters};
use crate::netlink::{ipvs as kernel, nft};
use crate::state::{
    ClientMask, Destination, DestinationKey, Family, Forwarding, MarkRule, Persistence, PortRange,
    Protocol, SchedulerFlags, ServiceAttributes, ServiceKey, SyncDaemon, SyncRole, TunnelChecksum,
    TunnelKind,
};

/// The multicast group of a synchronisation daemon that names none (`ip_vs_sync.c`).
const DEFAULT_SYNC_GROUP: [u8; 4] = [224, 0, 0, 81];

/// The kernel's identity of a service.
pub(super) fn service_id(key: &ServiceKey) -> kernel::ServiceId {
    match *key {
        ServiceKey::Address {
            protocol,
            address,
            port,
        } => kernel::ServiceId::Address {
            protocol: kernel_protocol(protocol),
            address,
            port,
        },
        ServiceKey::Mark { family, mark } => kernel::ServiceId::Mark {
            family: match family {
                Family::V4 => kernel::Family::Inet,
                Family::V6 => kernel::Family::Inet6,
            },
            mark,
        },
    }
}

/// The key of a service; none for a protocol that no version of `ip_vs` balances today.
pub(super) fn service_key(id: &kernel::ServiceId) -> Option<ServiceKey> {
    Some(match *id {
        kernel::ServiceId::Address {
            protocol,
            address,
            port,
        } => ServiceKey::Address {
            protocol: self::protocol(protocol)?,
            address,
            port,
        },
        kernel::ServiceId::Mark { family, mark } => ServiceKey::Mark {
            family: match family {
                kernel::Family::Inet => Family::V4,
                kernel::Family::Inet6 => Family::V6,
            },
            mark,
        },
    })
}

fn kernel_protocol(protocol: Protocol) -> kernel::Protocol {
    match protocol {
        Protocol::Tcp => kernel::Protocol::Tcp,
        Protocol::Udp => kernel::Protocol::Udp,
        Protocol::Sctp => kernel::Protocol::Sctp,
    }
}

/// A whole write of a service.
pub(super) fn service(key: &ServiceKey, attributes: &ServiceAttributes) -> kernel::Service {
    let id = service_id(key);
    let persistence = attributes.persistence.as_ref();
    let mut flags = attributes.scheduler_flags.bits();
    if persistence.is_some() {
        flags |= kernel::FLAG_PERSISTENT;
    }
    if attributes.one_packet {
        flags |= kernel::FLAG_ONE_PACKET;
    }
    kernel::Service {
        id,
        scheduler: attributes.scheduler.clone(),
        flags,
        timeout: persistence.map_or(0, |persistence| persistence.timeout),
        netmask: persistence.map_or(kernel::Netmask::full(id.family()), |persistence| {
            match persistence.mask {
                ClientMask::V4(mask) => kernel::Netmask::V4(mask),
                ClientMask::V6(length) => kernel::Netmask::V6(length.into()),
            }
        }),
        engine: persistence.and_then(|persistence| persistence.engine.clone()),
    }
}

/// The attributes of a service that was read.
pub(super) fn attributes(entry: &kernel::ServiceEntry) -> ServiceAttributes {
    let persistent = entry.flags & kernel::FLAG_PERSISTENT != 0;
    ServiceAttributes {
        scheduler: entry.scheduler.clone(),
        scheduler_flags: SchedulerFlags::from_service_flags(entry.flags),
        persistence: persistent.then(|| Persistence {
            timeout: entry.timeout,
            mask: match entry.netmask {
                kernel::Netmask::V4(mask) => ClientMask::V4(mask),
                kernel::Netmask::V6(length) => {
                    ClientMask::V6(u8::try_from(length).unwrap_or(u8::MAX))
                }
            },
            engine: entry.engine.clone(),
        }),
        one_packet: entry.flags & kernel::FLAG_ONE_PACKET != 0,
    }
}

/// A whole write of a destination; none where `ip_vs` has no such forwarding.
pub(super) fn destination(
    key: &DestinationKey,
    destination: &Destination,
) -> Option<kernel::Destination> {
    let (forwarding, tunnel) = match destination.forwarding {
        Forwarding::Masquerade => (kernel::ForwardingMethod::Masquerade, plain()),
        Forwarding::FullNat => return None,
        Forwarding::Local => (kernel::ForwardingMethod::Local, plain()),
        Forwarding::Tunnel(kind) => (kernel::ForwardingMethod::Tunnel, tunnel(kind)),
        Forwarding::Route => (kernel::ForwardingMethod::Route, plain()),
        Forwarding::Bypass => (kernel::ForwardingMethod::Bypass, plain()),
    };
    Some(kernel::Destination {
        address: key.address,
        port: key.port,
        forwarding,
        weight: destination.weight,
        upper_threshold: destination.upper_threshold,
        lower_threshold: destination.lower_threshold,
        tunnel,
    })
}

fn plain() -> kernel::Tunnel {
    kernel::Tunnel::default()
}

fn tunnel(kind: TunnelKind) -> kernel::Tunnel {
    let (kind, port, checksum) = match kind {
        TunnelKind::Ipip => return plain(),
        TunnelKind::Gue { port, checksum } => (kernel::TUNNEL_GUE, port, checksum),
        TunnelKind::Gre { checksum } => (kernel::TUNNEL_GRE, 0, checksum),
    };
    let flags = match checksum {
        TunnelChecksum::None => 0,
        TunnelChecksum::Full => kernel::TUNNEL_CHECKSUM,
        TunnelChecksum::Remote => kernel::TUNNEL_REMOTE_CHECKSUM,
    };
    kernel::Tunnel { kind, port, flags }
}

/// A destination that was read.
pub(super) fn destination_value(entry: &kernel::DestinationEntry) -> Destination {
    Destination {
        forwarding: match entry.forwarding {
            kernel::ForwardingMethod::Masquerade => Forwarding::Masquerade,
            kernel::ForwardingMethod::Local => Forwarding::Local,
            kernel::ForwardingMethod::Tunnel => Forwarding::Tunnel(tunnel_kind(entry.tunnel)),
            kernel::ForwardingMethod::Route => Forwarding::Route,
            // A number without a meaning forwards nothing; nobody but a faulty program sets it.
            kernel::ForwardingMethod::Bypass | kernel::ForwardingMethod::Unknown(_) => {
                Forwarding::Bypass
            }
        },
        weight: entry.weight,
        upper_threshold: entry.upper_threshold,
        lower_threshold: entry.lower_threshold,
    }
}

fn tunnel_kind(tunnel: kernel::Tunnel) -> TunnelKind {
    let checksum = if tunnel.flags & kernel::TUNNEL_REMOTE_CHECKSUM != 0 {
        TunnelChecksum::Remote
    } else if tunnel.flags & kernel::TUNNEL_CHECKSUM != 0 {
        TunnelChecksum::Full
    } else {
        TunnelChecksum::None
    };
    match tunnel.kind {
        kernel::TUNNEL_GUE => TunnelKind::Gue {
            port: tunnel.port,
            checksum,
        },
        kernel::TUNNEL_GRE => TunnelKind::Gre { checksum },
        _ => TunnelKind::Ipip,
    }
}

/// Whether the kernel ignores the destination's port.
pub(in crate::dataplane) fn ignores_port(forwarding: Forwarding) -> bool {
    match forwarding {
        Forwarding::Route | Forwarding::Tunnel(_) => true,
        Forwarding::Masquerade | Forwarding::FullNat | Forwarding::Local | Forwarding::Bypass => {
            false
        }
    }
}

/// Live numbers of a service.
pub(super) fn counters(stats: &kernel::Stats) -> Counters {
    Counters {
        connections: stats.connections,
        packets_in: stats.incoming_packets,
        packets_out: stats.outgoing_packets,
        bytes_in: stats.incoming_bytes,
        bytes_out: stats.outgoing_bytes,
        connections_per_second: stats.connection_rate,
        bytes_in_per_second: stats.incoming_byte_rate,
        bytes_out_per_second: stats.outgoing_byte_rate,
    }
}

/// Live numbers of a destination.
pub(super) fn destination_counters(entry: &kernel::DestinationEntry) -> DestinationCounters {
    DestinationCounters {
        active: entry.active,
        inactive: entry.inactive,
        persistent: entry.persistent,
        counters: counters(&entry.stats),
    }
}

/// The kernel's word for a daemon's role.
pub(super) fn role(role: SyncRole) -> kernel::Role {
    match role {
        SyncRole::Master => kernel::Role::Master,
        SyncRole::Backup => kernel::Role::Backup,
    }
}

/// A synchronisation daemon to start.
pub(super) fn daemon(role: SyncRole, daemon: &SyncDaemon) -> kernel::SyncDaemon {
    kernel::SyncDaemon {
        role: self::role(role),
        interface: daemon.interface.clone(),
        sync_id: daemon.id.into(),
        max_length: daemon.max_length,
        group: Some(daemon.group),
        port: daemon.port,
        ttl: daemon.ttl,
    }
}

/// A synchronisation daemon that was read.
pub(super) fn sync_daemon(entry: &kernel::SyncDaemon) -> (SyncRole, SyncDaemon) {
    let role = match entry.role {
        kernel::Role::Master => SyncRole::Master,
        kernel::Role::Backup => SyncRole::Backup,
    };
    let daemon = SyncDaemon {
        interface: entry.interface.clone(),
        id: u8::try_from(entry.sync_id).unwrap_or(u8::MAX),
        max_length: entry.max_length,
        group: entry.group.unwrap_or(DEFAULT_SYNC_GROUP.into()),
        port: entry.port,
        ttl: entry.ttl,
    };
    (role, daemon)
}

/// A rule of farmctl's own table that was read; none for a protocol without a name here.
pub(super) fn mark_rule(rule: &nft::MarkRule) -> Option<MarkRule> {
    Some(MarkRule {
        mark: rule.mark,
        address: rule.address,
        protocol: protocol(rule.protocol)?,
        ports: PortRange {
            first: rule.first_port,
            last: rule.last_port,
        },
    })
}

/// A rule to write.
pub(super) fn kernel_mark_rule(rule: &MarkRule) -> nft::MarkRule {
    nft::MarkRule {
        address: rule.address,
        protocol: kernel_protocol(rule.protocol),
        first_port: rule.ports.first,
        last_port: rule.ports.last,
        mark: rule.mark,
    }
}
