//! Replies of a mail server, line by line (RFC 5321 section 4.2).
//!
//! Pure: lines in, a reply out. Used by [`super`].

use crate::probe::Failure;
use crate::probe::conversation::beginning;

/// A line is at most this long, in bytes. RFC 5321 section 4.5.3.1.5 allows 512; some send more.
pub const LINE_LIMIT: usize = 2048;

/// A reply has at most this many lines.
pub const LINES_LIMIT: usize = 128;

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// The texts after the code, one for each line.
    pub texts: Vec<String>,
}

/// A reply whose last line has not come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partial {
    code: Option<u16>,
    texts: Vec<String>,
}

impl Partial {
    /// Takes the next line. The reply, once it is whole: the last line has no `-` after its code.
    pub fn take(&mut self, line: &[u8]) -> Result<Option<Reply>, Failure> {
        let (code, is_last, text) = parse(line)
            .ok_or_else(|| Failure::broken(format!("no reply of SMTP: {}", beginning(line))))?;
        let first = *self.code.get_or_insert(code);
        if first != code {
            return Err(Failure::broken(format!(
                "a reply with two codes, {first} and {code}"
            )));
        }
        if self.texts.len() >= LINES_LIMIT {
            return Err(Failure::broken(format!(
                "a reply of more than {LINES_LIMIT} lines"
            )));
        }
        self.texts.push(String::from_utf8_lossy(text).into_owned());
        if !is_last {
            return Ok(None);
        }
        Ok(Some(Reply {
            code,
            texts: std::mem::take(&mut self.texts),
        }))
    }
}

impl Reply {
    /// Whether it answers EHLO with this keyword (RFC 5321 section 4.1.1.1). The first line is
    /// the greeting, whatever it says.
    pub fn offers(&self, keyword: &str) -> bool {
        let offered = self.texts.iter().skip(1);
        offered
            .filter_map(|text| text.split_ascii_whitespace().next())
            .any(|word| word.eq_ignore_ascii_case(keyword))
    }
}

/// The code and the first text, as `421 "too busy"`.
impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.texts.first().map_or("", String::as_str).trim();
        if text.is_empty() {
            return write!(f, "{}", self.code);
        }
        write!(f, "{} {}", self.code, beginning(text.as_bytes()))
    }
}

/// The code, whether the line is the last, and its text.
fn parse(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code = std::str::from_utf8(digits).ok()?;
    let code = code
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(code)?
        .parse()
        .ok()?;
    match rest.split_first() {
        None => Some((code, true, b"")),
        Some((b' ', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(lines: &[&str]) -> Reply {
        let mut partial = Partial::default();
        let mut last = None;
        for line in lines {
            assert_eq!(last, None, "the reply ended before {line:?}");
            last = partial.take(line.as_bytes()).unwrap();
        }
        last.unwrap()
    }

    #[test]
    fn a_reply_of_many_lines_ends_with_the_one_without_a_dash() {
        let reply = whole(&[
            "250-mx.example.com Hello",
            "250-STARTTLS",
            "250-SIZE 35882577",
            "250 8BITMIME",
        ]);
        assert_eq!(reply.code, 250);
        assert!(reply.offers("starttls"));
        assert!(reply.offers("SIZE"));
        assert!(!reply.offers("AUTH"));
        assert_eq!(reply.to_string(), "250 \"mx.example.com Hello\"");
    }

    #[test]
    fn a_greeting_of_one_line_is_whole() {
        assert_eq!(whole(&["220"]).to_string(), "220");
        assert_eq!(whole(&["421 too busy"]).to_string(), "421 \"too busy\"");
    }

    #[test]
    fn a_servers_own_name_is_no_offer() {
        assert!(!whole(&["250 STARTTLS"]).offers("STARTTLS"));
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for line in ["", "22", "+220 x", "22a x", "220x", "SSH-2.0-OpenSSH_9.2"] {
            let refused = Partial::default().take(line.as_bytes());
            assert!(refused.is_err(), "{line:?}");
        }
        let mut partial = Partial::default();
        partial.take(b"250-one").unwrap();
        assert!(partial.take(b"220 two").is_err());
    }

    #[test]
    fn a_reply_without_end_is_refused_at_the_limit() {
        let mut partial = Partial::default();
        for _ in 0..LINES_LIMIT {
            assert_eq!(partial.take(b"250-more"), Ok(None));
        }
        assert!(partial.take(b"250-more").is_err());
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..8)) {
            let mut partial = Partial::default();
            for line in lines {
                if let Ok(Some(reply)) = partial.take(&line) {
                    prop_assert!(!reply.to_string().chars().any(char::is_control));
                }
            }
        }
    }
}
