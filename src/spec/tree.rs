//! The text of a farm.yaml as a tree in which everything knows its place.
//!
//! The tree holds scalars, lists, maps and aliases by number in one table, so that neither a deep
//! nor a wide file needs recursion to build or to drop. It decides nothing about meaning: that is
//! serde's, which reads the tree through `source::reader`. Built by `source::parse`.

use std::ops::Range;

use super::{Path, Place, Segment};

/// The number of a node in its [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

/// A range of bytes in the text; a file is never longer than 4 GiB (see `source::bytes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    pub(super) fn new(range: &Range<usize>) -> Self {
        let narrow = |place| u32::try_from(place).unwrap_or(u32::MAX);
        Self {
            start: narrow(range.start),
            end: narrow(range.end.max(range.start)),
        }
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// How a scalar is written, as far as it matters to its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Bare: may be a number, a boolean or nothing.
    Plain,
    /// In quotes or as a block: always a text.
    Quoted,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// A scalar; the text where it differs from the bytes of its span.
    Scalar(Style, Option<Box<str>>),
    List(Vec<NodeId>),
    Map(Vec<Entry>),
    /// `*name`: the node that carries `&name`.
    Alias(NodeId),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) key: NodeId,
    pub(super) value: NodeId,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) kind: Kind,
}

/// A whole file.
#[derive(Debug, Default)]
pub(super) struct Tree {
    text: String,
    nodes: Vec<Node>,
    root: Option<NodeId>,
}

impl Tree {
    pub(super) fn new(text: String) -> Self {
        // Growing would copy the whole table again and again. Few files have more than one node in
        // eight bytes; what is not used is never touched.
        let nodes = Vec::with_capacity(text.len() / 8);
        Self {
            text,
            nodes,
            root: None,
        }
    }

    pub(super) fn source(&self) -> &str {
        &self.text
    }

    pub(super) fn into_source(self) -> String {
        self.text
    }

    pub(super) fn root(&self) -> Option<NodeId> {
        self.root
    }

    pub(super) fn set_root(&mut self, root: NodeId) {
        self.root = Some(root);
    }

    /// Adds a node and gives its number.
    pub(super) fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        id
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    /// The node itself, or what it is an alias of.
    pub(super) fn resolve(&self, id: NodeId) -> NodeId {
        match self.node(id).kind {
            Kind::Alias(target) => self.resolve(target),
            Kind::Scalar(..) | Kind::List(_) | Kind::Map(_) => id,
        }
    }

    /// The kind of the node or of what it is an alias of.
    pub(super) fn kind(&self, id: NodeId) -> &Kind {
        &self.node(self.resolve(id)).kind
    }

    /// The text of a scalar; empty for anything else.
    pub(super) fn scalar(&self, id: NodeId) -> &str {
        let node = self.node(self.resolve(id));
        match &node.kind {
            Kind::Scalar(_, Some(owned)) => owned,
            Kind::Scalar(_, None) => self.text.get(node.span.range()).unwrap_or_default(),
            Kind::List(_) | Kind::Map(_) | Kind::Alias(_) => "",
        }
    }

    fn entry(&self, map: NodeId, key: &str) -> Option<Entry> {
        match self.kind(map) {
            Kind::Map(entries) => entries
                .iter()
                .find(|entry| self.scalar(entry.key) == key)
                .copied(),
            Kind::Scalar(..) | Kind::List(_) | Kind::Alias(_) => None,
        }
    }

    /// The node at a path; aliases are followed on the way, but not at the end.
    pub(super) fn find(&self, path: &Path) -> Option<NodeId> {
        path.segments()
            .iter()
            .try_fold(self.root?, |at, segment| self.step(at, segment))
    }

    fn step(&self, at: NodeId, segment: &Segment) -> Option<NodeId> {
        match segment {
            Segment::Key(key) => self.entry(at, key).map(|entry| entry.value),
            Segment::Index(index) => match self.kind(at) {
                Kind::List(items) => items.get(*index).copied(),
                Kind::Scalar(..) | Kind::Map(_) | Kind::Alias(_) => None,
            },
        }
    }

    /// The bytes for a caret. Where the path leads through an alias, the alias; where it leads
    /// nowhere, the longest part of it that leads somewhere.
    pub(super) fn locate(&self, place: &Place) -> Range<usize> {
        match place {
            Place::Bytes(range) => range.clone(),
            Place::Key(path) => self.walk(path, Want::Key),
            Place::Value(path) => self.walk(path, Want::Value),
        }
    }

    fn walk(&self, path: &Path, want: Want) -> Range<usize> {
        let Some(mut at) = self.root else { return 0..0 };
        let mut key = None;
        for (taken, segment) in path.segments().iter().enumerate() {
            if taken > 0 && self.is_alias(at) {
                return self.node(at).span.range();
            }
            let Some(next) = self.step(at, segment) else {
                return self.caret(at, key, Want::Value);
            };
            key = match segment {
                Segment::Key(name) => self.entry(at, name).map(|entry| entry.key),
                Segment::Index(_) => None,
            };
            at = next;
        }
        self.caret(at, key, want)
    }

    fn is_alias(&self, id: NodeId) -> bool {
        matches!(self.node(id).kind, Kind::Alias(_))
    }

    fn caret(&self, node: NodeId, key: Option<NodeId>, want: Want) -> Range<usize> {
        let own = self.node(node);
        match (want, &own.kind, key) {
            (Want::Key, _, Some(key)) | (Want::Value, Kind::Map(_) | Kind::List(_), Some(key)) => {
                self.node(key).span.range()
            }
            (Want::Value, Kind::Scalar(..), Some(key)) if own.span.start == own.span.end => {
                self.node(key).span.range()
            }
            _ => self.first_line(own.span.range()),
        }
    }

    /// The range as far as the end of its first line.
    fn first_line(&self, range: Range<usize>) -> Range<usize> {
        let text = self.text.get(range.clone()).unwrap_or_default();
        let line = text.split(['\n', '\r']).next().unwrap_or_default();
        range.start..range.start + line.trim_end().len()
    }

    /// The path of the innermost map entry or list item at a byte.
    pub(super) fn path_at(&self, byte: usize) -> Path {
        let mut path = Path::root();
        let mut at = self.root;
        while let Some((segment, next)) = at.and_then(|at| self.child_at(at, byte)) {
            path = match segment {
                Segment::Key(key) => path.key(key),
                Segment::Index(index) => path.index(index),
            };
            at = Some(next);
        }
        path
    }

    fn child_at(&self, at: NodeId, byte: usize) -> Option<(Segment, NodeId)> {
        let holds = |start: NodeId, end: NodeId| {
            let (start, end) = (self.node(start).span.start, self.node(end).span.end);
            (start as usize..=end as usize).contains(&byte)
        };
        match &self.node(at).kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|entry| holds(entry.key, entry.value))
                .map(|entry| (Segment::Key(self.scalar(entry.key).to_owned()), entry.value)),
            Kind::List(items) => {
                let index = items.iter().position(|item| holds(*item, *item))?;
                Some((Segment::Index(index), items[index]))
            }
            Kind::Scalar(..) | Kind::Alias(_) => None,
        }
    }
}

#[derive(Clone, Copy)]
enum Want {
    Key,
    Value,
}
