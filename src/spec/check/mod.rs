//! Health checks as they are written: exactly one kind, and when and from where it is asked.
//!
//! The structs hold what a user writes; what is left out has the value that the method of the same
//! name gives. [`EffectiveCheck`] is a check with nothing left out. Nothing here asks anybody:
//! that is `probe`'s part, and `health` decides what an answer means.

mod choice;
mod defaults;
mod effective;
pub mod escape;
mod kinds;
mod merge;

pub use choice::CheckChoice;
pub use effective::{EffectiveCheck, Kind, Timing, Vantage, Way};
pub use kinds::{
    AgentCheck, BannerCheck, DnsCheck, DnsRecord, ExecCheck, FileCheck, GrpcCheck, HttpCheck,
    HttpMethod, HttpVersion, PingCheck, SmtpCheck, SmtpSecurity, TcpCheck, TlsCheck, TlsVersion,
    UdpCheck,
};
pub(crate) use merge::merge;

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, InterfaceName, OrNone};

/// How real servers are checked. Exactly one kind, and beside it when and from where it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// A TCP connection is made; bytes may be sent and expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpCheck>,
    /// An HTTP request is answered as expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpCheck>,
    /// The same over TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https: Option<HttpCheck>,
    /// A datagram is answered, or at least not refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub udp: Option<UdpCheck>,
    /// A name is resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsCheck>,
    /// A mail server greets and answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp: Option<SmtpCheck>,
    /// An echo request is answered (ICMP, ICMPv6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ping: Option<PingCheck>,
    /// The gRPC health service (grpc.health.v1) says SERVING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc: Option<GrpcCheck>,
    /// An FTP server greets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ftp: Option<BannerCheck>,
    /// An IMAP server greets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imap: Option<BannerCheck>,
    /// A POP3 server greets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pop: Option<BannerCheck>,
    /// An NNTP server greets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nntp: Option<BannerCheck>,
    /// A MySQL or MariaDB server greets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mysql: Option<BannerCheck>,
    /// A Redis server answers PING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<BannerCheck>,
    /// A program ends with 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<ExecCheck>,
    /// A file on the director says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileCheck>,
    /// Beside the check: an agent on the real server says how much it can take (HAProxy's
    /// agent-check). Its `up` never beats a failed check. `none` unsets a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<OrNone<AgentCheck>>,

    /// How often. Left out, 500ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// How long an answer may take. Left out, 500ms or the interval, whichever is shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// So many good answers in a row put a real server back. Left out, 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub rise: Option<u32>,
    /// So many failures in a row take a real server out. Left out, 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub fall: Option<u32>,
    /// After a failure it is asked again so soon, until it is decided. Left out, a quarter of the
    /// interval; never longer than the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fast_retry: Option<Duration>,
    /// The first questions of a director that starts are spread over this time. Left out, the
    /// interval, at most 5s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<Duration>,

    /// Another port than the one that the real server serves on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// Another address than the one that the real server serves on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The director's own address to ask from. Left out, the kernel chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<IpAddr>,
    /// The interface to ask through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<InterfaceName>,
    /// The firewall mark that the questions carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<u32>,
    /// The network namespace to ask from: a name in /run/netns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `server`: the real server's own address is asked. `data_path`: a packet to the VIP goes the
    /// way that a client's packet goes (tcp, with direct_routing or tunnel). Left out, `server`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
}
