//! nftables messages to bytes and back: a table, its two chains and its rules.
//!
//! `read_*` take the payload of one message after the netlink header; no bytes make them panic.
//! Called by [`super::Client`], by tests and by the fuzz targets.

use super::expression::Expression;
use super::{Chain, MarkRule, MarkTable, OUTPUT, PREROUTING};
use crate::netlink::attribute::{Attribute, Writer, attributes};
use crate::netlink::error::{Error, Result};
use crate::netlink::message::NLM_F_CREATE;
use crate::netlink::socket::Batch;
use netlink_packet_core::NLM_F_APPEND;

/// Message types: the subsystem in the high byte (`NFNL_SUBSYS_NFTABLES`), `NFT_MSG_*` below.
pub(super) const NEWTABLE: u16 = 0x0a00;
pub(super) const GETTABLE: u16 = 0x0a01;
pub(super) const DELTABLE: u16 = 0x0a02;
pub(super) const NEWCHAIN: u16 = 0x0a03;
pub(super) const GETCHAIN: u16 = 0x0a04;
pub(super) const NEWRULE: u16 = 0x0a06;
pub(super) const GETRULE: u16 = 0x0a07;
/// `NFNL_MSG_BATCH_BEGIN` and `_END`, and the subsystem that they are for.
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const SUBSYSTEM: u8 = 10;

/// `NFPROTO_INET`: IPv4 and IPv6 in one table.
const INET: u8 = 1;
/// The size of `struct nfgenmsg`, bytes.
const HEADER: usize = 4;
/// `NF_ACCEPT`: what becomes of packets that no rule decides.
const ACCEPT: u32 = 1;

/// `NFTA_TABLE_NAME`, which is also `NFTA_CHAIN_TABLE` and `NFTA_RULE_TABLE`.
const TABLE: u16 = 1;
/// `NFTA_CHAIN_*`.
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_POLICY: u16 = 5;
const CHAIN_TYPE: u16 = 7;
/// `NFTA_HOOK_*`.
const HOOK_NUMBER: u16 = 1;
const HOOK_PRIORITY: u16 = 2;
/// `NFTA_RULE_*`.
const RULE_CHAIN: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;

/// One transaction that leaves exactly this table under that name, whether there was one or not.
pub fn replace_table(name: &str, rules: &[MarkRule]) -> Batch {
    let mut batch = begin();
    // Created first so that the deletion always finds one.
    push_table(&mut batch, NEWTABLE, NLM_F_CREATE, name);
    push_table(&mut batch, DELTABLE, 0, name);
    push_table(&mut batch, NEWTABLE, NLM_F_CREATE, name);
    for chain in [PREROUTING, OUTPUT] {
        push_chain(&mut batch, name, chain);
        for rule in rules {
            push_rule(&mut batch, name, chain, rule);
        }
    }
    end(batch)
}

/// One transaction that deletes a table (`ENOENT`: there is none).
pub fn delete_table(name: &str) -> Batch {
    let mut batch = begin();
    push_table(&mut batch, DELTABLE, 0, name);
    end(batch)
}

fn begin() -> Batch {
    let mut batch = Batch::transaction();
    batch.push(BATCH_BEGIN, 0, |writer| writer.raw(&[0, 0, 0, SUBSYSTEM]));
    batch
}

fn end(mut batch: Batch) -> Batch {
    batch.push(BATCH_END, 0, |writer| writer.raw(&[0, 0, 0, SUBSYSTEM]));
    batch
}

fn push_table(batch: &mut Batch, kind: u16, flags: u16, name: &str) {
    batch.push(kind, flags, |writer| write_table(writer, name));
}

/// Appends the header of a question or change and the name of the table that it is about.
pub(super) fn write_table(writer: &mut Writer, name: &str) {
    writer.raw(&[INET, 0, 0, 0]);
    writer.string(TABLE, name);
}

fn push_chain(batch: &mut Batch, table: &str, chain: Chain) {
    batch.push(NEWCHAIN, NLM_F_CREATE, |writer| {
        write_table(writer, table);
        writer.string(CHAIN_NAME, chain.name);
        writer.nest(CHAIN_HOOK, |hook| {
            hook.be32(HOOK_NUMBER, chain.hook);
            hook.bytes(HOOK_PRIORITY, &chain.priority.to_be_bytes());
        });
        writer.be32(CHAIN_POLICY, ACCEPT);
        writer.string(CHAIN_TYPE, chain.kind);
    });
}

fn push_rule(batch: &mut Batch, table: &str, chain: Chain, rule: &MarkRule) {
    batch.push(NEWRULE, NLM_F_CREATE | NLM_F_APPEND, |writer| {
        write_table(writer, table);
        writer.string(RULE_CHAIN, chain.name);
        writer.nest(RULE_EXPRESSIONS, |list| {
            for expression in rule.expressions() {
                expression.write(list);
            }
        });
    });
}

/// A chain as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundChain {
    table: String,
    name: String,
    kind: String,
    hook: Option<u32>,
    priority: Option<i32>,
    policy: Option<u32>,
}

/// A rule as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundRule {
    table: String,
    chain: String,
    rule: Option<MarkRule>,
}

fn body(payload: &[u8]) -> Result<&[u8]> {
    payload
        .get(HEADER..)
        .ok_or_else(|| Error::malformed("an nfnetlink header is cut short"))
}

/// Reads a `NFT_MSG_NEWCHAIN` message.
pub fn read_chain(payload: &[u8]) -> Result<FoundChain> {
    let mut chain = FoundChain::default();
    for attribute in attributes(body(payload)?) {
        let attribute = attribute?;
        match attribute.kind {
            TABLE => chain.table = attribute.text(),
            CHAIN_NAME => chain.name = attribute.text(),
            CHAIN_TYPE => chain.kind = attribute.text(),
            CHAIN_POLICY => chain.policy = Some(attribute.be32()?),
            CHAIN_HOOK => read_hook(attribute, &mut chain)?,
            _ => {}
        }
    }
    Ok(chain)
}

fn read_hook(hook: Attribute<'_>, chain: &mut FoundChain) -> Result<()> {
    for attribute in hook.nested() {
        let attribute = attribute?;
        match attribute.kind {
            HOOK_NUMBER => chain.hook = Some(attribute.be32()?),
            HOOK_PRIORITY => chain.priority = Some(i32::from_be_bytes(attribute.octets()?)),
            _ => {}
        }
    }
    Ok(())
}

/// Reads a `NFT_MSG_NEWRULE` message.
pub fn read_rule(payload: &[u8]) -> Result<FoundRule> {
    let mut found = FoundRule::default();
    for attribute in attributes(body(payload)?) {
        let attribute = attribute?;
        match attribute.kind {
            TABLE => found.table = attribute.text(),
            RULE_CHAIN => found.chain = attribute.text(),
            RULE_EXPRESSIONS => {
                let steps: Result<Vec<_>> = attribute
                    .nested()
                    .map(|element| Expression::read(element?))
                    .collect();
                found.rule = MarkRule::from_expressions(&steps?);
            }
            _ => {}
        }
    }
    Ok(found)
}

impl FoundChain {
    fn is(&self, chain: Chain) -> bool {
        self.kind == chain.kind
            && self.hook == Some(chain.hook)
            && self.priority == Some(chain.priority)
            && self.policy == Some(ACCEPT)
    }
}

/// Puts together what was found in the table `name`.
pub fn assemble(name: &str, chains: &[FoundChain], rules: &[FoundRule]) -> MarkTable {
    let mut table = MarkTable::default();
    let ours = [PREROUTING, OUTPUT];
    for chain in chains.iter().filter(|chain| chain.table == name) {
        if !ours.iter().any(|our| our.name == chain.name) {
            table
                .strays
                .push(format!("The chain `{}` is not farmctl's.", chain.name));
        }
    }
    for our in ours {
        let found = chains
            .iter()
            .find(|chain| chain.table == name && chain.name == our.name);
        if !found.is_some_and(|chain| chain.is(our)) {
            let chain = our.name;
            table.strays.push(format!(
                "The chain `{chain}` is missing or hooked in elsewhere."
            ));
        }
    }
    table.rules = rules_of(name, PREROUTING, rules, &mut table.strays);
    let output = rules_of(name, OUTPUT, rules, &mut table.strays);
    if output != table.rules {
        table
            .strays
            .push("The chains `prerouting` and `output` hold different rules.".into());
    }
    table
}

fn rules_of(
    table: &str,
    chain: Chain,
    rules: &[FoundRule],
    strays: &mut Vec<String>,
) -> Vec<MarkRule> {
    let in_chain = rules
        .iter()
        .filter(|rule| rule.table == table && rule.chain == chain.name);
    let (known, unknown): (Vec<_>, Vec<_>) = in_chain.partition(|found| found.rule.is_some());
    if !unknown.is_empty() {
        let count = unknown.len();
        strays.push(format!(
            "Of the chain `{}`, {count} rules are not farmctl's.",
            chain.name
        ));
    }
    known.into_iter().filter_map(|found| found.rule).collect()
}
