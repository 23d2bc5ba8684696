//! Names of the DNS: text to bytes (RFC 1035 section 3.1), and bytes with compression pointers back
//! (section 4.1.4).
//!
//! Pure. Used by [`super::message`].

use std::fmt;

use super::message::Malformed;

/// The longest label and the longest name, in bytes (RFC 1035 section 2.3.4).
const LABEL_LIMIT: usize = 63;
const NAME_LIMIT: usize = 255;

/// A name without compression, in lower case: names that are equal for the DNS are equal here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Vec<u8>);

/// A text that is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Two dots in a row, or one at the beginning.
    #[error("`{0}` has an empty label: two dots in a row, or one at the beginning")]
    EmptyLabel(String),
    /// More than 63 bytes between dots.
    #[error("`{0}` has more than 63 characters between two dots")]
    LongLabel(String),
    /// More than 255 bytes in all.
    #[error("`{0}` is longer than 253 characters")]
    Long(String),
}

impl Name {
    /// The root.
    pub fn root() -> Self {
        Self(vec![0])
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0 == [0]
    }

    /// The name as it stands in a message.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads what a user writes; the last dot may be left out. No escapes: `_dmarc.example.com`
    /// and everything else that is asked for in practice needs none.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let trimmed = text.strip_suffix('.').unwrap_or(text);
        if trimmed.is_empty() {
            return Ok(Self::root());
        }
        let mut bytes = Vec::with_capacity(trimmed.len() + 2);
        for label in trimmed.split('.') {
            push_label(&mut bytes, label, text)?;
        }
        bytes.push(0);
        if bytes.len() > NAME_LIMIT {
            return Err(BadName::Long(text.to_owned()));
        }
        Ok(Self(bytes))
    }

    /// Reads the name that begins at `start` of a message, and where the message goes on after it.
    ///
    /// Each pointer must point before the one that led to it, so that they end; the name's length
    /// is bounded, too.
    pub(super) fn read(message: &[u8], start: usize) -> Result<(Self, usize), Malformed> {
        let mut name = Vec::new();
        let mut at = start;
        let mut lowest = start;
        let mut after = None;
        loop {
            match step(message, at)? {
                Step::End => {
                    name.push(0);
                    return Ok((Self(name), after.unwrap_or(at + 1)));
                }
                Step::Label(label) => {
                    append(&mut name, label)?;
                    at += 1 + label.len();
                }
                Step::Pointer(target) => {
                    if target >= lowest {
                        return Err(Malformed::Pointer);
                    }
                    after.get_or_insert(at + 2);
                    lowest = target;
                    at = target;
                }
            }
        }
    }
}

/// What stands at one place of a name.
enum Step<'a> {
    End,
    Label(&'a [u8]),
    Pointer(usize),
}

fn step(message: &[u8], at: usize) -> Result<Step<'_>, Malformed> {
    let byte = *message.get(at).ok_or(Malformed::Short)?;
    let length = usize::from(byte);
    match byte >> 6 {
        0 if byte == 0 => Ok(Step::End),
        0 => {
            let label = message.get(at + 1..=at + length);
            label.map(Step::Label).ok_or(Malformed::Short)
        }
        3 => {
            let low = *message.get(at + 1).ok_or(Malformed::Short)?;
            Ok(Step::Pointer((length & 0x3f) << 8 | usize::from(low)))
        }
        // Extended labels (RFC 6891 section 5) were given up.
        _ => Err(Malformed::Label),
    }
}

/// Appends a label as it is read; one more byte is left for the end.
fn append(name: &mut Vec<u8>, label: &[u8]) -> Result<(), Malformed> {
    let length = u8::try_from(label.len()).map_err(|_| Malformed::Label)?;
    if name.len() + label.len() + 2 > NAME_LIMIT {
        return Err(Malformed::LongName);
    }
    name.push(length);
    name.extend(label.iter().map(u8::to_ascii_lowercase));
    Ok(())
}

fn push_label(bytes: &mut Vec<u8>, label: &str, whole: &str) -> Result<(), BadName> {
    if label.is_empty() {
        return Err(BadName::EmptyLabel(whole.to_owned()));
    }
    let length = u8::try_from(label.len()).ok();
    let Some(length) = length.filter(|length| usize::from(*length) <= LABEL_LIMIT) else {
        return Err(BadName::LongLabel(whole.to_owned()));
    };
    bytes.push(length);
    bytes.extend(label.bytes().map(|byte| byte.to_ascii_lowercase()));
    Ok(())
}

/// The name with dots, as `www.example.com`; bytes that are no plain text are escaped.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        let mut rest = self.0.as_slice();
        let mut dot = "";
        while let Some((length, after)) = rest.split_first() {
            let (label, after) = after
                .split_at_checked(usize::from(*length))
                .unwrap_or_default();
            if !label.is_empty() {
                write!(f, "{dot}{}", label.escape_ascii())?;
            }
            dot = ".";
            rest = after;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_written_as_labels() {
        let name = Name::parse("WWW.Example.com.").unwrap();
        assert_eq!(name.as_bytes(), b"\x03www\x07example\x03com\x00");
        assert_eq!(name.to_string(), "www.example.com");
        assert_eq!(Name::parse("."), Ok(Name::root()));
        assert_eq!(Name::parse(""), Ok(Name::root()));
    }

    #[test]
    fn a_text_that_is_no_name_is_refused() {
        assert!(matches!(Name::parse("a..b"), Err(BadName::EmptyLabel(_))));
        assert!(matches!(Name::parse(".a"), Err(BadName::EmptyLabel(_))));
        let long = "a".repeat(64);
        assert!(matches!(Name::parse(&long), Err(BadName::LongLabel(_))));
        let long = "abcdefgh.".repeat(30);
        assert!(matches!(Name::parse(&long), Err(BadName::Long(_))));
    }

    #[test]
    fn a_pointer_is_followed_backwards() {
        let message = b"\x07example\x03com\x00\x03WWW\xc0\x00rest";
        let (name, after) = Name::read(message, 13).unwrap();
        assert_eq!(name.to_string(), "www.example.com");
        assert_eq!(message.get(after..), Some(&b"rest"[..]));
    }

    #[test]
    fn pointers_that_loop_or_point_forward_are_refused() {
        for message in [
            &b"\xc0\x00"[..],
            b"\x01a\xc0\x00",
            b"\xc0\x02\x01a\x00",
            b"\xc0\x04\x00\x00\xc0\x00",
        ] {
            assert_eq!(
                Name::read(message, 0),
                Err(Malformed::Pointer),
                "{message:?}"
            );
        }
        // A label, then a pointer to that label: each turn would make the name longer.
        assert_eq!(Name::read(b"\x00\x01a\xc0\x01", 1), Err(Malformed::Pointer));
    }

    #[test]
    fn a_name_that_ends_too_early_is_refused() {
        for message in [&b""[..], b"\x05abc", b"\x01a", b"\xc0"] {
            assert_eq!(Name::read(message, 0), Err(Malformed::Short), "{message:?}");
        }
        assert_eq!(Name::read(b"\x41a\x00", 0), Err(Malformed::Label));
    }

    proptest! {
        #[test]
        fn a_written_name_reads_as_itself(labels in proptest::collection::vec("[a-z0-9_-]{1,20}", 0..10)) {
            let name = Name::parse(&labels.join(".")).unwrap();
            let (read, after) = Name::read(name.as_bytes(), 0).unwrap();
            prop_assert_eq!(after, name.as_bytes().len());
            prop_assert_eq!(read, name);
        }

        #[test]
        fn no_bytes_make_a_name_too_long(bytes in proptest::collection::vec(any::<u8>(), 0..600), start in 0_usize..600) {
            if let Ok((name, after)) = Name::read(&bytes, start) {
                prop_assert!(name.as_bytes().len() <= NAME_LIMIT);
                prop_assert!(after <= bytes.len());
                prop_assert!(!name.to_string().is_empty());
            }
        }
    }
}
