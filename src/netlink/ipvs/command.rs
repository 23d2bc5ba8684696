//! What can be asked of IPVS: commands that change it, queries that read it, and its replies.
//!
//! Values only; [`super::codec`] turns them into bytes. Built by the IPVS data plane.

use std::net::IpAddr;

use super::entry::{
    DestinationEntry, ForwardingMethod, Info, Netmask, Role, ServiceEntry, ServiceId, SyncDaemon,
    Timeouts, Tunnel,
};

/// A virtual service to write. A write replaces every attribute: an engine left out is removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service {
    /// Which service.
    pub id: ServiceId,
    /// The scheduler's name, at most 15 bytes.
    pub scheduler: String,
    /// `FLAG_*` bits; [`super::FLAG_HASHED`] is never sent.
    pub flags: u32,
    /// The persistence timeout in seconds; counts only with [`super::FLAG_PERSISTENT`].
    pub timeout: u32,
    /// The persistence mask; [`Netmask::full`] without persistence.
    pub netmask: Netmask,
    /// The persistence engine, such as `sip`.
    pub engine: Option<String>,
}

impl From<&ServiceEntry> for Service {
    /// What would have to be written to get this entry again.
    fn from(entry: &ServiceEntry) -> Self {
        Self {
            id: entry.id,
            scheduler: entry.scheduler.clone(),
            flags: entry.flags & !super::FLAG_HASHED,
            timeout: entry.timeout,
            netmask: entry.netmask,
            engine: entry.engine.clone(),
        }
    }
}

/// What tells one destination of a service from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationId {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
}

/// A destination to write. A write replaces every attribute: a tunnel left at its default is
/// plain IP in IP afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    /// The address; of another family than the service only with [`ForwardingMethod::Tunnel`].
    pub address: IpAddr,
    /// The port; 0 for services by mark, so that the client's port is kept.
    pub port: u16,
    /// How packets get there.
    pub forwarding: ForwardingMethod,
    /// The weight, at most `i32::MAX`.
    pub weight: u32,
    /// Connections at which no new ones are given to it; 0 is no limit.
    pub upper_threshold: u32,
    /// Connections below which it gets new ones again; 0 is three quarters of the upper.
    pub lower_threshold: u32,
    /// How a tunnel wraps its packets.
    pub tunnel: Tunnel,
}

impl Destination {
    /// Which destination this is.
    pub fn id(&self) -> DestinationId {
        DestinationId {
            address: self.address,
            port: self.port,
        }
    }
}

impl From<&DestinationEntry> for Destination {
    /// What would have to be written to get this entry again.
    fn from(entry: &DestinationEntry) -> Self {
        Self {
            address: entry.address,
            port: entry.port,
            forwarding: entry.forwarding,
            weight: entry.weight,
            upper_threshold: entry.upper_threshold,
            lower_threshold: entry.lower_threshold,
            tunnel: entry.tunnel,
        }
    }
}

/// A change. Each is done or refused as a whole; several are not one transaction.
///
/// All need `CAP_NET_ADMIN` in the user namespace that owns the network namespace (`EPERM`).
/// The other error numbers stand at each command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Adds a service (`EEXIST`; `ENOENT`: no such scheduler or engine).
    NewService(Service),
    /// Edits a service in place (`ESRCH`: no such service).
    SetService(Service),
    /// Removes a service and its destinations (`ESRCH`). Removing the last one of a family cuts
    /// every connection of that family.
    DelService(ServiceId),
    /// Adds a destination (`EEXIST`; `ESRCH`: no such service; `ERANGE`: thresholds or weight;
    /// `EINVAL`: the address is not unicast, or `lo` is down).
    NewDestination(ServiceId, Destination),
    /// Edits a destination in place (`ENOENT`: no such destination).
    SetDestination(ServiceId, Destination),
    /// Removes a destination (`ENOENT`).
    DelDestination(ServiceId, DestinationId),
    /// Starts a synchronisation daemon (`EEXIST`; `ENODEV`: no such interface; `EINVAL`: a
    /// destination's family differs from its service's).
    NewDaemon(SyncDaemon),
    /// Stops a synchronisation daemon (`ESRCH`: none runs).
    DelDaemon(Role),
    /// Sets timeouts.
    SetTimeouts(Timeouts),
    /// Resets the counters of one service, or of all.
    Zero(Option<ServiceId>),
    /// Removes every service.
    Flush,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// All services.
    Services,
    /// One service (`ESRCH`).
    Service(ServiceId),
    /// The destinations of one service. A service that is missing has an empty list: compare
    /// with a list of services read afterwards.
    Destinations(ServiceId),
    /// The synchronisation daemons.
    Daemons,
    /// The timeouts.
    Timeouts,
    /// The version.
    Info,
}

/// An answer, or one entry of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// To [`Query::Services`] and [`Query::Service`].
    Service(ServiceEntry),
    /// To [`Query::Destinations`].
    Destination(DestinationEntry),
    /// To [`Query::Daemons`].
    Daemon(SyncDaemon),
    /// To [`Query::Timeouts`].
    Timeouts(Timeouts),
    /// To [`Query::Info`].
    Info(Info),
}
