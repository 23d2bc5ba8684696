//! What a director is to hold, in the words of the state: short to write, and nothing hidden.

use std::net::{IpAddr, SocketAddr};

use farmctl::state::{
    Address, AddressKey, ClientMask, Destination, DestinationKey, Forwarding, MarkRule,
    Persistence, PortRange, Protocol, SchedulerFlags, Service, ServiceAttributes, ServiceKey,
    Setting, State,
};

use crate::bed::{Family, Farm, Net};

/// How packets get to the real servers, and where everything stands for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The VIP on the uplink, the servers behind the director.
    Nat,
    /// Everybody on one wire: without `masquerade` the answers would pass the director by.
    Masquerade,
    /// Everybody on one wire; the servers hold the VIP and answer by themselves.
    DirectRouting,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Nat, Self::Masquerade, Self::DirectRouting];

    pub(crate) fn forwarding(self) -> Forwarding {
        match self {
            Self::Nat => Forwarding::Masquerade,
            Self::Masquerade => Forwarding::FullNat,
            Self::DirectRouting => Forwarding::Route,
        }
    }

    pub(crate) fn net(self) -> Net {
        match self {
            Self::Nat => Net::Uplink,
            Self::Masquerade | Self::DirectRouting => Net::Front,
        }
    }

    fn servers_net(self) -> Net {
        match self {
            Self::Nat => Net::Back,
            Self::Masquerade | Self::DirectRouting => Net::Front,
        }
    }

    /// The floating address.
    pub(crate) fn vip(self, family: Family) -> IpAddr {
        let host = if self == Self::Masquerade { 101 } else { 100 };
        self.net().address(family, host)
    }

    /// The port on which servers serve what the service has on `port`.
    pub(crate) fn server_port(self, port: u16) -> u16 {
        match self {
            Self::Nat | Self::Masquerade if port == 80 => 8080,
            Self::Nat | Self::Masquerade | Self::DirectRouting => port,
        }
    }

    /// A real server of a service on `port`: 0, 1 or 2.
    pub(crate) fn server(self, family: Family, number: usize, port: u16) -> DestinationKey {
        DestinationKey {
            address: self
                .servers_net()
                .address(family, Farm::REAL_SERVERS[number]),
            port: self.server_port(port),
        }
    }

    /// A service on `port` with these weights, by the scheduler's name.
    pub(crate) fn service(
        self,
        family: Family,
        port: u16,
        scheduler: &str,
        weights: &[u32],
    ) -> Service {
        let mut service = plain(scheduler);
        for (number, weight) in weights.iter().enumerate() {
            let key = self.server(family, number, port);
            service
                .destinations
                .insert(key, destination(self.forwarding(), *weight));
        }
        service
    }
}

/// A service without real servers.
pub(crate) fn plain(scheduler: &str) -> Service {
    Service::without_destinations(ServiceAttributes {
        scheduler: scheduler.to_owned(),
        scheduler_flags: SchedulerFlags::default(),
        persistence: None,
        one_packet: false,
    })
}

pub(crate) fn destination(forwarding: Forwarding, weight: u32) -> Destination {
    Destination {
        forwarding,
        weight,
        upper_threshold: 0,
        lower_threshold: 0,
    }
}

/// The service with persistence.
pub(crate) fn persistent(mut service: Service, timeout: u32, mask: ClientMask) -> Service {
    service.attributes.persistence = Some(Persistence {
        timeout,
        mask,
        engine: None,
    });
    service
}

/// The service that takes its servers strictly in turn.
pub(crate) fn exact(mut service: Service) -> Service {
    service.attributes.scheduler_flags = SchedulerFlags::EXACT;
    service
}

/// The key of a service at an address.
pub(crate) fn at(protocol: Protocol, address: IpAddr, port: u16) -> ServiceKey {
    ServiceKey::Address {
        protocol,
        address,
        port,
    }
}

/// A rule of farmctl's own marks.
pub(crate) fn mark_rule(mark: u32, address: IpAddr, first: u16, last: u16) -> MarkRule {
    MarkRule {
        mark,
        address,
        protocol: Protocol::Tcp,
        ports: PortRange { first, last },
    }
}

/// What a director is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish(pub(crate) State);

impl Wish {
    /// Nothing at all.
    pub(crate) fn empty() -> Self {
        Self(State::default())
    }

    /// A director that forwards and has nothing to forward.
    pub(crate) fn new() -> Self {
        let mut state = State::default();
        state.settings.insert(Setting::ForwardV4, 1);
        state.settings.insert(Setting::ForwardV6, 1);
        state.settings.insert(Setting::HashSeed, 0x5eed);
        Self(state)
    }

    /// The same with tcp port 80 of each family, spread over three servers by these weights.
    pub(crate) fn balanced(way: Way, scheduler: &str, weights: [u32; 3]) -> Self {
        Family::BOTH.into_iter().fold(Self::new(), |wish, family| {
            let service = way.service(family, 80, scheduler, &weights);
            wish.with(way, family, Protocol::Tcp, 80, service)
        })
    }

    /// The same with the service at the VIP, and the VIP.
    pub(crate) fn with(
        mut self,
        way: Way,
        family: Family,
        protocol: Protocol,
        port: u16,
        service: Service,
    ) -> Self {
        let key = at(protocol, way.vip(family), port);
        self.0.services.insert(key, service);
        self.holding(way, family)
    }

    /// The same with a service by its key, without any VIP.
    pub(crate) fn serving(mut self, key: ServiceKey, service: Service) -> Self {
        self.0.services.insert(key, service);
        self
    }

    /// The same with the VIP.
    pub(crate) fn holding(mut self, way: Way, family: Family) -> Self {
        let address = way.vip(family);
        let interface = way.net().interface().to_owned();
        let up = Address {
            prefix: if address.is_ipv4() { 32 } else { 128 },
            no_prefix_route: false,
        };
        self.0
            .addresses
            .insert(AddressKey { interface, address }, up);
        self
    }

    /// The same with other weights of every service's first servers; none takes the server out.
    pub(crate) fn reweighted(mut self, weights: [Option<u32>; 3]) -> Self {
        for service in self.0.services.values_mut() {
            let old = std::mem::take(&mut service.destinations);
            for ((key, mut destination), weight) in old.into_iter().zip(weights) {
                if let Some(weight) = weight {
                    destination.weight = weight;
                    service.destinations.insert(key, destination);
                }
            }
        }
        self
    }

    /// The same with every service changed.
    pub(crate) fn each(mut self, change: impl Fn(Service) -> Service) -> Self {
        let services = std::mem::take(&mut self.0.services).into_iter();
        self.0.services = services
            .map(|(key, service)| (key, change(service)))
            .collect();
        self
    }
}

/// Where clients find the tcp service on port 80.
pub(crate) fn front_door(way: Way, family: Family) -> SocketAddr {
    SocketAddr::new(way.vip(family), 80)
}
