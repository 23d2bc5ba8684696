//! What recovery has left out of the tree: by path, without touching the tree itself.

use std::collections::BTreeMap;

use crate::spec::{Path, Segment};

/// What is left out at one place and below it.
#[derive(Debug, Clone, Default)]
pub(super) struct Cuts {
    dropped: bool,
    keys: BTreeMap<String, Cuts>,
    items: BTreeMap<usize, Cuts>,
}

impl Cuts {
    /// Leaves out everything at the path; whether it was still there.
    pub(super) fn drop_at(&mut self, path: &Path) -> Fresh {
        let mut at = self;
        for segment in path.segments() {
            at = match segment {
                Segment::Key(key) => at.keys.entry(key.clone()).or_default(),
                Segment::Index(index) => at.items.entry(*index).or_default(),
            };
        }
        let fresh = if at.dropped { Fresh::No } else { Fresh::Yes };
        at.dropped = true;
        fresh
    }

    pub(super) fn key(&self, key: &str) -> Option<&Self> {
        self.keys.get(key)
    }

    pub(super) fn item(&self, index: usize) -> Option<&Self> {
        self.items.get(&index)
    }

    /// The keys right here that are left out.
    pub(super) fn dropped_keys(&self) -> impl Iterator<Item = &str> {
        self.keys
            .iter()
            .filter(|(_, cuts)| cuts.dropped)
            .map(|(key, _)| key.as_str())
    }

    /// What is left out below a path.
    pub(super) fn below(&self, path: &Path) -> Option<&Self> {
        path.segments()
            .iter()
            .try_fold(self, |at, segment| match segment {
                Segment::Key(key) => at.key(key),
                Segment::Index(index) => at.item(*index),
            })
    }

    /// Whether this very place is left out.
    pub(super) fn is_dropped(&self) -> bool {
        self.dropped
    }

    /// Whether the place or anything around it is left out.
    pub(super) fn hides(&self, path: &Path) -> bool {
        let mut at = Some(self);
        for segment in path.segments() {
            at = match (at, segment) {
                (Some(cuts), _) if cuts.dropped => return true,
                (Some(cuts), Segment::Key(key)) => cuts.key(key),
                (Some(cuts), Segment::Index(index)) => cuts.item(*index),
                (None, _) => return false,
            };
        }
        at.is_some_and(Self::is_dropped)
    }

    /// The path in the text of a path in the values, in which items that are left out do not count.
    pub(super) fn to_source(&self, path: &Path) -> Path {
        let mut source = Path::root();
        let mut at = Some(self);
        for segment in path.segments() {
            match segment {
                Segment::Key(key) => {
                    source = source.key(key);
                    at = at.and_then(|cuts| cuts.key(key));
                }
                Segment::Index(index) => {
                    let index = at.map_or(*index, |cuts| cuts.nth_item_left(*index));
                    source = source.index(index);
                    at = at.and_then(|cuts| cuts.item(index));
                }
            }
        }
        source
    }

    fn nth_item_left(&self, index: usize) -> usize {
        let dropped = self
            .items
            .iter()
            .filter(|(_, cuts)| cuts.dropped)
            .map(|(item, _)| *item);
        dropped.fold(
            index,
            |index, item| if item <= index { index + 1 } else { index },
        )
    }

    /// Every path that is left out.
    pub(super) fn paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        self.collect(&Path::root(), &mut paths);
        paths
    }

    fn collect(&self, here: &Path, paths: &mut Vec<Path>) {
        if self.dropped {
            paths.push(here.clone());
        }
        for (key, cuts) in &self.keys {
            cuts.collect(&here.key(key), paths);
        }
        for (item, cuts) in &self.items {
            cuts.collect(&here.index(*item), paths);
        }
    }
}

/// Whether a cut was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fresh {
    /// It was.
    Yes,
    /// The place was left out already.
    No,
}
