//! What holds for a service once its defaults are filled in and its names are followed.
//!
//! The merge rule: what the service says, else what `defaults` says, map by map; a one-of choice
//! replaces as a whole; `none` unsets. Names that lead nowhere are left out in silence: a file
//! with such names does not pass `validate`. Nothing here judges. Called by `validate` and by
//! `state::desired`, so that both see the same service.

mod checks;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use self::checks::Checks;
use super::{
    AddressWithPrefix, EffectiveCheck, EffectiveDrain, EffectiveMassFailure, EffectiveQuorum, Farm,
    Forwarding, InterfaceName, MassFailure, Name, NatOptions, Node, OnFailure, OneOrMany, OrNone,
    Persistence, Pool, PortSpec, Protocol, Quorum, RealServer, Scheduler, ServiceDefaults,
    SorryServer, Vip, VipAddress, VirtualService,
};

/// The network of a node's short form, and of a VIP that names neither network nor interface.
pub const MAIN_NETWORK: &str = "main";

/// A service with nothing left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveService<'a> {
    /// What it listens on.
    pub ports: Ports,
    /// Its protocols, each once; without meaning for a firewall mark.
    pub protocols: Vec<Protocol>,
    /// How a real server is chosen; none where the file leaves it to the data plane
    /// ([`super::DataplaneKind::default_scheduler`]).
    pub scheduler: Option<Scheduler>,
    /// How packets reach a real server that does not say its own way.
    pub forwarding: Forwarding,
    /// Keeps a client with its real server.
    pub persistence: Option<EffectivePersistence>,
    /// Each UDP packet is scheduled by itself.
    pub one_packet: bool,
    /// The pool that the real servers come from; none where the service lists its own.
    pub pool: Option<&'a Name>,
    /// The real servers, in the order of the file.
    pub real_servers: Vec<EffectiveRealServer>,
    /// Takes the connections when no real server can.
    pub sorry_server: Option<EffectiveRealServer>,
    /// How much must be up for the real servers to serve.
    pub quorum: EffectiveQuorum,
    /// How a real server leaves.
    pub drain: EffectiveDrain,
    /// What becomes of a real server that is down.
    pub on_failure: OnFailure,
    /// A real server that comes back reaches its weight over this time; none where at once.
    pub slow_start: Option<Duration>,
    /// The guard against mass failure; none where there is none.
    pub mass_failure: Option<EffectiveMassFailure>,
}

/// What a service listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ports {
    /// One port.
    One(u16),
    /// Every port (port 0).
    Every,
    /// Several ports and ranges, each port a service of its own.
    Several(Vec<PortSpec>),
    /// Several ports and ranges with one persistence over all of them.
    Together(Vec<PortSpec>),
    /// A firewall mark that somebody else sets.
    Mark(u32),
}

impl Ports {
    /// The ports as ranges, as the kernel numbers them (0 for every port); empty for a mark.
    pub fn ranges(&self) -> Vec<PortSpec> {
        match self {
            Self::One(port) => vec![PortSpec {
                first: *port,
                last: *port,
            }],
            Self::Every => vec![PortSpec { first: 0, last: 0 }],
            Self::Several(ports) | Self::Together(ports) => ports.clone(),
            Self::Mark(_) => Vec::new(),
        }
    }
}

/// Persistence with nothing left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectivePersistence {
    /// How long a client is remembered, in seconds.
    pub timeout: u32,
    /// IPv4 clients with the same first bits are one client.
    pub mask4: u8,
    /// IPv6 clients with the same first bits are one client.
    pub mask6: u8,
    /// The persistence engine, where there is one.
    pub engine: Option<String>,
}

/// A real server (or sorry server) with nothing left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveRealServer {
    /// What messages call it.
    pub name: String,
    /// Its place in the list that it was written in; 0 for a sorry server.
    pub index: usize,
    /// Its addresses, of either family, the preferred ones first.
    pub addresses: Vec<IpAddr>,
    /// The port that it listens on; none where it keeps the client's port.
    pub port: Option<u16>,
    /// Its share of new connections.
    pub weight: u32,
    /// No new connection above this many; 0 is no limit.
    pub upper_threshold: u32,
    /// New connections again below this many.
    pub lower_threshold: u32,
    /// How packets reach it.
    pub forwarding: Forwarding,
    /// How it is checked, shared by all that are checked alike; none where it is taken to be well.
    pub check: Option<Arc<EffectiveCheck>>,
}

impl EffectiveRealServer {
    /// The address with which it serves clients of a floating address: its first one of the same
    /// family; in a tunnel, where it has none of that family, its first one of the other.
    pub fn address_for(&self, vip: IpAddr) -> Option<IpAddr> {
        let same = self
            .addresses
            .iter()
            .find(|address| address.is_ipv4() == vip.is_ipv4());
        let mixed = match self.forwarding {
            Forwarding::Tunnel(_) => self.addresses.first(),
            Forwarding::Nat(_) | Forwarding::DirectRouting => None,
        };
        same.or(mixed).copied()
    }
}

impl<'a> EffectiveService<'a> {
    /// The service as it holds in its farm.
    pub fn of(farm: &'a Farm, service: &'a VirtualService) -> Self {
        let nothing = ServiceDefaults::default();
        let defaults = farm
            .defaults
            .as_ref()
            .and_then(|defaults| defaults.service.as_ref())
            .unwrap_or(&nothing);
        let ports = ports(service);
        let forwarding = service
            .forwarding
            .or(defaults.forwarding)
            .unwrap_or(Forwarding::Nat(NatOptions::default()));
        let keeps = keeps_port(&ports);
        let site = Site {
            farm,
            forwarding,
            keeps,
            checks: Checks::of(farm, service),
        };
        let pool = used_pool(farm, service);
        Self {
            protocols: protocols(service.protocol.as_ref().or(defaults.protocol.as_ref())),
            scheduler: service.scheduler.or(defaults.scheduler),
            forwarding,
            persistence: merge_persistence(
                service.persistence.as_ref(),
                defaults.persistence.as_ref(),
            ),
            one_packet: service.one_packet.unwrap_or(false),
            pool: service.pool.as_ref(),
            real_servers: written_real_servers(farm, service)
                .iter()
                .enumerate()
                .map(|(index, server)| real_server(&site, index, server))
                .collect(),
            sorry_server: merge_sorry_server(
                service.sorry_server.as_ref(),
                defaults.sorry_server.as_ref(),
            )
            .map(|sorry| sorry_server(&site, &sorry)),
            quorum: Quorum::effective(&[service.quorum, defaults.quorum]),
            drain: EffectiveDrain::of(farm, service),
            on_failure: service
                .on_failure
                .or(defaults.on_failure)
                .unwrap_or_default(),
            slow_start: service
                .slow_start
                .or(defaults.slow_start)
                .map(|time| time.0)
                .filter(|time| !time.is_zero()),
            mass_failure: MassFailure::effective(&[
                service.mass_failure,
                pool.and_then(|pool| pool.mass_failure),
                defaults.mass_failure,
            ]),
            ports,
        }
    }
}

/// The real servers that a service uses, as written: its own, else those of its pool.
pub fn written_real_servers<'a>(farm: &'a Farm, service: &'a VirtualService) -> &'a [RealServer] {
    used_pool(farm, service).map_or(&service.real_servers, |pool| &pool.real_servers)
}

/// The pool whose real servers a service uses.
fn used_pool<'a>(farm: &'a Farm, service: &VirtualService) -> Option<&'a Pool> {
    let pool = service.pool.as_ref().and_then(|name| farm.pools.get(name));
    pool.filter(|_| service.real_servers.is_empty())
}

fn ports(service: &VirtualService) -> Ports {
    if let Some(mark) = service.firewall_mark {
        return Ports::Mark(mark);
    }
    match service.port {
        Some(0) => Ports::Every,
        Some(port) => Ports::One(port),
        None if service.together == Some(true) => Ports::Together(service.ports.clone()),
        None => Ports::Several(service.ports.clone()),
    }
}

fn protocols(written: Option<&OneOrMany<Protocol>>) -> Vec<Protocol> {
    let mut protocols = written.map_or_else(|| vec![Protocol::Tcp], |list| list.0.clone());
    protocols.sort_unstable();
    protocols.dedup();
    protocols
}

/// Services with a list of ports: a real server keeps the client's port there.
fn keeps_port(ports: &Ports) -> KeepsPort {
    match ports {
        Ports::Several(_) | Ports::Together(_) => KeepsPort::Always,
        Ports::One(_) | Ports::Every | Ports::Mark(_) => KeepsPort::UnlessNat,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeepsPort {
    Always,
    UnlessNat,
}

impl KeepsPort {
    /// The port that a server is reached on: only address translation can change it.
    fn port(self, written: Option<u16>, forwarding: Forwarding) -> Option<u16> {
        match (self, forwarding) {
            (Self::UnlessNat, Forwarding::Nat(_)) => written,
            _ => None,
        }
    }
}

fn merge_persistence(
    written: Option<&OrNone<Persistence>>,
    default: Option<&Persistence>,
) -> Option<EffectivePersistence> {
    let nothing = Persistence::default();
    let (own, default) = match (written, default) {
        (Some(OrNone::None), _) | (None, None) => return None,
        (Some(OrNone::Some(own)), default) => (own, default.unwrap_or(&nothing)),
        (None, Some(default)) => (&nothing, default),
    };
    let timeout = own.timeout.or(default.timeout);
    Some(EffectivePersistence {
        timeout: timeout.map_or(360, |timeout| {
            u32::try_from(timeout.0.as_secs()).unwrap_or(u32::MAX)
        }),
        mask4: own.mask4.or(default.mask4).unwrap_or(32),
        mask6: own.mask6.or(default.mask6).unwrap_or(128),
        engine: own.engine.clone().or_else(|| default.engine.clone()),
    })
}

/// The sorry server of a service after the merge, still in the user's words.
pub(super) fn merge_sorry_server(
    written: Option<&OrNone<SorryServer>>,
    default: Option<&SorryServer>,
) -> Option<SorryServer> {
    let (own, default) = match (written, default) {
        (Some(OrNone::None), _) => return None,
        (Some(OrNone::Some(own)), Some(default)) => (own, default),
        (Some(OrNone::Some(own)), None) => return Some(own.clone()),
        (None, default) => return default.cloned(),
    };
    let target = if own.node.is_some() || own.address.is_some() {
        own
    } else {
        default
    };
    Some(SorryServer {
        node: target.node.clone(),
        address: target.address,
        network: own.network.clone().or_else(|| target.network.clone()),
        port: own.port.or(default.port),
        forwarding: own.forwarding.or(default.forwarding),
    })
}

/// What a real server takes from its service and its farm.
struct Site<'a> {
    farm: &'a Farm,
    forwarding: Forwarding,
    keeps: KeepsPort,
    checks: Checks<'a>,
}

fn real_server(site: &Site<'_>, index: usize, written: &RealServer) -> EffectiveRealServer {
    let defaults = site
        .farm
        .defaults
        .as_ref()
        .and_then(|defaults| defaults.real_server.clone())
        .unwrap_or_default();
    let forwarding = written.forwarding.unwrap_or(site.forwarding);
    EffectiveRealServer {
        name: real_server_name(written),
        index,
        addresses: addresses(
            site.farm,
            written.node.as_ref(),
            written.address,
            written.network.as_ref(),
        ),
        port: site.keeps.port(written.port, forwarding),
        weight: written.weight.or(defaults.weight).unwrap_or(1),
        upper_threshold: written
            .upper_threshold
            .or(defaults.upper_threshold)
            .unwrap_or(0),
        lower_threshold: written
            .lower_threshold
            .or(defaults.lower_threshold)
            .unwrap_or(0),
        forwarding,
        check: site.checks.of_server(written),
    }
}

fn sorry_server(site: &Site<'_>, written: &SorryServer) -> EffectiveRealServer {
    let forwarding = written.forwarding.unwrap_or(site.forwarding);
    EffectiveRealServer {
        name: "sorry server".to_owned(),
        index: 0,
        addresses: addresses(
            site.farm,
            written.node.as_ref(),
            written.address,
            written.network.as_ref(),
        ),
        port: site.keeps.port(written.port, forwarding),
        weight: 1,
        upper_threshold: 0,
        lower_threshold: 0,
        forwarding,
        check: None,
    }
}

/// What messages call a real server: its name, else its node's, else its address.
pub fn real_server_name(server: &RealServer) -> String {
    match (&server.name, &server.node, server.address) {
        (Some(name), _, _) | (None, Some(name), _) => name.to_string(),
        (None, None, Some(address)) => address.to_string(),
        (None, None, None) => "without a name".to_owned(),
    }
}

/// The addresses of a real server or sorry server.
fn addresses(
    farm: &Farm,
    node: Option<&Name>,
    address: Option<IpAddr>,
    network: Option<&Name>,
) -> Vec<IpAddr> {
    if let Some(address) = address {
        return vec![address];
    }
    let site = node
        .and_then(|name| farm.nodes.get(name))
        .and_then(|node| match network {
            Some(network) => node.on(network),
            None => node.usual_network(),
        });
    site.map_or_else(Vec::new, |site| {
        site.addresses
            .iter()
            .map(|address| address.address)
            .collect()
    })
}

/// Where a machine is on one network, written in either form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSite<'a> {
    /// The interface, where it is written.
    pub interface: Option<&'a InterfaceName>,
    /// The machine's own addresses there.
    pub addresses: Vec<AddressWithPrefix>,
}

impl Node {
    /// The networks that the machine is on, with where it is on each.
    pub fn sites(&self) -> Vec<(Name, NodeSite<'_>)> {
        let long = self.networks.iter().map(|(name, network)| {
            let site = NodeSite {
                interface: Some(&network.interface),
                addresses: network.addresses.clone(),
            };
            (name.clone(), site)
        });
        self.short_form()
            .map(|site| (Name::new_unchecked(MAIN_NETWORK), site))
            .into_iter()
            .chain(long)
            .collect()
    }

    /// Where the machine is on a network.
    pub fn on(&self, network: &Name) -> Option<NodeSite<'_>> {
        self.sites()
            .into_iter()
            .find_map(|(name, site)| (name == *network).then_some(site))
    }

    /// The network of a machine that is only on one, or else its network `main`.
    pub fn usual_network(&self) -> Option<NodeSite<'_>> {
        let mut sites = self.sites();
        match sites.len() {
            1 => sites.pop().map(|(_, site)| site),
            _ => sites
                .into_iter()
                .find_map(|(name, site)| (name.as_str() == MAIN_NETWORK).then_some(site)),
        }
    }

    fn short_form(&self) -> Option<NodeSite<'_>> {
        let addresses: Vec<_> = self
            .address
            .iter()
            .chain(&self.addresses)
            .copied()
            .collect();
        (self.interface.is_some() || !addresses.is_empty()).then_some(NodeSite {
            interface: self.interface.as_ref(),
            addresses,
        })
    }
}

/// Where a floating address is put up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum VipSite {
    /// On each director's interface to this network.
    Network(Name),
    /// On this interface, which has the same name on every director.
    Interface(InterfaceName),
}

impl Vip {
    /// Where one of the group's addresses is put up: as the address says, else as the group says,
    /// else on the network `main`.
    pub fn site(&self, address: &VipAddress) -> VipSite {
        let written = |network: &Option<Name>, interface: &Option<InterfaceName>| {
            let network = network.clone().map(VipSite::Network);
            network.or_else(|| interface.clone().map(VipSite::Interface))
        };
        written(&address.network, &address.interface)
            .or_else(|| written(&self.network, &self.interface))
            .unwrap_or_else(|| VipSite::Network(Name::new_unchecked(MAIN_NETWORK)))
    }
}

#[cfg(test)]
mod tests;
