//! Numbers of the namespace: the IPVS time-outs and the sysctls that farmctl looks after.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One number of the namespace. Only those that the file mentions or implies are ever written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Time-out of an idle TCP connection, seconds (`IPVS_CMD_ATTR_TIMEOUT_TCP`).
    TimeoutTcp,
    /// Time-out of a TCP connection after FIN, seconds.
    TimeoutTcpFin,
    /// Time-out of a UDP flow, seconds.
    TimeoutUdp,
    /// One of `net.ipv4.vs.*`.
    Vs(VsSysctl),
    /// `net.ipv4.ip_forward`: needed by NAT services of IPv4.
    ForwardV4,
    /// `net.ipv6.conf.all.forwarding`: needed by NAT services of IPv6.
    ForwardV6,
    /// `net.ipv4.conf.INTERFACE.promote_secondaries`: removing one VIP must not remove another.
    PromoteSecondaries(String),
    /// The number that every hash of the nftables data plane begins with, 32 bits: directors with
    /// the same one choose the same real servers. It stands in farmctl's own tables; no other
    /// data plane has it.
    HashSeed,
}

/// The sysctls of `ip_vs` that matter for draining, fail-over and load
/// (`Documentation/networking/ipvs-sysctl.rst`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VsSysctl {
    /// `conn_reuse_mode`.
    ConnReuseMode,
    /// `conntrack`.
    Conntrack,
    /// `drop_entry`.
    DropEntry,
    /// `drop_packet`.
    DropPacket,
    /// `expire_nodest_conn`.
    ExpireNodestConn,
    /// `expire_quiescent_template`.
    ExpireQuiescentTemplate,
    /// `nat_icmp_send`.
    NatIcmpSend,
    /// `secure_tcp`.
    SecureTcp,
    /// `schedule_icmp`.
    ScheduleIcmp,
    /// `sloppy_tcp`.
    SloppyTcp,
    /// `sloppy_sctp`.
    SloppySctp,
    /// `snat_reroute`.
    SnatReroute,
    /// `sync_persist_mode`.
    SyncPersistMode,
    /// `sync_ports`.
    SyncPorts,
    /// `sync_qlen_max`.
    SyncQlenMax,
    /// `sync_refresh_period`, seconds.
    SyncRefreshPeriod,
    /// `sync_retries`.
    SyncRetries,
}

impl VsSysctl {
    /// Every one, in the order of their names.
    pub const ALL: [Self; 17] = [
        Self::ConnReuseMode,
        Self::Conntrack,
        Self::DropEntry,
        Self::DropPacket,
        Self::ExpireNodestConn,
        Self::ExpireQuiescentTemplate,
        Self::NatIcmpSend,
        Self::SecureTcp,
        Self::ScheduleIcmp,
        Self::SloppyTcp,
        Self::SloppySctp,
        Self::SnatReroute,
        Self::SyncPersistMode,
        Self::SyncPorts,
        Self::SyncQlenMax,
        Self::SyncRefreshPeriod,
        Self::SyncRetries,
    ];

    /// The name of the file under `/proc/sys/net/ipv4/vs`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnReuseMode => "conn_reuse_mode",
            Self::Conntrack => "conntrack",
            Self::DropEntry => "drop_entry",
            Self::DropPacket => "drop_packet",
            Self::ExpireNodestConn => "expire_nodest_conn",
            Self::ExpireQuiescentTemplate => "expire_quiescent_template",
            Self::NatIcmpSend => "nat_icmp_send",
            Self::SecureTcp => "secure_tcp",
            Self::ScheduleIcmp => "schedule_icmp",
            Self::SloppyTcp => "sloppy_tcp",
            Self::SloppySctp => "sloppy_sctp",
            Self::SnatReroute => "snat_reroute",
            Self::SyncPersistMode => "sync_persist_mode",
            Self::SyncPorts => "sync_ports",
            Self::SyncQlenMax => "sync_qlen_max",
            Self::SyncRefreshPeriod => "sync_refresh_period",
            Self::SyncRetries => "sync_retries",
        }
    }
}

impl fmt::Display for Setting {
    /// The sysctl's full name, or `ipvs time-out tcp`, or `hash seed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeoutTcp => f.write_str("ipvs time-out tcp"),
            Self::TimeoutTcpFin => f.write_str("ipvs time-out tcp_fin"),
            Self::TimeoutUdp => f.write_str("ipvs time-out udp"),
            Self::Vs(sysctl) => write!(f, "net.ipv4.vs.{}", sysctl.name()),
            Self::ForwardV4 => f.write_str("net.ipv4.ip_forward"),
            Self::ForwardV6 => f.write_str("net.ipv6.conf.all.forwarding"),
            Self::PromoteSecondaries(interface) => {
                write!(f, "net.ipv4.conf.{interface}.promote_secondaries")
            }
            Self::HashSeed => f.write_str("hash seed"),
        }
    }
}
