//! From what was found in farmctl's tables back to a state, element by element.
//!
//! The comments of services and destinations are the record; everything else is compiled from it
//! again and compared. What is not exactly as [`super::content`] would write it is noticed. Pure: no
//! socket; no content of a table makes it panic. Called by the data plane after reading.

mod compare;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::compile::Frame;
use super::content::Content;
use super::schema::SetId;
use super::terrain::Terrain;
use crate::netlink::nft::Found;
use crate::netlink::nft::model::{Element, ElementCounter, TableFamily};
use crate::state::{DestinationKey, ServiceKey, Setting, State};

/// What the tables say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoded {
    /// The services, marks and the hash seed. A service that is not as it must be lacks the
    /// destinations concerned, or is left out, so that the next plan mends it.
    pub state: State,
    /// What is really there: the ground of the next [`super::delta`].
    pub content: Content,
    /// What is not as it must be.
    pub flaws: Vec<Flaw>,
    /// What the destinations counted: connections, and bytes of their first packets.
    pub counters: BTreeMap<(ServiceKey, DestinationKey), ElementCounter>,
}

/// Something in the tables that is not as farmctl writes it; prints as a full sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// The service that it is about; none where it is the table.
    pub service: Option<ServiceKey>,
    /// What is so.
    pub message: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Reads what was found, of the table `inet farmctl` and of `netdev farmctl`.
pub fn decode(inet: Option<&Found>, netdev: Option<&Found>, terrain: &Terrain) -> Decoded {
    let mut decoder = Decoder::default();
    let found = [(TableFamily::Inet, inet), (TableFamily::Netdev, netdev)];
    for (family, found) in found {
        if let Some(found) = found {
            decoder.table(family, found);
        }
    }
    decoder.records();
    decoder.marks();
    let expected = decoder.compiled(terrain);
    decoder.compare(&expected);
    decoder.answers();
    decoder.frames();
    decoder.finish()
}

/// Where the word of a destination (X) and its service lead: by the bytes of X.
type Targets = BTreeMap<Vec<u8>, DestinationKey>;

#[derive(Default)]
struct Decoder {
    decoded: Decoded,
    /// All elements that are left to explain.
    elements: BTreeMap<SetId, Vec<Element>>,
    frame: Frame,
    /// Something was in a table that is no part of any frame.
    strange: BTreeSet<TableFamily>,
    targets: BTreeMap<ServiceKey, Targets>,
    /// Services of which destinations are left out, or which are left out as a whole.
    damaged: BTreeMap<ServiceKey, Damage>,
}

/// How much of a service is not as it must be.
#[derive(Default)]
struct Damage {
    destinations: BTreeSet<DestinationKey>,
    whole: bool,
}

impl Decoder {
    fn flaw(&mut self, service: Option<ServiceKey>, message: String) {
        self.decoded.flaws.push(Flaw { service, message });
    }

    fn finish(mut self) -> Decoded {
        if let Some(seed) = self.decoded.content.seed {
            let settings = &mut self.decoded.state.settings;
            settings.insert(Setting::HashSeed, seed.into());
        }
        for (key, damage) in std::mem::take(&mut self.damaged) {
            self.leave_out(key, &damage);
        }
        self.decoded.flaws.sort();
        self.decoded.flaws.dedup();
        self.decoded
    }

    /// A service that is not as it must be is not seen as it is. Where there is nothing of it that
    /// could be left out it is not seen at all, and what is there of it is nobody's.
    fn leave_out(&mut self, key: ServiceKey, damage: &Damage) {
        let services = &mut self.decoded.state.services;
        let Some(service) = services.get_mut(&key) else {
            return;
        };
        if service.destinations.is_empty() {
            services.remove(&key);
            let elements = self.decoded.content.services.get(&key).cloned();
            self.decoded.content.replace(key, None);
            // Its rules are there, though nobody needs them any more.
            let found = &mut self.decoded.content.damage;
            found.get_or_insert_with(|| self.frame.clone());
            self.orphans(key, elements.unwrap_or_default().elements);
        } else if damage.whole {
            service.destinations.clear();
        } else {
            let left_out = &damage.destinations;
            let destinations = &mut service.destinations;
            destinations.retain(|server, _| !left_out.contains(server));
        }
    }
}

fn named(family: TableFamily) -> &'static str {
    match family {
        TableFamily::Inet => "`inet farmctl`",
        TableFamily::Netdev => "`netdev farmctl`",
    }
}
