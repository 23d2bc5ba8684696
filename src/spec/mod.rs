//! What a user writes in farm.yaml: the types, the way from text to values, and what can be wrong.
//!
//! The types hold exactly what is written, in the user's words, with optional fields where the
//! file may leave something out; [`EffectiveService`] is a service with nothing left out.
//! Nothing here opens a file, asks the kernel or knows the time. Called by `cli` (to read a file)
//! and by `state::desired` (to make the kernel's state from it).

mod capability;
mod check;
mod daemon;
mod director;
mod effective;
mod file_source;
mod network;
mod notification;
mod problem;
mod real_server;
pub mod report;
mod scalar;
mod scalar_schema;
mod scalar_serde;
pub mod schema;
mod service;
mod service_health;
mod source;
mod tree;
mod validate;
mod vip;
mod word_or_map;

pub use capability::{Capability, EXACT_SERVICES, EXACT_STEPS, Lack};
pub use check::{
    AgentCheck, BannerCheck, Check, CheckChoice, DnsCheck, DnsRecord, EffectiveCheck, ExecCheck,
    FileCheck, GrpcCheck, HttpCheck, HttpMethod, HttpVersion, Kind, PingCheck, SmtpCheck,
    SmtpSecurity, TcpCheck, Timing, TlsCheck, TlsVersion, UdpCheck, Vantage, Way, escape,
};
pub use daemon::{
    ApiOptions, DaemonOptions, DriftPolicy, EffectiveDaemon, LogLevel, MetricsNames, MetricsOptions,
};
pub use director::{
    ConnectionSync, DataplaneChoice, DataplaneKind, Directors, IpvsOptions, IpvsSysctls,
    IpvsTimeouts, LeastConnections, NftablesOptions,
};
pub use effective::{
    EffectivePersistence, EffectiveRealServer, EffectiveService, MAIN_NETWORK, NodeSite, Ports,
    VipSite, real_server_name, written_real_servers,
};
pub use file_source::{GitSource, Signed, Source, Trust, Unsigned};
pub use network::{Node, NodeNetwork};
pub use notification::{
    EVENT_WORDS, EffectiveNotification, EventWord, ExecNotification, Mail, MailSecurity,
    Notification, Receiver, Webhook,
};
pub use problem::{Path, Place, Problem, Segment, Severity};
pub use real_server::{Pool, RealServer, RealServerDefaults, SorryServer};
pub use scalar::{
    AddressWithPrefix, Duration, FilePath, InterfaceName, Name, OneOrMany, OrNone, Percent,
    PortSpec, Rate, ScalarError, SocketAddress, StatusRange, Version,
};
pub use service::{
    Defaults, Forwarding, GreOptions, GueOptions, HashOptions, NatOptions, Persistence, Protocol,
    Scheduler, ServiceDefaults, Tunnel, TunnelChecksum, TurnOptions, VirtualService,
};
pub use service_health::{
    AfterDrain, Drain, EffectiveDrain, EffectiveMassFailure, EffectiveQuorum, MassFailure,
    MassFailureThen, OnFailure, Quorum, QuorumCount, Remaining,
};
pub(crate) use source::suggest::{listed, nearest};
pub use source::{Document, Format, Reading, Reference, SourceText, read, read_document};
pub use validate::{lacking, validate};
pub use vip::{Ownership, Vip, VipAddress};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A whole farm: its machines, floating addresses, virtual services and real servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Farm {
    /// The version of the file's format; this farmctl reads version 1.
    pub version: Version,
    /// The farm's name. Two farms never share a name.
    #[serde(default = "default_farm_name")]
    pub farm: Name,
    /// The machines, by name: directors, real servers and others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<Name, Node>,
    /// The machines that forward, and how. Left out, the machine that runs farmctl is the director.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directors: Option<Directors>,
    /// The floating addresses, in groups that move together, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vips: BTreeMap<Name, Vip>,
    /// Values for everything that does not say its own; maps are merged key by key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defaults: Option<Defaults>,
    /// Real servers that several services share, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pools: BTreeMap<Name, Pool>,
    /// The virtual services, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<Name, VirtualService>,
    /// Where a daemon takes its file from. Left out, it is the file that it is started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// How `farmctl daemon` works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daemon: Option<DaemonOptions>,
    /// Who is told what happened, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notifications: BTreeMap<Name, Notification>,
}

fn default_farm_name() -> Name {
    Name::new_unchecked("farm")
}
