//! What all checks look at: the farm, its services with defaults filled in, and their places.
//!
//! Judges nothing. Called by the checks only.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::spec::{
    AddressWithPrefix, EffectiveService, Farm, Name, Node, Path, Place, RealServer, Vip,
    VipAddress, VirtualService,
};

/// The farm under examination.
pub(super) struct Context<'a> {
    pub(super) farm: &'a Farm,
    pruned: &'a [Path],
    services: BTreeMap<&'a Name, EffectiveService<'a>>,
}

/// A service in the user's words and with everything filled in.
#[derive(Clone, Copy)]
pub(super) struct Service<'c, 'a> {
    pub(super) name: &'a Name,
    pub(super) written: &'a VirtualService,
    pub(super) effective: &'c EffectiveService<'a>,
}

/// A list of real servers, and where it stands.
pub(super) struct ServerList<'a> {
    pub(super) path: Path,
    pub(super) servers: &'a [RealServer],
}

/// A floating address, and where it stands.
pub(super) struct WrittenVip<'a> {
    pub(super) name: &'a Name,
    pub(super) vip: &'a Vip,
    pub(super) address: &'a VipAddress,
    pub(super) path: Path,
}

impl<'a> Context<'a> {
    pub(super) fn new(farm: &'a Farm, pruned: &'a [Path]) -> Self {
        let services = farm
            .services
            .iter()
            .map(|(name, service)| (name, EffectiveService::of(farm, service)))
            .collect();
        Self {
            farm,
            pruned,
            services,
        }
    }

    /// Whether the reader took out anything at all.
    pub(super) fn is_whole(&self) -> bool {
        self.pruned.is_empty()
    }

    /// Whether the reader took out this entry, something in it, or something that it is in.
    pub(super) fn lost(&self, path: &Path) -> bool {
        let asked = path.segments();
        self.pruned
            .iter()
            .map(Path::segments)
            .any(|lost| lost.starts_with(asked) || asked.starts_with(lost))
    }

    pub(super) fn services(&self) -> impl Iterator<Item = Service<'_, 'a>> {
        self.farm
            .services
            .iter()
            .filter_map(|(name, written)| self.join(name, written))
    }

    fn join(&self, name: &'a Name, written: &'a VirtualService) -> Option<Service<'_, 'a>> {
        let effective = self.services.get(name)?;
        Some(Service {
            name,
            written,
            effective,
        })
    }

    /// Every list of real servers: the pools' and the services' own.
    pub(super) fn server_lists(&self) -> impl Iterator<Item = ServerList<'a>> {
        let pools = self.farm.pools.iter().map(|(name, pool)| ServerList {
            path: section("pools").key(name).key("real_servers"),
            servers: &pool.real_servers,
        });
        let own = self.farm.services.iter().map(|(name, service)| ServerList {
            path: service_path(name).key("real_servers"),
            servers: &service.real_servers,
        });
        pools.chain(own)
    }

    /// Every floating address.
    pub(super) fn vip_addresses(&self) -> impl Iterator<Item = WrittenVip<'a>> {
        self.farm.vips.iter().flat_map(move |(name, vip)| {
            let list = section("vips").key(name).key("addresses");
            vip.addresses
                .iter()
                .enumerate()
                .map(move |(index, address)| WrittenVip {
                    name,
                    vip,
                    address,
                    path: list.index(index),
                })
        })
    }

    /// The machines that may be directors: those that the file says, or any.
    pub(super) fn directors(&self) -> Vec<(&'a Name, &'a Node)> {
        match &self.farm.directors {
            None => self.farm.nodes.iter().collect(),
            Some(directors) => directors
                .members
                .iter()
                .filter_map(|name| self.farm.nodes.get_key_value(name))
                .collect(),
        }
    }

    /// The addresses of the group that a service listens on.
    pub(super) fn vip_of(&self, service: Service<'_, '_>) -> &'a [VipAddress] {
        self.farm
            .vips
            .get(&service.written.vip)
            .map_or(&[], |vip| &vip.addresses)
    }
}

/// The place of one of a service's real servers.
pub(super) fn server_path(service: Service<'_, '_>, index: usize) -> Path {
    server_list_path(service).index(index)
}

/// Where the real servers of a service are listed.
pub(super) fn server_list_path(service: Service<'_, '_>) -> Path {
    match service.effective.pool {
        Some(pool) if service.written.real_servers.is_empty() => {
            section("pools").key(pool).key("real_servers")
        }
        _ => service_path(service.name).key("real_servers"),
    }
}

/// A section of the file.
pub(super) fn section(name: &str) -> Path {
    Path::root().key(name)
}

/// A service's entry.
pub(super) fn service_path(name: &Name) -> Path {
    section("services").key(name)
}

/// An option of a service: its own, or where it comes from.
pub(super) fn option_path<T>(service: Service<'_, '_>, key: &str, own: Option<&T>) -> Path {
    match own {
        Some(_) => service_path(service.name).key(key),
        None => section("defaults").key("service").key(key),
    }
}

/// A caret under a value.
pub(super) fn at(path: Path) -> Place {
    Place::Value(path)
}

/// The addresses of a node, each with its place.
pub(super) fn node_addresses<'a>(
    name: &'a Name,
    node: &'a Node,
) -> Vec<(Option<&'a Name>, AddressWithPrefix, Path)> {
    let path = section("nodes").key(name);
    let single = node
        .address
        .iter()
        .map(|address| (None, *address, path.key("address")));
    let list = path.key("addresses");
    let several = in_list(&node.addresses, &list).map(|(address, path)| (None, address, path));
    let networks = path.key("networks");
    let long = node.networks.iter().flat_map(|(network, site)| {
        let list = networks.key(network).key("addresses");
        in_list(&site.addresses, &list)
            .map(move |(address, path)| (Some(network), address, path))
            .collect::<Vec<_>>()
    });
    single.chain(several).chain(long).collect()
}

fn in_list(
    addresses: &[AddressWithPrefix],
    list: &Path,
) -> impl Iterator<Item = (AddressWithPrefix, Path)> {
    addresses
        .iter()
        .enumerate()
        .map(|(index, address)| (*address, list.index(index)))
}

/// A real server in a message: its name, and its address where that is not its name.
pub(super) fn server_words(name: &str, address: IpAddr) -> String {
    if name == address.to_string() {
        format!("`{name}`")
    } else {
        format!("`{name}` ({address})")
    }
}

/// Names in a sentence: `a`, `b` and `c`.
pub(super) fn listed<T: fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}
