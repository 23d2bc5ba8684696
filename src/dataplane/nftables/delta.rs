//! From a difference of contents to the operations of one transaction.
//!
//! The cost follows from what the edit names and not from what else the tables hold: only where a
//! way of choosing comes or goes are the rules of both tables made again and compared. Pure: no
//! socket. Called by the data plane.

use std::collections::{BTreeMap, BTreeSet};

use super::class::Part;
use super::compile::{self, Frame, TableFrame};
use super::content::{self, Content, Edit, KILL_TIME, ServiceContent, Tables};
use super::schema::{SetId, SetKind};
use super::{fields, words};
use crate::netlink::nft::model::{Element, TableFamily};
use crate::netlink::nft::{ElementKey, Operation, Refused};
use crate::state::{DestinationKey, Family, MarkRule, ServiceKey};

/// The operations that make of `content` what `edit` asks for; none where it is so already.
///
/// What was found damaged, and what nobody wrote for a service that exists, is put right in the
/// same transaction.
pub fn delta(content: &Content, edit: &Edit) -> Vec<Operation> {
    if edit.tables == Tables::Gone {
        return gone(content);
    }
    let mut change = Change::new(content, edit);
    change.services();
    change.answers();
    change.marks();
    change.killed();
    change.rubbish();
    change.finish()
}

/// The service whose operation the kernel refused; none where it was about the tables.
pub fn blamed(operations: &[Operation], refused: &Refused) -> Option<ServiceKey> {
    let place = refused.element.unwrap_or(0);
    let (table, set, key) = match operations.get(refused.operation)? {
        Operation::AddElements {
            table,
            set,
            elements,
        }
        | Operation::AddTemporaryElements {
            table,
            set,
            elements,
            ..
        } => (table, set, &elements.get(place)?.key),
        Operation::DeleteElements { table, set, keys } => (table, set, &keys.get(place)?.key),
        Operation::AddTable(..)
        | Operation::DeleteTable(_)
        | Operation::AddSet(..)
        | Operation::DeleteSet(..)
        | Operation::AddChain(..)
        | Operation::DeleteChain(..)
        | Operation::FlushChain(..)
        | Operation::AddRule(..) => return None,
    };
    let set = SetId::named(table.family, set)?;
    match set.kind {
        SetKind::Services
        | SetKind::Servers
        | SetKind::Slots
        | SetKind::Masquerade
        | SetKind::Killed => fields::Reader(key).service(set.family),
        SetKind::Persist
        | SetKind::Marks
        | SetKind::Reverse
        | SetKind::Flows
        | SetKind::Closing => None,
    }
}

/// Everything goes.
fn gone(content: &Content) -> Vec<Operation> {
    let mut tables: BTreeSet<TableFamily> = content.frame().into_keys().collect();
    tables.extend(&content.alien);
    tables.into_iter().map(delete_table).collect()
}

fn delete_table(family: TableFamily) -> Operation {
    Operation::DeleteTable(content::table(family))
}

/// A key of the map `reverse`.
type AnswerKey = (Family, Vec<u8>);

/// A transaction on its way.
struct Change<'a> {
    content: &'a Content,
    edit: &'a Edit,
    seed: u32,
    /// The seed is another one: all is made anew.
    anew: bool,
    /// Services that are written, beside those that the edit names.
    nothing: ServiceContent,
    gone: BTreeMap<SetId, Vec<ElementKey>>,
    added: BTreeMap<SetId, Vec<Element>>,
    temporary: BTreeMap<SetId, Vec<Element>>,
    /// How many services more or fewer need a part.
    shift: BTreeMap<Part, isize>,
}

impl<'a> Change<'a> {
    fn new(content: &'a Content, edit: &'a Edit) -> Self {
        let seed = content.seed_after(edit.tables);
        Self {
            content,
            edit,
            seed,
            anew: content.seed.is_some_and(|before| before != seed),
            nothing: ServiceContent::default(),
            gone: BTreeMap::new(),
            added: BTreeMap::new(),
            temporary: BTreeMap::new(),
            shift: BTreeMap::new(),
        }
    }

    fn services(&mut self) {
        let (content, edit) = (self.content, self.edit);
        for (key, after) in &edit.services {
            let before = content.services.get(key);
            self.service(before, after.as_ref());
        }
        if self.anew {
            let others = content.services.iter();
            for (_, same) in others.filter(|(key, _)| !edit.services.contains_key(key)) {
                self.service(Some(same), Some(same));
            }
        }
    }

    fn service(&mut self, before: Option<&ServiceContent>, after: Option<&ServiceContent>) {
        let nothing = std::mem::take(&mut self.nothing);
        let (before, after) = (before.unwrap_or(&nothing), after.unwrap_or(&nothing));
        for part in &before.parts {
            *self.shift.entry(part.clone()).or_default() -= 1;
        }
        for part in &after.parts {
            *self.shift.entry(part.clone()).or_default() += 1;
        }
        let sets: BTreeSet<&SetId> = before
            .elements
            .keys()
            .chain(after.elements.keys())
            .collect();
        for set in sets {
            let old = before.elements.get(set).map_or(&[][..], Vec::as_slice);
            let new = after.elements.get(set).map_or(&[][..], Vec::as_slice);
            self.elements(*set, old, new);
        }
        self.nothing = nothing;
    }

    /// Both sorted by their keys.
    fn elements(&mut self, set: SetId, old: &[Element], new: &[Element]) {
        if self.is_made(set.table) {
            let all = new.iter().map(|element| carried(element, old));
            self.added.entry(set).or_default().extend(all);
            return;
        }
        let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => return,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(before), Some(after)) => before.key.cmp(&after.key),
            };
            let before = if order.is_gt() { None } else { old.next() };
            let after = if order.is_lt() { None } else { new.next() };
            self.element(set, before, after);
        }
    }

    fn element(&mut self, set: SetId, before: Option<&Element>, after: Option<&Element>) {
        if let (Some(before), Some(after)) = (before, after)
            && is_same(before, after)
        {
            return;
        }
        let carried = before.and_then(|before| before.counter);
        if let Some(before) = before {
            self.gone.entry(set).or_default().push(before.into());
        }
        if let Some(after) = after {
            let mut element = after.clone();
            element.counter = carried.or(element.counter);
            self.added.entry(set).or_default().push(element);
        }
    }

    /// Whether the table is made by this transaction: whatever was in it is not there any more.
    fn is_made(&self, table: TableFamily) -> bool {
        self.anew || self.content.seed.is_none() || self.content.alien.contains(&table)
    }

    /// The map `reverse`, where a claim changes.
    fn answers(&mut self) {
        let content = self.content;
        let claimed = self.claimed();
        let mut keys: BTreeSet<AnswerKey> = claimed.keys().cloned().collect();
        if self.is_made(TableFamily::Inet) {
            keys.extend(content.claims.keys().cloned());
        }
        for key in keys {
            let new = claimed.get(&key).map_or(&[][..], Vec::as_slice);
            let after = self.answer_after(&key, new);
            let set = inet(SetKind::Reverse, key.0);
            let element = |data: &Vec<u8>| Element {
                key: key.1.clone(),
                data: data.clone(),
                ..Element::default()
            };
            let before: Vec<Element> = content.reverse.get(&key).map(element).into_iter().collect();
            let after: Vec<Element> = after.map(element).into_iter().collect();
            self.elements(set, &before, &after);
        }
    }

    /// Every answer that a touched service claimed, with what touched services claim from now on.
    fn claimed(&self) -> BTreeMap<AnswerKey, Vec<&'a Vec<u8>>> {
        let (content, edit) = (self.content, self.edit);
        let mut claimed = BTreeMap::<_, Vec<_>>::new();
        for (key, after) in &edit.services {
            let family = key.family();
            let before = content.services.get(key).into_iter();
            for claim in before.flat_map(|it| it.claims.keys()) {
                claimed.entry((family, claim.clone())).or_default();
            }
            for (claim, data) in after.iter().flat_map(|it| &it.claims) {
                claimed
                    .entry((family, claim.clone()))
                    .or_default()
                    .push(data);
            }
        }
        claimed
    }

    /// What the map has for a key once the edit is done.
    fn answer_after(&self, key: &AnswerKey, claimed: &[&'a Vec<u8>]) -> Option<&'a Vec<u8>> {
        let (content, edit) = (self.content, self.edit);
        let kept = content.claims.get(key).into_iter().flatten();
        let kept = kept.filter(|(service, _)| !edit.services.contains_key(service));
        let mut all = kept.map(|(_, data)| data).chain(claimed.iter().copied());
        let first = all.next();
        first.filter(|_| all.next().is_none())
    }

    fn marks(&mut self) {
        let content = self.content;
        let after = self.edit.marks.as_ref().unwrap_or(&content.marks);
        let set = |rule: &MarkRule| inet(SetKind::Marks, Family::of(rule.address));
        if self.is_made(TableFamily::Inet) {
            for rule in after {
                self.element(set(rule), None, Some(&compile::mark_element(rule)));
            }
            return;
        }
        for rule in content.marks.difference(after) {
            self.element(set(rule), Some(&compile::mark_element(rule)), None);
        }
        for rule in after.difference(&content.marks) {
            self.element(set(rule), None, Some(&compile::mark_element(rule)));
        }
    }

    /// What is to be reset is told anew each time: the kernel may have forgotten it. What is not to
    /// be any more is forgotten by itself, or with the set.
    fn killed(&mut self) {
        for (service, server) in self.edit.killed.iter().flatten() {
            let set = inet(SetKind::Killed, service.family());
            let element = killed_element(*service, *server);
            self.temporary.entry(set).or_default().push(element);
        }
    }

    fn killing(&self) -> BTreeSet<Family> {
        let families = |killed: &BTreeSet<(ServiceKey, DestinationKey)>| {
            killed.iter().map(|(key, _)| key.family()).collect()
        };
        let after = self.edit.killed.as_ref().map(families);
        after.unwrap_or_else(|| self.content.killing.clone())
    }

    fn rubbish(&mut self) {
        for (set, key) in &self.content.rubbish {
            if !self.is_made(set.table) {
                self.gone.entry(*set).or_default().push(key.clone());
            }
        }
    }

    /// Whether sets, chains and rules may be other ones.
    fn reframes(&self) -> bool {
        let content = self.content;
        let moves = |(part, shift): (&Part, &isize)| {
            let before = content.tally.get(part).copied().unwrap_or(0);
            let after = before.cast_signed() + shift;
            (before == 0) != (after == 0)
        };
        let is_whole = content.seed == Some(self.seed)
            && content.damage.is_none()
            && content.alien.is_empty()
            && self.edit.marks.is_none()
            && self.edit.killed.is_none();
        !is_whole || self.shift.iter().any(moves)
    }

    fn parts_after(&self) -> BTreeSet<Part> {
        let mut tally = self.content.tally.clone();
        for (part, shift) in &self.shift {
            let count = tally.entry(part.clone()).or_default();
            *count = count.saturating_add_signed(*shift);
        }
        tally.retain(|_, count| *count > 0);
        let mut parts: BTreeSet<Part> = tally.into_keys().collect();
        let marks = self.edit.marks.as_ref().unwrap_or(&self.content.marks);
        parts.extend(content::mark_parts(marks));
        parts.extend(self.killing().into_iter().map(Part::Killed));
        parts
    }

    fn finish(self) -> Vec<Operation> {
        if !self.reframes() {
            return self.of_elements(&BTreeSet::new());
        }
        let before = self.content.frame();
        let after = compile::frame(&self.parts_after(), self.seed);
        let mut operations = Vec::new();
        let mut closing = Vec::new();
        let mut left = BTreeSet::new();
        for family in [TableFamily::Inet, TableFamily::Netdev] {
            let made = self.is_made(family);
            let was_there = before.contains_key(&family) || self.content.alien.contains(&family);
            let is_there = after.contains_key(&family);
            if was_there && (made || !is_there) {
                operations.push(delete_table(family));
                left.extend((!is_there).then_some(family));
            }
            if is_there {
                let kept = before.get(&family).filter(|_| !made).cloned();
                if kept.is_none() {
                    let comment = Some(words::table(self.seed));
                    operations.push(Operation::AddTable(content::table(family), comment));
                }
                reframe(
                    family,
                    &kept.unwrap_or_default(),
                    &after,
                    &mut operations,
                    &mut closing,
                );
            }
        }
        operations.extend(self.of_elements(&left));
        operations.extend(closing);
        operations
    }

    /// The elements that go, then those that come; of tables that go as a whole, none.
    fn of_elements(self, left: &BTreeSet<TableFamily>) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (set, keys) in self
            .gone
            .into_iter()
            .filter(|(set, _)| !left.contains(&set.table))
        {
            operations.push(Operation::DeleteElements {
                table: content::table(set.table),
                set: set.name(),
                keys,
            });
        }
        for (set, elements) in self.added {
            if !elements.is_empty() {
                operations.push(Operation::AddElements {
                    table: content::table(set.table),
                    set: set.name(),
                    elements,
                });
            }
        }
        for (set, elements) in self.temporary {
            operations.push(Operation::AddTemporaryElements {
                table: content::table(set.table),
                set: set.name(),
                elements,
                timeout: KILL_TIME,
            });
        }
        operations
    }
}

/// Sets and chains that come, chains that are emptied; and at the end rules that come, chains and
/// sets that go.
fn reframe(
    family: TableFamily,
    before: &TableFrame,
    after: &Frame,
    opening: &mut Vec<Operation>,
    closing: &mut Vec<Operation>,
) {
    let table = || content::table(family);
    let nothing = TableFrame::default();
    let after = after.get(&family).unwrap_or(&nothing);
    for (name, set) in &after.sets {
        if !before.sets.contains_key(name) {
            opening.push(Operation::AddSet(table(), set.clone()));
        }
    }
    let emptied = emptied(before, after);
    for name in &emptied {
        opening.push(Operation::FlushChain(table(), (*name).clone()));
    }
    for (name, chain) in &before.chains {
        match after.chains.get(name) {
            Some(same) if same == chain => {}
            Some(_) => opening.push(Operation::DeleteChain(table(), name.clone())),
            None => closing.push(Operation::DeleteChain(table(), name.clone())),
        }
    }
    for (name, chain) in &after.chains {
        if before.chains.get(name) != Some(chain) {
            opening.push(Operation::AddChain(table(), chain.clone()));
        }
    }
    let mut rules = Vec::new();
    for (name, all) in &after.rules {
        if emptied.contains(name) || !before.chains.contains_key(name) {
            rules.extend(all.iter().map(|it| Operation::AddRule(table(), it.clone())));
        }
    }
    closing.splice(0..0, rules);
    for name in before.sets.keys() {
        if !after.sets.contains_key(name) {
            closing.push(Operation::DeleteSet(table(), name.clone()));
        }
    }
}

/// The chains whose rules are written anew. Where a chain is made anew, all are: others may jump to
/// it.
fn emptied<'a>(before: &'a TableFrame, after: &TableFrame) -> BTreeSet<&'a String> {
    let is_remade = |(name, chain): (&String, _)| {
        let now = after.chains.get(name);
        now.is_some_and(|now| now != chain)
    };
    let all = before.chains.iter().any(is_remade);
    let chains = before.chains.keys();
    chains
        .filter(|name| before.rules.contains_key(*name) || after.rules.contains_key(*name))
        .filter(|name| all || before.rules.get(*name) != after.rules.get(*name))
        .collect()
}

fn inet(kind: SetKind, family: Family) -> SetId {
    SetId {
        table: TableFamily::Inet,
        kind,
        family,
    }
}

fn killed_element(service: ServiceKey, server: DestinationKey) -> Element {
    let mut key = fields::service(service);
    key.extend(fields::translated(server));
    Element {
        key,
        ..Element::default()
    }
}

fn carried(element: &Element, old: &[Element]) -> Element {
    let mut element = element.clone();
    element.counter = content::counted(old, &element.key).or(element.counter);
    element
}

/// Whether two elements are the same, whatever they counted.
pub(super) fn is_same(one: &Element, other: &Element) -> bool {
    (&one.key, &one.key_end, &one.data, &one.comment)
        == (&other.key, &other.key_end, &other.data, &other.comment)
}
