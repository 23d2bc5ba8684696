//! The names that a farm has, and that a scenario may use. Pure; called by `check`.

use std::collections::BTreeSet;

use crate::rehearsal::topology::{CLIENT, DIRECTOR, ROUTER};
use crate::spec::{EffectiveService, Farm, MAIN_NETWORK, Name, written_real_servers};

/// The names of one farm.
pub(super) struct Names<'a> {
    pub(super) farm: &'a Farm,
}

impl<'a> Names<'a> {
    pub(super) fn services(&self) -> BTreeSet<&'a str> {
        self.farm.services.keys().map(Name::as_str).collect()
    }

    /// The nodes of the file, and the machines that a rehearsal adds.
    pub(super) fn nodes(&self) -> BTreeSet<&'a str> {
        let mut known: BTreeSet<&str> = self.farm.nodes.keys().map(Name::as_str).collect();
        known.extend([CLIENT, ROUTER]);
        known.extend(self.farm.directors.is_none().then_some(DIRECTOR));
        known
    }

    pub(super) fn directors(&self) -> BTreeSet<&'a str> {
        match &self.farm.directors {
            Some(directors) => directors.members.iter().map(Name::as_str).collect(),
            None => [DIRECTOR].into(),
        }
    }

    /// The networks of a node of the file; none for a machine that a rehearsal adds.
    pub(super) fn networks_of(&self, node: &Name) -> Option<BTreeSet<String>> {
        let sites = self.farm.nodes.get(node)?.sites();
        Some(sites.iter().map(|(name, _)| name.to_string()).collect())
    }

    /// Every network.
    pub(super) fn networks(&self) -> BTreeSet<&'a str> {
        let long = self
            .farm
            .nodes
            .values()
            .flat_map(|node| node.networks.keys());
        long.map(Name::as_str).chain([MAIN_NETWORK]).collect()
    }

    /// What the real servers of a service are called: by name and by node.
    pub(super) fn servers_of(&self, service: &Name) -> BTreeSet<&'a str> {
        let service = self.farm.services.get(service);
        let servers = service.map(|service| written_real_servers(self.farm, service));
        let mut names = BTreeSet::new();
        for server in servers.into_iter().flatten() {
            names.extend(server.name.iter().chain(&server.node).map(Name::as_str));
        }
        names
    }

    pub(super) fn all_servers(&self) -> BTreeSet<&'a str> {
        let services = self.farm.services.keys();
        services.flat_map(|name| self.servers_of(name)).collect()
    }

    /// Whether it is the address of a real server, by which one without a name is known.
    pub(super) fn is_servers_address(&self, text: &str) -> bool {
        let Ok(address) = text.parse() else {
            return false;
        };
        self.farm.services.values().any(|service| {
            let service = EffectiveService::of(self.farm, service);
            let mut servers = service.real_servers.iter();
            servers.any(|server| server.addresses.contains(&address))
        })
    }
}
