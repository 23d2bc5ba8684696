//! nftables messages to bytes and back: tables, sets, chains, rules and elements.
//!
//! `read_*` take the payload of one message after the netlink header; no bytes make them panic.
//! What the kernel answers has the same form as what makes such a thing, so a value that is
//! written and read is the same. Called by [`super::Client`], by tests and by the fuzz targets.

mod chain;
mod element;
mod expression;
mod generation;
mod rule;
mod set;
mod steps;
mod table;
#[cfg(test)]
mod tests;
mod transaction;
mod userdata;
pub(crate) mod wire;

pub use chain::read_chain;
pub use element::{SeenElements, read_elements};
pub use generation::{Generation, read_generation};
pub use rule::read_rule;
pub use set::read_set;
pub use table::read_key;
pub use table::read_table;
pub(crate) use table::write_key;
pub use transaction::Transaction;

use crate::netlink::error::{Error, Result};

/// Something of a table as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen<T> {
    /// The table's name.
    pub table: String,
    /// Its own name.
    pub name: String,
    /// What it is; `None` where [`super::model`] has no words for it, because farmctl never writes
    /// anything like it.
    pub value: Option<T>,
}

/// What follows the header of a nfnetlink message.
pub(crate) fn body(payload: &[u8]) -> Result<&[u8]> {
    payload
        .get(wire::HEADER..)
        .ok_or_else(|| Error::malformed("an nfnetlink header is cut short"))
}
