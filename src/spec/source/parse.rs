//! YAML events to a [`Tree`]: the one place that names the YAML parser.
//!
//! What YAML allows and farmctl's files do not (merge keys, tags, several documents, keys that are
//! maps) is refused here with its place, and reading goes on. Only where the text is not YAML at
//! all, or too large, reading ends.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, Span as YamlSpan};

use super::cuts::Cuts;
use super::document::Format;
use super::{refusals, suggest, syntax};
use crate::spec::tree::{Entry, Kind, Node, NodeId, Span, Style, Tree};
use crate::spec::{Path, Place, Problem};

/// Maps and lists in one another, also through aliases.
const MAX_DEPTH: usize = 64;

/// Scalars, lists and maps, each counted as often as aliases repeat it.
const MAX_NODES: usize = 2_000_000;

/// What parsing gives.
pub(super) struct Parsed {
    pub(super) tree: Tree,
    pub(super) problems: Vec<Problem>,
    /// Where a `<<` was left out: what it would have brought is missing by no fault of its own.
    pub(super) cuts: Cuts,
    pub(super) whole: Whole,
}

/// Whether the text was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// It was.
    Yes,
    /// It is not YAML from some place on.
    No,
}

/// Reads a text.
pub(super) fn parse(text: &str, format: &'static Format) -> Parsed {
    let mut builder = Builder::new(text, format);
    let whole = match builder.read() {
        Ok(()) => Whole::Yes,
        Err(problem) => {
            builder.problems.push(*problem);
            Whole::No
        }
    };
    let Builder {
        tree,
        problems,
        cuts,
        ..
    } = builder;
    Parsed {
        tree,
        problems,
        cuts,
        whole,
    }
}

/// A map or list that is not at its end yet.
struct Open {
    node: NodeId,
    anchor: usize,
    /// How many nodes it holds, itself included, and how deep they are.
    weight: Weight,
    /// In a map: the key whose value comes next.
    key: Option<Key>,
    /// In a map: the keys so far.
    seen: HashMap<String, NodeId>,
}

#[derive(Clone, Copy)]
enum Key {
    Good(NodeId),
    /// A key that was refused; its value is read and left out.
    Refused,
}

#[derive(Clone, Copy)]
struct Weight {
    nodes: usize,
    depth: usize,
}

const LEAF: Weight = Weight { nodes: 1, depth: 0 };

struct Builder<'t> {
    text: &'t str,
    format: &'static Format,
    tree: Tree,
    problems: Vec<Problem>,
    cuts: Cuts,
    open: Vec<Open>,
    anchors: HashMap<usize, (NodeId, Option<Weight>)>,
    anchor_names: HashSet<String>,
    documents: usize,
    /// Nodes so far, those behind aliases included.
    nodes: usize,
}

type Step = Result<(), Box<Problem>>;

impl<'t> Builder<'t> {
    fn new(text: &'t str, format: &'static Format) -> Self {
        Self {
            text,
            format,
            tree: Tree::new(text.to_owned()),
            problems: Vec::new(),
            cuts: Cuts::default(),
            open: Vec::new(),
            anchors: HashMap::new(),
            anchor_names: HashSet::new(),
            documents: 0,
            nodes: 0,
        }
    }

    fn read(&mut self) -> Step {
        let options = granit_parser::options! {
            emit_comments: false,
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
            flow_nesting_limit: MAX_DEPTH * 2,
            block_nesting_limit: MAX_DEPTH * 2,
        };
        for next in Parser::new_from_str_with_options(self.text, options) {
            let (event, span) =
                next.map_err(|error| Box::new(syntax::problem(&error, self.text)))?;
            self.event(event, &span)?;
            if self.documents > 1 {
                break;
            }
        }
        Ok(())
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the parser's list of events is open"
    )]
    fn event(&mut self, event: Event<'_>, yaml: &YamlSpan) -> Step {
        let span = self.span(yaml);
        match event {
            Event::DocumentStart(..) => {
                self.document(span);
                Ok(())
            }
            Event::Scalar(value, style, anchor, _) => {
                self.refuse_tag(yaml);
                self.scalar(&value, style, span, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.refuse_tag(yaml);
                self.begin(Kind::List(Vec::new()), span, anchor)
            }
            Event::MappingStart(_, anchor, _) => {
                self.refuse_tag(yaml);
                self.begin(Kind::Map(Vec::new()), span, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.end(span);
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => self.unknown_alias(&name, span),
            Event::Anchor(_, name) => {
                self.anchor_names.insert(name.into_owned());
                Ok(())
            }
            // Beginnings and ends of the text, comments.
            _ => Ok(()),
        }
    }

    fn span(&self, yaml: &YamlSpan) -> Span {
        Span::new(
            &yaml
                .byte_range()
                .unwrap_or(self.text.len()..self.text.len()),
        )
    }

    fn document(&mut self, span: Span) {
        self.documents += 1;
        if self.documents > 1 {
            let place = Place::Bytes(span.range());
            let problem = Problem::error("documents", place, "the file holds several documents")
                .labelled("the second one begins here")
                .helped(format!(
                    "keep {} in one file, and remove this `---`",
                    self.format.content.replacen("a ", "one ", 1)
                ));
            self.problems.push(problem);
        }
    }

    fn refuse_tag(&mut self, yaml: &YamlSpan) {
        let Some(tag) = yaml.tag_span() else { return };
        let name = tag.slice(self.text).unwrap_or("!");
        let place = Place::Bytes(self.span(&tag).range());
        let problem = Problem::error(
            "tag",
            place,
            format!("the tag `{name}` is not used in {}", self.format.file),
        )
        .labelled("a tag")
        .helped("remove it: farmctl knows the type of every value");
        self.problems.push(problem);
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, span: Span, anchor: usize) -> Step {
        let style = if style == ScalarStyle::Plain {
            Style::Plain
        } else {
            Style::Quoted
        };
        let verbatim = self.text.get(span.range()) == Some(value);
        let owned = (!verbatim).then(|| Box::from(value));
        let node = self.tree.add(Node {
            span,
            kind: Kind::Scalar(style, owned),
        });
        self.remember(anchor, node, Some(LEAF));
        if self.expects_key() {
            self.key(node)
        } else {
            self.place(node, LEAF)
        }
    }

    fn expects_key(&self) -> bool {
        self.open.last().is_some_and(|open| {
            open.key.is_none() && matches!(self.tree.node(open.node).kind, Kind::Map(_))
        })
    }

    fn remember(&mut self, anchor: usize, node: NodeId, weight: Option<Weight>) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node, weight));
        }
    }

    fn key(&mut self, node: NodeId) -> Step {
        self.count(LEAF, self.tree.node(node).span)?;
        let name = self.tree.scalar(node).to_owned();
        let refusal = self.refusal_of_key(node, &name);
        let key = if refusal.is_none() {
            Key::Good(node)
        } else {
            Key::Refused
        };
        self.problems.extend(refusal);
        if let Some(open) = self.open.last_mut() {
            open.key = Some(key);
            open.weight.nodes += 1;
            open.seen.entry(name).or_insert(node);
        }
        Ok(())
    }

    fn refusal_of_key(&mut self, node: NodeId, name: &str) -> Option<Problem> {
        let plain = matches!(self.tree.kind(node), Kind::Scalar(Style::Plain, _));
        if name == "<<" && plain {
            let path = self.path().key(name);
            self.cuts.drop_at(&path);
            return Some(refusals::merge_key(self.format, self.tree.node(node).span));
        }
        let range = self.tree.node(node).span.range();
        if name.is_empty() || range.is_empty() {
            let problem = Problem::error(
                "empty-key",
                Place::Bytes(range),
                "a key is missing before this `:`",
            );
            let path = self.path().key(name);
            self.cuts.drop_at(&path);
            return Some(
                problem
                    .labelled("no key")
                    .helped("write the key, or remove this entry"),
            );
        }
        let first = self.open.last()?.seen.get(name).copied()?;
        Some(self.duplicate(node, first, name))
    }

    fn duplicate(&self, second: NodeId, first: NodeId, name: &str) -> Problem {
        let place = |node| Place::Bytes(self.tree.node(node).span.range());
        Problem::error(
            "duplicate-key",
            place(second),
            format!("the key `{name}` stands here twice"),
        )
        .labelled("again here")
        .related(place(first), "first here")
        .helped("keep one of them")
    }

    fn begin(&mut self, kind: Kind, span: Span, anchor: usize) -> Step {
        if self.open.len() >= MAX_DEPTH {
            return Err(Box::new(refusals::too_deep(self.format, span, MAX_DEPTH)));
        }
        let node = self.tree.add(Node { span, kind });
        self.remember(anchor, node, None);
        if self.expects_key() {
            self.refuse_complex_key(span);
        }
        self.count(LEAF, span)?;
        let weight = LEAF;
        self.open.push(Open {
            node,
            anchor,
            weight,
            key: None,
            seen: HashMap::new(),
        });
        Ok(())
    }

    fn refuse_complex_key(&mut self, span: Span) {
        let place = Place::Bytes(span.range());
        let problem = Problem::error("complex-key", place, "a list or map cannot be a key here")
            .labelled("not a name")
            .helped(
                "put a value that begins with `{`, `[` or `*` in quotes; `{{ … }}` is a template \
                 that nothing has filled in",
            );
        let map = self.path();
        self.cuts.drop_at(&map);
        self.problems.push(problem);
    }

    fn end(&mut self, span: Span) {
        let Some(open) = self.open.pop() else {
            return;
        };
        // A block has no end of its own: its last child's end is where it ends.
        let end = if span.end > span.start {
            span.end
        } else {
            self.last_child_end(open.node)
        };
        self.tree.node_mut(open.node).span.end = end;
        self.remember(open.anchor, open.node, Some(open.weight));
        self.attach(open.node, open.weight);
    }

    fn last_child_end(&self, id: NodeId) -> u32 {
        let node = self.tree.node(id);
        let last = match &node.kind {
            Kind::Map(entries) => entries.last().map(|entry| (entry.key, entry.value)),
            Kind::List(items) => items.last().map(|item| (*item, *item)),
            Kind::Scalar(..) | Kind::Alias(_) => None,
        };
        last.map_or(node.span.start, |(key, value)| {
            self.tree
                .node(key)
                .span
                .end
                .max(self.tree.node(value).span.end)
        })
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Step {
        let Some((target, weight)) = self.anchors.get(&anchor).copied() else {
            return Ok(());
        };
        let Some(weight) = weight else {
            let place = Place::Bytes(span.range());
            let problem = Problem::error(
                "recursive-alias",
                place,
                "this alias is inside of its own anchor",
            );
            return Err(Box::new(problem.labelled("would never end").helped(
                "remove this alias, or move it out of the value that it repeats",
            )));
        };
        if self.open.len() + weight.depth > MAX_DEPTH {
            return Err(Box::new(refusals::too_deep(self.format, span, MAX_DEPTH)));
        }
        let node = self.tree.add(Node {
            span,
            kind: Kind::Alias(target),
        });
        if self.expects_key() {
            self.refuse_complex_key(span);
            self.refused_key();
            return Ok(());
        }
        self.place(node, weight)
    }

    fn unknown_alias(&mut self, name: &str, span: Span) -> Step {
        let place = Place::Bytes(span.range());
        let near = suggest::nearest(name, self.anchor_names.iter().map(String::as_str));
        let mut problem = Problem::error(
            "unknown-alias",
            place,
            format!("no anchor `&{name}` stands before this alias"),
        )
        .labelled("unknown alias");
        problem.help = Some(match near {
            Some(near) => format!("did you mean `*{near}`?"),
            None => "an alias repeats a value that was marked earlier; put other text that begins \
                     with `*` in quotes"
                .to_owned(),
        });
        self.problems.push(problem);
        if self.expects_key() {
            self.refused_key();
            return Ok(());
        }
        // Its place is kept, and left out when it is read.
        let path = path_of(&self.tree, &self.open);
        self.cuts.drop_at(&path);
        let node = self.tree.add(Node {
            span,
            kind: Kind::Scalar(Style::Plain, Some("".into())),
        });
        self.place(node, LEAF)
    }

    fn refused_key(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.key = Some(Key::Refused);
        }
    }

    fn place(&mut self, node: NodeId, weight: Weight) -> Step {
        self.count(weight, self.tree.node(node).span)?;
        self.attach(node, weight);
        Ok(())
    }

    /// Puts a finished node where it belongs: into the innermost open list or map.
    fn attach(&mut self, node: NodeId, weight: Weight) {
        let Some(open) = self.open.last_mut() else {
            if self.documents <= 1 {
                self.tree.set_root(node);
            }
            return;
        };
        open.weight.nodes += weight.nodes;
        open.weight.depth = open.weight.depth.max(weight.depth + 1);
        let key = open.key.take();
        match (&mut self.tree.node_mut(open.node).kind, key) {
            (Kind::List(items), _) => items.push(node),
            (Kind::Map(entries), Some(Key::Good(key))) => entries.push(Entry { key, value: node }),
            // A list or map that was a key itself: its value comes next.
            (Kind::Map(_), None) => open.key = Some(Key::Refused),
            _ => {}
        }
    }

    fn count(&mut self, weight: Weight, span: Span) -> Step {
        self.nodes = self.nodes.saturating_add(weight.nodes);
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        let message = format!(
            "the file has more than {MAX_NODES} values (aliases count as what they repeat)"
        );
        let problem = Problem::error("too-large", Place::Bytes(span.range()), message)
            .labelled("the limit is passed here")
            .helped(format!(
                "split {}, or repeat less by aliases",
                self.format.content.replacen("a ", "the ", 1)
            ));
        Err(Box::new(problem))
    }

    /// The path of the innermost open map or list.
    fn path(&self) -> Path {
        let outer = self.open.split_last().map_or(&[][..], |(_, outer)| outer);
        path_of(&self.tree, outer)
    }
}

/// The path of what comes next in the last of these.
fn path_of(tree: &Tree, open: &[Open]) -> Path {
    open.iter().fold(Path::root(), |path, open| {
        match (&tree.node(open.node).kind, open.key) {
            (Kind::List(items), _) => path.index(items.len()),
            (_, Some(Key::Good(key))) => path.key(tree.scalar(key)),
            _ => path,
        }
    })
}
