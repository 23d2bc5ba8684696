//! The table of mark rules of the ip_vs data plane: rules that put a firewall mark on packets to an
//! address, a protocol and a range of ports, so that IPVS can take them as one service.
//!
//! It is replaced, read and deleted as a whole. What is read comes from the expressions that the
//! kernel really runs, so that hand edits show. Used by the IPVS data plane.

use super::codec::Seen;
use super::model::{Chain, Hook, Rule, TableFamily, TableKey};
use super::{Client, MarkRule, Operation};
use crate::netlink::error::{Errno, Error, Result};

/// The chain for packets from the network.
const PREROUTING: &str = "prerouting";
/// The chain for packets of this machine itself.
const OUTPUT: &str = "output";
/// Before address translation and before IPVS looks (`NF_IP_PRI_MANGLE`).
const MANGLE_PRIORITY: i32 = -150;

/// A table as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MarkTable {
    /// The rules for packets from the network, in order.
    pub rules: Vec<MarkRule>,
    /// What else is in the table or missing from it, one sentence each: somebody else wrote
    /// there. [`Client::replace_table`] removes it.
    pub strays: Vec<String>,
}

/// The two chains: that for packets of this machine is of kind `route`, so that the mark counts.
fn chains() -> [Chain; 2] {
    [(PREROUTING, "filter", 0), (OUTPUT, "route", 3)].map(|(name, kind, number)| Chain {
        name: name.to_owned(),
        hook: Some(Hook {
            kind: kind.to_owned(),
            number,
            priority: MANGLE_PRIORITY,
            devices: Vec::new(),
        }),
    })
}

fn key(name: &str) -> TableKey {
    TableKey {
        family: TableFamily::Inet,
        name: name.to_owned(),
    }
}

/// What leaves exactly this table under that name, whether there was one or not.
pub fn replace_marks(name: &str, rules: &[MarkRule]) -> Vec<Operation> {
    let table = key(name);
    let mut operations = vec![
        // Created first so that the deletion always finds one.
        Operation::AddTable(table.clone(), None),
        Operation::DeleteTable(table.clone()),
        Operation::AddTable(table.clone(), None),
    ];
    for chain in chains() {
        let in_chain = rules.iter().map(|rule| Rule {
            chain: chain.name.clone(),
            expressions: rule.expressions(),
            comment: None,
        });
        let rules: Vec<_> = in_chain
            .map(|rule| Operation::AddRule(table.clone(), rule))
            .collect();
        operations.push(Operation::AddChain(table.clone(), chain));
        operations.extend(rules);
    }
    operations
}

impl Client {
    /// Leaves exactly these rules in the table `inet name`, in order, in one transaction: no
    /// packet sees half of it, and after an error everything is as it was.
    pub fn replace_table(&mut self, name: &str, rules: &[MarkRule]) -> Result<()> {
        let operations = replace_marks(name, rules);
        self.commit_all("to replace the nftables table", &operations)
    }

    /// Deletes the table `inet name`; it is no error if there is none.
    pub fn delete_table(&mut self, name: &str) -> Result<()> {
        let operations = [Operation::DeleteTable(key(name))];
        match self.commit_all("to delete the nftables table", &operations) {
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(()),
            result => result,
        }
    }

    /// The mark rules of the table `inet name`, or `None` when there is no such table. What
    /// somebody else wrote there is left out: see [`Self::table`].
    pub fn mark_rules(&mut self, name: &str) -> Result<Option<Vec<MarkRule>>> {
        Ok(self.table(name)?.map(|table| table.rules))
    }

    /// The table `inet name` with everything in it that is not farmctl's named, or `None` when
    /// there is no such table. [`Error::Interrupted`] when it changed meanwhile.
    pub fn table(&mut self, name: &str) -> Result<Option<MarkTable>> {
        let key = key(name);
        if self.find_table(&key)?.is_none() {
            return Ok(None);
        }
        let chains = self.chains(&key)?;
        let rules = self.rules(&key)?;
        Ok(Some(assemble(name, &chains, &rules)))
    }

    /// Does all of it, or returns the first refusal as an error.
    fn commit_all(&mut self, command: &'static str, operations: &[Operation]) -> Result<()> {
        match self.commit(operations)?.into_iter().next() {
            None => Ok(()),
            Some(refused) => Err(Error::Kernel {
                errno: refused.errno,
                command,
                message: refused.message,
            }),
        }
    }
}

/// Puts together what was found in the table `name`.
pub fn assemble(name: &str, found: &[Seen<Chain>], rules: &[Seen<Rule>]) -> MarkTable {
    let mut table = MarkTable::default();
    let found: Vec<_> = found.iter().filter(|chain| chain.table == name).collect();
    let ours = chains();
    for chain in &found {
        if !ours.iter().any(|our| our.name == chain.name) {
            let sentence = format!("The chain `{}` is not farmctl's.", chain.name);
            table.strays.push(sentence);
        }
    }
    for our in &ours {
        let same = |chain: &&Seen<Chain>| chain.value.as_ref() == Some(our);
        if !found.iter().copied().any(|chain| same(&chain)) {
            let chain = &our.name;
            table.strays.push(format!(
                "The chain `{chain}` is missing or hooked in elsewhere."
            ));
        }
    }
    let rules: Vec<_> = rules.iter().filter(|rule| rule.table == name).collect();
    table.rules = rules_of(PREROUTING, &rules, &mut table.strays);
    if rules_of(OUTPUT, &rules, &mut table.strays) != table.rules {
        table
            .strays
            .push("The chains `prerouting` and `output` hold different rules.".into());
    }
    table
}

fn rules_of(chain: &str, rules: &[&Seen<Rule>], strays: &mut Vec<String>) -> Vec<MarkRule> {
    let in_chain = rules.iter().filter(|rule| rule.name == chain);
    let read = |rule: &&Seen<Rule>| {
        let rule = rule.value.as_ref()?;
        MarkRule::from_expressions(&rule.expressions)
    };
    let found: Vec<Option<MarkRule>> = in_chain.map(read).collect();
    let unknown = found.iter().filter(|rule| rule.is_none()).count();
    if unknown > 0 {
        strays.push(format!(
            "Of the chain `{chain}`, {unknown} rules are not farmctl's."
        ));
    }
    found.into_iter().flatten().collect()
}
