//! The sets, chains and rules of both tables, made of the parts that services need.

use std::collections::{BTreeMap, BTreeSet};

use super::super::class::{Class, Kind, Onward, Part};
use super::super::schema::{SetId, SetKind};
use super::choose;
use super::ingress::{self, INGRESS};
use super::translate::{self, FORWARD, INPUT, OUTPUT, POSTROUTING, PREROUTING};
use crate::netlink::nft::model::{Chain, Hook, Rule, Set, TableFamily};
use crate::state::{Family, Protocol};

/// Everything in the tables but their elements.
pub(in super::super) type Frame = BTreeMap<TableFamily, TableFrame>;

/// Everything in a table but its elements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in super::super) struct TableFrame {
    /// The sets by name.
    pub(in super::super) sets: BTreeMap<String, Set>,
    /// The chains by name.
    pub(in super::super) chains: BTreeMap<String, Chain>,
    /// The rules of each chain that has some, in order.
    pub(in super::super) rules: BTreeMap<String, Vec<Rule>>,
}

impl TableFrame {
    /// Whether there is nothing in it.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.sets.is_empty() && self.chains.is_empty() && self.rules.is_empty()
    }

    fn push(&mut self, rule: Rule) {
        self.rules.entry(rule.chain.clone()).or_default().push(rule);
    }

    fn chain(&mut self, name: &str, hook: Option<Hook>) {
        let name = name.to_owned();
        self.chains.insert(name.clone(), Chain { name, hook });
    }
}

/// The chain in which packets of a family are looked up.
pub(super) fn choose_chain(table: TableFamily, family: Family) -> String {
    let what = match table {
        TableFamily::Inet => "choose",
        TableFamily::Netdev => "direct",
    };
    match family {
        Family::V4 => format!("{what}_4"),
        Family::V6 => format!("{what}_6"),
    }
}

/// `NF_INET_*` and `NF_NETDEV_INGRESS`, and usual priorities.
const HOOKS: [(&str, &str, u32, i32); 5] = [
    (PREROUTING, "nat", 0, -100),
    (OUTPUT, "nat", 3, -100),
    (POSTROUTING, "nat", 4, 100),
    (FORWARD, "filter", 2, 0),
    (INPUT, "filter", 1, 0),
];
/// Before whatever else looks at frames there.
const EARLY: i32 = -200;

/// The tables for these parts.
pub(in super::super) fn frame<'a>(parts: impl IntoIterator<Item = &'a Part>, seed: u32) -> Frame {
    let mut builder = Builder {
        parts: parts.into_iter().collect(),
        seed,
        inet: TableFrame::default(),
        netdev: TableFrame::default(),
    };
    builder.sets();
    builder.inet();
    builder.netdev();
    let Builder { inet, netdev, .. } = builder;
    let mut frame = Frame::from([(TableFamily::Inet, inet)]);
    if !netdev.is_empty() {
        frame.insert(TableFamily::Netdev, netdev);
    }
    frame
}

struct Builder<'a> {
    parts: BTreeSet<&'a Part>,
    seed: u32,
    inet: TableFrame,
    netdev: TableFrame,
}

impl Builder<'_> {
    fn sets(&mut self) {
        let mut sets = BTreeSet::new();
        for part in &self.parts {
            needed_sets(part, &mut sets);
        }
        for id in sets {
            let table = match id.table {
                TableFamily::Inet => &mut self.inet,
                TableFamily::Netdev => &mut self.netdev,
            };
            table.sets.insert(id.name(), id.definition());
        }
    }

    fn classes(&self) -> Vec<Class> {
        let class = |part: &&Part| part.class().copied();
        self.parts.iter().filter_map(class).collect()
    }

    fn entries(&self, table: TableFamily) -> Vec<(Family, Protocol)> {
        let entry = |part: &&Part| {
            let entry = part.entry()?;
            (entry.0 == table).then_some((entry.1, entry.2))
        };
        self.parts.iter().filter_map(entry).collect()
    }

    fn has(&self, part: &Part) -> bool {
        self.parts.contains(part)
    }

    fn inet(&mut self) {
        for (family, protocol) in self.entries(TableFamily::Inet) {
            let chain = choose_chain(TableFamily::Inet, family);
            self.inet.chain(&chain, None);
            for rule in translate::entries(family, protocol) {
                self.inet.push(rule);
            }
        }
        let classes = self.classes();
        for family in [Family::V4, Family::V6] {
            for kind in Kind::ALL {
                let mine = classes.iter().filter(|class| {
                    (class.family, class.kind) == (family, kind) && class.onward != Onward::Routed
                });
                for rule in mine.flat_map(|class| choose::choice(class, self.seed)) {
                    self.inet.push(rule);
                }
                if self.has(&Part::Refusal(family, kind)) {
                    self.inet.push(choose::refusal(family, kind));
                }
            }
            self.sources(family);
            self.resets(family);
        }
        self.hooks();
    }

    fn sources(&mut self, family: Family) {
        for kind in Kind::ALL {
            if self.has(&Part::Masquerade(family, kind)) {
                self.inet.push(translate::masquerade(family, kind));
            }
        }
        if self.has(&Part::Reverse(family)) {
            self.inet.push(translate::reverse(family));
        }
    }

    fn resets(&mut self, family: Family) {
        if !self.has(&Part::Killed(family)) {
            return;
        }
        let has_marks = self.has(&Part::Marks(TableFamily::Inet, family));
        let kinds: Vec<Kind> = Kind::ALL
            .into_iter()
            .filter(|kind| *kind != Kind::OwnMark || has_marks)
            .collect();
        for rule in translate::killed(family, &kinds) {
            self.inet.push(rule);
        }
    }

    /// Base chains exist only with rules: an empty one costs each packet time.
    fn hooks(&mut self) {
        for (name, kind, number, priority) in HOOKS {
            if self.inet.rules.contains_key(name) {
                let hook = Hook {
                    kind: kind.to_owned(),
                    number,
                    priority,
                    devices: Vec::new(),
                };
                self.inet.chain(name, Some(hook));
            }
        }
    }

    fn netdev(&mut self) {
        let entries = self.entries(TableFamily::Netdev);
        if entries.is_empty() {
            return;
        }
        let families: BTreeSet<Family> = entries.iter().map(|(family, _)| *family).collect();
        let families: Vec<Family> = families.into_iter().collect();
        for rule in ingress::entrance(&families) {
            self.netdev.push(rule);
        }
        for family in families {
            let chain = choose_chain(TableFamily::Netdev, family);
            self.netdev.chain(&chain, None);
            let of_family = entries.iter().filter(|(of, _)| *of == family);
            let protocols: Vec<Protocol> = of_family.map(|(_, protocol)| *protocol).collect();
            for rule in ingress::flows(family, &protocols) {
                self.netdev.push(rule);
            }
            self.routed_choices(family);
        }
        let hook = Hook {
            kind: "filter".to_owned(),
            number: 0,
            priority: EARLY,
            devices: self.devices(),
        };
        self.netdev.chain(INGRESS, Some(hook));
    }

    fn routed_choices(&mut self, family: Family) {
        let classes = self.classes();
        for kind in Kind::ALL {
            let mine = classes.iter().filter(|class| {
                (class.family, class.kind) == (family, kind) && class.onward == Onward::Routed
            });
            for rule in mine.flat_map(|class| choose::choice(class, self.seed)) {
                self.netdev.push(rule);
            }
        }
    }

    fn devices(&self) -> Vec<String> {
        self.parts
            .iter()
            .filter_map(|part| part.device().map(str::to_owned))
            .collect()
    }
}

/// The sets that a part's rules read, or that hold the elements of whoever needs it.
fn needed_sets(part: &Part, sets: &mut BTreeSet<SetId>) {
    let mut add = |table, family, kinds: &[SetKind]| {
        sets.extend(kinds.iter().map(|kind| SetId {
            table,
            kind: *kind,
            family,
        }));
    };
    let inet = TableFamily::Inet;
    match part {
        Part::Choice(class) => {
            let table = class.onward.table();
            add(table, class.family, &[SetKind::Slots, SetKind::Servers]);
            if class.memory.is_some() {
                add(table, class.family, &[SetKind::Persist]);
            }
        }
        Part::Refusal(family, _) => {
            add(inet, *family, &[SetKind::Services, SetKind::Servers]);
        }
        Part::Masquerade(family, _) => add(inet, *family, &[SetKind::Masquerade]),
        Part::Reverse(family) => add(inet, *family, &[SetKind::Reverse]),
        Part::Killed(family) => add(inet, *family, &[SetKind::Killed]),
        Part::Marks(table, family) => add(*table, *family, &[SetKind::Marks]),
        Part::Entry(TableFamily::Netdev, family, _) => {
            let kinds = [SetKind::Flows, SetKind::Closing, SetKind::Servers];
            add(TableFamily::Netdev, *family, &kinds);
        }
        Part::Entry(TableFamily::Inet, ..) | Part::Device(_) => {}
    }
}
