//! One line: logfmt, whatever the values hold.
//!
//! A value that holds anything but plain characters is quoted, and what would end the line or hide
//! something on a terminal is escaped: a real server's banner can't write lines of its own.

use std::fmt::{self, Write};

use tracing::Level;
use tracing::field::{Field, Visit};

use crate::clock::{Clock, SystemClock};

use super::shape::Shape;

/// A value is cut to so many bytes; journald takes lines of 48 KiB.
const LONGEST_VALUE: usize = 4096;

/// A line that is being made.
#[derive(Debug)]
pub(super) struct Line(String);

impl Line {
    /// The beginning: prefix, time, level, target.
    pub(super) fn new(shape: Shape, level: Level, target: &str) -> Self {
        let mut line = Self(shape.prefix(level).to_owned());
        if shape != Shape::Journal {
            let now = SystemClock.unix().as_millis();
            line.raw(
                "time",
                &crate::event::utc(u64::try_from(now).unwrap_or(u64::MAX)),
            );
        }
        line.raw("level", shape.level(level));
        line.value("target", &target);
        line
    }

    /// The sentence.
    pub(super) fn message(mut self, message: &str) -> Self {
        self.value("message", &message);
        self
    }

    /// The line with its end.
    pub(super) fn finish(mut self) -> String {
        self.0.push('\n');
        self.0
    }

    fn raw(&mut self, key: &str, value: &str) {
        if !matches!(self.0.as_bytes().last(), None | Some(b'>')) {
            self.0.push(' ');
        }
        self.0.push_str(key);
        self.0.push('=');
        self.0.push_str(value);
    }

    /// Adds a key with a value, quoted where it has to be.
    pub(super) fn value(&mut self, key: &str, value: &dyn fmt::Display) {
        let mut short = Short(String::new());
        let whole = write!(short, "{value}").is_ok();
        let mut text = short.0;
        if !whole {
            text.push('…');
        }
        if is_plain(&text) {
            self.raw(key, &text);
        } else {
            self.raw(key, &quoted(&text));
        }
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.value(field.name(), &value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.value(field.name(), &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.value(field.name(), &format_args!("{value:?}"));
    }
}

/// Text that grows to [`LONGEST_VALUE`] and not further.
struct Short(String);

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.0.len() + c.len_utf8() > LONGEST_VALUE {
                return Err(fmt::Error);
            }
            self.0.push(c);
        }
        Ok(())
    }
}

/// Whether logfmt takes it without quotes.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && !"\"\\=".contains(c))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_hidden(c) => quoted.extend(c.escape_unicode()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Control characters, line and paragraph separators, and what turns the direction of writing.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
