//! Virtual services.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    CheckChoice, Drain, Duration, MassFailure, Name, OnFailure, OneOrMany, OrNone, PortSpec,
    Quorum, RealServer, RealServerDefaults, SorryServer,
};

/// One virtual service: where clients connect, and how their connections are spread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualService {
    /// The group of floating addresses, by its name in `vips`: one service for each address.
    pub vip: Name,
    /// The port; 0 is every port (persistent services only). Or write `ports` or `firewall_mark`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Several ports and ranges of ports; a real server then keeps the client's port.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortSpec>,
    /// One persistence over all ports: a client stays with one real server on every one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<bool>,
    /// Takes the packets that carry this firewall mark, which somebody else sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub firewall_mark: Option<u32>,
    /// The protocol, or a list of them. Left out, tcp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<OneOrMany<Protocol>>,
    /// How a real server is chosen for a new connection. Left out, wlc on ip_vs and wrr on
    /// nftables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<Scheduler>,
    /// How packets reach the real servers. Left out, nat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<Forwarding>,
    /// Keeps a client with its real server. Left out, it does not; `none` unsets a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistence: Option<OrNone<Persistence>>,
    /// Each UDP packet is scheduled by itself. Left out, false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_packet: Option<bool>,
    /// Takes the connections when no real server can; `none` unsets a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sorry_server: Option<OrNone<SorryServer>>,
    /// The real servers, by a name in `pools`; or write `real_servers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Name>,
    /// The real servers of this service alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub real_servers: Vec<RealServer>,
    /// How the real servers are checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckChoice>,
    /// How many real servers must be up, else the sorry server takes over. Left out, one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<Quorum>,
    /// How a real server leaves: no new connections, and time for those that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
    /// What becomes of a real server that is down. Left out, `remove`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// A real server that comes back reaches its weight over this time. Left out, at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<Duration>,
    /// What is done when many real servers fail at once: then the check, or the network between,
    /// may be what is broken. Left out, nothing; `none` unsets a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mass_failure: Option<OrNone<MassFailure>>,
}

/// Values for everything that does not say its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// For every service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceDefaults>,
    /// For every real server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real_server: Option<RealServerDefaults>,
    /// For every check: a kind here is for every real server, times alone only for those that
    /// are checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckChoice>,
}

/// Values for services that do not say their own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceDefaults {
    /// The protocol, or a list of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<OneOrMany<Protocol>>,
    /// How a real server is chosen for a new connection. Left out, wlc on ip_vs and wrr on
    /// nftables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<Scheduler>,
    /// How packets reach the real servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<Forwarding>,
    /// Keeps a client with its real server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,
    /// Takes the connections when no real server can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sorry_server: Option<SorryServer>,
    /// How many real servers must be up, else the sorry server takes over. Left out, one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<Quorum>,
    /// How a real server leaves: no new connections, and time for those that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
    /// What becomes of a real server that is down. Left out, `remove`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// A real server that comes back reaches its weight over this time. Left out, at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<Duration>,
    /// What is done when many real servers of a service fail at once. Left out, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mass_failure: Option<OrNone<MassFailure>>,
}

/// A transport protocol.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// How a real server is chosen for a new connection. A bare word, or for some a map with options:
/// `{ mh: { port: true, fallback: true } }`, `{ wrr: { exact: true } }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduler {
    /// Round robin: each in turn.
    Rr(TurnOptions),
    /// Weighted round robin.
    Wrr(TurnOptions),
    /// Least connections.
    Lc,
    /// Weighted least connections.
    Wlc,
    /// Locality-based least connections (caches).
    Lblc,
    /// Locality-based least connections with replication.
    Lblcr,
    /// By a hash of the destination's address.
    Dh,
    /// By a hash of the client's address.
    Sh(HashOptions),
    /// By a Maglev hash of the client's address: few clients move when a server goes.
    Mh(HashOptions),
    /// Shortest expected delay.
    Sed,
    /// Never queue: an idle server first, else shortest expected delay.
    Nq,
    /// Weighted fail-over: all to the highest weight that is there.
    Fo,
    /// Weighted overflow: the highest weight until it has as many connections as its weight.
    Ovf,
    /// The better of two taken by chance.
    Twos,
}

/// Options of the schedulers `rr` and `wrr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TurnOptions {
    /// Strictly in turn on nftables too, which else spreads connections by a hash of the client's
    /// address and port: the same shares on average, and another director goes on with the same
    /// real servers. On ip_vs it is always strictly in turn.
    #[serde(default)]
    pub exact: bool,
}

/// Options of the schedulers `sh` and `mh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HashOptions {
    /// The client's port counts too: the connections of one client are spread.
    #[serde(default)]
    pub port: bool,
    /// Another server is chosen where the hashed one takes no connection (weight 0, overload).
    #[serde(default)]
    pub fallback: bool,
}

/// How packets reach a real server: `nat`, `direct_routing` or `tunnel`; or a map with options:
/// `{ tunnel: { gue: { port: 6080 } } }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarding {
    /// Address translation: answers must come back through the director.
    Nat(NatOptions),
    /// The packet goes unchanged to the server's hardware address: same network, and the server
    /// has the VIP on its loopback.
    DirectRouting,
    /// The packet goes in a tunnel: the server may be far, and has the VIP on a tunnel device.
    Tunnel(Tunnel),
}

/// Options of `nat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NatOptions {
    /// The real server sees the director as the client, so that its answers come back through the
    /// director by themselves, and it does not learn the client's address. On nftables only.
    #[serde(default)]
    pub masquerade: bool,
}

/// The kind of a tunnel: `ipip`, or `{ gue: … }` or `{ gre: … }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tunnel {
    /// IP in IP.
    #[default]
    Ipip,
    /// Generic UDP encapsulation.
    Gue(GueOptions),
    /// Generic routing encapsulation.
    Gre(GreOptions),
}

/// Options of a GUE tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GueOptions {
    /// The UDP port on which the real server takes the tunnel.
    pub port: u16,
    /// What checksum is put on.
    #[serde(default)]
    pub checksum: TunnelChecksum,
}

/// Options of a GRE tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GreOptions {
    /// What checksum is put on; `remote` is for GUE only.
    #[serde(default)]
    pub checksum: TunnelChecksum,
}

/// The checksum of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
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

/// Keeps a client with its real server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Persistence {
    /// How long a client is remembered after its last connection, in whole seconds. Left out, 6m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// IPv4 clients with the same first bits are one client: a prefix length. Left out, 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 32))]
    pub mask4: Option<u8>,
    /// IPv6 clients with the same first bits are one client: a prefix length. Left out, 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 128))]
    pub mask6: Option<u8>,
    /// A persistence engine that looks into the packet; the kernel has `sip` (for udp).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
}
