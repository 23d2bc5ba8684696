//! The language of expectations: a line of text to an [`Expectation`].
//!
//! ```text
//! expectation = claim { modifier }
//! claim       = ( "lost" | "errors" | "kept" ) relation amount
//!             | ( "gap" | "p50" … "p99" ) relation duration
//!             | "share" server ":" part [ "±" part ]
//!             | "shares" ":" "by" "weight" [ "±" part ]
//! modifier    = "of" service | "from" duration | "to" duration
//! relation    = ":" | "=" | "<" | "<=" | ">" | ">="
//! amount      = number | part | "all"          part = number "%"
//! ```
//!
//! `+-` is another spelling of `±`. Every mistake is told with the bytes that it is about. Called
//! by `scenario`.

use std::ops::Range;
use std::time::Duration;

use super::words::{Token, Words};
use super::{Amount, Claim, Expectation, Percentile, Relation, Window};
use crate::spec::{Name, nearest};

/// What is wrong with the text of an expectation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// The bytes of the text that it is about.
    pub at: Range<usize>,
    /// What is wrong, one sentence without the full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// An expectation, and where its names stand in the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What it says.
    pub expectation: Expectation,
    /// The bytes of the server of a share.
    pub server: Option<Range<usize>>,
    /// The bytes of the service after `of`.
    pub service: Option<Range<usize>>,
    /// The bytes of the lengths of time after `from` and `to`.
    pub window: Option<Range<usize>>,
}

type Result<T> = std::result::Result<T, ParseError>;

/// Every word that a claim begins with.
const CLAIMS: [&str; 8] = [
    "lost", "errors", "gap", "share", "shares", "kept", "p50", "p99",
];

const GRAMMAR: &str = "an expectation is one of `lost: 0`, `lost < 0.1%`, `errors: 0`, `gap < \
                       200ms`, `p99 < 50ms`, `share web1: 30% ± 3%`, `shares: by weight` and \
                       `kept: all`, with `of SERVICE`, `from 2s` and `to 8s` behind it";

/// Reads one expectation.
pub fn parse(text: &str) -> Result<Parsed> {
    let mut words = Words::new(text);
    let (claim, server) = claim(&mut words)?;
    let mut parsed = Parsed {
        expectation: Expectation {
            text: text.trim().to_owned(),
            claim,
            of: None,
            window: Window::default(),
        },
        server,
        service: None,
        window: None,
    };
    while let Some(token) = words.take() {
        modifier(&mut parsed, &mut words, &token)?;
    }
    Ok(parsed)
}

fn claim(words: &mut Words<'_>) -> Result<(Claim, Option<Range<usize>>)> {
    let Some(first) = words.take() else {
        return Err(error(0..0, "the expectation is empty", GRAMMAR));
    };
    let claim = match first.text {
        "lost" => amount_claim(words, Claim::Lost)?,
        "errors" => amount_claim(words, Claim::Errors)?,
        "kept" => amount_claim(words, Claim::Kept)?,
        "gap" => {
            let (relation, length) = bound(words, "gap")?;
            Claim::Gap(relation, length)
        }
        "shares" => shares(words)?,
        "share" => return share(words),
        word if word.starts_with("owners") => return Err(owners(&first)),
        word => match percentile(word) {
            Some(percentile) => {
                let (relation, length) = bound(words, word)?;
                Claim::Latency(percentile, relation, length)
            }
            None => return Err(unknown_claim(&first)),
        },
    };
    Ok((claim, None))
}

fn owners(token: &Token<'_>) -> ParseError {
    error(
        token.at.clone(),
        "who owns a floating address is decided between directors, which this farmctl does not do yet",
        "leave the expectation out",
    )
}

fn unknown_claim(token: &Token<'_>) -> ParseError {
    let message = format!("unknown expectation `{}`", token.text);
    match nearest(token.text, CLAIMS) {
        Some(near) => error(token.at.clone(), message, format!("did you mean `{near}`?")),
        None => error(token.at.clone(), message, GRAMMAR),
    }
}

fn percentile(word: &str) -> Option<Percentile> {
    let number = word.strip_prefix('p')?.parse().ok()?;
    (1..=99).contains(&number).then_some(Percentile(number))
}

fn amount_claim(words: &mut Words<'_>, make: fn(Relation, Amount) -> Claim) -> Result<Claim> {
    let relation = relation(words)?;
    let token = words.expect("a number such as `0`, or a part such as `0.1%`")?;
    Ok(make(relation, amount(&token)?))
}

fn relation(words: &mut Words<'_>) -> Result<Relation> {
    let token = words.expect("`:`, `<`, `<=`, `>` or `>=`")?;
    match token.text {
        ":" | "=" => Ok(Relation::Is),
        "<" => Ok(Relation::Below),
        "<=" => Ok(Relation::AtMost),
        ">" => Ok(Relation::Above),
        ">=" => Ok(Relation::AtLeast),
        text => Err(error(
            token.at.clone(),
            format!("`{text}` stands where a comparison is expected"),
            "write `:`, `<`, `<=`, `>` or `>=`",
        )),
    }
}

fn amount(token: &Token<'_>) -> Result<Amount> {
    if token.text == "all" {
        return Ok(Amount::Part(1.0));
    }
    if token.text.ends_with('%') {
        return part(token).map(Amount::Part);
    }
    token.text.parse().map(Amount::Count).map_err(|_| {
        error(
            token.at.clone(),
            format!("`{}` is not a number of requests", token.text),
            "write a whole number such as `0`, a part such as `0.1%`, or `all`",
        )
    })
}

/// A part of all, from 0 to 1.
fn part(token: &Token<'_>) -> Result<f64> {
    let number = token.text.strip_suffix('%').and_then(|number| {
        let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if plain {
            number.parse::<f64>().ok()
        } else {
            None
        }
    });
    match number {
        Some(number) if number <= 100.0 => Ok(number / 100.0),
        _ => Err(error(
            token.at.clone(),
            format!("`{}` is not a part of the connections", token.text),
            "write a number from 0 to 100 with `%`, such as `30%`",
        )),
    }
}

/// `< 200ms`.
fn bound(words: &mut Words<'_>, what: &str) -> Result<(Relation, Duration)> {
    let before = words.place();
    let relation = relation(words)?;
    let token = words.expect("a length of time such as `200ms`")?;
    let length = length(&token)?;
    if relation == Relation::Is {
        return Err(error(
            before,
            format!("a measured time is never exactly {}", token.text),
            format!("write `{what} < {}`", token.text),
        ));
    }
    Ok((relation, length))
}

fn length(token: &Token<'_>) -> Result<Duration> {
    let parsed: std::result::Result<crate::spec::Duration, _> = token.text.parse();
    parsed.map(|length| length.0).map_err(|wrong| {
        let wrong = wrong.to_string();
        let (message, help) = wrong.split_once("; ").unwrap_or((&wrong, ""));
        error(token.at.clone(), message, help)
    })
}

fn share(words: &mut Words<'_>) -> Result<(Claim, Option<Range<usize>>)> {
    let server = words.expect("the name of a server, as in `share web1: 30%`")?;
    let colon = words.expect("`:` and a part such as `30%`")?;
    if colon.text != ":" {
        return Err(error(
            colon.at.clone(),
            format!("`{}` stands where `:` is expected", colon.text),
            format!("write `share {}: 30% ± 3%`", server.text),
        ));
    }
    let part = part(&words.expect("a part such as `30%`")?)?;
    let claim = Claim::Share {
        server: server.text.to_owned(),
        part,
        tolerance: tolerance(words)?,
    };
    Ok((claim, Some(server.at)))
}

fn shares(words: &mut Words<'_>) -> Result<Claim> {
    for expected in [":", "by", "weight"] {
        let token = words.expect("`: by weight`")?;
        if token.text != expected {
            return Err(error(
                token.at.clone(),
                format!("`{}` stands where `{expected}` is expected", token.text),
                "write `shares: by weight`, or `share web1: 30% ± 3%` for one server",
            ));
        }
    }
    Ok(Claim::Shares {
        tolerance: tolerance(words)?,
    })
}

fn tolerance(words: &mut Words<'_>) -> Result<Option<f64>> {
    if words.take_if("±").is_none() {
        return Ok(None);
    }
    part(&words.expect("how far the part may be off, such as `3%`")?).map(Some)
}

fn modifier(parsed: &mut Parsed, words: &mut Words<'_>, token: &Token<'_>) -> Result<()> {
    match token.text {
        "of" if parsed.service.is_none() => {
            let name = words.expect("the name of a service")?;
            let service: Name = name.text.parse().map_err(|_| {
                let message = format!("`{}` is not the name of a service", name.text);
                error(
                    name.at.clone(),
                    message,
                    "write `of` and the name of a service",
                )
            })?;
            parsed.expectation.of = Some(service);
            parsed.service = Some(name.at);
        }
        "from" if parsed.expectation.window.from.is_none() => {
            parsed.expectation.window.from = Some(time(parsed, words)?);
        }
        "to" if parsed.expectation.window.to.is_none() => {
            parsed.expectation.window.to = Some(time(parsed, words)?);
        }
        word @ ("of" | "from" | "to") => {
            return Err(error(
                token.at.clone(),
                format!("`{word}` stands here twice"),
                "keep one of them",
            ));
        }
        word => {
            return Err(error(
                token.at.clone(),
                format!("`{word}` does not belong here"),
                "behind the claim come `of SERVICE`, `from 2s` and `to 8s`, nothing else",
            ));
        }
    }
    Ok(())
}

fn time(parsed: &mut Parsed, words: &mut Words<'_>) -> Result<Duration> {
    let token = words.expect("a time such as `2s`")?;
    let start = parsed.window.as_ref().map_or(token.at.start, |at| at.start);
    parsed.window = Some(start..token.at.end);
    length(&token)
}

fn error(at: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> ParseError {
    ParseError {
        at,
        message: message.into(),
        help: help.into(),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
