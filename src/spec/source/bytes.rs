//! Bytes to text: what no YAML file may hold is refused here, before the parser sees it.

use crate::spec::{Place, Problem};

/// The longest file that is read, in bytes.
pub(super) const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The text of a file, or the one thing for which it cannot be read (beside the text as far as it
/// can be shown).
pub(super) fn decode(bytes: &[u8]) -> Result<String, Box<(String, Problem)>> {
    if bytes.len() > MAX_BYTES {
        return Err(Box::new((String::new(), too_long(bytes.len()))));
    }
    if let Some(encoding) = other_encoding(bytes) {
        return Err(Box::new((String::new(), not_utf8_but(encoding))));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(Box::new(not_utf8(bytes, error.valid_up_to()))),
    };
    match text.char_indices().find(|(_, c)| is_refused(*c)) {
        None => Ok(text.to_owned()),
        Some((place, c)) => {
            let problem = control_character(place, c);
            Err(Box::new((text.replace(is_refused, REPLACEMENT), problem)))
        }
    }
}

/// What stands in a message for a character that would disturb a terminal.
const REPLACEMENT: &str = "\u{fffd}";

/// YAML 1.2, production 1 (`c-printable`), without C1 controls.
fn is_refused(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}')
        || matches!(c, '\u{fffe}' | '\u{ffff}')
}

fn too_long(length: usize) -> Problem {
    let message =
        format!("the file has {length} bytes; farmctl reads at most {MAX_BYTES} (16 MiB)");
    Problem::error("too-large", Place::Bytes(0..0), message)
        .helped("check that this is the file that you meant")
}

fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b' '..=b'~', ..] | [b' '..=b'~', 0, ..] => {
            Some("UTF-16")
        }
        _ => None,
    }
}

fn not_utf8_but(encoding: &str) -> Problem {
    Problem::error(
        "encoding",
        Place::Bytes(0..0),
        format!("the file is {encoding}, not UTF-8"),
    )
    .helped("save it as UTF-8")
}

fn not_utf8(bytes: &[u8], place: usize) -> (String, Problem) {
    let byte = bytes.get(place).copied().unwrap_or_default();
    let message = format!("the byte 0x{byte:02x} here is not UTF-8");
    let shown = String::from_utf8_lossy(bytes).into_owned();
    let end = (place + char::REPLACEMENT_CHARACTER.len_utf8()).min(shown.len());
    let problem = Problem::error("encoding", Place::Bytes(place..end), message)
        .labelled("not UTF-8")
        .helped("save the file as UTF-8");
    (shown, problem)
}

fn control_character(place: usize, c: char) -> Problem {
    let message = format!(
        "the file holds the control character U+{:04X}",
        u32::from(c)
    );
    Problem::error(
        "control-character",
        Place::Bytes(place..place + REPLACEMENT.len()),
        message,
    )
    .labelled("here")
    .helped("remove it; a text file has none but tabs and ends of lines")
}
