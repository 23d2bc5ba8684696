//! Live numbers: what each server has of connections now, and had since it was added.
//!
//! How many there were is counted by the tables' elements. How many there are now is counted in
//! the kernel's connection tracking for translated services, and in the tables' own maps for
//! direct routing and for remembered clients. Pure but for the reading itself. Called when the
//! data plane is observed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use crate::dataplane::protocol::protocol;
use crate::dataplane::{Counters, DestinationCounters};
use crate::netlink::conntrack::{Entry, TcpState, Tuple};
use crate::netlink::nft::model::ElementCounter;
use crate::state::{DestinationKey, MarkRule, Protocol, ServiceKey, State};

/// A destination of a service.
pub(super) type Place = (ServiceKey, DestinationKey);

/// Which service a connection belongs to, of some destinations.
#[derive(Debug, Default)]
pub(super) struct Directory<'a> {
    services: HashSet<ServiceKey>,
    places: HashSet<Place>,
    marks: HashMap<IpAddr, Vec<&'a MarkRule>>,
    /// Destinations of services by marks that other programs give.
    marked: HashMap<DestinationKey, ServiceKey>,
}

impl<'a> Directory<'a> {
    /// Of these destinations, where farmctl gives these marks.
    pub(super) fn new(
        places: impl IntoIterator<Item = Place>,
        marks: &'a BTreeSet<MarkRule>,
    ) -> Self {
        let mut directory = Self::default();
        for rule in marks {
            directory.marks.entry(rule.address).or_default().push(rule);
        }
        let own: HashSet<u32> = marks.iter().map(|rule| rule.mark).collect();
        for (service, key) in places {
            directory.services.insert(service);
            directory.places.insert((service, key));
            if let ServiceKey::Mark { mark, .. } = service
                && !own.contains(&mark)
            {
                directory.marked.insert(key, service);
            }
        }
        directory
    }

    /// Of all destinations of a state.
    pub(super) fn of(state: &'a State) -> Self {
        let places = state.services.iter().flat_map(|(service, value)| {
            let keys = value.destinations.keys();
            keys.map(|key| (*service, *key))
        });
        Self::new(places, &state.marks)
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
        let is_there = |key: &ServiceKey| self.services.contains(key);
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
        let at = |port| (service, DestinationKey { address, port });
        let found = [at(port), at(0), at(service.port())];
        found.into_iter().find(|place| self.places.contains(place))
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

    /// One more client that is remembered.
    pub(super) fn remember(&mut self, place: Place) {
        if let Some(counters) = self.destinations.get_mut(&place) {
            counters.persistent += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::ipvs as kernel;
    use crate::state::{Family, PortRange};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn at(protocol: Protocol, port: u16) -> ServiceKey {
        ServiceKey::Address {
            protocol,
            address: ip("192.0.2.10"),
            port,
        }
    }

    fn server(port: u16) -> DestinationKey {
        DestinationKey {
            address: ip("10.0.0.21"),
            port,
        }
    }

    /// A connection to a port of the VIP that a port of the server answers.
    fn entry(protocol: kernel::Protocol, port: u16, answers: u16) -> Entry {
        let tuple = |source, source_port, destination, destination_port| Tuple {
            source,
            destination,
            protocol,
            source_port,
            destination_port,
        };
        let (client, vip) = (ip("198.51.100.7"), ip("192.0.2.10"));
        Entry {
            original: tuple(client, 40_000, vip, port),
            reply: tuple(ip("10.0.0.21"), answers, client, 40_000),
            status: 0,
            tcp: None,
            timeout: None,
            mark: 0,
            sent: None,
            received: None,
            id: None,
            zone: 0,
        }
    }

    const TCP: kernel::Protocol = kernel::Protocol::Tcp;

    fn own_mark(marks: u32) -> BTreeSet<MarkRule> {
        [MarkRule {
            mark: marks,
            address: ip("192.0.2.10"),
            protocol: Protocol::Tcp,
            ports: PortRange {
                first: 30_000,
                last: 30_100,
            },
        }]
        .into()
    }

    #[test]
    fn a_connection_belongs_to_the_exact_port_before_every_port() {
        let marks = BTreeSet::new();
        let (exact, every) = (at(Protocol::Tcp, 80), at(Protocol::Tcp, 0));
        let directory = Directory::new([(exact, server(8080)), (every, server(0))], &marks);
        let place = |port, answers| directory.place_of(&entry(TCP, port, answers));
        assert_eq!(place(80, 8080), Some((exact, server(8080))));
        assert_eq!(place(81, 81), Some((every, server(0))));
        assert_eq!(
            directory.place_of(&entry(kernel::Protocol::Udp, 80, 8080)),
            None
        );
    }

    #[test]
    fn a_connection_to_a_server_that_is_not_of_the_service_belongs_to_nobody() {
        let marks = BTreeSet::new();
        let directory = Directory::new([(at(Protocol::Tcp, 80), server(8080))], &marks);
        assert_eq!(directory.place_of(&entry(TCP, 80, 8081)), None);
        assert_eq!(directory.place_of(&entry(TCP, 443, 8080)), None);
    }

    #[test]
    fn a_port_that_farmctl_marks_belongs_to_the_service_of_the_mark() {
        let marks = own_mark(7);
        let key = ServiceKey::Mark {
            family: Family::V4,
            mark: 7,
        };
        let directory = Directory::new([(key, server(0))], &marks);
        let place = |port| directory.place_of(&entry(TCP, port, port));
        assert_eq!(place(30_050), Some((key, server(0))));
        assert_eq!(place(30_101), None);
    }

    #[test]
    fn a_service_by_a_mark_of_others_is_known_by_its_servers() {
        let marks = own_mark(7);
        let key = ServiceKey::Mark {
            family: Family::V4,
            mark: 8,
        };
        let directory = Directory::new([(key, server(0))], &marks);
        let place = directory.place_of(&entry(TCP, 8443, 8443));
        assert_eq!(place, Some((key, server(0))));
    }

    #[test]
    fn a_closed_connection_is_over_and_a_datagram_flow_is_inactive() {
        let tcp = |state| {
            Stage::of(&Entry {
                tcp: Some(state),
                ..entry(TCP, 80, 80)
            })
        };
        assert_eq!(tcp(TcpState::Established), Stage::Active);
        assert_eq!(tcp(TcpState::FinWait), Stage::Inactive);
        assert_eq!(tcp(TcpState::TimeWait), Stage::Over);
        assert_eq!(
            Stage::of(&entry(kernel::Protocol::Udp, 53, 53)),
            Stage::Inactive
        );
    }
}
