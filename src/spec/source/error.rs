//! What serde found wrong with a value, with the path at which it was.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::spec::Path;

/// An error of [`super::reader::Reader`], small enough to be passed up through serde.
#[derive(Debug)]
pub(super) struct ReadError(Box<Found>);

/// What was found, and where.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) wrong: Wrong,
    /// None as long as the error has not passed the node that it is about.
    pub(super) path: Option<Path>,
    pub(super) part: Part,
}

/// Which part of an entry an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Key,
    Value,
}

#[derive(Debug, Clone)]
pub(super) enum Wrong {
    UnknownField {
        field: String,
        known: &'static [&'static str],
    },
    UnknownWord {
        word: String,
        known: &'static [&'static str],
    },
    MissingField(&'static str),
    /// Another type, or a number out of range: what is expected.
    Unfit {
        expected: String,
    },
    Other(String),
}

impl ReadError {
    pub(super) fn new(wrong: Wrong) -> Self {
        Self(Box::new(Found {
            wrong,
            path: None,
            part: Part::Value,
        }))
    }

    pub(super) fn found(self) -> Found {
        *self.0
    }

    /// With the place, unless it has one nearer to the cause.
    pub(super) fn at(mut self, part: Part, path: impl FnOnce() -> Path) -> Self {
        if self.0.path.is_none() {
            self.0.path = Some(path());
            self.0.part = part;
        }
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.wrong)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Wrong::Other(message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Wrong::Unfit {
            expected: expected.to_string(),
        })
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Wrong::Unfit {
            expected: expected.to_string(),
        })
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(Wrong::UnknownWord {
            word: word.to_owned(),
            known,
        })
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::new(Wrong::UnknownField {
            field: field.to_owned(),
            known,
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Wrong::MissingField(field))
    }
}
