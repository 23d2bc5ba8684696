//! What the kernel's IPVS table holds: the types that its dumps are read into.
//!
//! Kernel's words and kernel's values: nothing is normalised here. Used by the IPVS data plane.

use std::net::{IpAddr, Ipv4Addr};

use super::wire;

/// The protocol of a service, by its IP protocol number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP, 6.
    Tcp,
    /// UDP, 17.
    Udp,
    /// SCTP, 132.
    Sctp,
    /// Another number, as found in a table. IPVS balances no other today.
    Other(u16),
}

impl From<u16> for Protocol {
    fn from(number: u16) -> Self {
        match number {
            6 => Self::Tcp,
            17 => Self::Udp,
            132 => Self::Sctp,
            other => Self::Other(other),
        }
    }
}

impl From<Protocol> for u16 {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
            Protocol::Sctp => 132,
            Protocol::Other(number) => number,
        }
    }
}

/// The address family of a service or destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::Inet
        } else {
            Self::Inet6
        }
    }

    pub(super) fn number(self) -> u16 {
        match self {
            Self::Inet => wire::AF_INET,
            Self::Inet6 => wire::AF_INET6,
        }
    }

    pub(super) fn from_number(number: u16) -> Option<Self> {
        match number {
            wire::AF_INET => Some(Self::Inet),
            wire::AF_INET6 => Some(Self::Inet6),
            _ => None,
        }
    }
}

/// What tells one service from another; everything else of it can be edited in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceId {
    /// Packets to an address.
    Address {
        /// The protocol.
        protocol: Protocol,
        /// The virtual address.
        address: IpAddr,
        /// The port; 0 is every port, which the kernel takes only with persistence.
        port: u16,
    },
    /// Packets of one family that carry a firewall mark.
    Mark {
        /// The family of the packets.
        family: Family,
        /// The mark, never 0.
        mark: u32,
    },
}

impl ServiceId {
    /// The family of the service's packets.
    pub fn family(&self) -> Family {
        match self {
            Self::Address { address, .. } => Family::of(*address),
            Self::Mark { family, .. } => *family,
        }
    }
}

/// Which part of a client's address persistence looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Netmask {
    /// An IPv4 mask.
    V4(Ipv4Addr),
    /// An IPv6 prefix length in bits, 1 to 128.
    V6(u32),
}

impl Netmask {
    /// The mask that keeps every bit, which is what services without persistence have.
    pub fn full(family: Family) -> Self {
        match family {
            Family::Inet => Self::V4(Ipv4Addr::BROADCAST),
            Family::Inet6 => Self::V6(128),
        }
    }
}

/// A virtual service as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEntry {
    /// Which service.
    pub id: ServiceId,
    /// The scheduler's name; `none` for a service that has lost its scheduler.
    pub scheduler: String,
    /// `FLAG_*` bits, [`super::FLAG_HASHED`] included as the kernel sends it.
    pub flags: u32,
    /// The persistence timeout in seconds; 0 without persistence.
    pub timeout: u32,
    /// The persistence mask.
    pub netmask: Netmask,
    /// The persistence engine, such as `sip`.
    pub engine: Option<String>,
    /// What has gone through.
    pub stats: Stats,
}

/// How packets reach a destination (`IP_VS_CONN_F_MASQ` and following).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForwardingMethod {
    /// Network address translation, 0.
    Masquerade,
    /// This machine itself, 1.
    Local,
    /// Encapsulated, 2.
    Tunnel,
    /// Direct routing, 3.
    Route,
    /// Past the cache, 4. The kernel makes such destinations itself.
    Bypass,
    /// A number that this version does not know.
    Unknown(u32),
}

impl From<u32> for ForwardingMethod {
    fn from(number: u32) -> Self {
        match number {
            0 => Self::Masquerade,
            1 => Self::Local,
            2 => Self::Tunnel,
            3 => Self::Route,
            4 => Self::Bypass,
            other => Self::Unknown(other),
        }
    }
}

impl From<ForwardingMethod> for u32 {
    fn from(method: ForwardingMethod) -> Self {
        match method {
            ForwardingMethod::Masquerade => 0,
            ForwardingMethod::Local => 1,
            ForwardingMethod::Tunnel => 2,
            ForwardingMethod::Route => 3,
            ForwardingMethod::Bypass => 4,
            ForwardingMethod::Unknown(number) => number,
        }
    }
}

/// How a tunnel wraps its packets. The default, plain IP in IP, is also what every destination
/// has that is no tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tunnel {
    /// [`super::TUNNEL_IPIP`], [`super::TUNNEL_GUE`] or [`super::TUNNEL_GRE`].
    pub kind: u8,
    /// The UDP port of gue; 0 otherwise.
    pub port: u16,
    /// [`super::TUNNEL_CHECKSUM`] and [`super::TUNNEL_REMOTE_CHECKSUM`] bits.
    pub flags: u16,
}

/// A destination of a service as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationEntry {
    /// The address; its family may differ from the service's with tunnels.
    pub address: IpAddr,
    /// The port. It counts only with [`ForwardingMethod::Masquerade`].
    pub port: u16,
    /// How packets get there.
    pub forwarding: ForwardingMethod,
    /// The weight; the kernel keeps a signed number and refuses negative ones (`ERANGE`).
    pub weight: u32,
    /// Connections at which no new ones are given to it; 0 is no limit.
    pub upper_threshold: u32,
    /// Connections below which it gets new ones again; 0 is three quarters of the upper.
    pub lower_threshold: u32,
    /// Established connections now.
    pub active: u32,
    /// Other connections that the kernel still remembers.
    pub inactive: u32,
    /// Persistence templates that point here.
    pub persistent: u32,
    /// How a tunnel wraps its packets.
    pub tunnel: Tunnel,
    /// What has gone through.
    pub stats: Stats,
}

/// Counters and rates of a service or destination. Rates are averages of the last seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets from clients.
    pub incoming_packets: u64,
    /// Packets to clients; only with masquerading.
    pub outgoing_packets: u64,
    /// Bytes from clients.
    pub incoming_bytes: u64,
    /// Bytes to clients; only with masquerading.
    pub outgoing_bytes: u64,
    /// Connections per second.
    pub connection_rate: u64,
    /// Packets from clients per second.
    pub incoming_packet_rate: u64,
    /// Packets to clients per second.
    pub outgoing_packet_rate: u64,
    /// Bytes from clients per second.
    pub incoming_byte_rate: u64,
    /// Bytes to clients per second.
    pub outgoing_byte_rate: u64,
}

/// Which part a synchronisation daemon plays; a machine may run one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It tells its connections to others.
    Master,
    /// It learns connections from others.
    Backup,
}

impl Role {
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Master => wire::daemon::MASTER,
            Self::Backup => wire::daemon::BACKUP,
        }
    }

    pub(super) fn from_number(number: u32) -> Option<Self> {
        match number {
            wire::daemon::MASTER => Some(Self::Master),
            wire::daemon::BACKUP => Some(Self::Backup),
            _ => None,
        }
    }
}

/// A connection synchronisation daemon. On writing, a value of 0 (or `None`) asks for the
/// kernel's default.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyncDaemon {
    /// Its part.
    pub role: Role,
    /// The interface that it sends or listens on.
    pub interface: String,
    /// Daemons with the same number hear each other, 0 to 255.
    pub sync_id: u32,
    /// The longest message in bytes; the default follows from the interface's MTU.
    pub max_length: u16,
    /// The multicast group; 224.0.0.81 by default.
    pub group: Option<IpAddr>,
    /// The UDP port; 8848 by default.
    pub port: u16,
    /// The time to live of its packets; 1 by default.
    pub ttl: u8,
}

/// How long IPVS remembers connections, in seconds. On writing, 0 leaves a timeout as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timeouts {
    /// Established TCP connections; 900 by default.
    pub tcp: u32,
    /// TCP connections that saw a FIN; 120 by default.
    pub tcp_fin: u32,
    /// UDP; 300 by default.
    pub udp: u32,
}

/// The version of IPVS in this kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Info {
    /// Major, minor and patch in one byte each (`NVERSION`): 0x010201 is 1.2.1.
    pub version: u32,
    /// How many buckets the connection table has.
    pub connection_table_size: u32,
}
