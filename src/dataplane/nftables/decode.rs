//! From what was found in farmctl's tables back to a state, element by element.
//!
//! Everything that is not exactly as [`super::content`] would write it is noticed. Pure: no socket;
//! no content of a table makes it panic. Called by the data plane after reading.

use std::collections::{BTreeMap, BTreeSet};

use super::content::Content;
use super::terrain::Terrain;
use crate::netlink::nft::Found;
use crate::netlink::nft::model::ElementCounter;
use crate::state::{DestinationKey, ServiceKey, State};

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

/// Reads what was found, of the table `inet farmctl` and of `netdev farmctl`.
pub fn decode(inet: Option<&Found>, netdev: Option<&Found>, _terrain: &Terrain) -> Decoded {
    let mut decoded = Decoded::default();
    let strays: BTreeSet<_> = [inet, netdev]
        .into_iter()
        .flatten()
        .flat_map(|found| &found.strays)
        .collect();
    decoded.flaws.extend(strays.into_iter().map(|stray| Flaw {
        service: None,
        message: stray.clone(),
    }));
    decoded
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}
