//! Virtual services and destinations as `ip_vs` knows them (`include/uapi/linux/ip_vs.h`).

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An address family.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Family {
    /// IPv4.
    #[serde(rename = "ipv4")]
    V4,
    /// IPv6.
    #[serde(rename = "ipv6")]
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// A transport protocol that `ip_vs` forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP, protocol 6.
    Tcp,
    /// UDP, protocol 17.
    Udp,
    /// SCTP, protocol 132.
    Sctp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

/// What makes a virtual service the one that it is; everything else is edited in place.
///
/// The kernel's identity: (family, mark), or (family, protocol, address, port).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKey {
    /// Packets to an address and port; port 0 is every port (persistent services only).
    Address {
        /// The transport protocol.
        protocol: Protocol,
        /// The virtual address.
        address: IpAddr,
        /// The virtual port.
        port: u16,
    },
    /// Packets that carry a firewall mark.
    Mark {
        /// The family of the packets.
        family: Family,
        /// The mark, never 0.
        mark: u32,
    },
}

impl ServiceKey {
    /// The family of the packets that the service takes.
    pub fn family(&self) -> Family {
        match *self {
            Self::Address { address, .. } => Family::of(address),
            Self::Mark { family, .. } => family,
        }
    }

    /// The virtual port; 0 for a firewall mark.
    pub fn port(&self) -> u16 {
        match *self {
            Self::Address { port, .. } => port,
            Self::Mark { .. } => 0,
        }
    }
}

impl fmt::Display for ServiceKey {
    /// `tcp 192.0.2.10:80`, `udp [2001:db8::10]:53`, `mark 7 IPv6`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Address {
                protocol,
                address,
                port,
            } => {
                write!(f, "{protocol} {}", std::net::SocketAddr::new(address, port))
            }
            Self::Mark { family, mark } => write!(f, "mark {mark} {family}"),
        }
    }
}

/// What makes a destination of a service the one that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DestinationKey {
    /// The real server's address.
    pub address: IpAddr,
    /// The real server's port; for direct routing and tunnels always the service's own port,
    /// because the kernel ignores it there.
    pub port: u16,
}

impl DestinationKey {
    /// The family of the real server's address.
    pub fn family(&self) -> Family {
        Family::of(self.address)
    }
}

impl fmt::Display for DestinationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", std::net::SocketAddr::new(self.address, self.port))
    }
}

/// A virtual service: its own attributes, and its destinations by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// What the kernel keeps of the service itself.
    pub attributes: ServiceAttributes,
    /// Where it sends connections.
    #[serde(with = "super::entries")]
    pub destinations: BTreeMap<DestinationKey, Destination>,
}

impl Service {
    /// A service as the kernel makes it first: nothing behind it yet.
    pub fn without_destinations(attributes: ServiceAttributes) -> Self {
        Self {
            attributes,
            destinations: BTreeMap::new(),
        }
    }

    /// The sum of the destinations' weights: 0 means that no new connection goes anywhere.
    pub fn weight(&self) -> u64 {
        self.destinations
            .values()
            .map(|destination| u64::from(destination.weight))
            .sum()
    }

    /// Whether a destination takes new connections.
    pub fn is_usable(&self) -> bool {
        self.destinations
            .values()
            .any(|destination| destination.weight > 0)
    }
}

/// The attributes of a virtual service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAttributes {
    /// The scheduler's name in the kernel, such as `wlc`.
    pub scheduler: String,
    /// The scheduler's flags.
    pub scheduler_flags: SchedulerFlags,
    /// Keeps a client on its server, where set.
    pub persistence: Option<Persistence>,
    /// Each UDP packet is a connection of its own.
    pub one_packet: bool,
}

/// What bends a scheduler: the three bits of ip_vs (`IP_VS_SVC_F_SCHED1..3`), and what the
/// nftables data plane knows beside them.
///
/// `sh` and `mh` read bit 1 as *fallback* and bit 2 as *port*.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SchedulerFlags(u32);

impl SchedulerFlags {
    /// `IP_VS_SVC_F_SCHED1`: fallback of `sh` and `mh`.
    pub const FALLBACK: Self = Self(0x08);
    /// `IP_VS_SVC_F_SCHED2`: port of `sh` and `mh`.
    pub const PORT: Self = Self(0x10);
    /// `IP_VS_SVC_F_SCHED3`.
    pub const THIRD: Self = Self(0x20);
    /// `rr` and `wrr` of the nftables data plane take real servers strictly in turn, and not by a
    /// hash of the client. It is no bit of ip_vs, where they always do.
    pub const EXACT: Self = Self(0x8000_0000);
    /// All three bits of ip_vs.
    pub const MASK: u32 = 0x38;

    /// The scheduler's bits of a service's flags; other bits are left out.
    pub fn from_service_flags(flags: u32) -> Self {
        Self(flags & Self::MASK)
    }

    /// The bits as they stand in a service's flags in ip_vs.
    pub fn bits(self) -> u32 {
        self.0 & Self::MASK
    }

    /// Whether nothing is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Both sets of flags.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Persistence of a service: a client (or a group of clients) stays with its destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persistence {
    /// How long a client is remembered, in seconds; at least 1.
    pub timeout: u32,
    /// Which clients are one.
    pub mask: ClientMask,
    /// A persistence engine's name, such as `sip`.
    pub engine: Option<String>,
}

/// Which part of a client's address tells clients apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientMask {
    /// An IPv4 netmask.
    V4(Ipv4Addr),
    /// An IPv6 prefix length, 1 to 128.
    V6(u8),
}

impl ClientMask {
    /// The mask that tells every single address apart.
    pub fn host(family: Family) -> Self {
        match family {
            Family::V4 => Self::V4(Ipv4Addr::BROADCAST),
            Family::V6 => Self::V6(128),
        }
    }
}

/// What the kernel keeps of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Destination {
    /// How packets reach it.
    pub forwarding: Forwarding,
    /// Its share of new connections; 0 takes none.
    pub weight: u32,
    /// No new connection above this many; 0 is no limit.
    pub upper_threshold: u32,
    /// New connections again below this many; 0 is three quarters of the upper one.
    pub lower_threshold: u32,
}

impl Destination {
    /// The same destination without new connections.
    #[must_use]
    pub fn drained(self) -> Self {
        Self { weight: 0, ..self }
    }
}

/// How packets reach a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forwarding {
    /// Address translation of the destination (`IP_VS_CONN_F_MASQ`).
    Masquerade,
    /// Address translation of both ends: the real server sees the director as the client, so that
    /// its answers find back by themselves. ip_vs has no such thing.
    FullNat,
    /// The director itself, packets unchanged (`IP_VS_CONN_F_LOCALNODE`). Only other programs ask
    /// for it: a destination on this machine keeps the method that it was made with.
    Local,
    /// Encapsulated (`IP_VS_CONN_F_TUNNEL`).
    Tunnel(TunnelKind),
    /// By the neighbour's hardware address, unchanged (`IP_VS_CONN_F_DROUTE`).
    Route,
    /// To the packet's own address, past the scheduler (`IP_VS_CONN_F_BYPASS`); the kernel's own.
    Bypass,
}

/// The encapsulation of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TunnelKind {
    /// IP in IP.
    Ipip,
    /// Generic UDP encapsulation.
    Gue {
        /// The UDP port of the real server's tunnel end.
        port: u16,
        /// What checksum is put on.
        checksum: TunnelChecksum,
    },
    /// Generic routing encapsulation.
    Gre {
        /// What checksum is put on; `Remote` does not exist for GRE.
        checksum: TunnelChecksum,
    },
}

/// The checksum of an encapsulation (`IP_VS_TUNNEL_ENCAP_FLAG_*`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TunnelChecksum {
    /// None.
    #[default]
    None,
    /// Over the whole encapsulated packet.
    Full,
    /// Remote checksum offload (GUE only).
    Remote,
}

impl fmt::Display for Forwarding {
    /// The words of the file: `nat`, `nat masquerade`, `direct_routing`,
    /// `tunnel gue port 6080 checksum remote`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Masquerade => f.write_str("nat"),
            Self::FullNat => f.write_str("nat masquerade"),
            Self::Local => f.write_str("local"),
            Self::Tunnel(kind) => write!(f, "tunnel {kind}"),
            Self::Route => f.write_str("direct_routing"),
            Self::Bypass => f.write_str("bypass"),
        }
    }
}

impl fmt::Display for TunnelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipip => f.write_str("ipip"),
            Self::Gue { port, checksum } => write!(f, "gue port {port} checksum {checksum}"),
            Self::Gre { checksum } => write!(f, "gre checksum {checksum}"),
        }
    }
}

impl fmt::Display for TunnelChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Full => "full",
            Self::Remote => "remote",
        })
    }
}

impl fmt::Display for ClientMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(mask) => write!(f, "{mask}"),
            Self::V6(length) => write!(f, "/{length}"),
        }
    }
}

impl fmt::Display for Persistence {
    /// `300 s mask 255.255.255.0 engine sip`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s mask {}", self.timeout, self.mask)?;
        match &self.engine {
            Some(engine) => write!(f, " engine {engine}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for SchedulerFlags {
    /// The bits as ipvsadm names them, `exact`, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = [
            (Self::FALLBACK, "flag-1"),
            (Self::PORT, "flag-2"),
            (Self::THIRD, "flag-3"),
            (Self::EXACT, "exact"),
        ]
        .into_iter()
        .filter_map(|(flag, name)| self.contains(flag).then_some(name))
        .collect();
        if names.is_empty() {
            f.write_str("none")
        } else {
            f.write_str(&names.join(","))
        }
    }
}
