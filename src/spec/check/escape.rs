//! Texts of the file that stand for bytes: `\r`, `\n`, `\t`, `\\`, `\0` and `\xNN`.
//!
//! Pure. Called by `validate`, and by every kind of `probe` that sends what the file says.

/// The bytes that a text stands for. A backslash that begins nothing known is refused.
///
/// ```
/// use farmctl::spec::escape::bytes;
/// assert_eq!(bytes(r"PING\r\n"), Ok(b"PING\r\n".to_vec()));
/// assert!(bytes(r"\q").is_err());
/// ```
pub fn bytes(text: &str) -> Result<Vec<u8>, BadEscape> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let (byte, length) = one(escaped)?;
        bytes.push(byte);
        rest = escaped.get(length..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// A backslash that begins nothing known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`\\{0}` stands for no byte: there are \\r, \\n, \\t, \\0, \\\\ and \\xNN")]
pub struct BadEscape(String);

/// The byte that stands after a backslash, and how much of the text it takes.
fn one(escaped: &str) -> Result<(u8, usize), BadEscape> {
    let first = escaped.chars().next();
    let byte = match first {
        Some('r') => b'\r',
        Some('n') => b'\n',
        Some('t') => b'\t',
        Some('0') => 0,
        Some('\\') => b'\\',
        Some('x') => return hexadecimal(escaped),
        Some(_) | None => return Err(BadEscape(first.into_iter().collect())),
    };
    Ok((byte, 1))
}

fn hexadecimal(escaped: &str) -> Result<(u8, usize), BadEscape> {
    let digits = escaped.get(1..3).unwrap_or_default();
    let all = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match u8::from_str_radix(digits, 16) {
        Ok(byte) if all => Ok((byte, 3)),
        Ok(_) | Err(_) => Err(BadEscape(format!("x{digits}"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_escape_is_one_byte() {
        assert_eq!(
            bytes(r"a\r\n\t\\\0\x00\xFf\x7ez"),
            Ok(b"a\r\n\t\\\0\x00\xff\x7ez".to_vec())
        );
    }

    #[test]
    fn what_stands_for_no_byte_is_refused_with_what_there_is() {
        for text in [r"\", r"\q", r"\x", r"\x1", r"\xg0", r"\x+1", r"\é", r"\xé1"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        let told = bytes(r"\q").map_err(|bad| bad.to_string());
        assert_eq!(
            told,
            Err(r"`\q` stands for no byte: there are \r, \n, \t, \0, \\ and \xNN".to_owned())
        );
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_written(raw: Vec<u8>) {
            let text: String = raw.iter().fold(String::new(), |text, byte| text + &format!("\\x{byte:02x}"));
            prop_assert_eq!(bytes(&text), Ok(raw));
        }

        #[test]
        fn no_text_is_too_odd(text: String) {
            drop(bytes(&text));
        }
    }
}
