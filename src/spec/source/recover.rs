//! Reading on after an error: serde stops at its first, so the place of the error is left out and
//! the value is read again, entry by entry, until it can be read.
//!
//! A file without errors is read once. Else each entry of a section (a node, a service) is read by
//! itself as often as it has errors, so that a large file with many errors stays fast.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::StrDeserializer;

use super::cuts::{Cuts, Fresh};
use super::document::{Document, Format};
use super::error::{Found, Part, ReadError, Wrong};
use super::reader::{Here, Reader};
use super::{MAX_PROBLEMS, suggest, words};
use crate::spec::tree::{Entry, Kind, Node, NodeId, Span, Style, Tree};
use crate::spec::{
    DaemonOptions, Defaults, Directors, Farm, Name, Node as Machine, Notification, Path, Place,
    Pool, Problem, Source, Vip, VirtualService,
};

/// Errors that are left out in silence (consequences, repeats through aliases) count too, up to
/// this many.
const MAX_CUTS: usize = 1_000;

/// How the parts of a document are read before the whole, once the whole could not be.
pub(super) type Parts = fn(&mut Recovery<'_>);

/// Reads the document; leaves out what cannot be read, and says why.
pub(super) fn recover<T: Document>(
    tree: &mut Tree,
    cuts: &mut Cuts,
    problems: &mut Vec<Problem>,
    parts: Parts,
) -> Option<T> {
    let format = &T::FORMAT;
    let Some(root) = tree.root() else {
        problems.push(empty(format));
        return None;
    };
    if !matches!(tree.kind(root), Kind::Map(_)) {
        problems.push(not_a_map(format, tree, root));
        return None;
    }
    let version = check_version(format, tree, root, problems);
    if version == Version::Unknown {
        return None;
    }
    Recovery {
        format,
        tree,
        cuts,
        problems,
        told: BTreeSet::new(),
        silent: 0,
    }
    .whole(parts)
}

fn empty(format: &Format) -> Problem {
    let help = format!(
        "{} begins with `version: 1`; {}",
        format.content, format.smallest
    );
    Problem::error("empty-file", Place::Bytes(0..0), "the file is empty").helped(help)
}

fn not_a_map(format: &Format, tree: &Tree, root: NodeId) -> Problem {
    let place = Place::Bytes(tree.locate(&Place::Value(Path::root())));
    let found = words::described(tree, root);
    let message = format!("the file holds {found}, not {}", format.content);
    Problem::error("not-a-map", place, message).helped(format!(
        "{} is a map of keys and values that begins with `version: 1`",
        format.content
    ))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// 1, or wrong in a way that leaves no doubt that 1 is meant.
    One,
    /// Another: nothing of the file can be judged.
    Unknown,
}

/// The version first: without it serde could not make a value, and with another everything that is
/// said about the rest would be wrong.
fn check_version(
    format: &Format,
    tree: &mut Tree,
    root: NodeId,
    problems: &mut Vec<Problem>,
) -> Version {
    let path = Path::root().key("version");
    let Some(node) = tree.find(&path) else {
        problems.push(missing_version());
        supply_version(tree, root);
        return Version::One;
    };
    let here = Here::Base(&path);
    let reader = Reader {
        tree,
        node,
        cuts: None,
        here: &here,
    };
    let Err(error) = crate::spec::Version::deserialize(reader) else {
        return Version::One;
    };
    let means_one = tree.scalar(node) == "1";
    problems.push(words::problem(format, tree, &error.found(), &path));
    if !means_one {
        return Version::Unknown;
    }
    tree.node_mut(node).kind = Kind::Scalar(Style::Plain, Some("1".into()));
    Version::One
}

fn missing_version() -> Problem {
    Problem::error(
        "missing-key",
        Place::Value(Path::root()),
        "the key `version` is missing",
    )
    .labelled("the file begins without a version")
    .helped("write `version: 1` as the first line")
}

/// Stands in for a version that is missing, so that the rest can be read.
fn supply_version(tree: &mut Tree, root: NodeId) {
    let span = Span::new(&(0..0));
    let mut scalar = |text: &str| {
        tree.add(Node {
            span,
            kind: Kind::Scalar(Style::Plain, Some(text.into())),
        })
    };
    let entry = Entry {
        key: scalar("version"),
        value: scalar("1"),
    };
    if let Kind::Map(entries) = &mut tree.node_mut(root).kind {
        entries.push(entry);
    }
}

/// The parts of a farm.
pub(super) fn farm(recovery: &mut Recovery<'_>) {
    recovery.section::<Machine>("nodes");
    recovery.section::<Vip>("vips");
    recovery.section::<Pool>("pools");
    recovery.section::<VirtualService>("services");
    recovery.entry::<Directors>(&Path::root().key("directors"));
    recovery.entry::<Defaults>(&Path::root().key("defaults"));
    recovery.entry::<Source>(&Path::root().key("source"));
    recovery.entry::<DaemonOptions>(&Path::root().key("daemon"));
    recovery.section::<Notification>("notifications");
    recovery.shell();
}

/// A document that is read part by part.
pub(super) struct Recovery<'t> {
    format: &'static Format,
    tree: &'t Tree,
    cuts: &'t mut Cuts,
    problems: &'t mut Vec<Problem>,
    /// Nodes that were told already: an alias repeats their errors.
    told: BTreeSet<(NodeId, &'static str)>,
    silent: usize,
}

impl Recovery<'_> {
    fn whole<T: DeserializeOwned>(mut self, parts: Parts) -> Option<T> {
        if let Ok(whole) = self.read(&Path::root()) {
            return Some(whole);
        }
        parts(&mut self);
        self.entry::<T>(&Path::root())
    }

    fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<T, ReadError> {
        let Some(node) = self.tree.find(path) else {
            return Err(ReadError::new(Wrong::MissingField("")));
        };
        let here = Here::Base(path);
        T::deserialize(Reader {
            tree: self.tree,
            node,
            cuts: self.cuts.below(path),
            here: &here,
        })
    }

    /// Every entry of a section, each by itself.
    fn section<T: DeserializeOwned>(&mut self, name: &str) {
        let section = Path::root().key(name);
        let Some(node) = self.tree.find(&section) else {
            return;
        };
        let Kind::Map(entries) = self.tree.kind(node) else {
            return;
        };
        for entry in entries {
            let key = self.tree.scalar(entry.key);
            let path = section.key(key);
            match Name::deserialize(StrDeserializer::<ReadError>::new(key)) {
                Ok(_) => drop(self.entry::<T>(&path)),
                Err(error) => self.note(&error.at(Part::Key, || path).found()),
            }
            if self.is_enough() {
                return;
            }
        }
    }

    /// Reads one entry until it can be read or is left out as a whole.
    fn entry<T: DeserializeOwned>(&mut self, path: &Path) -> Option<T> {
        self.tree.find(path)?;
        while !self.is_enough() && !self.cuts.hides(path) {
            match self.read(path) {
                Ok(value) => return Some(value),
                Err(error) => self.note(&error.found()),
            }
        }
        None
    }

    /// The top level without the sections, which may be large.
    fn shell(&mut self) {
        let whole = self.cuts.clone();
        let sections = ["nodes", "vips", "pools", "services"];
        let is_map = |name: &&&str| {
            self.tree
                .find(&Path::root().key(name))
                .is_some_and(|node| matches!(self.tree.kind(node), Kind::Map(_)))
        };
        let large: Vec<Path> = sections
            .iter()
            .filter(is_map)
            .map(|name| Path::root().key(name))
            .collect();
        for path in &large {
            self.cuts.drop_at(path);
        }
        drop(self.entry::<Farm>(&Path::root()));
        let shell = std::mem::replace(self.cuts, whole);
        for path in shell.paths().iter().filter(|path| !large.contains(path)) {
            self.cuts.drop_at(path);
        }
    }

    fn is_enough(&self) -> bool {
        self.problems.len() > MAX_PROBLEMS || self.silent > MAX_CUTS
    }

    /// Tells an error, unless it follows from another, and leaves its place out.
    fn note(&mut self, found: &Found) {
        let path = found.path.clone().unwrap_or_default();
        let problem = words::problem(self.format, self.tree, found, &path);
        if self.is_consequence(found, &path) || self.is_repeat(&path, &problem) {
            self.silent += 1;
        } else {
            self.problems.push(problem);
        }
        if self.cuts.drop_at(&path) == Fresh::No {
            // Cannot be: what is left out is not read. It must not be tried for ever.
            self.silent += MAX_CUTS + 1;
        }
    }

    /// What is wrong here is so because something in it was left out: a key that is missing now, or
    /// was to be another's name, or would have come by a merge key; a choice that is empty now.
    fn is_consequence(&self, found: &Found, path: &Path) -> bool {
        let Some(cuts) = self.cuts.below(path) else {
            return false;
        };
        match &found.wrong {
            Wrong::MissingField(field) => cuts
                .dropped_keys()
                .any(|key| key == "<<" || suggest::nearest(key, [*field]).is_some()),
            Wrong::Other(_) => true,
            Wrong::UnknownField { .. } | Wrong::UnknownWord { .. } | Wrong::Unfit { .. } => false,
        }
    }

    fn is_repeat(&mut self, path: &Path, problem: &Problem) -> bool {
        let node = self.tree.find(path).map(|node| self.tree.resolve(node));
        node.is_some_and(|node| !self.told.insert((node, problem.code)))
    }
}
