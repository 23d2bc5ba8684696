//! The third step: what real servers listen on, which floating addresses they hold, and where
//! clients can ask.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::draft::servers;
use super::{Family, Held, Listen, Machine, Role, Target, TargetServer, Topology};
use crate::rehearsal::protocol::Speech;
use crate::spec::{
    EffectiveRealServer, EffectiveService, Farm, Forwarding, GreOptions, Kind, Ports, Protocol,
    Tunnel, TunnelChecksum,
};

/// How many ports of a list of ports get load: the first and last of each of so many ranges.
const RANGES: usize = 4;

/// The addresses of the machines that answer clients themselves: direct routing and tunnels.
pub(super) fn direct(farms: &[&Farm]) -> BTreeSet<IpAddr> {
    let servers = farms.iter().flat_map(|farm| servers(farm));
    let direct = servers.filter(|(_, server)| !matches!(server.forwarding, Forwarding::Nat(_)));
    direct.flat_map(|(_, server)| server.addresses).collect()
}

/// Adds all of it to the machines and targets.
pub(super) fn add(topology: &mut Topology, farms: &[&Farm]) {
    for (at, farm) in farms.iter().enumerate() {
        for (name, service) in &farm.services {
            let service = EffectiveService::of(farm, service);
            let mut served = Served {
                topology,
                farm,
                name: name.as_str(),
                service: &service,
            };
            let targets = served.serve();
            if at == 0 {
                served.note(&targets);
                topology.targets.extend(targets);
            }
        }
    }
}

/// One service while it is laid out.
struct Served<'a> {
    topology: &'a mut Topology,
    farm: &'a Farm,
    name: &'a str,
    service: &'a EffectiveService<'a>,
}

impl Served<'_> {
    fn serve(&mut self) -> Vec<Target> {
        let vips = self.vips();
        let mut targets = Vec::new();
        for vip in vips {
            for protocol in self.service.protocols.clone() {
                for port in self.ports(vip) {
                    targets.extend(self.target(SocketAddr::new(vip, port), protocol));
                }
            }
            self.hold(vip);
        }
        targets
    }

    fn vips(&self) -> Vec<IpAddr> {
        let service = self
            .farm
            .services
            .iter()
            .find(|(name, _)| name.as_str() == self.name);
        let vip = service.and_then(|(_, service)| self.farm.vips.get(&service.vip));
        let addresses = vip.into_iter().flat_map(|vip| &vip.addresses);
        addresses.map(|written| written.address.address).collect()
    }

    /// The ports that clients ask at.
    fn ports(&self, vip: IpAddr) -> Vec<u16> {
        match &self.service.ports {
            Ports::One(port) => vec![*port],
            Ports::Every => self.unclaimed(vip).into_iter().collect(),
            Ports::Mark(_) => Vec::new(),
            Ports::Several(ranges) | Ports::Together(ranges) => {
                let ends = ranges
                    .iter()
                    .take(RANGES)
                    .flat_map(|range| [range.first, range.last]);
                let ends: BTreeSet<u16> = ends.collect();
                ends.into_iter().collect()
            }
        }
    }

    /// A port that no other service of this address has, for a service on every port.
    fn unclaimed(&self, vip: IpAddr) -> Option<u16> {
        let others = self.farm.services.values().filter(|other| {
            let group = self.farm.vips.get(&other.vip);
            let mut addresses = group.into_iter().flat_map(|group| &group.addresses);
            addresses.any(|written| written.address.address == vip)
        });
        let claimed: Vec<_> = others
            .flat_map(|other| EffectiveService::of(self.farm, other).ports.ranges())
            .collect();
        let free = |port: &u16| {
            !claimed
                .iter()
                .any(|one| (one.first..=one.last).contains(port))
        };
        (8000..=u16::MAX).find(free)
    }

    /// Has the servers listen, and says where and what to ask. None for what has no clients.
    fn target(&mut self, at: SocketAddr, protocol: Protocol) -> Option<Target> {
        let speech = self.speech(at, protocol)?;
        let sorry = self.service.sorry_server.as_ref();
        for server in self.service.real_servers.iter().chain(sorry) {
            self.listen(server, at, speech);
        }
        let servers = self.service.real_servers.iter();
        Some(Target {
            service: self.name.to_owned(),
            speech,
            at,
            servers: servers
                .filter_map(|server| self.answering(server, at.ip()))
                .collect(),
        })
    }

    /// HTTP where the clients' port or the first server's is one of HTTP.
    fn speech(&self, at: SocketAddr, protocol: Protocol) -> Option<Speech> {
        let inside = self
            .service
            .real_servers
            .first()
            .and_then(|server| server.port);
        let speeches = [Some(at.port()), inside].map(|port| Speech::on(protocol, port?));
        if speeches.contains(&Some(Speech::Http)) {
            return Some(Speech::Http);
        }
        speeches[0]
    }

    fn answering(&self, server: &EffectiveRealServer, vip: IpAddr) -> Option<TargetServer> {
        let machine = self.topology.machine_at(server.address_for(vip)?)?;
        Some(TargetServer {
            name: server.name.clone(),
            machine: machine.to_owned(),
            weight: server.weight,
        })
    }

    fn listen(&mut self, server: &EffectiveRealServer, at: SocketAddr, speech: Speech) {
        let Some(own) = server.address_for(at.ip()) else {
            return;
        };
        let place = match server.forwarding {
            Forwarding::Nat(_) => SocketAddr::new(own, server.port.unwrap_or(at.port())),
            Forwarding::DirectRouting | Forwarding::Tunnel(_) => at,
        };
        let asked = asked_at(server, own, at.port());
        let Some(machine) = self.machine(own) else {
            return;
        };
        if machine.role == Role::Bystander {
            machine.role = Role::RealServer;
        }
        let taken = machine
            .listens
            .iter()
            .any(|one| one.overlaps(place, speech));
        if !taken {
            machine.listens.insert(Listen { speech, at: place });
        }
        if let Some((at, speech)) = asked {
            let taken = machine.listens.iter().any(|one| one.overlaps(at, speech));
            if !taken {
                machine.listens.insert(Listen { speech, at });
            }
        }
    }

    fn machine(&mut self, ip: IpAddr) -> Option<&mut Machine> {
        let name = self.topology.machine_at(ip)?.to_owned();
        self.topology.machines.get_mut(&name)
    }

    /// Real servers that get the packets as they are take the floating address.
    fn hold(&mut self, vip: IpAddr) {
        let sorry = self.service.sorry_server.as_ref();
        for server in self.service.real_servers.iter().chain(sorry) {
            let Some(own) = server.address_for(vip) else {
                continue;
            };
            let device = match server.forwarding {
                Forwarding::Nat(_) => continue,
                Forwarding::DirectRouting => "lo",
                Forwarding::Tunnel(kind) => end_of(kind, own, vip),
            };
            let Some(machine) = self.machine(own).filter(|one| one.role != Role::Director) else {
                continue;
            };
            machine.held.insert(Held { vip, device });
            match server.forwarding {
                Forwarding::Tunnel(Tunnel::Gue(options)) => {
                    machine.unpacks.insert((options.port, Family::of(own)));
                }
                Forwarding::Tunnel(Tunnel::Gre(options)) if has_checksum(options) => {
                    machine.checks.insert((device, own));
                }
                Forwarding::Tunnel(_) | Forwarding::Nat(_) | Forwarding::DirectRouting => {}
            }
        }
    }

    /// Says why a service has no load, or only some of its ports.
    fn note(&mut self, targets: &[Target]) {
        let name = self.name;
        let mut notes = Vec::new();
        if let Ports::Mark(mark) = self.service.ports {
            notes.push(format!(
                "The service {name} gets no load: nobody sets its firewall mark {mark} in a \
                 rehearsal."
            ));
        } else if self.service.protocols.contains(&Protocol::Sctp) {
            notes.push(format!(
                "The service {name} gets no load by sctp: a rehearsal has no such clients."
            ));
        }
        let asked: BTreeSet<u16> = targets.iter().map(|target| target.at.port()).collect();
        if let Ports::Several(_) | Ports::Together(_) = self.service.ports {
            let list: Vec<String> = asked.iter().map(ToString::to_string).collect();
            notes.push(format!(
                "Of the ports of {name}, clients ask {}.",
                list.join(", ")
            ));
        }
        self.topology.notes.extend(notes);
    }
}

/// The device at which a tunnel ends on the real server, by its kind, the outer family and the
/// inner one.
fn end_of(kind: Tunnel, outer: IpAddr, inner: IpAddr) -> &'static str {
    match (kind, outer.is_ipv4(), inner.is_ipv4()) {
        (Tunnel::Gre(options), true, _) if has_checksum(options) => "gresum",
        (Tunnel::Gre(options), false, _) if has_checksum(options) => "gresum6",
        (Tunnel::Gre(_), true, _) => "gre0",
        (Tunnel::Gre(_), false, _) => "ip6gre0",
        (Tunnel::Ipip | Tunnel::Gue(_), true, true) => "tunl0",
        (Tunnel::Ipip | Tunnel::Gue(_), true, false) => "sit0",
        (Tunnel::Ipip | Tunnel::Gue(_), false, _) => "ip6tnl0",
    }
}

fn has_checksum(options: GreOptions) -> bool {
    options.checksum != TunnelChecksum::None
}

/// Where a real server's check asks, and in which speech: at its own address, whatever way packets
/// of clients take.
fn asked_at(server: &EffectiveRealServer, own: IpAddr, port: u16) -> Option<(SocketAddr, Speech)> {
    let check = server.check.as_ref()?;
    let port = check.port.or(server.port).unwrap_or(port);
    let kind = check.kind.as_ref()?;
    let by_datagram =
        matches!(kind, Kind::Udp(_)) || matches!(kind, Kind::Dns(dns) if dns.tcp != Some(true));
    let protocol = if by_datagram {
        Protocol::Udp
    } else {
        Protocol::Tcp
    };
    Some((SocketAddr::new(own, port), Speech::on(protocol, port)?))
}
