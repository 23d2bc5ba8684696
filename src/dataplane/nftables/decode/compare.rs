//! The second half: what the records ask for, compared with what is there.

use std::collections::{BTreeMap, BTreeSet};

use super::super::compile::{self, TableFrame};
use super::super::content::{self, Context, ServiceContent, Unfit};
use super::super::delta::is_same;
use super::super::fields;
use super::super::schema::{SetId, SetKind};
use super::super::terrain::Terrain;
use super::{Decoder, named};
use crate::netlink::nft::model::{Element, TableFamily};
use crate::state::{Family, Forwarding, ServiceKey};

impl Decoder {
    /// Every service as it must be. One that the machine can't carry out any more has no elements
    /// here, but the rules that were made for it.
    pub(super) fn compiled(&mut self, terrain: &Terrain) -> BTreeMap<ServiceKey, ServiceContent> {
        let marks = &self.decoded.content.marks;
        let guessing = terrain.guessing(self.device());
        let context = Context { marks, terrain };
        let lenient = Context {
            marks,
            terrain: &guessing,
        };
        let mut expected = BTreeMap::new();
        let mut unfit = Vec::new();
        for (key, service) in &self.decoded.state.services {
            let made = content::compile(*key, service, &context).unwrap_or_else(|reason| {
                unfit.push((*key, reason));
                let guessed = content::compile(*key, service, &lenient);
                guessed.unwrap_or_default()
            });
            expected.insert(*key, made);
        }
        for (key, reason) in unfit {
            self.unfit(key, &reason);
        }
        expected
    }

    fn unfit(&mut self, key: ServiceKey, reason: &Unfit) {
        let message = format!("Service {key} is not possible on this machine: {reason}.");
        self.flaw(Some(key), message);
        self.damaged.entry(key).or_default().whole = true;
    }

    /// An interface that was looked at.
    fn device(&self) -> String {
        let netdev = self.frame.get(&TableFamily::Netdev).into_iter();
        let chains = netdev.flat_map(|it| it.chains.values());
        let hooks = chains.filter_map(|chain| chain.hook.as_ref());
        let mut devices = hooks.flat_map(|hook| &hook.devices);
        devices.next().cloned().unwrap_or_default()
    }

    /// Compares what each service must have with what is there, and writes down what is there.
    pub(super) fn compare(&mut self, expected: &BTreeMap<ServiceKey, ServiceContent>) {
        let mut found = self.by_service();
        for key in self
            .decoded
            .state
            .services
            .keys()
            .copied()
            .collect::<Vec<_>>()
        {
            let elements = found.remove(&key).unwrap_or_default();
            let nothing = ServiceContent::default();
            let wanted = expected.get(&key).unwrap_or(&nothing);
            self.differences(key, &elements, &wanted.elements);
            let content = ServiceContent {
                elements,
                ..wanted.clone()
            };
            self.decoded.content.replace(key, Some(content));
        }
        for (key, elements) in found {
            self.orphans(key, elements);
        }
    }

    /// The elements that name a service in their keys.
    fn by_service(&mut self) -> BTreeMap<ServiceKey, BTreeMap<SetId, Vec<Element>>> {
        let mut found = BTreeMap::<_, BTreeMap<SetId, Vec<Element>>>::new();
        let mut lost = Vec::new();
        for (id, elements) in &self.elements {
            for element in elements {
                match service_of(*id, element) {
                    Named::Service(key) => {
                        let sets = found.entry(key).or_default();
                        sets.entry(*id).or_default().push(element.clone());
                    }
                    Named::Nobody => lost.push((*id, element.into())),
                    Named::Elsewhere => {}
                }
            }
        }
        for (id, _) in &lost {
            let is_told = matches!(id.kind, SetKind::Services | SetKind::Servers);
            if !is_told {
                self.unreadable(*id);
            }
        }
        self.decoded.content.rubbish.extend(lost);
        found
    }

    /// Elements of a service that is not seen.
    pub(super) fn orphans(&mut self, key: ServiceKey, elements: BTreeMap<SetId, Vec<Element>>) {
        self.flaw(
            Some(key),
            format!(
                "Elements of {key} are there, but no such service; the next apply removes them."
            ),
        );
        for (id, elements) in elements {
            let keys = elements.iter().map(|element| (id, element.into()));
            self.decoded.content.rubbish.extend(keys);
        }
    }

    fn differences(
        &mut self,
        key: ServiceKey,
        found: &BTreeMap<SetId, Vec<Element>>,
        wanted: &BTreeMap<SetId, Vec<Element>>,
    ) {
        let sets: BTreeSet<&SetId> = found.keys().chain(wanted.keys()).collect();
        let mut told = BTreeSet::new();
        for id in sets {
            let found = found.get(id).map_or(&[][..], Vec::as_slice);
            let wanted = wanted.get(id).map_or(&[][..], Vec::as_slice);
            for element in different(found, wanted).chain(different(wanted, found)) {
                self.damage(key, *id, element);
                told.insert(id.name());
            }
        }
        if !told.is_empty() {
            let sets: Vec<String> = told.into_iter().map(|name| format!("`{name}`")).collect();
            let sets = sets.join(", ");
            let message = format!("Service {key} is not as it must be: elements of {sets} differ.");
            self.flaw(Some(key), message);
        }
    }

    /// The destination that an element is about, or the whole service.
    fn damage(&mut self, key: ServiceKey, id: SetId, element: &Element) {
        let skip = fields::service_length(id.family);
        let target = match id.kind {
            SetKind::Slots => element.data.get(fields::FILLER..).unwrap_or_default(),
            SetKind::Servers => element.key.get(skip..).unwrap_or_default(),
            SetKind::Services
            | SetKind::Persist
            | SetKind::Marks
            | SetKind::Reverse
            | SetKind::Masquerade
            | SetKind::Killed
            | SetKind::Flows
            | SetKind::Closing => &[],
        };
        let server = self.targets.get(&key).and_then(|all| all.get(target));
        let damage = self.damaged.entry(key).or_default();
        match server {
            Some(server) => {
                damage.destinations.insert(*server);
            }
            None => damage.whole = true,
        }
    }

    /// The map `reverse` follows from all services together.
    pub(super) fn answers(&mut self) {
        let mut found = BTreeMap::new();
        for (id, element) in self.all_of(SetKind::Reverse) {
            let plain = Element {
                key: element.key.clone(),
                data: element.data.clone(),
                ..Element::default()
            };
            if is_same(&plain, &element) {
                found.insert((id.family, element.key), element.data);
            } else {
                let rubbish = &mut self.decoded.content.rubbish;
                rubbish.insert((id, (&element).into()));
            }
        }
        let claimed = self.decoded.content.claims.keys();
        let keys: BTreeSet<_> = claimed.chain(found.keys()).cloned().collect();
        for key in keys {
            let wanted = self.decoded.content.answer(&key);
            if wanted != found.get(&key) {
                self.wrong_answer(&key);
            }
            if !self.decoded.content.claims.contains_key(&key) {
                found.remove(&key);
            }
        }
        self.decoded.content.reverse = found;
    }

    fn wrong_answer(&mut self, key: &(Family, Vec<u8>)) {
        let claims = self.decoded.content.claims.get(key);
        let services: Vec<ServiceKey> = claims.into_iter().flatten().map(|(it, _)| *it).collect();
        for service in &services {
            self.damaged.entry(*service).or_default().whole = true;
            let message = format!("Service {service} is not as it must be: `reverse` differs.");
            self.flaw(Some(*service), message);
        }
        if services.is_empty() {
            let id = SetId {
                table: TableFamily::Inet,
                kind: SetKind::Reverse,
                family: key.0,
            };
            self.unreadable(id);
            let element = Element {
                key: key.1.clone(),
                ..Element::default()
            };
            let rubbish = &mut self.decoded.content.rubbish;
            rubbish.insert((id, (&element).into()));
        }
    }

    /// Sets, chains and rules.
    pub(super) fn frames(&mut self) {
        let Some(seed) = self.decoded.content.seed else {
            return;
        };
        for family in [Family::V4, Family::V6] {
            let killed = SetId {
                table: TableFamily::Inet,
                kind: SetKind::Killed,
                family,
            };
            let inet = self.frame.get(&TableFamily::Inet);
            if inet.is_some_and(|inet| inet.sets.contains_key(&killed.name())) {
                self.decoded.content.killing.insert(family);
            }
        }
        let wanted = compile::frame(&self.decoded.content.parts(), seed);
        let mut concerned: BTreeSet<Concerned> =
            self.strange.iter().map(|table| (*table, None)).collect();
        for table in [TableFamily::Inet, TableFamily::Netdev] {
            if self.decoded.content.alien.contains(&table) {
                concerned.insert((table, None));
            } else if self.frame.get(&table) != wanted.get(&table) {
                concerned.extend(self.broken(table, wanted.get(&table)));
            }
        }
        if concerned.is_empty() {
            return;
        }
        self.decoded.content.damage = Some(std::mem::take(&mut self.frame));
        self.break_services(&concerned);
    }

    /// Tells what of a table differs, and whom it concerns.
    fn broken(&mut self, table: TableFamily, wanted: Option<&TableFrame>) -> BTreeSet<Concerned> {
        let nothing = TableFrame::default();
        let found = self.frame.get(&table).unwrap_or(&nothing);
        let wanted = wanted.unwrap_or(&nothing);
        let mut all = Vec::new();
        all.extend(differing(Thing::Set, &found.sets, &wanted.sets));
        all.extend(differing(Thing::Chain, &found.chains, &wanted.chains));
        all.extend(differing(Thing::Rules, &found.rules, &wanted.rules));
        let told: Vec<&str> = all.iter().map(|(_, told)| told.as_str()).collect();
        let (name, told) = (named(table), told.join(", "));
        let message = format!(
            "The table {name} is not as farmctl writes it: {told}. The next apply mends it."
        );
        self.flaw(None, message);
        all.iter()
            .map(|(name, _)| (table, family_in(name)))
            .collect()
    }

    /// Services that rely on what is not whole.
    fn break_services(&mut self, concerned: &BTreeSet<Concerned>) {
        for (key, service) in &self.decoded.state.services {
            let mut destinations = service.destinations.values();
            let routed = destinations.any(|it| it.forwarding == Forwarding::Route);
            let relies = concerned.iter().any(|(table, family)| {
                let on_table = *table == TableFamily::Inet || routed;
                on_table && family.is_none_or(|family| family == key.family())
            });
            if relies {
                self.damaged.entry(*key).or_default().whole = true;
            }
        }
    }
}

/// A table, and of which family of packets; none where of both.
type Concerned = (TableFamily, Option<Family>);

/// For packets of which family a set or chain is, by its name.
fn family_in(name: &str) -> Option<Family> {
    match name.rsplit_once('_')?.1 {
        "4" => Some(Family::V4),
        "6" => Some(Family::V6),
        _ => None,
    }
}

/// Whose an element is.
enum Named {
    Service(ServiceKey),
    Nobody,
    /// It is looked at with all of its set.
    Elsewhere,
}

fn service_of(id: SetId, element: &Element) -> Named {
    let service = match id.kind {
        SetKind::Services | SetKind::Servers | SetKind::Slots | SetKind::Masquerade => {
            fields::Reader(&element.key).service(id.family)
        }
        SetKind::Marks if id.table == TableFamily::Netdev => {
            let last = element.key_end.as_deref().unwrap_or(&element.key);
            let rule = fields::read_mark(id.family, &element.key, last, &element.data);
            rule.map(|rule| ServiceKey::Mark {
                family: id.family,
                mark: rule.mark,
            })
        }
        SetKind::Marks
        | SetKind::Reverse
        | SetKind::Persist
        | SetKind::Killed
        | SetKind::Flows
        | SetKind::Closing => return Named::Elsewhere,
    };
    service.map_or(Named::Nobody, Named::Service)
}

/// The elements of one list that are not so in the other; both sorted by key.
fn different<'a>(these: &'a [Element], others: &'a [Element]) -> impl Iterator<Item = &'a Element> {
    these.iter().filter(|element| {
        let place = others.binary_search_by(|it| it.key.cmp(&element.key));
        let other = place.ok().and_then(|place| others.get(place));
        !other.is_some_and(|other| is_same(element, other))
    })
}

/// What a table consists of.
#[derive(Clone, Copy)]
enum Thing {
    Set,
    Chain,
    Rules,
}

/// What of two maps is not the same: its name, and that in words.
fn differing<T: PartialEq>(
    thing: Thing,
    found: &BTreeMap<String, T>,
    wanted: &BTreeMap<String, T>,
) -> Vec<(String, String)> {
    let all: BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
    let differ = all
        .into_iter()
        .filter(|name| found.get(*name) != wanted.get(*name));
    differ
        .map(|name| {
            let how = match (found.get(name), wanted.get(name)) {
                (None, _) => "missing",
                (_, None) => "not farmctl's",
                _ => "changed",
            };
            let told = match thing {
                Thing::Set => format!("the set `{name}` is {how}"),
                Thing::Chain => format!("the chain `{name}` is {how}"),
                Thing::Rules => format!("the rules of `{name}` are {how}"),
            };
            (name.clone(), told)
        })
        .collect()
}
