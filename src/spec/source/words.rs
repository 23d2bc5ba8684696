//! From what serde found to a [`Problem`] in the operator's words.

use super::document::Format;
use super::error::{Found, Part, Wrong};
use super::plain::{Plain, plain};
use super::{later, suggest};
use crate::spec::scalar::shown;
use crate::spec::tree::{Kind, NodeId, Style, Tree};
use crate::spec::{Path, Place, Problem, Segment};

/// Up to this many known keys are listed in full.
const LISTED: usize = 12;

/// The problem for an error at a path.
pub(super) fn problem(format: &Format, tree: &Tree, found: &Found, path: &Path) -> Problem {
    let place = match found.part {
        Part::Key => Place::Key(path.clone()),
        Part::Value => Place::Value(path.clone()),
    };
    let problem =
        not_yet(format, tree, found, path, &place).unwrap_or_else(|| match &found.wrong {
            Wrong::UnknownField { field, known } => unknown_key(field, known, path, place),
            Wrong::UnknownWord { word, known } => unknown_word(word, known, path, place),
            Wrong::MissingField(field) => missing_key(format, field, path, place),
            Wrong::Unfit { expected } => unfit(format, tree, expected, path, place),
            Wrong::Other(message) => other(tree, message, path, place),
        });
    through_alias(tree, path, problem)
}

/// Where the path ends in an alias, the caret goes there: the value is shown beside it.
fn through_alias(tree: &Tree, path: &Path, problem: Problem) -> Problem {
    let mut prefix = Some(path.clone());
    let mut alias = None;
    while let Some(path) = prefix {
        alias = tree
            .find(&path)
            .filter(|node| matches!(tree.node(*node).kind, Kind::Alias(_)))
            .or(alias);
        prefix = path.parent();
    }
    if alias.is_none() {
        return problem;
    }
    let Some(node) = tree.find(path) else {
        return problem;
    };
    let range = tree.node(tree.resolve(node)).span.range();
    let line = tree
        .source()
        .get(range.clone())
        .and_then(|text| text.lines().next())
        .unwrap_or_default();
    problem.related(
        Place::Bytes(range.start..range.start + line.len()),
        "the value that the alias repeats",
    )
}

fn not_yet(
    format: &Format,
    tree: &Tree,
    found: &Found,
    path: &Path,
    place: &Place,
) -> Option<Problem> {
    let node = tree.find(path);
    let word = node.map(|node| tree.scalar(node)).unwrap_or_default();
    let is_map = node.is_some_and(|node| matches!(tree.kind(node), Kind::Map(_)));
    let what = match &found.wrong {
        Wrong::UnknownField { .. } => later::key(format, path),
        Wrong::Unfit { .. } if is_map => later::key(format, path),
        Wrong::UnknownWord { .. } | Wrong::Unfit { .. } => later::word(format, path, word),

        Wrong::MissingField(_) | Wrong::Other(_) => None,
    }?;
    let written = path.segments().last().map(step).unwrap_or_default();
    let key = if word.is_empty() {
        written
    } else {
        format!("{written}: {}", shown(word))
    };
    let message = format!("this farmctl does not have {what} yet");
    Some(
        Problem::error("not-yet", place.clone(), message)
            .labelled("comes with a later farmctl")
            .helped(format!("leave `{key}` out")),
    )
}

fn step(segment: &Segment) -> String {
    match segment {
        Segment::Key(key) => shown(key),
        Segment::Index(index) => format!("[{index}]"),
    }
}

/// ` in services.http`, nothing at the top level.
fn inside(path: Option<Path>) -> String {
    match path {
        Some(path) if !path.segments().is_empty() => format!(" in `{path}`"),
        _ => " at the top level".to_owned(),
    }
}

fn unknown_key(field: &str, known: &[&str], path: &Path, place: Place) -> Problem {
    let message = format!("unknown key `{}`{}", shown(field), inside(path.parent()));
    let problem = Problem::error("unknown-key", place, message);
    match suggest::nearest(field, known.iter().copied()) {
        Some(near) => {
            problem
                .labelled(format!("did you mean `{near}`?"))
                .helped(match known.len() {
                    0..=LISTED => format!("known here: {}", suggest::listed(known)),
                    _ => format!("write `{near}`, or remove `{}`", shown(field)),
                })
        }
        None => problem.labelled("not known here").helped(known_keys(known)),
    }
}

fn known_keys(known: &[&str]) -> String {
    match known {
        [] => "no key is known here; remove it".to_owned(),
        _ => format!("known here: {}", suggest::listed(known)),
    }
}

fn unknown_word(word: &str, known: &[&str], path: &Path, place: Place) -> Problem {
    let message = format!("unknown {} `{}`", kind_of(path), shown(word));
    let problem = Problem::error("unknown-word", place, message);
    let problem = match suggest::nearest(word, known.iter().copied()) {
        Some(near) => problem.labelled(format!("did you mean `{near}`?")),
        None => problem.labelled("not known here"),
    };
    problem.helped(match known {
        [one] => format!("it can only be `{one}`"),
        _ => format!("it is one of {}", suggest::listed(known)),
    })
}

/// What a word is a name of: the last key of its path that is a key of the format.
fn kind_of(path: &Path) -> String {
    let keys = path
        .segments()
        .iter()
        .rev()
        .filter_map(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            Segment::Index(_) => None,
        });
    let formats = [
        "scheduler",
        "forwarding",
        "tunnel",
        "protocol",
        "dataplane",
        "ownership",
        "check",
        "checksum",
    ];
    let known = keys.into_iter().find(|key| formats.contains(key));
    match known {
        Some("forwarding") => "forwarding method".to_owned(),
        Some("dataplane") => "data plane".to_owned(),
        Some(known) => known.to_owned(),
        None => "word".to_owned(),
    }
}

fn missing_key(format: &Format, field: &str, path: &Path, place: Place) -> Problem {
    let message = format!("the key `{field}` is missing{}", inside(Some(path.clone())));
    Problem::error("missing-key", place, message)
        .labelled(format!("needs `{field}`"))
        .helped(format!(
            "add `{field}: …`; {} says what it is",
            format.reference.words(&path.key(field))
        ))
}

fn unfit(format: &Format, tree: &Tree, expected: &str, path: &Path, place: Place) -> Problem {
    let Some(node) = tree.find(path) else {
        return Problem::error("wrong-type", place, format!("expected {expected}"));
    };
    let expected = expected_in_words(expected);
    if is_nothing(tree, node) {
        return Problem::error("no-value", place, format!("`{path}` has no value"))
            .labelled("nothing after the `:`")
            .helped(format!("write {expected}, or remove the key"));
    }
    let message = format!("`{path}` must be {expected}, not {}", described(tree, node));
    let problem = Problem::error("wrong-type", place, message).labelled("does not fit");
    match remedy(tree, node, &expected) {
        Some(help) => problem.helped(help),
        None => problem.helped(format!(
            "{} says what belongs here",
            format.reference.words(path)
        )),
    }
}

fn is_nothing(tree: &Tree, node: NodeId) -> bool {
    matches!(tree.kind(node), Kind::Scalar(Style::Plain, _))
        && plain(tree.scalar(node)) == Plain::Nothing
}

const TRUTH: &str = "`true` or `false`";
const TEXT: &str = "a text";

fn expected_in_words(expected: &str) -> String {
    let number = |highest: u64| format!("a whole number from 0 to {highest}");
    match expected {
        "u8" => number(u64::from(u8::MAX)),
        "u16" => number(u64::from(u16::MAX)),
        "u32" => number(u64::from(u32::MAX)),
        "u64" => number(u64::MAX),
        "a boolean" => TRUTH.to_owned(),
        "a string" => TEXT.to_owned(),
        "a sequence" => "a list".to_owned(),
        "IP address" => "an IPv4 or IPv6 address".to_owned(),
        _ if expected.starts_with("struct ") => "a map".to_owned(),
        _ => expected.to_owned(),
    }
}

/// A node in words: `the text "80"`, `a list`.
pub(super) fn described(tree: &Tree, node: NodeId) -> String {
    let text = tree.scalar(node);
    match tree.kind(node) {
        Kind::List(_) => "a list".to_owned(),
        Kind::Map(_) => "a map".to_owned(),
        Kind::Alias(_) => "an alias".to_owned(),
        Kind::Scalar(Style::Quoted, _) => format!("the text `{}`", shown(text)),
        Kind::Scalar(Style::Plain, _) => match plain(text) {
            Plain::Nothing => "nothing".to_owned(),
            Plain::Bool(_) => format!("`{text}`"),
            Plain::Unsigned(_) | Plain::Negative(_) | Plain::Float(_) => {
                format!("the number {}", shown(text))
            }
            Plain::Text => format!("the text `{}`", shown(text)),
        },
    }
}

/// What to write instead, where it can be guessed.
fn remedy(tree: &Tree, node: NodeId, expected: &str) -> Option<String> {
    let text = tree.scalar(node);
    match tree.kind(node) {
        Kind::List(_) if expected == "a map" => {
            Some("write a name and `:` before each entry, instead of `- `".to_owned())
        }
        Kind::Map(_) if expected == "a list" => Some("begin each item with `- `".to_owned()),
        Kind::Scalar(..) if expected == "a list" && !text.is_empty() => {
            Some(format!("write `[{}]`", shown(text)))
        }
        Kind::Scalar(..) if expected.starts_with("a whole number") => number_remedy(text),
        Kind::Scalar(style, _) if expected == TRUTH => truth_remedy(*style, text),
        Kind::Scalar(Style::Plain, _) if plain(text) != Plain::Text && expects_text(expected) => {
            Some(format!("write it in quotes: \"{}\"", shown(text)))
        }
        Kind::Scalar(..) | Kind::Map(_) | Kind::List(_) | Kind::Alias(_) => None,
    }
}

fn expects_text(expected: &str) -> bool {
    [TEXT, "a name", "the name of an interface"].contains(&expected)
}

fn number_remedy(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(text) && (text == "0" || !text.starts_with('0')) {
        let fits = text.len() < 5;
        return fits.then(|| format!("write it without quotes: {text}"));
    }
    let plain_digits = digits.trim_start_matches('0');
    is_number(&digits).then(|| {
        format!(
            "write it as {}",
            if plain_digits.is_empty() {
                "0"
            } else {
                plain_digits
            }
        )
    })
}

fn truth_remedy(style: Style, text: &str) -> Option<String> {
    match text.to_lowercase().as_str() {
        word @ ("true" | "false") if style == Style::Quoted => {
            Some(format!("write it without quotes: {word}"))
        }
        "yes" | "on" | "y" | "1" => {
            Some("write `true`: YAML 1.2 has no other word for it".to_owned())
        }
        "no" | "off" | "n" | "0" => {
            Some("write `false`: YAML 1.2 has no other word for it".to_owned())
        }
        _ => None,
    }
}

/// A message of a value's own; what to do about it stands after `; `.
fn other(tree: &Tree, message: &str, path: &Path, place: Place) -> Problem {
    if message == "invalid IP address syntax" {
        return not_an_address(tree, path, place);
    }
    let (what, help) = match message.split_once("; ") {
        Some((what, help)) => (what, Some(help)),
        None => (message, None),
    };
    let mut problem = Problem::error("wrong-value", place, what).labelled("not valid");
    problem.help = help.map(str::to_owned);
    problem
}

fn not_an_address(tree: &Tree, path: &Path, place: Place) -> Problem {
    let text = tree
        .find(path)
        .map(|node| tree.scalar(node))
        .unwrap_or_default();
    let message = format!("`{}` is not an address", shown(text));
    let problem = Problem::error("wrong-value", place, message).labelled("not valid");
    match text.split_once('/') {
        Some((address, _)) => problem.helped(format!(
            "write it without a prefix length: {}",
            shown(address)
        )),
        None => problem.helped("write an IPv4 or IPv6 address such as 10.0.0.21 or 2001:db8::21"),
    }
}
