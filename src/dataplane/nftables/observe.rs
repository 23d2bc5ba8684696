//! Reading: both tables, the machine, and the live numbers.
//!
//! Called by [`super::Nftables`].

use std::collections::{BTreeMap, BTreeSet};

use nix::errno::Errno;

use super::content;
use super::counters::{Census, Directory, Stage};
use super::decode::{Decoded, decode};
use super::dynamic::{self, Closing, Flow};
use super::schema::{SetId, SetKind};
use super::terrain::Terrain;
use super::{Known, Nftables};
use crate::dataplane::explain::unreadable;
use crate::dataplane::host::Host;
use crate::dataplane::steady::steady;
use crate::dataplane::{Error, Observation, sysctl};
use crate::netlink::conntrack::Filter;
use crate::netlink::nft::Found;
use crate::netlink::nft::model::{Element, TableFamily, TableKey};
use crate::state::{Family, Setting, State};

impl Nftables {
    pub(super) fn look(&mut self) -> Result<Observation, Error> {
        let inet = self.read(&content::inet())?;
        let netdev = self.read(&content::netdev())?;
        let host = self.machine.host()?;
        let terrain = Terrain::new(host.indexes(), &host.facts, &host.addresses);
        let decoded = decode(inet.as_ref(), netdev.as_ref(), &terrain);
        let dynamic = [&inet, &netdev]
            .into_iter()
            .flatten()
            .flat_map(dynamic_sets);
        let census = self.count(&decoded, &dynamic.collect::<Vec<_>>())?;
        let Decoded { state, content, .. } = decoded;
        let state = whole(state, &host);
        let observation = Observation {
            state: state.clone(),
            host: host.facts.clone(),
            services: census.services,
            destinations: census.destinations,
            ..Observation::default()
        };
        self.known = Some(Known {
            state,
            content,
            killed: BTreeSet::new(),
            indexes: host.indexes(),
            host: host.facts,
            terrain,
        });
        Ok(observation)
    }

    fn read(&mut self, table: &TableKey) -> Result<Option<Found>, Error> {
        steady(|| self.tables.read(table))
            .map_err(|error| unreadable("the nftables tables", &error))
    }
}

/// The sets of a table that packets fill.
fn dynamic_sets(found: &Found) -> Vec<SetId> {
    let table = found.table.key.family;
    let sets = found.table.sets.iter();
    sets.filter_map(|set| SetId::named(table, &set.name))
        .filter(|id| id.kind.is_dynamic())
        .collect()
}

impl Nftables {
    fn count(&mut self, decoded: &Decoded, dynamic: &[SetId]) -> Result<Census, Error> {
        let state = &decoded.state;
        let mut census = Census::of(state, &decoded.counters);
        if state.services.is_empty() {
            return Ok(census);
        }
        let directory = Directory::of(state);
        self.connections
            .connections(&Filter::default(), |entry| {
                if let Some(place) = directory.place_of(&entry) {
                    census.add(place, Stage::of(&entry));
                }
            })
            .map_err(|error| unreadable("the tracked connections", &error))?;
        for id in dynamic {
            match id.kind {
                SetKind::Persist => {
                    let elements = self.elements(*id)?;
                    let places = elements
                        .iter()
                        .filter_map(|element| dynamic::remembered(*id, element, &directory));
                    for place in places {
                        census.remember(place);
                    }
                }
                SetKind::Flows => {
                    let flows = self.flows(id.family, &directory)?;
                    for flow in flows {
                        census.add(flow.place, flow.stage);
                    }
                }
                SetKind::Services
                | SetKind::Servers
                | SetKind::Slots
                | SetKind::Marks
                | SetKind::Reverse
                | SetKind::Masquerade
                | SetKind::Killed
                | SetKind::Closing => {}
            }
        }
        Ok(census)
    }

    /// The flows of direct routing that lead to these destinations.
    pub(super) fn flows(
        &mut self,
        family: Family,
        directory: &Directory<'_>,
    ) -> Result<Vec<Flow>, Error> {
        let id = |kind| SetId {
            table: TableFamily::Netdev,
            kind,
            family,
        };
        let closing = self.elements(id(SetKind::Closing))?;
        let closing: Closing = closing.into_iter().map(|element| element.key).collect();
        let flows = self.elements(id(SetKind::Flows))?.into_iter();
        let known = flows.filter_map(|element| Flow::read(family, element, &closing, directory));
        Ok(known.collect())
    }

    /// What is in a set that packets fill; nothing where there is no such set.
    pub(super) fn elements(&mut self, id: SetId) -> Result<Vec<Element>, Error> {
        let table = match id.table {
            TableFamily::Inet => content::inet(),
            TableFamily::Netdev => content::netdev(),
        };
        let read = steady(|| self.tables.elements(&table, &id.name()));
        match read {
            Ok(found) => Ok(found.into_iter().map(|it| it.element).collect()),
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(Vec::new()),
            Err(error) => Err(unreadable("the nftables tables", &error)),
        }
    }
}

/// The services with what else there is in the namespace.
fn whole(services: State, host: &Host) -> State {
    let mut settings: BTreeMap<Setting, u64> = sysctl::read_all(&host.facts);
    settings.extend(services.settings);
    State {
        settings,
        addresses: host.addresses.clone(),
        ..services
    }
}
