//! The options of each kind of check.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{Duration, FilePath, StatusRange};

/// A TCP connection is made; bytes may be sent and expected.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct TcpCheck {
    /// Sent once the connection stands; `\r`, `\n`, `\t`, `\\`, `\xNN` stand for bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// A regular expression that what the server sends must match, in its first 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// Over TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsCheck>,
}

/// How TLS is spoken.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct TlsCheck {
    /// The name that is asked for (SNI) and that the certificate must have. Left out, the host of
    /// an HTTP check, else none: the certificate must then have the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Whether the certificate must be good. Left out, false: real servers often have one of
    /// their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<bool>,
    /// A file with the certificates to trust, PEM. Left out, the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<FilePath>,
    /// A file with the certificate to show, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<FilePath>,
    /// A file with its key, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<FilePath>,
    /// The oldest version of TLS that is good enough. Left out, `tls1.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_version: Option<TlsVersion>,
    /// An operator is warned so long before the server's certificate expires. Left out, 14d.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry_warning: Option<Duration>,
}

/// A version of TLS.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[serde(rename = "tls1.2")]
    V12,
    /// TLS 1.3 (RFC 8446).
    #[serde(rename = "tls1.3")]
    V13,
}

/// An HTTP request is answered as expected.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct HttpCheck {
    /// The path, with a query where there is one. Left out, `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The method. Left out, GET.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<HttpMethod>,
    /// The Host header. Left out, the real server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// More headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The status codes that are good: numbers and ranges. Left out, `200-299`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<StatusRange>,
    /// A text that the body must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// A regular expression that the body must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_matches: Option<String>,
    /// A regular expression that the body must not match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_lacks: Option<String>,
    /// How much of the body is read, in bytes. Left out, 1048576.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_limit: Option<u32>,
    /// The version of HTTP. Left out, `http1.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<HttpVersion>,
    /// How TLS is spoken (`https` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsCheck>,
}

/// A method of HTTP.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// GET.
    #[default]
    Get,
    /// HEAD: no body comes back.
    Head,
    /// POST without a body.
    Post,
    /// OPTIONS.
    Options,
}

/// A version of HTTP.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub enum HttpVersion {
    /// HTTP/1.0.
    #[serde(rename = "http1.0")]
    V10,
    /// HTTP/1.1.
    #[default]
    #[serde(rename = "http1.1")]
    V11,
    /// HTTP/2: with prior knowledge, or by ALPN over TLS.
    #[serde(rename = "http2")]
    V2,
}

/// A datagram is answered, or at least not refused.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct UdpCheck {
    /// What is sent; written as with `tcp`. Left out, an empty datagram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// A regular expression that the answer must match. Left out, silence is good and only a
    /// refusal (ICMP port unreachable) is bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
}

/// A name is resolved.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct DnsCheck {
    /// The name. Left out, the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The kind of record. Left out, SOA for the root and A for any other name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<DnsRecord>,
    /// An address that must be in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Over TCP instead of UDP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<bool>,
}

/// A kind of DNS record.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum DnsRecord {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// An alias.
    Cname,
    /// A mail server.
    Mx,
    /// A name server.
    Ns,
    /// A pointer.
    Ptr,
    /// The start of a zone.
    Soa,
    /// A service.
    Srv,
    /// A text.
    Txt,
}

/// A mail server greets and answers.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct SmtpCheck {
    /// What it is greeted as (EHLO). Left out, `localhost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello: Option<String>,
    /// Whether TLS is spoken, and from when. Left out, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<SmtpSecurity>,
    /// How TLS is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsCheck>,
}

/// Whether a mail server is spoken to over TLS.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    /// No TLS.
    #[default]
    None,
    /// STARTTLS (RFC 3207) must be offered and work.
    Starttls,
    /// TLS from the first byte.
    Tls,
}

/// An echo request is answered.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct PingCheck {
    /// Bytes of payload. Left out, 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1400))]
    pub size: Option<u16>,
}

/// The gRPC health service says SERVING.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct GrpcCheck {
    /// The service that is asked about. Left out, the server as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The `:authority`. Left out, the real server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// Over TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsCheck>,
}

/// A server of a well-known protocol greets: a check `tcp` with `send` and `expect` already there.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct BannerCheck {
    /// Over TLS from the first byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsCheck>,
}

/// A program ends with 0.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct ExecCheck {
    /// The program and its arguments; the program's whole path, under one of `daemon.exec_dirs`.
    pub command: Vec<String>,
    /// Variables of its environment, beside those that farmctl sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// The first line that it writes is read as an agent's answer (`75%`, `drain`, `down`). Left
    /// out, false: only the exit code counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads_agent: Option<bool>,
}

/// A file on the director says so: it is there, and its first line is read as an agent's answer.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct FileCheck {
    /// The file's whole path; `{name}` and `{address}` stand for the real server's.
    pub path: FilePath,
    /// What a missing file means. Left out, false: the real server is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_is_up: Option<bool>,
}

/// An agent on the real server says how much it can take (HAProxy's agent-check protocol).
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct AgentCheck {
    /// The agent's port. Left out, 3333.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// Sent once the connection stands; written as with `tcp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// How often. Left out, 5s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// An answer counts no longer than this; then the weight of the file holds. Left out, 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_after: Option<Duration>,
}
