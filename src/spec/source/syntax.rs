//! What the parser says about a text that is not YAML, in the operator's words.

use granit_parser::{ErrorKind, ScanError};

use crate::spec::{Place, Problem};

/// The problem for a text that cannot be parsed.
pub(super) fn problem(error: &ScanError, text: &str) -> Problem {
    let (message, help) = words(error.kind());
    let place = place(error, text);
    let problem = Problem::error("syntax", Place::Bytes(place), message).labelled("here");
    match help {
        "" => problem,
        help => problem.helped(help),
    }
}

/// One character at the parser's mark, or the last one of the text.
fn place(error: &ScanError, text: &str) -> std::ops::Range<usize> {
    let marker = error.marker();
    let byte = marker
        .byte_offset()
        .unwrap_or_else(|| byte_of(text, marker.index()));
    let mut start = byte.min(text.len());
    if is_about_a_tab(error.kind()) {
        start = indenting_tab(text, start).unwrap_or(start);
    }
    if start >= text.trim_end().len() {
        start = text
            .trim_end()
            .char_indices()
            .next_back()
            .map_or(0, |(place, _)| place);
    }
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let length = text[start..].chars().next().map_or(0, char::len_utf8);
    start..start + length
}

fn is_about_a_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart
    )
}

/// The tab that the parser means: its mark stands before it, or behind it.
fn indenting_tab(text: &str, mark: usize) -> Option<usize> {
    let line = text.get(..mark)?.rfind('\n').map_or(0, |end| end + 1);
    text.get(line..)?
        .split_inclusive('\n')
        .take(2)
        .scan(line, |start, line| {
            let indent = line.len() - line.trim_start().len();
            let tab = line
                .get(..indent)
                .and_then(|indent| indent.find('\t'))
                .map(|tab| *start + tab);
            *start += line.len();
            Some(tab)
        })
        .flatten()
        .next()
}

fn byte_of(text: &str, character: usize) -> usize {
    text.char_indices()
        .nth(character)
        .map_or(text.len(), |(byte, _)| byte)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's list is long and open"
)]
fn words(kind: &ErrorKind) -> (String, &'static str) {
    let (message, help) = match kind {
        kind if is_about_a_tab(kind) => {
            ("a tab stands where YAML wants spaces", "indent with spaces")
        }
        ErrorKind::MappingValueNotAllowed => (
            "a `:` stands where no key can be",
            "put a text that holds `: ` in quotes, or indent this line like its neighbours",
        ),
        ErrorKind::MappingKeyNotAllowed => {
            ("a `?` stands where no key can be", "put the text in quotes")
        }
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidFlowScalarIndent => (
            "this line is not indented like its neighbours",
            "keys of one map, and items of one list, begin in the same column",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => (
            "a key without a `:` after it",
            "write `key: value`, with a space after the `:`",
        ),
        ErrorKind::InvalidQuotedScalarIndent => (
            "a text in quotes is not closed on its line, and the next line is not indented",
            "close the quote",
        ),
        ErrorKind::UnclosedQuotedScalar => ("a quote is opened and never closed", "close it"),
        ErrorKind::UnclosedFlowCollection { open } => {
            return (format!("a `{open}` is opened and never closed"), "close it");
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return (format!("a `{open}` is closed by `{close}`"), "");
        }
        ErrorKind::MisplacedFlowCollectionEnd => (
            "a bracket is closed that was never opened",
            "remove it, or put the text in quotes",
        ),
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::UnexpectedEofFlowMapping => (
            "a `,` or `}` is missing before this",
            "close the `{`, or separate its entries by `,`",
        ),
        ErrorKind::ExpectedFlowSequenceSeparator | ErrorKind::UnexpectedEofFlowSequence => (
            "a `,` or `]` is missing before this",
            "close the `[`, or separate its items by `,`",
        ),
        ErrorKind::UnexpectedCharacter { character } => {
            return (
                format!("a value cannot begin with `{}`", character.escape_default()),
                "put the text in quotes",
            );
        }
        ErrorKind::UndeclaredTagHandle => (
            "a text that begins with `!` is a tag",
            "put the text in quotes",
        ),
        ErrorKind::RecursionLimitExceeded => ("lists and maps are nested too deep", ""),
        ErrorKind::BomInsideDocument => (
            "a byte order mark stands inside of the file",
            "remove it (U+FEFF)",
        ),
        other => return (format!("this is not YAML: {other}"), ""),
    };
    (message.to_owned(), help)
}
