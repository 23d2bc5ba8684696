//! What farmctl's two tables hold, service by service.
//!
//! A [`Content`] is made by [`compile()`], service by service, or read by [`super::decode`]; an
//! [`Edit`] says which services become what, and [`super::delta`] makes operations of it. Nothing
//! here walks over services that an edit does not name. Pure: no socket. Called by the data plane.

use std::collections::{BTreeMap, BTreeSet};

use super::class::Part;
use super::compile::{self, Frame};
use super::schema::{SetId, SetKind};
use super::terrain::Terrain;
pub use super::unfit::Unfit;
use crate::netlink::nft::ElementKey;
use crate::netlink::nft::model::{Element, TableFamily, TableKey};
use crate::state::{DestinationKey, Family, MarkRule, Service, ServiceKey};

/// A table of farmctl's.
pub(super) fn table(family: TableFamily) -> TableKey {
    TableKey {
        family,
        name: "farmctl".to_owned(),
    }
}

/// The table for address translation, records and rejects.
pub fn inet() -> TableKey {
    table(TableFamily::Inet)
}

/// The table for direct routing.
pub fn netdev() -> TableKey {
    table(TableFamily::Netdev)
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
pub struct ServiceContent {
    /// Its elements, of each set sorted by their keys.
    pub(super) elements: BTreeMap<SetId, Vec<Element>>,
    /// The rules, chains and interfaces that it needs.
    pub(super) parts: BTreeSet<Part>,
    /// Whose answers would be this service's: keys and data of the map `reverse`.
    pub(super) claims: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl ServiceContent {
    pub(super) fn add(&mut self, set: SetId, element: Element) {
        self.elements.entry(set).or_default().push(element);
    }
}

/// Everything in the two tables: as it was found, or as it was left by the last transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    pub(super) seed: Option<u32>,
    pub(super) marks: BTreeSet<MarkRule>,
    pub(super) services: BTreeMap<ServiceKey, ServiceContent>,
    /// How many services need each part.
    pub(super) tally: BTreeMap<Part, usize>,
    /// Who claims an element of the map `reverse`.
    pub(super) claims: BTreeMap<(Family, Vec<u8>), BTreeMap<ServiceKey, Vec<u8>>>,
    /// The elements that this map really has.
    pub(super) reverse: BTreeMap<(Family, Vec<u8>), Vec<u8>>,
    /// For which families connections are reset: their rules are there.
    pub(super) killing: BTreeSet<Family>,
    /// What is really there beside elements, where it is not what the parts need.
    pub(super) damage: Option<Frame>,
    /// Tables under farmctl's name that are not farmctl's of this layout.
    pub(super) alien: BTreeSet<TableFamily>,
    /// Elements that are no service's.
    pub(super) rubbish: BTreeSet<(SetId, ElementKey)>,
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

/// What a service is in the tables.
pub fn compile(
    key: ServiceKey,
    service: &Service,
    context: &Context<'_>,
) -> Result<ServiceContent, Unfit> {
    overlap(key, context.marks)?;
    compile::service(key, service, context)
}

/// The map of marks takes no two marks for one packet.
fn overlap(key: ServiceKey, marks: &BTreeSet<MarkRule>) -> Result<(), Unfit> {
    for own in compile::rules_of(marks, key) {
        let other = marks.iter().find(|other| {
            let apart = other.ports.last < own.ports.first || own.ports.last < other.ports.first;
            let same = (other.address, other.protocol) == (own.address, own.protocol);
            *other != own && same && !apart
        });
        if let Some(other) = other {
            return Err(Unfit::Overlap(*own.min(other), *own.max(other)));
        }
    }
    Ok(())
}

/// The services that are compiled differently with other marks.
pub fn services_of_marks(
    before: &BTreeSet<MarkRule>,
    after: &BTreeSet<MarkRule>,
) -> BTreeSet<ServiceKey> {
    before
        .symmetric_difference(after)
        .map(|rule| ServiceKey::Mark {
            family: Family::of(rule.address),
            mark: rule.mark,
        })
        .collect()
}

impl Content {
    /// The seed in the tables; none where there are no tables.
    pub fn seed(&self) -> Option<u32> {
        self.seed
    }

    /// Takes over what a transaction did, once the kernel has done it.
    pub fn settle(&mut self, edit: Edit) {
        if edit.tables == Tables::Gone {
            *self = Self::default();
            return;
        }
        self.seed = Some(self.seed_after(edit.tables));
        if let Some(marks) = edit.marks {
            self.marks = marks;
        }
        let mut claimed = BTreeSet::new();
        for (key, content) in edit.services {
            claimed.extend(self.replace(key, content));
        }
        for key in claimed {
            match self.answer(&key).cloned() {
                Some(data) => self.reverse.insert(key, data),
                None => self.reverse.remove(&key),
            };
        }
        if let Some(killed) = edit.killed {
            self.killing = killed.iter().map(|(key, _)| key.family()).collect();
        }
        self.damage = None;
        self.alien.clear();
        self.rubbish.clear();
    }

    pub(super) fn seed_after(&self, tables: Tables) -> u32 {
        match tables {
            Tables::Seeded(seed) => seed,
            Tables::Keep | Tables::Gone => self.seed.unwrap_or_default(),
        }
    }

    /// Puts a service in the place of what it was. Returns the answers that it claimed or claims.
    pub(super) fn replace(
        &mut self,
        key: ServiceKey,
        content: Option<ServiceContent>,
    ) -> Vec<(Family, Vec<u8>)> {
        let family = key.family();
        let mut claimed = Vec::new();
        let before = self.services.remove(&key).unwrap_or_default();
        for part in &before.parts {
            untally(&mut self.tally, part);
        }
        for claim in before.claims.into_keys() {
            let claim = (family, claim);
            if let Some(claims) = self.claims.get_mut(&claim) {
                claims.remove(&key);
                if claims.is_empty() {
                    self.claims.remove(&claim);
                }
            }
            claimed.push(claim);
        }
        let Some(mut content) = content else {
            return claimed;
        };
        for part in &content.parts {
            *self.tally.entry(part.clone()).or_default() += 1;
        }
        for (claim, data) in &content.claims {
            let claim = (family, claim.clone());
            let claims = self.claims.entry(claim.clone()).or_default();
            claims.insert(key, data.clone());
            claimed.push(claim);
        }
        keep_counters(&before.elements, &mut content.elements);
        self.services.insert(key, content);
        claimed
    }

    /// What the map `reverse` must have for a key: nothing where two services claim it.
    pub(super) fn answer(&self, key: &(Family, Vec<u8>)) -> Option<&Vec<u8>> {
        let mut claims = self.claims.get(key)?.values();
        let first = claims.next();
        first.filter(|_| claims.next().is_none())
    }

    /// Every part that something needs.
    pub(super) fn parts(&self) -> BTreeSet<Part> {
        let mut parts: BTreeSet<Part> = self.tally.keys().cloned().collect();
        parts.extend(mark_parts(&self.marks));
        parts.extend(self.killing.iter().map(|family| Part::Killed(*family)));
        parts
    }

    /// What is there beside elements.
    pub(super) fn frame(&self) -> Frame {
        match (&self.damage, self.seed) {
            (Some(found), _) => found.clone(),
            (None, None) => Frame::new(),
            (None, Some(seed)) => compile::frame(&self.parts(), seed),
        }
    }
}

/// The map of marks is there for those that no service has, too.
pub(super) fn mark_parts(marks: &BTreeSet<MarkRule>) -> BTreeSet<Part> {
    marks
        .iter()
        .map(|rule| Part::Marks(TableFamily::Inet, Family::of(rule.address)))
        .collect()
}

pub(super) fn untally(tally: &mut BTreeMap<Part, usize>, part: &Part) {
    if let Some(count) = tally.get_mut(part) {
        *count -= 1;
        if *count == 0 {
            tally.remove(part);
        }
    }
}

/// Elements that count go on from what those of the same key counted.
fn keep_counters(
    before: &BTreeMap<SetId, Vec<Element>>,
    after: &mut BTreeMap<SetId, Vec<Element>>,
) {
    for (set, elements) in after {
        if set.kind == SetKind::Servers {
            let before = before.get(set).map_or(&[][..], Vec::as_slice);
            for element in elements {
                element.counter = counted(before, &element.key).or(element.counter);
            }
        }
    }
}

/// What the element with a key counted.
pub(super) fn counted(
    elements: &[Element],
    key: &[u8],
) -> Option<crate::netlink::nft::model::ElementCounter> {
    let place = elements.binary_search_by(|it| it.key.as_slice().cmp(key));
    elements.get(place.ok()?)?.counter
}
