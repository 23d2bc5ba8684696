//! What a bare scalar means: YAML 1.2's core schema (chapter 10.3), and stricter where YAML 1.1
//! reads something else.

/// The meaning of a bare scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Plain {
    Nothing,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    Text,
}

/// Reads a bare scalar.
pub(super) fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Nothing,
        "true" | "True" | "TRUE" => Plain::Bool(true),
        "false" | "False" | "FALSE" => Plain::Bool(false),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) => {
            number(text)
        }
        _ => Plain::Text,
    }
}

fn number(text: &str) -> Plain {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return integer(negative, digits);
    }
    let is_unsigned = text.len() == digits.len();
    if let Some(number) = in_base(text, "0x", 16).or_else(|| in_base(text, "0o", 8))
        && is_unsigned
    {
        return Plain::Unsigned(number);
    }
    float(text, digits)
}

/// `010` is 10 to YAML 1.2 and 8 to YAML 1.1: to farmctl it is no number.
fn integer(negative: bool, digits: &str) -> Plain {
    if digits.len() > 1 && digits.starts_with('0') {
        return Plain::Text;
    }
    let number = digits.parse::<u64>();
    match (negative, number) {
        (false, Ok(number)) => Plain::Unsigned(number),
        (true, Ok(number)) => 0_i64
            .checked_sub_unsigned(number)
            .map_or(Plain::Text, Plain::Negative),
        (_, Err(_)) => digits.parse().map_or(Plain::Text, Plain::Float),
    }
}

fn in_base(text: &str, prefix: &str, base: u32) -> Option<u64> {
    let digits = text.strip_prefix(prefix)?;
    let plain = digits.chars().all(|c| c.is_digit(base));
    if plain {
        u64::from_str_radix(digits, base).ok()
    } else {
        None
    }
}

fn float(text: &str, digits: &str) -> Plain {
    let shaped = digits
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let has_digit = digits.bytes().any(|byte| byte.is_ascii_digit());
    if shaped && has_digit {
        text.parse().map_or(Plain::Text, Plain::Float)
    } else {
        Plain::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_yaml_1_1_stay_texts() {
        for word in [
            "yes", "no", "on", "off", "y", "n", "1_000", "010", "1:30", "0b11",
        ] {
            assert_eq!(plain(word), Plain::Text, "{word}");
        }
    }

    #[test]
    fn numbers_of_yaml_1_2_are_numbers() {
        assert_eq!(plain("80"), Plain::Unsigned(80));
        assert_eq!(plain("0"), Plain::Unsigned(0));
        assert_eq!(plain("-1"), Plain::Negative(-1));
        assert_eq!(plain("0x1f"), Plain::Unsigned(31));
        assert_eq!(plain("0o17"), Plain::Unsigned(15));
        assert_eq!(plain("1.5"), Plain::Float(1.5));
        assert_eq!(plain("-9223372036854775808"), Plain::Negative(i64::MIN));
    }

    #[test]
    fn addresses_and_ranges_are_texts() {
        for text in [
            "10.0.0.1",
            "10.0.0.1/24",
            "30000-30100",
            "-",
            ".",
            "+",
            "10s",
            "...",
        ] {
            assert_eq!(plain(text), Plain::Text, "{text}");
        }
    }

    #[test]
    fn nothing_has_four_spellings() {
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(plain(text), Plain::Nothing, "{text}");
        }
    }
}
