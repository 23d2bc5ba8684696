//! Tables in memory. What the kernel would refuse panics here, with the operation.

use std::collections::BTreeMap;

use crate::netlink::nft::model::{
    Chain, Element, Expression, Rule, Set, Table, TableFamily, TableKey, Verdict,
};
use crate::netlink::nft::{ElementKey, Found, Operation};

/// What a kernel without other tables holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in super::super) struct Tables(BTreeMap<TableFamily, Held>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in super::super) struct Held {
    pub(in super::super) comment: Option<String>,
    pub(in super::super) sets: BTreeMap<String, (Set, BTreeMap<ElementKey, Element>)>,
    pub(in super::super) chains: BTreeMap<String, (Chain, Vec<Rule>)>,
}

impl Tables {
    /// Does one transaction.
    pub(in super::super) fn commit(&mut self, operations: &[Operation]) {
        for operation in operations {
            self.carry_out(operation)
                .unwrap_or_else(|error| panic!("{error}: {operation:?}"));
        }
    }

    pub(in super::super) fn get(&self, family: TableFamily) -> Option<&Held> {
        self.0.get(&family)
    }

    pub(in super::super) fn get_mut(&mut self, family: TableFamily) -> Option<&mut Held> {
        self.0.get_mut(&family)
    }

    fn held(&mut self, table: &TableKey) -> Result<&mut Held, String> {
        assert_eq!(table.name, "farmctl");
        self.0
            .get_mut(&table.family)
            .ok_or_else(|| "no table".to_owned())
    }

    fn carry_out(&mut self, operation: &Operation) -> Result<(), String> {
        match operation {
            Operation::AddTable(table, comment) => {
                let held = Held {
                    comment: comment.clone(),
                    ..Held::default()
                };
                self.0.entry(table.family).or_insert(held);
                Ok(())
            }
            Operation::DeleteTable(table) => {
                self.held(table)?;
                self.0.remove(&table.family);
                Ok(())
            }
            Operation::AddSet(table, set) => self.held(table)?.add_set(set),
            Operation::DeleteSet(table, name) => self.held(table)?.delete_set(name),
            Operation::AddChain(table, chain) => self.held(table)?.add_chain(chain),
            Operation::DeleteChain(table, name) => self.held(table)?.delete_chain(name),
            Operation::FlushChain(table, name) => {
                let chain = self.held(table)?.chains.get_mut(name).ok_or("no chain")?;
                chain.1.clear();
                Ok(())
            }
            Operation::AddRule(table, rule) => self.held(table)?.add_rule(rule),
            Operation::AddElements {
                table,
                set,
                elements,
            } => self.held(table)?.add_elements(set, elements, false),
            Operation::AddTemporaryElements {
                table,
                set,
                elements,
                ..
            } => self.held(table)?.add_elements(set, elements, true),
            Operation::DeleteElements { table, set, keys } => {
                let set = self.held(table)?.sets.get_mut(set).ok_or("no set")?;
                for key in keys {
                    set.1.remove(key).ok_or("no such element")?;
                }
                Ok(())
            }
        }
    }

    /// What a reader finds.
    pub(in super::super) fn found(&self, family: TableFamily) -> Option<Found> {
        let held = self.0.get(&family)?;
        let chains = held.chains.values();
        let fixed = held.sets.iter().filter(|(_, (set, _))| !set.dynamic);
        Some(Found {
            table: Table {
                key: TableKey {
                    family,
                    name: "farmctl".to_owned(),
                },
                comment: held.comment.clone(),
                sets: held.sets.values().map(|(set, _)| set.clone()).collect(),
                chains: chains.clone().map(|(chain, _)| chain.clone()).collect(),
                rules: chains.flat_map(|(_, rules)| rules.clone()).collect(),
            },
            elements: fixed
                .map(|(name, (_, elements))| (name.clone(), elements.values().cloned().collect()))
                .collect(),
            strays: Vec::new(),
        })
    }
}

impl Held {
    fn add_set(&mut self, set: &Set) -> Result<(), String> {
        let made = || (set.clone(), BTreeMap::new());
        let there = self.sets.entry(set.name.clone()).or_insert_with(made);
        if there.0 == *set {
            Ok(())
        } else {
            Err("another set".to_owned())
        }
    }

    fn delete_set(&mut self, name: &str) -> Result<(), String> {
        if self.steps().any(|step| uses(step) == Some(name)) {
            return Err("a rule uses the set".to_owned());
        }
        self.sets.remove(name).map(drop).ok_or("no set".to_owned())
    }

    fn add_chain(&mut self, chain: &Chain) -> Result<(), String> {
        let made = || (chain.clone(), Vec::new());
        let there = self.chains.entry(chain.name.clone()).or_insert_with(made);
        if there.0 == *chain {
            Ok(())
        } else {
            Err("another chain".to_owned())
        }
    }

    fn delete_chain(&mut self, name: &str) -> Result<(), String> {
        let jump = Expression::Verdict(Verdict::Jump(name.to_owned()));
        if self.steps().any(|step| *step == jump) {
            return Err("a rule jumps there".to_owned());
        }
        match self.chains.remove(name) {
            Some((_, rules)) if rules.is_empty() => Ok(()),
            _ => Err("no such chain, or it has rules".to_owned()),
        }
    }

    fn add_rule(&mut self, rule: &Rule) -> Result<(), String> {
        for step in &rule.expressions {
            if uses(step).is_some_and(|set| !self.sets.contains_key(set)) {
                return Err(format!("no set for {step:?}"));
            }
            if let Expression::Verdict(Verdict::Jump(chain)) = step
                && !self.chains.contains_key(chain)
            {
                return Err(format!("no chain {chain}"));
            }
        }
        let chain = self.chains.get_mut(&rule.chain).ok_or("no chain")?;
        chain.1.push(rule.clone());
        Ok(())
    }

    fn add_elements(&mut self, set: &str, all: &[Element], temporary: bool) -> Result<(), String> {
        let (set, elements) = self.sets.get_mut(set).ok_or("no set")?;
        if set.dynamic != temporary {
            return Err("elements of the wrong sort".to_owned());
        }
        for element in all {
            let same = elements.insert(element.into(), element.clone());
            if same.is_some_and(|same| !temporary && same != *element) {
                return Err("an element with this key is there".to_owned());
            }
        }
        Ok(())
    }

    fn steps(&self) -> impl Iterator<Item = &Expression> {
        let rules = self.chains.values().flat_map(|(_, rules)| rules);
        rules.flat_map(|rule| &rule.expressions)
    }
}

/// The set that a step uses.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only two kinds of steps use sets"
)]
pub(super) fn uses(step: &Expression) -> Option<&str> {
    match step {
        Expression::Lookup { set, .. } | Expression::Remember { set, .. } => Some(set),
        _ => None,
    }
}
