//! Reading: both tables, the machine, and the live numbers.
//!
//! Called by [`super::Nftables`].

use std::collections::BTreeMap;

use super::content;
use super::counters::{Census, Directory, Stage};
use super::decode::{Decoded, decode};
use super::terrain::Terrain;
use super::{Known, Nftables};
use crate::dataplane::explain::unreadable;
use crate::dataplane::host::Host;
use crate::dataplane::steady::steady;
use crate::dataplane::{Error, Observation, sysctl};
use crate::netlink::conntrack::Filter;
use crate::netlink::nft::Found;
use crate::netlink::nft::model::TableKey;
use crate::state::{Setting, State};

impl Nftables {
    pub(super) fn look(&mut self) -> Result<Observation, Error> {
        let inet = self.read(&content::inet())?;
        let netdev = self.read(&content::netdev())?;
        let host = self.machine.host()?;
        let terrain = Terrain::new(host.indexes(), &host.facts, &host.addresses);
        let decoded = decode(inet.as_ref(), netdev.as_ref(), &terrain);
        let census = self.count(&decoded)?;
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

impl Nftables {
    fn count(&mut self, decoded: &Decoded) -> Result<Census, Error> {
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
        Ok(census)
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
