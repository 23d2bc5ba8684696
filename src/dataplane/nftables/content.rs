//! What farmctl's two tables hold, service by service.
//!
//! A [`Content`] is made by [`compile`], service by service, or read by [`super::decode`]; an
//! [`Edit`] says which services become what, and [`super::delta`] makes operations of it. Nothing
//! here walks over services that an edit does not name. Pure: no socket. Called by the data plane.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::terrain::Terrain;
use crate::netlink::nft::model::{TableFamily, TableKey};
use crate::state::{DestinationKey, MarkRule, Service, ServiceKey};

/// The table for address translation, records and rejects.
pub fn inet() -> TableKey {
    TableKey {
        family: TableFamily::Inet,
        name: "farmctl".to_owned(),
    }
}

/// The table for direct routing.
pub fn netdev() -> TableKey {
    TableKey {
        family: TableFamily::Netdev,
        name: "farmctl".to_owned(),
    }
}

/// How long a connection that is to be reset is looked for, milliseconds.
pub const KILL_TIME: u64 = 60_000;

/// What bears on how a service is compiled, beside the service.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The marks that farmctl gives itself.
    pub marks: &'a BTreeSet<MarkRule>,
    /// The machine's interfaces.
    pub terrain: &'a Terrain,
}

/// The elements, rules and interfaces that one service needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceContent {}

/// Everything in the two tables: as it was found, or as it was left by the last transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    seed: Option<u32>,
    marks: BTreeSet<MarkRule>,
}

/// What becomes of the tables themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tables {
    /// They stay as they are, with the seed that they have.
    #[default]
    Keep,
    /// They exist, with this seed. Where they have another one they are made anew, and what
    /// clients' connections were remembered for persistence and direct routing is forgotten.
    Seeded(u32),
    /// They go with everything in them.
    Gone,
}

/// What a transaction is to change. What it does not name stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edit {
    /// The tables and their seed.
    pub tables: Tables,
    /// What becomes of services; `None` removes one.
    pub services: BTreeMap<ServiceKey, Option<ServiceContent>>,
    /// All of farmctl's own marks, where they change. Services of marks that come or go must be
    /// compiled anew in the same edit: [`services_of_marks`] names them.
    pub marks: Option<BTreeSet<MarkRule>>,
    /// All destinations whose connections are to be reset, where that changes. They are forgotten
    /// by the kernel after [`KILL_TIME`]; an empty set takes the rules away again.
    pub killed: Option<BTreeSet<(ServiceKey, DestinationKey)>>,
}

/// A service that these tables can't carry out, in an operator's words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unfit {
    /// Nothing of it is known here.
    #[error("{0}")]
    Unknown(String),
}

/// What a service is in the tables.
pub fn compile(
    _key: ServiceKey,
    _service: &Service,
    _context: &Context<'_>,
) -> Result<ServiceContent, Unfit> {
    Ok(ServiceContent::default())
}

/// The services that are compiled differently with other marks.
pub fn services_of_marks(
    _before: &BTreeSet<MarkRule>,
    _after: &BTreeSet<MarkRule>,
) -> BTreeSet<ServiceKey> {
    BTreeSet::new()
}

impl Content {
    /// The seed in the tables; none where there are no tables.
    pub fn seed(&self) -> Option<u32> {
        self.seed
    }

    /// Takes over what a transaction did, once the kernel has done it.
    pub fn settle(&mut self, edit: Edit) {
        if let Some(marks) = edit.marks {
            self.marks = marks;
        }
        match edit.tables {
            Tables::Keep => {}
            Tables::Seeded(seed) => self.seed = Some(seed),
            Tables::Gone => *self = Self::default(),
        }
    }
}
