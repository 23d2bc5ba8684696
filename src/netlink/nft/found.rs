//! What was found in the kernel's nftables: a table with its elements, and what of it cannot be
//! said in the words of [`super::model`].

use std::collections::BTreeMap;

use super::model::{Element, Table};

/// A table as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The table, its sets, chains and rules.
    pub table: Table,
    /// The elements of each set that is not dynamic, by the set's name, sorted by their keys.
    pub elements: BTreeMap<String, Vec<Element>>,
    /// What else is in the table that farmctl never writes, one sentence each: somebody else did.
    /// What a sentence is about is left out above. Rules never are:
    /// their unknown steps are [`super::model::Expression::Other`].
    pub strays: Vec<String>,
}

/// An element of a dynamic set as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Temporary {
    /// The element.
    pub element: Element,
    /// How long it stays after it was added or refreshed, milliseconds; none where for ever.
    pub timeout: Option<u64>,
    /// How long it still stays, milliseconds; none where for ever.
    pub remaining: Option<u64>,
}
