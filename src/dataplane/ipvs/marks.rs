//! farmctl's own nftables table, which gives packets their firewall marks.
//!
//! Read and replaced as a whole, in one transaction. Called by [`super::Ipvs`].

use std::collections::BTreeSet;

use super::{Ipvs, convert};
use crate::dataplane::Error;
use crate::dataplane::explain::{failed, unreadable};
use crate::dataplane::steady::steady;
use crate::netlink;
use crate::netlink::nft::{Client, MarkTable};
use crate::state::{Change, MarkRule};

/// The table `inet farmctl`.
const TABLE: &str = "farmctl";

impl Ipvs {
    /// The rules of the table; none where the kernel has no nftables.
    ///
    /// A table in which somebody else wrote counts as none: what packets meet there is not what
    /// its rules say, and the next change replaces all of it.
    pub(super) fn read_marks(&mut self) -> Result<BTreeSet<MarkRule>, Error> {
        let table = match self
            .marks()
            .and_then(|client| steady(|| client.table(TABLE)))
        {
            Err(netlink::Error::FamilyMissing { .. }) => None,
            other => other.map_err(|error| unreadable("the table of firewall marks", &error))?,
        };
        Ok(table.map_or_else(BTreeSet::new, |table| rules(&table)))
    }

    pub(super) fn write_marks(
        &mut self,
        change: &Change,
        rules: &BTreeSet<MarkRule>,
    ) -> Result<(), Error> {
        let rules: Vec<_> = rules.iter().map(convert::kernel_mark_rule).collect();
        let client = self.marks();
        let written = client.and_then(|client| match rules.as_slice() {
            [] => client.delete_table(TABLE),
            rules => client.replace_table(TABLE, rules),
        });
        written.map_err(|error| failed(change, &error))
    }

    /// Opened when first needed: a kernel may have IPVS and no nftables.
    fn marks(&mut self) -> netlink::Result<&mut Client> {
        match &mut self.marks {
            Some(client) => Ok(client),
            unopened => Ok(unopened.insert(Client::open()?)),
        }
    }
}

fn rules(table: &MarkTable) -> BTreeSet<MarkRule> {
    if table.strays.is_empty() {
        table.rules.iter().filter_map(convert::mark_rule).collect()
    } else {
        BTreeSet::new()
    }
}
