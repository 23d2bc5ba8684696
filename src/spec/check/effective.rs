//! A check with nothing left out: what is asked, when, and from where.

use std::net::IpAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::InterfaceName;
use super::{
    AgentCheck, BannerCheck, DnsCheck, ExecCheck, FileCheck, GrpcCheck, HttpCheck, PingCheck,
    SmtpCheck, TcpCheck, UdpCheck,
};

/// A check with nothing left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectiveCheck {
    /// What is asked; none where only an agent is.
    pub kind: Option<Kind>,
    /// An agent that is asked beside it.
    pub agent: Option<AgentCheck>,
    /// When, and how often until it counts.
    pub timing: Timing,
    /// Another port than the one that the real server serves on.
    pub port: Option<u16>,
    /// Another address than the one that the real server serves on.
    pub address: Option<IpAddr>,
    /// From where, and which way.
    pub vantage: Vantage,
}

/// What is asked, with the options as they are written: one choice replaces another as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A connection.
    Tcp(TcpCheck),
    /// A request.
    Http(HttpCheck),
    /// A request over TLS.
    Https(HttpCheck),
    /// A datagram.
    Udp(UdpCheck),
    /// A name.
    Dns(DnsCheck),
    /// A greeting of a mail server.
    Smtp(SmtpCheck),
    /// An echo request.
    Ping(PingCheck),
    /// grpc.health.v1.
    Grpc(GrpcCheck),
    /// A greeting of an FTP server.
    Ftp(BannerCheck),
    /// A greeting of an IMAP server.
    Imap(BannerCheck),
    /// A greeting of a POP3 server.
    Pop(BannerCheck),
    /// A greeting of an NNTP server.
    Nntp(BannerCheck),
    /// A greeting of a MySQL server.
    Mysql(BannerCheck),
    /// PING of a Redis server.
    Redis(BannerCheck),
    /// A program.
    Exec(ExecCheck),
    /// A file.
    File(FileCheck),
}

/// When it is asked, and how often until it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timing {
    /// From one question to the next.
    pub interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Good answers in a row until a real server is up.
    pub rise: u32,
    /// Failures in a row until it is down.
    pub fall: u32,
    /// From a failure to the next question, until it is decided; not longer than the interval.
    pub fast_retry: Duration,
    /// The first questions are spread over this time.
    pub warm_up: Duration,
}

/// From where it is asked, and which way the question takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Vantage {
    /// The director's own address to ask from.
    pub bind: Option<IpAddr>,
    /// The interface to ask through.
    pub interface: Option<InterfaceName>,
    /// The firewall mark that the questions carry.
    pub mark: Option<u32>,
    /// The network namespace to ask from.
    pub namespace: Option<String>,
    /// Which way.
    pub way: Way,
}

/// Which way a question takes.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The real server's own address is asked.
    #[default]
    Server,
    /// A packet to the VIP goes the way that a client's packet goes.
    DataPath,
}

impl Kind {
    /// The key of the file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Http(_) => "http",
            Self::Https(_) => "https",
            Self::Udp(_) => "udp",
            Self::Dns(_) => "dns",
            Self::Smtp(_) => "smtp",
            Self::Ping(_) => "ping",
            Self::Grpc(_) => "grpc",
            Self::Ftp(_) => "ftp",
            Self::Imap(_) => "imap",
            Self::Pop(_) => "pop",
            Self::Nntp(_) => "nntp",
            Self::Mysql(_) => "mysql",
            Self::Redis(_) => "redis",
            Self::Exec(_) => "exec",
            Self::File(_) => "file",
        }
    }
}
