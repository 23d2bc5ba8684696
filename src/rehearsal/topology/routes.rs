//! The last step: who sends packets which way.
//!
//! * Clients go by the router, and so do directors.
//! * Real servers of `nat` answer through the director: by a floating address beside them, which
//!   stays when directors change, else by the director's own.
//! * Real servers that answer clients themselves go by the router; where they serve `nat` too, only
//!   what comes from the floating address does.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::draft::servers;
use super::{Family, Host, Interface, Machine, ROUTER, ROUTER_LINK, Role, Route, Topology};
use crate::spec::{Farm, Forwarding};

/// Adds the routes of every machine.
pub(super) fn add(topology: &mut Topology, farms: &[&Farm]) {
    let translated = translated(farms);
    let routes: Vec<Vec<Route>> = topology
        .machines
        .values()
        .map(|machine| Ways { topology, machine }.all(&translated))
        .collect();
    for (machine, routes) in topology.machines.values_mut().zip(routes) {
        machine.routes = routes;
    }
}

/// The addresses that packets reach by address translation.
fn translated(farms: &[&Farm]) -> BTreeSet<IpAddr> {
    let all = farms.iter().flat_map(|farm| servers(farm));
    let by_nat = all.filter(|(_, server)| matches!(server.forwarding, Forwarding::Nat(_)));
    by_nat.flat_map(|(_, server)| server.addresses).collect()
}

/// The ways from one machine.
struct Ways<'a> {
    topology: &'a Topology,
    machine: &'a Machine,
}

impl Ways<'_> {
    fn all(&self, translated: &BTreeSet<IpAddr>) -> Vec<Route> {
        match self.machine.role {
            Role::Router => self.to_bare_addresses(),
            Role::Client => self.by_router(None),
            Role::Director => self.of_director(translated),
            Role::RealServer | Role::Bystander => self.of_server(translated),
        }
    }

    /// Floating addresses that no prefix of the router holds are its neighbours all the same.
    fn to_bare_addresses(&self) -> Vec<Route> {
        let bare = self.topology.vips.iter().filter_map(|(vip, wire)| {
            let interface = self.machine.on(*wire)?;
            let beside = interface
                .addresses
                .iter()
                .any(|own| own.subnet().contains(*vip));
            (!beside).then(|| Route {
                family: Family::of(*vip),
                to: Some(Host::alone(*vip).subnet()),
                gateway: None,
                interface: interface.name.clone(),
                from: None,
            })
        });
        bare.collect()
    }

    /// By the router: rather on a wire with a floating address, and rather on one without real
    /// servers of `nat`, which is the side of the clients.
    fn of_director(&self, translated: &BTreeSet<IpAddr>) -> Vec<Route> {
        let inside = |wire: usize| {
            let machines = self.topology.machines.values();
            let mut hosts = machines
                .filter_map(|one| one.on(wire))
                .flat_map(|one| &one.addresses);
            hosts.any(|host| translated.contains(&host.ip))
        };
        let mut wires: Vec<usize> = self.topology.vips.values().copied().collect();
        wires.sort_by_key(|wire| (inside(*wire), *wire));
        let mut routes = Vec::new();
        for family in Family::BOTH {
            let near = wires.iter().find_map(|wire| self.router_on(*wire, family));
            routes.extend(
                near.or_else(|| self.router(family))
                    .map(|way| way.route(family)),
            );
        }
        routes
    }

    fn of_server(&self, translated: &BTreeSet<IpAddr>) -> Vec<Route> {
        let mut routes = Vec::new();
        for family in Family::BOTH {
            let own = self
                .machine
                .interfaces
                .iter()
                .flat_map(|one| one.addresses.iter().map(move |host| (one, host.ip)));
            let mut by_nat =
                own.filter(|(_, ip)| Family::of(*ip) == family && translated.contains(ip));
            let director = by_nat.find_map(|(interface, ip)| self.director(interface, ip));
            let upward = self.router(family);
            let beside = || self.any_director(family);
            let usual = director.clone().or_else(|| upward.clone()).or_else(beside);
            routes.extend(usual.map(|way| way.route(family)));
            if let (Some(_), Some(way)) = (director, upward) {
                routes.extend(self.answers(&way, family));
            }
        }
        routes
    }

    /// What comes from a floating address goes by the router.
    fn answers(&self, way: &Way, family: Family) -> Vec<Route> {
        let vips: BTreeSet<IpAddr> = self.machine.held.iter().map(|held| held.vip).collect();
        let vips = vips.into_iter().filter(|vip| Family::of(*vip) == family);
        vips.map(|vip| Route {
            from: Some(vip),
            ..way.route(family)
        })
        .collect()
    }

    fn by_router(&self, from: Option<IpAddr>) -> Vec<Route> {
        let ways = Family::BOTH.map(|family| Some((family, self.router(family)?)));
        let routes = ways.into_iter().flatten();
        routes
            .map(|(family, way)| Route {
                from,
                ..way.route(family)
            })
            .collect()
    }

    /// The router as a neighbour; by [`ROUTER_LINK`] where only a floating address is of this
    /// family, as for IPv6 clients of a server that a tunnel over IPv4 reaches (RFC 5549).
    fn router(&self, family: Family) -> Option<Way> {
        let wires = || self.machine.interfaces.iter().map(|one| one.wire);
        let usual = wires().find_map(|wire| self.router_on(wire, family));
        let held = self
            .machine
            .held
            .iter()
            .any(|held| Family::of(held.vip) == family);
        let any = || {
            let wire = wires().find(|wire| self.router_on(*wire, family.other()).is_some())?;
            Some(Way::by(self.machine.on(wire)?, ROUTER_LINK.into()))
        };
        usual.or_else(|| if held { any() } else { None })
    }

    fn router_on(&self, wire: usize, family: Family) -> Option<Way> {
        let own = self.machine.on(wire)?;
        let router = self.topology.machines.get(ROUTER)?.on(wire)?;
        let gateway = router
            .addresses
            .iter()
            .find(|host| Family::of(host.ip) == family)?;
        Some(Way::by(own, gateway.ip))
    }

    /// The director beside one of this machine's addresses.
    fn director(&self, interface: &Interface, ip: IpAddr) -> Option<Way> {
        let beside = |other: IpAddr| {
            let mut own = interface.addresses.iter().filter(|host| host.ip == ip);
            own.any(|host| host.subnet().contains(other))
        };
        let mut vips = self.topology.vips.iter();
        let floating = vips
            .find(|(vip, wire)| **wire == interface.wire && beside(**vip))
            .map(|(vip, _)| *vip);
        let own = || self.directors_on(interface.wire).find(|ip| beside(*ip));
        floating
            .or_else(own)
            .map(|gateway| Way::by(interface, gateway))
    }

    fn any_director(&self, family: Family) -> Option<Way> {
        self.machine.interfaces.iter().find_map(|interface| {
            let mut own = interface.addresses.iter();
            let ip = own.find(|host| Family::of(host.ip) == family)?.ip;
            self.director(interface, ip)
        })
    }

    /// The addresses that directors have on a wire.
    fn directors_on(&self, wire: usize) -> impl Iterator<Item = IpAddr> {
        let directors = self.topology.directors.iter();
        let machines = directors.filter_map(|one| self.topology.machines.get(&one.machine));
        let hosts = machines
            .filter_map(move |one| one.on(wire))
            .flat_map(|one| &one.addresses);
        hosts.map(|host| host.ip)
    }
}

/// A neighbour that takes packets on, and the interface that leads to it.
#[derive(Debug, Clone)]
struct Way {
    interface: String,
    gateway: IpAddr,
}

impl Way {
    fn by(interface: &Interface, gateway: IpAddr) -> Self {
        Self {
            interface: interface.name.clone(),
            gateway,
        }
    }

    /// The default route this way.
    fn route(&self, family: Family) -> Route {
        Route {
            family,
            to: None,
            gateway: Some(self.gateway),
            interface: self.interface.clone(),
            from: None,
        }
    }
}
