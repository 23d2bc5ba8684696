//! The machines that forward, and the options of their kernels.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, InterfaceName, Name, Scheduler, TurnOptions};

/// The machines that forward, and how they do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Directors {
    /// The directors, by their names in `nodes`.
    pub members: Vec<Name>,
    /// What forwards the packets.
    #[serde(default)]
    pub dataplane: DataplaneChoice,
    /// Tells the connections of one director to the others, so that they survive a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_sync: Option<ConnectionSync>,
    /// Options of ip_vs on every director; not used on nftables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipvs: Option<IpvsOptions>,
    /// Options of nftables on every director; not used on ip_vs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nftables: Option<NftablesOptions>,
}

/// What forwards the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataplaneChoice {
    /// ip_vs where the kernel has it, else nftables; decided once and then kept.
    #[default]
    Auto,
    /// The kernel's ip_vs.
    Ipvs,
    /// The kernel's nftables, which needs no ip_vs.
    Nftables,
}

impl DataplaneChoice {
    /// The data plane that the file asks for; none where it leaves the choice to the machine.
    pub fn named(self) -> Option<DataplaneKind> {
        match self {
            Self::Auto => None,
            Self::Ipvs => Some(DataplaneKind::Ipvs),
            Self::Nftables => Some(DataplaneKind::Nftables),
        }
    }
}

impl From<DataplaneKind> for DataplaneChoice {
    fn from(kind: DataplaneKind) -> Self {
        match kind {
            DataplaneKind::Ipvs => Self::Ipvs,
            DataplaneKind::Nftables => Self::Nftables,
        }
    }
}

/// One of the data planes that farmctl has.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DataplaneKind {
    /// The kernel's ip_vs.
    Ipvs,
    /// The kernel's nftables.
    Nftables,
}

impl DataplaneKind {
    /// How a real server is chosen where the file does not say.
    pub fn default_scheduler(self) -> Scheduler {
        match self {
            Self::Ipvs => Scheduler::Wlc,
            Self::Nftables => Scheduler::Wrr(TurnOptions::default()),
        }
    }
}

impl fmt::Display for DataplaneKind {
    /// The word of the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipvs => "ipvs",
            Self::Nftables => "nftables",
        })
    }
}

/// The kernel's connection synchronisation (`ip_vs` sync daemons).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSync {
    /// The network over which the directors tell each other; or write `interface`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Name>,
    /// The interface, where it has the same name on every director.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<InterfaceName>,
    /// Directors of one farm share this number, 0 to 255.
    #[serde(default)]
    pub id: u8,
    /// The longest message in bytes; left out, the kernel chooses by the interface's MTU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u16>,
    /// The multicast group; the kernel's own choice is 224.0.0.81.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<IpAddr>,
    /// The UDP port; the kernel's own choice is 8848.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Time to live of the messages; the kernel's own choice is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
}

/// Options of the nftables data plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NftablesOptions {
    /// What becomes of the schedulers `lc` and `wlc`, which nftables does not have.
    #[serde(default)]
    pub least_connections: LeastConnections,
}

/// What becomes of the schedulers `lc` and `wlc` on nftables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeastConnections {
    /// A file that asks for them is refused.
    #[default]
    Refuse,
    /// Real servers get shares by their weights, without a look at their connections: `wlc` is
    /// as `wrr`, and `lc` is as `rr`.
    Approximate,
}

/// Options of ip_vs. What is left out is not touched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IpvsOptions {
    /// How long the kernel remembers a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<IpvsTimeouts>,
    /// The sysctls under `net.ipv4.vs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sysctls: Option<IpvsSysctls>,
}

/// How long ip_vs remembers a connection, in whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IpvsTimeouts {
    /// An idle TCP connection; the kernel starts with 15m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<Duration>,
    /// A TCP connection after FIN; the kernel starts with 2m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_fin: Option<Duration>,
    /// A UDP flow; the kernel starts with 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub udp: Option<Duration>,
}

/// Sysctls under `net.ipv4.vs`. What is left out is not touched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IpvsSysctls {
    /// How a port that a client uses again is treated: 0, 1 or 2 (the kernel starts with 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 2))]
    pub conn_reuse_mode: Option<u8>,
    /// Keeps connection tracking for forwarded connections (the kernel starts with false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conntrack: Option<bool>,
    /// Drops entries of half-open connections under attack: 0 never, 1 and 2 when memory is short,
    /// 3 always (the kernel starts with 0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3))]
    pub drop_entry: Option<u8>,
    /// Drops a share of the packets under attack: 0 to 3 as `drop_entry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3))]
    pub drop_packet: Option<u8>,
    /// Ends a connection at once when its real server is removed (the kernel starts with false:
    /// the client hangs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_nodest_conn: Option<bool>,
    /// A real server of weight 0 loses its persistent clients too (the kernel starts with false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_quiescent_template: Option<bool>,
    /// Sends ICMP errors of tunnels and NAT back to the client (the kernel starts with false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_icmp_send: Option<bool>,
    /// Stricter TCP states under attack: 0 to 3 as `drop_entry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3))]
    pub secure_tcp: Option<u8>,
    /// Schedules ICMP packets too (the kernel starts with false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_icmp: Option<bool>,
    /// Takes up TCP connections in the middle (the kernel starts with false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sloppy_tcp: Option<bool>,
    /// Takes up SCTP associations in the middle (the kernel starts with false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sloppy_sctp: Option<bool>,
    /// Routes answers of NAT services again (the kernel starts with true).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snat_reroute: Option<bool>,
    /// Which persistent connections are told to other directors: 0 or 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub sync_persist_mode: Option<u8>,
    /// How many threads tell connections, each on a port of its own (the kernel starts with 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub sync_ports: Option<u8>,
    /// How many messages may wait (the kernel starts with a number by its memory).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_qlen_max: Option<u32>,
    /// A connection is told again after this long, in whole seconds; 0s: never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_refresh_period: Option<Duration>,
    /// How often a message is repeated, 0 to 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 8))]
    pub sync_retries: Option<u8>,
}
