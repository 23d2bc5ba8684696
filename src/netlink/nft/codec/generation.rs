//! What ends the notifications of a transaction, from bytes.

use super::body;
use super::wire::generation;
use crate::netlink::attribute::attributes;
use crate::netlink::error::Result;

/// A transaction, as `NFT_MSG_NEWGEN` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Generation {
    /// Its number in this network namespace.
    pub number: u32,
    /// The process that committed it.
    pub process: u32,
    /// What that process calls itself.
    pub name: String,
}

/// Reads a `NFT_MSG_NEWGEN` message.
pub fn read_generation(payload: &[u8]) -> Result<Generation> {
    let mut found = Generation::default();
    for attribute in attributes(body(payload)?) {
        let attribute = attribute?;
        match attribute.kind {
            generation::ID => found.number = attribute.be32()?,
            generation::PROCESS => found.process = attribute.be32()?,
            generation::PROCESS_NAME => found.name = attribute.text(),
            _ => {}
        }
    }
    Ok(found)
}
