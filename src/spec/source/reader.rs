//! serde's view of a [`Tree`]: a deserializer that knows its path and leaves out what was cut.
//!
//! A value's type follows YAML 1.2's core schema: `yes` and `on` are texts, `010` and `1_000` are
//! no numbers, a value in quotes is a text. Called by `recover` only.

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::cuts::Cuts;
use super::error::{Part, ReadError, Wrong};
use super::plain::{Plain, plain};
use crate::spec::Path;
use crate::spec::tree::{Entry, Kind, NodeId, Style, Tree};

/// Where reading is, as a list on the stack: a path is made of it only when there is an error.
pub(super) enum Here<'p> {
    Base(&'p Path),
    Key(&'p Here<'p>, &'p str),
    Item(&'p Here<'p>, usize),
}

impl Here<'_> {
    fn path(&self) -> Path {
        match self {
            Self::Base(path) => (*path).clone(),
            Self::Key(parent, key) => parent.path().key(key),
            Self::Item(parent, index) => parent.path().index(*index),
        }
    }

    fn is_root(&self) -> bool {
        matches!(self, Self::Base(path) if path.segments().is_empty())
    }
}

/// Reads one node.
#[derive(Clone, Copy)]
pub(super) struct Reader<'t, 'p> {
    pub(super) tree: &'t Tree,
    pub(super) node: NodeId,
    pub(super) cuts: Option<&'t Cuts>,
    pub(super) here: &'p Here<'p>,
}

impl<'t> Reader<'t, '_> {
    fn here<T>(&self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        result.map_err(|error| error.at(Part::Value, || self.here.path()))
    }

    fn any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.tree.kind(self.node) {
            Kind::Scalar(style, _) => self.scalar(*style, visitor),
            Kind::List(items) => visitor.visit_seq(Items {
                reader: self,
                nodes: items,
                next: 0,
            }),
            Kind::Map(entries) => self.map(entries, visitor),
            Kind::Alias(_) => Err(ReadError::custom("an alias of an alias")),
        }
    }

    fn map<V: Visitor<'t>>(self, entries: &'t [Entry], visitor: V) -> Result<V::Value, ReadError> {
        let mut pending = None;
        let access = Entries {
            reader: self,
            rest: entries,
            pending: &mut pending,
        };
        let result = visitor.visit_map(access);
        result.map_err(|error| match pending {
            // A key was taken and refused before its value was asked for.
            Some(entry) => error.at(Part::Key, || {
                self.here.path().key(self.tree.scalar(entry.key))
            }),
            None => error,
        })
    }

    fn scalar<V: Visitor<'t>>(self, style: Style, visitor: V) -> Result<V::Value, ReadError> {
        let text = self.tree.scalar(self.node);
        if style == Style::Quoted {
            return visitor.visit_borrowed_str(text);
        }
        match plain(text) {
            Plain::Nothing => visitor.visit_unit(),
            Plain::Bool(value) => visitor.visit_bool(value),
            Plain::Unsigned(number) => visitor.visit_u64(number),
            Plain::Negative(number) => visitor.visit_i64(number),
            Plain::Float(number) => visitor.visit_f64(number),
            Plain::Text => visitor.visit_borrowed_str(text),
        }
    }

    /// The word of a choice: a bare word, or the one key of a map.
    fn choice(self, known: &'static [&'static str]) -> Result<&'t str, ReadError> {
        let is_text = |style, text| style == Style::Quoted || plain(text) == Plain::Text;
        match self.tree.kind(self.node) {
            Kind::Scalar(style, _) if is_text(*style, self.tree.scalar(self.node)) => {
                Ok(self.tree.scalar(self.node))
            }
            Kind::Scalar(..) | Kind::List(_) | Kind::Map(_) | Kind::Alias(_) => {
                let expected = format!("one of {}", super::suggest::listed(known));
                Err(ReadError::new(Wrong::Unfit { expected }))
            }
        }
    }
}

impl<'t> Deserializer<'t> for Reader<'t, '_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.here(self.any(visitor))
    }

    /// A key that is there has a value: nothing (`port:`) is not "left out".
    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.here(visitor.visit_some(self))
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.here(visitor.visit_newtype_struct(self))
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.here(
            self.choice(variants)
                .and_then(|word| visitor.visit_enum(Word(word))),
        )
    }

    forward_to_deserialize_any! {
        <W: Visitor<'t>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The word of a choice without options.
struct Word<'t>(&'t str);

impl<'t> EnumAccess<'t> for Word<'t> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<(S::Value, Self), ReadError> {
        Ok((
            seed.deserialize(BorrowedStrDeserializer::new(self.0))?,
            self,
        ))
    }
}

impl<'t> VariantAccess<'t> for Word<'t> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'t>>(self, _: S) -> Result<S::Value, ReadError> {
        Err(needs_options(self.0))
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, _: V) -> Result<V::Value, ReadError> {
        Err(needs_options(self.0))
    }

    fn struct_variant<V: Visitor<'t>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, ReadError> {
        Err(needs_options(self.0))
    }
}

fn needs_options(word: &str) -> ReadError {
    ReadError::custom(format_args!(
        "`{word}` needs its options; write them as a map"
    ))
}

struct Items<'t, 'p> {
    reader: Reader<'t, 'p>,
    nodes: &'t [NodeId],
    next: usize,
}

impl<'t> SeqAccess<'t> for Items<'t, '_> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'t>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        while let Some(node) = self.nodes.get(self.next).copied() {
            let index = self.next;
            self.next += 1;
            let cuts = self.reader.cuts.and_then(|cuts| cuts.item(index));
            if !cuts.is_some_and(Cuts::is_dropped) {
                let here = Here::Item(self.reader.here, index);
                let reader = Reader {
                    node,
                    cuts,
                    here: &here,
                    tree: self.reader.tree,
                };
                return reader.here(seed.deserialize(reader)).map(Some);
            }
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.nodes.len() - self.next)
    }
}

struct Entries<'t, 'p, 'a> {
    reader: Reader<'t, 'p>,
    rest: &'t [Entry],
    /// The entry whose key was given and whose value was not asked for yet.
    pending: &'a mut Option<Entry>,
}

impl<'t> Entries<'t, '_, '_> {
    fn cuts(&self, key: &str) -> Option<&'t Cuts> {
        self.reader.cuts.and_then(|cuts| cuts.key(key))
    }

    fn is_read(&self, key: &str) -> bool {
        let ignored = self.reader.here.is_root() && key.starts_with("x-");
        !ignored && !self.cuts(key).is_some_and(Cuts::is_dropped)
    }
}

impl<'t> MapAccess<'t> for Entries<'t, '_, '_> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'t>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        *self.pending = None;
        while let Some((entry, rest)) = self.rest.split_first() {
            self.rest = rest;
            let key = self.reader.tree.scalar(entry.key);
            if self.is_read(key) {
                let value = seed
                    .deserialize(StrDeserializer::<ReadError>::new(key))
                    .map_err(|error| error.at(Part::Key, || self.reader.here.path().key(key)))?;
                *self.pending = Some(*entry);
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        let Some(entry) = self.pending.take() else {
            return Err(ReadError::custom("a value was asked for before its key"));
        };
        let key = self.reader.tree.scalar(entry.key);
        let here = Here::Key(self.reader.here, key);
        let reader = Reader {
            node: entry.value,
            cuts: self.cuts(key),
            here: &here,
            tree: self.reader.tree,
        };
        reader.here(seed.deserialize(reader))
    }
}
