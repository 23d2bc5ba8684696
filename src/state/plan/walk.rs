//! Two ordered maps side by side, each key once, in one pass.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map;
use std::iter::Peekable;

/// Where a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side<'a, V> {
    /// Only in what is observed: it goes.
    Gone(&'a V),
    /// Only in what is desired: it comes.
    New(&'a V),
    /// In both: observed, desired.
    Both(&'a V, &'a V),
}

/// The keys of both maps in order, each with where it is.
pub(super) fn walk<'a, K: Ord, V>(
    observed: &'a BTreeMap<K, V>,
    desired: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, Side<'a, V>)> {
    let mut left = observed.iter().peekable();
    let mut right = desired.iter().peekable();
    std::iter::from_fn(move || step(&mut left, &mut right))
}

type Entries<'a, K, V> = Peekable<btree_map::Iter<'a, K, V>>;

fn step<'a, K: Ord, V>(
    left: &mut Entries<'a, K, V>,
    right: &mut Entries<'a, K, V>,
) -> Option<(&'a K, Side<'a, V>)> {
    let order = match (left.peek(), right.peek()) {
        (Some((before, _)), Some((after, _))) => before.cmp(after),
        (Some(_), None) => Ordering::Less,
        (None, _) => Ordering::Greater,
    };
    match order {
        Ordering::Less => left.next().map(|(key, value)| (key, Side::Gone(value))),
        Ordering::Greater => right.next().map(|(key, value)| (key, Side::New(value))),
        Ordering::Equal => left
            .next()
            .zip(right.next())
            .map(|((key, before), (_, after))| (key, Side::Both(before, after))),
    }
}
