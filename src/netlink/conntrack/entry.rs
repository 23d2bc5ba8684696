//! What a tracked connection is.

use std::net::IpAddr;

use crate::netlink::ipvs::Protocol;

/// One direction of a connection (`CTA_TUPLE_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    /// From whom.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// The transport protocol.
    pub protocol: Protocol,
    /// From which port; 0 for protocols without ports.
    pub source_port: u16,
    /// To which port; 0 for protocols without ports.
    pub destination_port: u16,
}

/// How far a TCP connection is (`enum tcp_conntrack`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcpState {
    /// `TCP_CONNTRACK_SYN_SENT`: the client asked.
    SynSent,
    /// `TCP_CONNTRACK_SYN_RECV`: the server answered.
    SynReceived,
    /// `TCP_CONNTRACK_ESTABLISHED`: data flows.
    Established,
    /// `TCP_CONNTRACK_FIN_WAIT`: one side has ended.
    FinWait,
    /// `TCP_CONNTRACK_CLOSE_WAIT`: the other side knows it.
    CloseWait,
    /// `TCP_CONNTRACK_LAST_ACK`: both sides have ended.
    LastAck,
    /// `TCP_CONNTRACK_TIME_WAIT`: late packets are waited for.
    TimeWait,
    /// `TCP_CONNTRACK_CLOSE`: reset.
    Close,
    /// Any other number.
    Other(u8),
}

/// What was counted in one direction (`CTA_COUNTERS_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A tracked connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As the client sends.
    pub original: Tuple,
    /// As the answers come: its source is the real server where the destination is translated.
    pub reply: Tuple,
    /// `IPS_*` bits (`include/uapi/linux/netfilter/nf_conntrack_common.h`).
    pub status: u32,
    /// How far a TCP connection is; none for other protocols.
    pub tcp: Option<TcpState>,
    /// After how many seconds without a packet it is forgotten; none while it is being made.
    pub timeout: Option<u32>,
    /// The connection's mark.
    pub mark: u32,
    /// What the client sent, where the kernel counts (`net.netfilter.nf_conntrack_acct`).
    pub sent: Option<Counters>,
    /// What the client received.
    pub received: Option<Counters>,
    /// The kernel's number of this connection (`CTA_ID`), so that deleting never meets a newer one.
    pub id: Option<u32>,
    /// The zone that it is tracked in; 0 is the usual one.
    pub zone: u16,
}

/// Which connections are listed. What is `None` does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter {
    /// To this address, as the client wrote it.
    pub destination: Option<IpAddr>,
    /// To this port, as the client wrote it.
    pub destination_port: Option<u16>,
    /// By this transport protocol.
    pub protocol: Option<Protocol>,
    /// Answered from this address.
    pub server: Option<IpAddr>,
    /// Answered from this port.
    pub server_port: Option<u16>,
}
