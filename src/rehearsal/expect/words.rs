//! The words of an expectation, each with its place. Called by `parse`.

use std::ops::Range;

use super::parse::ParseError;

/// A word or a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'t> {
    /// `+-` reads as `±`.
    pub(super) text: &'t str,
    pub(super) at: Range<usize>,
}

/// The words that were not taken yet.
pub(super) struct Words<'t> {
    text: &'t str,
    at: usize,
}

/// The signs that need no space around them; longer ones first.
const SIGNS: [&str; 7] = ["<=", ">=", "+-", "±", "<", ">", "="];

impl<'t> Words<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next word.
    pub(super) fn take(&mut self) -> Option<Token<'t>> {
        let rest = self.rest();
        if rest.is_empty() {
            return None;
        }
        let length = token_length(rest);
        let at = self.at..self.at + length;
        self.at += length;
        let text = &rest[..length];
        Some(Token {
            text: if text == "+-" { "±" } else { text },
            at,
        })
    }

    /// The next word, where it is this one.
    pub(super) fn take_if(&mut self, text: &str) -> Option<Token<'t>> {
        let before = self.at;
        let token = self.take().filter(|token| token.text == text);
        if token.is_none() {
            self.at = before;
        }
        token
    }

    /// The next word; `what` says what it should be.
    pub(super) fn expect(&mut self, what: &str) -> Result<Token<'t>, ParseError> {
        self.take().ok_or_else(|| ParseError {
            at: self.text.trim_end().len()..self.text.trim_end().len(),
            message: "the expectation ends too early".to_owned(),
            help: format!("add {what}"),
        })
    }

    /// Where the next word stands.
    pub(super) fn place(&mut self) -> Range<usize> {
        let length = token_length(self.rest());
        self.at..self.at + length
    }

    fn rest(&mut self) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }
}

/// A sign, a colon that ends a word (an address has colons inside), or a word.
fn token_length(text: &str) -> usize {
    if let Some(sign) = SIGNS.iter().find(|sign| text.starts_with(**sign)) {
        return sign.len();
    }
    let end = text
        .char_indices()
        .find(|(at, c)| c.is_whitespace() || SIGNS.iter().any(|sign| text[*at..].starts_with(sign)))
        .map_or(text.len(), |(at, _)| at);
    let word = &text[..end];
    match word.strip_suffix(':') {
        Some("") | None => end,
        Some(before) => before.len(),
    }
}
