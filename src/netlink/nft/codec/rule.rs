//! Rules to bytes and back.

use netlink_packet_core::NLM_F_APPEND;

use super::table::write_key;
use super::wire::{self, kind, rule};
use super::{Seen, body, expression, userdata};
use crate::netlink::attribute::attributes;
use crate::netlink::batch::Batch;
use crate::netlink::error::Result;
use crate::netlink::message::NLM_F_CREATE;
use crate::netlink::nft::model::{Rule, TableKey};

pub(super) fn push(batch: &mut Batch, table: &TableKey, new: &Rule) {
    batch.push(kind::NEW_RULE, NLM_F_CREATE | NLM_F_APPEND, |writer| {
        write_key(writer, table);
        writer.string(rule::CHAIN, &new.chain);
        writer.nest(rule::EXPRESSIONS, |list| {
            for step in &new.expressions {
                expression::write(list, step);
            }
        });
        userdata::write(writer, rule::USERDATA, new.comment.as_deref());
    });
}

/// Reads a `NFT_MSG_NEWRULE` message; it always has a value, and its name is its chain's.
pub fn read_rule(payload: &[u8]) -> Result<Seen<Rule>> {
    let (mut table, mut chain) = (String::new(), String::new());
    let (mut expressions, mut comment) = (Vec::new(), None);
    for attribute in attributes(body(payload)?) {
        let attribute = attribute?;
        match attribute.kind {
            wire::TABLE => table = attribute.text(),
            rule::CHAIN => chain = attribute.text(),
            rule::USERDATA => comment = userdata::read(attribute),
            rule::EXPRESSIONS => {
                let steps = attribute.nested().map(|step| expression::read(step?));
                expressions = steps.collect::<Result<_>>()?;
            }
            _ => {}
        }
    }
    let value = Rule {
        chain: chain.clone(),
        expressions,
        comment,
    };
    Ok(Seen {
        table,
        name: chain,
        value: Some(value),
    })
}
