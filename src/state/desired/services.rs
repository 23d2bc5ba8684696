//! Virtual services and their destinations.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::spec::{
    DataplaneKind, EffectiveRealServer, EffectiveService, Farm, Name, Path, PortSpec, Ports, Vip,
    VirtualService,
};

use super::super::{
    Destination, DestinationKey, Family, MarkRule, Member, Overlay, Protocol, Service,
    ServiceAttributes, ServiceKey,
};
use super::{Desired, Note, NoteKind, Origin, Part, RealServerOrigin, marks, words};

/// Adds every service of the farm, with its destinations and marks.
pub(super) fn add(desired: &mut Desired, farm: &Farm, dataplane: DataplaneKind, overlay: &Overlay) {
    let marks = marks::allot(farm);
    for (name, service) in &farm.services {
        let Some(vip) = farm.vips.get(&service.vip) else {
            continue;
        };
        let written = Written {
            name,
            service,
            vip,
            effective: EffectiveService::of(farm, service),
            mark: marks.get(name).copied(),
            dataplane,
            overlay,
        };
        written.add_to(desired);
    }
}

/// A service of the file with all that bears on it.
struct Written<'a> {
    name: &'a Name,
    service: &'a VirtualService,
    vip: &'a Vip,
    effective: EffectiveService<'a>,
    /// The mark that farmctl sets for it.
    mark: Option<u32>,
    dataplane: DataplaneKind,
    overlay: &'a Overlay,
}

/// A real server that joins the services of one family.
struct Joining<'a> {
    server: &'a EffectiveRealServer,
    address: IpAddr,
    /// Its share of new connections, as the overlay bends it.
    weight: u32,
    part: Part,
    path: Path,
}

impl Written<'_> {
    fn add_to(&self, desired: &mut Desired) {
        for (family, addresses) in self.addresses_by_family() {
            let joining = self.joining(family, addresses[0], &mut desired.notes);
            for key in self.keys(family, &addresses) {
                self.add_service(desired, key, &joining);
            }
            self.add_marks(desired, &addresses);
        }
    }

    fn path(&self) -> Path {
        Path::root().key("services").key(self.name)
    }

    fn addresses_by_family(&self) -> BTreeMap<Family, Vec<IpAddr>> {
        let mut families = BTreeMap::<Family, Vec<IpAddr>>::new();
        for written in &self.vip.addresses {
            let address = written.address.address;
            families
                .entry(Family::of(address))
                .or_default()
                .push(address);
        }
        families
    }

    /// The services of the kernel that this one is, in one family.
    fn keys(&self, family: Family, addresses: &[IpAddr]) -> Vec<ServiceKey> {
        match &self.effective.ports {
            Ports::Mark(mark) => vec![ServiceKey::Mark {
                family,
                mark: *mark,
            }],
            Ports::Together(_) => self
                .mark
                .map(|mark| ServiceKey::Mark { family, mark })
                .into_iter()
                .collect(),
            Ports::Every => self.on_each(addresses, &[single(0)]),
            Ports::One(port) => self.on_each(addresses, &[single(*port)]),
            Ports::Several(ports) => self.on_each(addresses, ports),
        }
    }

    fn on_each(&self, addresses: &[IpAddr], ports: &[PortSpec]) -> Vec<ServiceKey> {
        let mut keys = BTreeSet::new();
        for &address in addresses {
            for protocol in self.protocols() {
                for port in ports.iter().flat_map(|range| range.first..=range.last) {
                    keys.insert(ServiceKey::Address {
                        protocol,
                        address,
                        port,
                    });
                }
            }
        }
        keys.into_iter().collect()
    }

    fn protocols(&self) -> impl Iterator<Item = Protocol> {
        self.effective
            .protocols
            .iter()
            .copied()
            .map(words::protocol)
    }

    fn add_marks(&self, desired: &mut Desired, addresses: &[IpAddr]) {
        let (Ports::Together(ports), Some(mark)) = (&self.effective.ports, self.mark) else {
            return;
        };
        for &address in addresses {
            for protocol in self.protocols() {
                let rules = ports.iter().map(|&ports| MarkRule {
                    mark,
                    address,
                    protocol,
                    ports: words::port_range(ports),
                });
                desired.state.marks.extend(rules);
            }
        }
    }

    fn add_service(&self, desired: &mut Desired, key: ServiceKey, joining: &[Joining<'_>]) {
        if let Some(other) = desired.services.get(&key) {
            let note = clash(self.path(), &key.to_string(), other.name.as_str());
            desired.notes.push(note);
            return;
        }
        let origin = Origin {
            name: self.name.clone(),
            path: self.path(),
        };
        desired.services.insert(key, origin);
        let mut service = Service::without_destinations(self.attributes(key));
        for joining in joining {
            join(desired, &mut service, key, joining);
        }
        desired.state.services.insert(key, service);
    }

    fn attributes(&self, key: ServiceKey) -> ServiceAttributes {
        let written = self.effective.scheduler;
        let chosen = written.unwrap_or(self.dataplane.default_scheduler());
        let (scheduler, scheduler_flags) = words::scheduler(chosen, self.dataplane);
        let persistence = self.effective.persistence.as_ref();
        ServiceAttributes {
            scheduler: scheduler.to_owned(),
            scheduler_flags,
            persistence: persistence.map(|written| words::persistence(written, key.family())),
            one_packet: self.effective.one_packet && may_carry_udp(key),
        }
    }

    /// The real servers with the address that each has for a family; where none of them is usable,
    /// the sorry server too.
    fn joining(&self, family: Family, vip: IpAddr, notes: &mut Vec<Note>) -> Vec<Joining<'_>> {
        let mut joining = Vec::new();
        for server in &self.effective.real_servers {
            let path = self.real_server_path(server);
            let Some(address) = server.address_for(vip) else {
                notes.push(self.left_out(server, family, path));
                continue;
            };
            joining.extend(self.share(server, address, family).map(|weight| Joining {
                server,
                address,
                weight,
                part: Part::RealServer,
                path,
            }));
        }
        if joining.iter().all(|joining| joining.weight == 0) {
            joining.extend(self.sorry(vip));
        }
        joining
    }

    /// A real server's share of new connections; none where the overlay keeps it out.
    fn share(&self, server: &EffectiveRealServer, address: IpAddr, family: Family) -> Option<u32> {
        let member = Member {
            service: self.name.to_string(),
            server: server.name.clone(),
            address,
            port: server.port,
        };
        let weight = self.overlay.weight(&member, server.weight)?;
        let sorry = self.overlay.sorry.contains(&(self.name.clone(), family));
        Some(if sorry { 0 } else { weight })
    }

    fn sorry(&self, vip: IpAddr) -> Option<Joining<'_>> {
        let server = self.effective.sorry_server.as_ref()?;
        Some(Joining {
            server,
            address: server.address_for(vip)?,
            weight: server.weight,
            part: Part::SorryServer,
            path: match self.service.sorry_server {
                Some(_) => self.path().key("sorry_server"),
                None => Path::root()
                    .key("defaults")
                    .key("service")
                    .key("sorry_server"),
            },
        })
    }

    fn real_server_path(&self, server: &EffectiveRealServer) -> Path {
        let list = match self.effective.pool {
            Some(pool) if self.service.real_servers.is_empty() => {
                Path::root().key("pools").key(pool)
            }
            _ => self.path(),
        };
        list.key("real_servers").index(server.index)
    }

    fn left_out(&self, server: &EffectiveRealServer, family: Family, path: Path) -> Note {
        let (real_server, service) = (&server.name, self.name);
        Note {
            kind: NoteKind::LeftOut,
            path,
            message: format!(
                "Real server {real_server} has no {family} address and takes no part in \
                 service {service} over {family}."
            ),
        }
    }
}

fn single(port: u16) -> PortSpec {
    PortSpec {
        first: port,
        last: port,
    }
}

/// One-packet scheduling has a meaning for UDP only, and a mark may carry it.
fn may_carry_udp(key: ServiceKey) -> bool {
    match key {
        ServiceKey::Address { protocol, .. } => protocol == Protocol::Udp,
        ServiceKey::Mark { .. } => true,
    }
}

fn join(desired: &mut Desired, service: &mut Service, of: ServiceKey, joining: &Joining<'_>) {
    let server = joining.server;
    let key = DestinationKey {
        address: joining.address,
        port: server.port.unwrap_or(of.port()),
    };
    match service.destinations.entry(key) {
        Entry::Vacant(place) => {
            place.insert(Destination {
                forwarding: words::forwarding(server.forwarding),
                weight: joining.weight,
                upper_threshold: server.upper_threshold,
                lower_threshold: server.lower_threshold,
            });
            let origin = RealServerOrigin {
                name: server.name.clone(),
                path: joining.path.clone(),
                part: joining.part,
            };
            desired.destinations.insert((of, key), origin);
        }
        Entry::Occupied(_) => {
            let what = format!("real server {key} of {of}");
            let other = desired.destinations.get(&(of, key));
            let other = other.map_or("", |origin| &origin.name);
            let note = clash(joining.path.clone(), &what, other);
            desired.notes.push(note);
        }
    }
}

fn clash(path: Path, what: &str, other: &str) -> Note {
    Note {
        kind: NoteKind::Clash,
        path,
        message: format!("The kernel can hold {what} only once; that of {other} is taken."),
    }
}
