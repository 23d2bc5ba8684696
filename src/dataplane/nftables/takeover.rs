//! Forgetting everything that packets have left behind: what another director, which takes over,
//! would not know.

use super::explain;
use super::schema::{SetId, SetKind};
use super::{Nftables, content};
use crate::dataplane::Error;
use crate::dataplane::explain::unreadable;
use crate::netlink;
use crate::netlink::nft::model::TableFamily;
use crate::netlink::nft::{ElementKey, Operation};
use crate::state::Family;

/// How often it is tried while packets change what is forgotten.
const ATTEMPTS: usize = 8;
/// What packets fill, by table.
const FILLED: [(TableFamily, SetKind); 4] = [
    (TableFamily::Inet, SetKind::Persist),
    (TableFamily::Netdev, SetKind::Persist),
    (TableFamily::Netdev, SetKind::Flows),
    (TableFamily::Netdev, SetKind::Closing),
];

impl Nftables {
    /// Forgets every tracked connection, every flow of direct routing and every client that is
    /// remembered, as if this machine had just taken over from another. For rehearsals.
    pub fn forget_everything(&mut self) -> Result<(), Error> {
        for (table, kind) in FILLED {
            for family in [Family::V4, Family::V6] {
                self.empty(SetId {
                    table,
                    kind,
                    family,
                })?;
            }
        }
        self.connections
            .flush()
            .map_err(|error| unreadable("the tracked connections to forget them", &error))
    }

    /// An element that goes by itself meanwhile makes the kernel refuse the whole: then it is tried
    /// with those that are left.
    fn empty(&mut self, set: SetId) -> Result<(), Error> {
        let table = match set.table {
            TableFamily::Inet => content::inet(),
            TableFamily::Netdev => content::netdev(),
        };
        for attempt in 1..=ATTEMPTS {
            let found = match self.tables.elements(&table, &set.name()) {
                Err(netlink::Error::Interrupted) if attempt < ATTEMPTS => continue,
                found => found.map_err(|error| unreadable("what packets left behind", &error))?,
            };
            if found.is_empty() {
                return Ok(());
            }
            let deletion = Operation::DeleteElements {
                table: table.clone(),
                set: set.name(),
                keys: found
                    .iter()
                    .map(|one| ElementKey::from(&one.element))
                    .collect(),
            };
            let refused = self.tables.commit(&[deletion]);
            let refused = refused.map_err(|error| explain::uncommitted(&error))?;
            match refused.first() {
                None => return Ok(()),
                Some(refused) if attempt == ATTEMPTS => {
                    return Err(explain::not_forgotten(refused));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}
