//! The file's words in the kernel's.

use std::net::{IpAddr, Ipv4Addr};

use crate::spec;

use super::super::{
    ClientMask, Family, Forwarding, Persistence, PortRange, Protocol, SchedulerFlags,
    TunnelChecksum, TunnelKind,
};

pub(super) fn protocol(protocol: spec::Protocol) -> Protocol {
    match protocol {
        spec::Protocol::Tcp => Protocol::Tcp,
        spec::Protocol::Udp => Protocol::Udp,
        spec::Protocol::Sctp => Protocol::Sctp,
    }
}

pub(super) fn forwarding(forwarding: spec::Forwarding) -> Forwarding {
    match forwarding {
        spec::Forwarding::Nat(spec::NatOptions { masquerade: false }) => Forwarding::Masquerade,
        spec::Forwarding::Nat(spec::NatOptions { masquerade: true }) => Forwarding::FullNat,
        spec::Forwarding::DirectRouting => Forwarding::Route,
        spec::Forwarding::Tunnel(tunnel) => Forwarding::Tunnel(match tunnel {
            spec::Tunnel::Ipip => TunnelKind::Ipip,
            spec::Tunnel::Gue(gue) => TunnelKind::Gue {
                port: gue.port,
                checksum: checksum(gue.checksum),
            },
            spec::Tunnel::Gre(gre) => TunnelKind::Gre {
                checksum: checksum(gre.checksum),
            },
        }),
    }
}

fn checksum(checksum: spec::TunnelChecksum) -> TunnelChecksum {
    match checksum {
        spec::TunnelChecksum::None => TunnelChecksum::None,
        spec::TunnelChecksum::Full => TunnelChecksum::Full,
        spec::TunnelChecksum::Remote => TunnelChecksum::Remote,
    }
}

/// The scheduler's name in the kernel, and its flags.
pub(super) fn scheduler(
    scheduler: spec::Scheduler,
    dataplane: spec::DataplaneKind,
) -> (&'static str, SchedulerFlags) {
    match scheduler {
        spec::Scheduler::Sh(options) => ("sh", flags(options)),
        spec::Scheduler::Mh(options) => ("mh", flags(options)),
        spec::Scheduler::Rr(options) => ("rr", turns(options, dataplane)),
        spec::Scheduler::Wrr(options) => ("wrr", turns(options, dataplane)),
        spec::Scheduler::Lc => ("lc", SchedulerFlags::default()),
        spec::Scheduler::Wlc => ("wlc", SchedulerFlags::default()),
        spec::Scheduler::Lblc => ("lblc", SchedulerFlags::default()),
        spec::Scheduler::Lblcr => ("lblcr", SchedulerFlags::default()),
        spec::Scheduler::Dh => ("dh", SchedulerFlags::default()),
        spec::Scheduler::Sed => ("sed", SchedulerFlags::default()),
        spec::Scheduler::Nq => ("nq", SchedulerFlags::default()),
        spec::Scheduler::Fo => ("fo", SchedulerFlags::default()),
        spec::Scheduler::Ovf => ("ovf", SchedulerFlags::default()),
        spec::Scheduler::Twos => ("twos", SchedulerFlags::default()),
    }
}

/// On ip_vs turns are always exact: there is nothing to say.
fn turns(options: spec::TurnOptions, dataplane: spec::DataplaneKind) -> SchedulerFlags {
    match dataplane {
        spec::DataplaneKind::Nftables if options.exact => SchedulerFlags::EXACT,
        spec::DataplaneKind::Nftables | spec::DataplaneKind::Ipvs => SchedulerFlags::default(),
    }
}

fn flags(options: spec::HashOptions) -> SchedulerFlags {
    let mut flags = SchedulerFlags::default();
    if options.port {
        flags = flags.with(SchedulerFlags::PORT);
    }
    if options.fallback {
        flags = flags.with(SchedulerFlags::FALLBACK);
    }
    flags
}

pub(super) fn persistence(persistence: &spec::EffectivePersistence, family: Family) -> Persistence {
    Persistence {
        timeout: persistence.timeout,
        mask: match family {
            Family::V4 => ClientMask::V4(netmask(persistence.mask4)),
            Family::V6 => ClientMask::V6(persistence.mask6),
        },
        engine: persistence.engine.clone(),
    }
}

fn netmask(prefix: u8) -> Ipv4Addr {
    let host_bits = 32_u32.saturating_sub(u32::from(prefix));
    Ipv4Addr::from_bits(u32::MAX.checked_shl(host_bits).unwrap_or(0))
}

pub(super) fn port_range(ports: spec::PortSpec) -> PortRange {
    PortRange {
        first: ports.first,
        last: ports.last,
    }
}

/// The prefix length that names a single address.
pub(super) fn full_prefix(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Whether both addresses begin with the same `prefix` bits.
pub(super) fn same_network(one: IpAddr, other: IpAddr, prefix: u8) -> bool {
    let difference = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    difference >= u32::from(prefix)
}
