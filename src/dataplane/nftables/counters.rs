//! Live numbers: what each server has of connections now, and had since it was added.
//!
//! How many there were is counted by the tables' elements. How many there are now is counted in
//! the kernel's connection tracking for translated services, and in the tables' own maps for
//! direct routing and for remembered clients. Pure but for the reading itself. Called when the
//! data plane is observed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::dataplane::{Counters, DestinationCounters};
use crate::netlink::conntrack::{Entry, TcpState, Tuple};
use crate::netlink::ipvs as kernel;
use crate::netlink::nft::model::ElementCounter;
use crate::state::{DestinationKey, MarkRule, Protocol, ServiceKey, State};

/// A destination of a service.
pub(super) type Place = (ServiceKey, DestinationKey);

/// Which service a connection belongs to.
#[derive(Debug)]
pub(super) struct Directory<'a> {
    state: &'a State,
    marks: BTreeMap<IpAddr, Vec<&'a MarkRule>>,
    /// Destinations of services by marks that other programs give.
    marked: BTreeMap<DestinationKey, ServiceKey>,
}

impl<'a> Directory<'a> {
    pub(super) fn of(state: &'a State) -> Self {
        let mut directory = Self {
            state,
            marks: BTreeMap::new(),
            marked: BTreeMap::new(),
        };
        for rule in &state.marks {
            directory.marks.entry(rule.address).or_default().push(rule);
        }
        for (key, service) in &state.services {
            let ServiceKey::Mark { mark, .. } = key else {
                continue;
            };
            if !state.marks.iter().any(|rule| rule.mark == *mark) {
                let servers = service.destinations.keys();
                directory
                    .marked
                    .extend(servers.map(|server| (*server, *key)));
            }
        }
        directory
    }

    /// The service that takes packets to this address and port. Services by marks of other programs
    /// are not found: nobody knows here what carries such a mark.
    pub(super) fn service(
        &self,
        protocol: Protocol,
        address: IpAddr,
        port: u16,
    ) -> Option<ServiceKey> {
        let at = |port| ServiceKey::Address {
            protocol,
            address,
            port,
        };
        let is_there = |key: &ServiceKey| self.state.services.contains_key(key);
        let own = self.own_mark(protocol, address, port);
        own.into_iter().chain([at(port), at(0)]).find(is_there)
    }

    fn own_mark(&self, protocol: Protocol, address: IpAddr, port: u16) -> Option<ServiceKey> {
        let mut rules = self.marks.get(&address)?.iter();
        let rule = rules.find(|rule| {
            let ports = rule.ports.first..=rule.ports.last;
            rule.protocol == protocol && ports.contains(&port)
        })?;
        Some(ServiceKey::Mark {
            family: crate::state::Family::of(address),
            mark: rule.mark,
        })
    }

    /// The destination of a service that is at this address and port. A service on many ports has
    /// destinations without one: they keep the client's.
    pub(super) fn destination(
        &self,
        service: ServiceKey,
        address: IpAddr,
        port: u16,
    ) -> Option<Place> {
        let servers = &self.state.services.get(&service)?.destinations;
        let at = |port| DestinationKey { address, port };
        let found = [at(port), at(0), at(service.port())];
        let key = found.into_iter().find(|key| servers.contains_key(key))?;
        Some((service, key))
    }

    /// The destination that a tracked connection leads to.
    pub(super) fn place_of(&self, entry: &Entry) -> Option<Place> {
        let Tuple {
            destination,
            destination_port,
            protocol,
            ..
        } = entry.original;
        let (server, port) = (entry.reply.source, entry.reply.source_port);
        let by_address = self
            .service(self::protocol(protocol)?, destination, destination_port)
            .and_then(|service| self.destination(service, server, port));
        by_address.or_else(|| {
            let at = |port| DestinationKey {
                address: server,
                port,
            };
            let key = [at(port), at(0)]
                .into_iter()
                .find(|key| self.marked.contains_key(key))?;
            Some((self.marked[&key], key))
        })
    }
}

fn protocol(protocol: kernel::Protocol) -> Option<Protocol> {
    match protocol {
        kernel::Protocol::Tcp => Some(Protocol::Tcp),
        kernel::Protocol::Udp => Some(Protocol::Udp),
        kernel::Protocol::Sctp => Some(Protocol::Sctp),
        kernel::Protocol::Other(_) => None,
    }
}

/// How a connection counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Data flows.
    Active,
    /// It begins or ends, or its protocol knows no connections.
    Inactive,
    /// It has ended, and the kernel only waits for late packets: a removal cuts nothing.
    Over,
}

impl Stage {
    pub(super) fn of(entry: &Entry) -> Self {
        match entry.tcp {
            Some(TcpState::Established) => Self::Active,
            Some(TcpState::TimeWait | TcpState::Close) => Self::Over,
            Some(
                TcpState::SynSent
                | TcpState::SynReceived
                | TcpState::FinWait
                | TcpState::CloseWait
                | TcpState::LastAck
                | TcpState::Other(_),
            )
            | None => Self::Inactive,
        }
    }
}

/// Everything that was counted.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) services: BTreeMap<ServiceKey, Counters>,
    pub(super) destinations: BTreeMap<Place, DestinationCounters>,
}

impl Census {
    /// What the elements counted; every destination has an entry from now on.
    pub(super) fn of(state: &State, counted: &BTreeMap<Place, ElementCounter>) -> Self {
        let mut census = Self::default();
        for (key, service) in &state.services {
            let mut sum = Counters::default();
            for server in service.destinations.keys() {
                let place = (*key, *server);
                let connections = counted.get(&place).map_or(0, |counter| counter.packets);
                sum.connections += connections;
                let counters = DestinationCounters {
                    counters: Counters {
                        connections,
                        ..Counters::default()
                    },
                    ..DestinationCounters::default()
                };
                census.destinations.insert(place, counters);
            }
            census.services.insert(*key, sum);
        }
        census
    }

    /// One more connection.
    pub(super) fn add(&mut self, place: Place, stage: Stage) {
        let Some(counters) = self.destinations.get_mut(&place) else {
            return;
        };
        match stage {
            Stage::Active => counters.active += 1,
            Stage::Inactive => counters.inactive += 1,
            Stage::Over => {}
        }
    }
}
