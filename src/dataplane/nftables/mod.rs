//! The nftables data plane: services in the maps of two tables of farmctl's own.
//!
//! One half is pure: from a [`crate::state::State`] to the elements and rules that carry it out
//! ([`mod@content`]), from what was found back to a state ([`decode`]), and from the difference to the
//! operations of one transaction ([`delta`]). The other half, [`Nftables`], reads and writes the
//! tables of the network namespace in which it was opened, and what belongs to them: settings and
//! addresses of the machine. It decides nothing, and touches no other table. The layout and its
//! reasons are in `docs/decisions/0007-nftables-layout.md`. Called through [`Dataplane`].

mod class;
mod compile;
pub mod content;
mod counters;
pub mod decode;
pub mod delta;
mod draft;
mod dynamic;
mod execute;
mod explain;
mod fields;
mod leave;
mod observe;
mod schema;
mod slots;
mod takeover;
pub mod terrain;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod unfit;
mod watch;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use super::machine::{self, Machine};
use super::{Atomicity, Dataplane, Error, Failure, Observation, Removal};
use crate::netlink::{conntrack, nft};
use crate::spec::DataplaneKind;
use crate::state::{AddressKey, Change, DestinationKey, HostFacts, ServiceKey, State};
use content::Content;
use counters::Place;
use explain::unopened;
use terrain::Terrain;
pub use watch::{Drift, Watch};

/// A table that nobody has.
const NOBODYS: &str = "farmctl asks for a table that is not there";

/// The kernel's nftables and connection tracking, as far as they forward for farmctl.
#[derive(Debug)]
pub struct Nftables {
    tables: nft::Client,
    connections: conntrack::Client,
    machine: Machine,
    known: Option<Known>,
    /// How many connections the kernel was told to forget.
    forgotten: u64,
}

/// What was there after the last look or the last transaction. Somebody else may write at any time;
/// the kernel then refuses what does not fit, and the next look finds out.
#[derive(Debug)]
struct Known {
    /// Services, marks and the seed; addresses and settings of the machine.
    state: State,
    /// The elements and rules.
    content: Content,
    /// Whose connections are reset.
    killed: BTreeSet<Place>,
    host: HostFacts,
    indexes: BTreeMap<String, u32>,
    terrain: Terrain,
}

impl Nftables {
    /// Opens the data plane of this thread's network namespace.
    ///
    /// [`Error::NoNftables`] where the kernel has no nf_tables, [`Error::Permission`] where this
    /// process may not use it.
    pub fn open() -> Result<Self, Error> {
        let mut tables = nft::Client::open().map_err(|error| unopened(&error))?;
        // Whether there is anything to talk to, and whether it answers this process.
        tables
            .mark_rules(NOBODYS)
            .map_err(|error| unopened(&error))?;
        Ok(Self {
            tables,
            connections: conntrack::Client::open().map_err(|error| unopened(&error))?,
            machine: Machine::open()?,
            known: None,
            forgotten: 0,
        })
    }
}

impl Dataplane for Nftables {
    fn kind(&self) -> DataplaneKind {
        DataplaneKind::Nftables
    }

    fn observe(&mut self) -> Result<Observation, Error> {
        self.look()
    }

    fn execute(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error> {
        self.carry_out(changes)
    }

    fn objections(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error> {
        self.try_out(changes)
    }

    fn removal(&self) -> Removal {
        Removal::LetsFinish
    }

    fn reset(&mut self, gone: &[(ServiceKey, DestinationKey)]) -> Result<(), Error> {
        self.end(gone)
    }

    fn atomicity(&self) -> Atomicity {
        Atomicity::Whole
    }

    fn announce(&mut self, address: &AddressKey) -> Result<(), Error> {
        machine::announce(address)
    }

    fn watches(&self) -> Result<Vec<super::Watch>, Error> {
        let tables = super::Watch::Tables(self.watch()?);
        Ok(vec![tables, self.machine.watch()?])
    }

    fn writes(&self) -> u64 {
        self.tables.writes_sent() + self.machine.writes() + self.forgotten
    }
}
