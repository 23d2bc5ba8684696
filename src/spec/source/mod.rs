//! The text of a farm.yaml (or of another [`Document`]) to its values, with everything that is
//! wrong in one run.
//!
//! ```text
//! bytes -> text (bytes.rs) -> tree (parse.rs) -> values (reader.rs)
//!                                                  | an error: note it, cut its place, again (recover.rs)
//! ```
//!
//! Only `parse` and `syntax` name the YAML parser. Nothing here judges what the values mean
//! together: that is `validate`. Called by `cli` and by tests.

mod bytes;
mod cuts;
mod document;
mod error;
mod later;
mod parse;
mod plain;
mod reader;
mod recover;
mod refusals;
pub(super) mod suggest;
mod syntax;
mod words;

use std::collections::BTreeSet;
use std::ops::Range;

use super::tree::Tree;
use super::{Farm, Path, Place, Problem};
use cuts::Cuts;
pub use document::{Document, Format, Reference};
use parse::Whole;

/// The most problems of one file that are told.
pub(super) const MAX_PROBLEMS: usize = 100;

/// A text with the places of everything in it.
#[derive(Debug, Default)]
pub struct SourceText {
    name: String,
    tree: Tree,
}

impl SourceText {
    /// What messages call the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text; where the bytes were no UTF-8, what can be shown of it.
    pub fn text(&self) -> &str {
        self.tree.source()
    }

    /// The text alone.
    #[must_use]
    pub fn into_text(self) -> String {
        self.tree.into_source()
    }

    /// The bytes of the text that a caret goes under. A path that leads through a YAML alias gives
    /// the alias; one that leads nowhere gives its longest part that leads somewhere.
    pub fn locate(&self, place: &Place) -> Range<usize> {
        self.tree.locate(place)
    }

    /// The line of a place, from 1.
    pub fn line(&self, place: &Place) -> usize {
        let before = self.text().get(..self.locate(place).start);
        1 + before.map_or(0, |text| text.matches('\n').count())
    }

    /// The path of a place; for bytes, of the innermost entry that holds them.
    pub fn path(&self, place: &Place) -> Path {
        match place {
            Place::Value(path) | Place::Key(path) => path.clone(),
            Place::Bytes(range) => self.tree.path_at(range.start),
        }
    }
}

/// What reading a file gave.
#[derive(Debug)]
pub struct Reading<T = Farm> {
    /// What the file holds (the farm) without the entries that are wrong; none where too little of
    /// it can be read.
    /// Where [`Reading::problems`] has an error it is for finding more of them, never for use.
    pub value: Option<T>,
    /// What is wrong, in the order of the text; at most 100.
    pub problems: Vec<Problem>,
    /// The entries of the text that are left out of `value`.
    pub pruned: Vec<Path>,
    /// The text, to show the problems in.
    pub source: SourceText,
    cuts: Cuts,
}

/// Reads a file's bytes; `name` is what messages call the file.
///
/// Never fails: whatever is wrong is in [`Reading::problems`].
pub fn read(name: &str, bytes: &[u8]) -> Reading {
    read_parts(name, bytes, recover::farm)
}

/// Reads a file of another kind, in the same way as [`read`] reads a farm.
pub fn read_document<T: Document>(name: &str, bytes: &[u8]) -> Reading<T> {
    read_parts(name, bytes, |_| {})
}

fn read_parts<T: Document>(name: &str, bytes: &[u8], parts: recover::Parts) -> Reading<T> {
    match bytes::decode(bytes) {
        Ok(text) => read_text(name, &text, parts),
        Err(refused) => {
            let (shown, problem) = *refused;
            let tree = Tree::new(shown);
            Reading::new(name, tree, Cuts::default(), None, vec![problem])
        }
    }
}

fn read_text<T: Document>(name: &str, text: &str, parts: recover::Parts) -> Reading<T> {
    let parse::Parsed {
        mut tree,
        mut problems,
        mut cuts,
        whole,
    } = parse::parse(text, &T::FORMAT);
    let value = match whole {
        Whole::No => None,
        Whole::Yes => recover::recover(&mut tree, &mut cuts, &mut problems, parts),
    };
    Reading::new(name, tree, cuts, value, problems)
}

impl<T> Reading<T> {
    fn new(name: &str, tree: Tree, cuts: Cuts, value: Option<T>, problems: Vec<Problem>) -> Self {
        let source = SourceText {
            name: name.to_owned(),
            tree,
        };
        let mut reading = Self {
            value,
            problems,
            pruned: cuts.paths(),
            source,
            cuts,
        };
        reading.settle();
        reading
    }

    /// Adds what a judge of [`Reading::value`] (for a farm: `validate`) says.
    ///
    /// Its paths count the items that are left in the value; they are turned into places of the
    /// text. A problem about an entry that was left out, or about one from which something was left
    /// out, is dropped: it may be a mere consequence.
    #[must_use]
    pub fn with(mut self, found: Vec<Problem>) -> Self {
        let kept: Vec<Problem> = found
            .into_iter()
            .map(|problem| self.to_source(problem))
            .filter(|problem| !self.is_consequence(problem))
            .collect();
        self.problems.extend(kept);
        self.settle();
        self
    }

    fn to_source(&self, mut problem: Problem) -> Problem {
        problem.place = self.place_to_source(problem.place);
        let related = std::mem::take(&mut problem.related);
        problem.related = related
            .into_iter()
            .map(|(place, text)| (self.place_to_source(place), text))
            .collect();
        problem
    }

    fn place_to_source(&self, place: Place) -> Place {
        match place {
            Place::Value(path) => Place::Value(self.cuts.to_source(&path)),
            Place::Key(path) => Place::Key(self.cuts.to_source(&path)),
            Place::Bytes(range) => Place::Bytes(range),
        }
    }

    fn is_consequence(&self, problem: &Problem) -> bool {
        let (Place::Value(path) | Place::Key(path)) = &problem.place else {
            return false;
        };
        let has_cuts_below = !path.segments().is_empty() && self.cuts.below(path).is_some();
        has_cuts_below || self.cuts.hides(path)
    }

    /// In the order of the text, each once, not too many.
    fn settle(&mut self) {
        let mut problems = std::mem::take(&mut self.problems);
        problems.retain(|problem| problem.code != TOO_MANY);
        problems.sort_by_cached_key(|problem| self.source.locate(&problem.place).start);
        let mut seen = BTreeSet::new();
        problems.retain(|problem| {
            let range = self.source.locate(&problem.place);
            seen.insert((
                range.start,
                range.end,
                problem.code,
                problem.message.clone(),
            ))
        });
        if problems.len() > MAX_PROBLEMS {
            problems.truncate(MAX_PROBLEMS);
            problems.push(too_many());
        }
        self.problems = problems;
    }
}

const TOO_MANY: &str = "too-many";

fn too_many() -> Problem {
    let message = format!("there are more problems than these {MAX_PROBLEMS}");
    Problem::error(TOO_MANY, Place::Bytes(0..0), message)
        .helped("mend these first, then run this again")
}

#[cfg(test)]
mod tests;
