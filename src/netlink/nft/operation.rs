//! What can be done to nftables in one transaction, and what the kernel refused of it.
//!
//! Plain values, as [`super::model`]: which operations there are to do is decided by the nftables
//! data plane, how they look in bytes by the codec.

use super::model::{Chain, Element, Rule, Set, Table, TableKey};
use crate::netlink::error::Errno;

/// One step of a transaction. They are done in order; either all of them or none.
///
/// What an operation adds may be there already if it is the same: that is no error. An element
/// that is there with another comment stays as it is: delete it first, in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A table and the comment that `nft` shows. A table that is there keeps what is in it, and
    /// its comment.
    AddTable(TableKey, Option<String>),
    /// A table with everything in it.
    DeleteTable(TableKey),
    /// A set or map, empty.
    AddSet(TableKey, Set),
    /// A set or map, by its name, with its elements; no rule may use it any more.
    DeleteSet(TableKey, String),
    /// A chain, empty.
    AddChain(TableKey, Chain),
    /// A chain, by its name; it must be empty, and no rule may jump to it any more.
    DeleteChain(TableKey, String),
    /// Deletes every rule of a chain, by its name.
    FlushChain(TableKey, String),
    /// A rule, at the end of its chain.
    AddRule(TableKey, Rule),
    /// Elements of a set or map.
    AddElements {
        /// The table.
        table: TableKey,
        /// The set or map, by its name.
        set: String,
        /// The elements.
        elements: Vec<Element>,
    },
    /// Elements that go by themselves, of a set or map that is dynamic.
    AddTemporaryElements {
        /// The table.
        table: TableKey,
        /// The set or map, by its name.
        set: String,
        /// The elements.
        elements: Vec<Element>,
        /// How long they stay, milliseconds.
        timeout: u64,
    },
    /// Elements that go now.
    DeleteElements {
        /// The table.
        table: TableKey,
        /// The set or map, by its name.
        set: String,
        /// Which.
        keys: Vec<ElementKey>,
    },
}

impl Operation {
    /// What makes this table with its sets, chains and rules, in an order that the kernel takes.
    pub fn make(table: &Table) -> Vec<Self> {
        let key = &table.key;
        let mut operations = vec![Self::AddTable(key.clone(), table.comment.clone())];
        let sets = table.sets.iter().cloned();
        operations.extend(sets.map(|set| Self::AddSet(key.clone(), set)));
        let chains = table.chains.iter().cloned();
        operations.extend(chains.map(|chain| Self::AddChain(key.clone(), chain)));
        let rules = table.rules.iter().cloned();
        operations.extend(rules.map(|rule| Self::AddRule(key.clone(), rule)));
        operations
    }
}

/// What tells one element of a set from the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementKey {
    /// The key; the first one of a range.
    pub key: Vec<u8>,
    /// The last key of a range.
    pub key_end: Option<Vec<u8>>,
}

impl From<&Element> for ElementKey {
    fn from(element: &Element) -> Self {
        Self {
            key: element.key.clone(),
            key_end: element.key_end.clone(),
        }
    }
}

/// An operation that the kernel refused; nothing of its transaction was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which one of those committed, counted from 0.
    pub operation: usize,
    /// Which of its elements, where the kernel tells (since Linux 5.19).
    pub element: Option<usize>,
    /// Why.
    pub errno: Errno,
    /// The kernel's own words, where it gave any.
    pub message: Option<String>,
}
