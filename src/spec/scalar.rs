//! The small values of the file: names, addresses, ports, durations. Each holds only what is valid.

mod measure;
mod place;

pub use measure::{Percent, Rate};
pub use place::{FilePath, SocketAddress};

use std::borrow::Borrow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Why a text is not the value that stands for it.
///
/// The text has two parts, with `; ` between them: what is wrong, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScalarError(String);

impl ScalarError {
    fn new(what: impl fmt::Display, instead: impl fmt::Display) -> Self {
        Self(format!("{what}; {instead}"))
    }
}

/// The version of the file's format: always 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version;

/// A name of something in the file: letters, digits, `-`, `_` and `.`, at most 63 characters,
/// beginning with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// A name that the caller knows to be valid.
    pub(crate) fn new_unchecked(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let goes_on = text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if starts_well && goes_on && text.len() <= 63 {
            return Ok(Self(text.to_owned()));
        }
        Err(ScalarError::new(
            format_args!("`{}` is not a name", shown(text)),
            "a name is at most 63 letters, digits, `-`, `_` and `.`, and begins with a letter or digit",
        ))
    }
}

/// The name of a network interface: at most 15 bytes, no `/`, no white space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceName(String);

impl InterfaceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for InterfaceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for InterfaceName {
    type Err = ScalarError;

    /// The kernel's rule (`dev_valid_name` in net/core/dev.c), without control characters too.
    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let refused = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
        let valid = (1..=15).contains(&text.len()) && !matches!(text, "." | "..");
        if valid && !text.contains(refused) {
            return Ok(Self(text.to_owned()));
        }
        Err(ScalarError::new(
            format_args!("`{}` is not the name of an interface", shown(text)),
            "Linux allows 1 to 15 bytes without `/`, `:` and white space",
        ))
    }
}

/// An address with or without a prefix length: `192.0.2.10/24`, `2001:db8::10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressWithPrefix {
    /// The address.
    pub address: IpAddr,
    /// The prefix length, where one is written.
    pub prefix: Option<u8>,
}

impl fmt::Display for AddressWithPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix {
            Some(prefix) => write!(f, "{}/{prefix}", self.address),
            None => self.address.fmt(f),
        }
    }
}

impl FromStr for AddressWithPrefix {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address = IpAddr::from_str(address).map_err(|_| not_an_address(text))?;
        let prefix = prefix
            .map(|prefix| prefix_length(address, prefix))
            .transpose()?;
        Ok(Self { address, prefix })
    }
}

fn not_an_address(text: &str) -> ScalarError {
    ScalarError::new(
        format_args!("`{}` is not an address", shown(text)),
        "write an IPv4 or IPv6 address such as `192.0.2.10/24` or `2001:db8::10/64`",
    )
}

fn prefix_length(address: IpAddr, text: &str) -> Result<u8, ScalarError> {
    let longest = if address.is_ipv4() { 32 } else { 128 };
    decimal(text)
        .filter(|length| *length <= longest)
        .ok_or_else(|| {
            ScalarError::new(
                format_args!("`/{}` is not a prefix length of {address}", shown(text)),
                format_args!("a prefix length here is a number from 0 to {longest}"),
            )
        })
}

/// A length of time with a unit: `50ms`, `10s`, `5m`, `1h`, `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub std::time::Duration);

/// The units of a [`Duration`], longest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl fmt::Display for Duration {
    /// The shortest text that is exact to the millisecond, below which nothing can be written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        if milliseconds == 0 {
            return f.write_str("0s");
        }
        for (unit, size) in UNITS {
            if milliseconds.is_multiple_of(u128::from(size)) {
                return write!(f, "{}{unit}", milliseconds / u128::from(size));
            }
        }
        Ok(())
    }
}

impl FromStr for Duration {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        if unit.is_empty() && !digits.is_empty() {
            return Err(Self::without_unit(digits));
        }
        let size = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, size)| *size);
        size.and_then(|size| digits.parse::<u64>().ok()?.checked_mul(size))
            .map(|milliseconds| Self(std::time::Duration::from_millis(milliseconds)))
            .ok_or_else(|| {
                ScalarError::new(
                    format_args!("`{}` is not a length of time", shown(text)),
                    "write a whole number with one unit: `50ms`, `10s`, `5m`, `1h` or `1d`",
                )
            })
    }
}

impl Duration {
    /// The error for a bare number.
    pub(super) fn without_unit<N: fmt::Display>(number: N) -> ScalarError {
        ScalarError::new(
            format_args!("`{number}` has no unit"),
            format_args!(
                "a length of time needs one: `{number}s` is seconds, `{number}ms` milliseconds"
            ),
        )
    }
}

/// A port, `443`, or a range of ports, `30000-30100`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortSpec {
    /// The lowest port, at least 1.
    pub first: u16,
    /// The highest port, not below the first.
    pub last: u16,
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return self.first.fmt(f);
        }
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl PortSpec {
    /// A single port.
    pub fn single(port: u64) -> Result<Self, ScalarError> {
        match u16::try_from(port) {
            Ok(port @ 1..) => Ok(Self {
                first: port,
                last: port,
            }),
            _ => Err(not_a_port(port)),
        }
    }
}

impl FromStr for PortSpec {
    type Err = ScalarError;

    /// A range of ports only: a single port is a number, not a text.
    fn from_str(text: &str) -> Result<Self, ScalarError> {
        if decimal::<u64>(text).is_some() {
            return Err(ScalarError::new(
                format_args!("the port `{text}` is in quotes"),
                "write it without quotes",
            ));
        }
        let range = text.split_once('-').and_then(|(first, last)| {
            Some(Self {
                first: decimal(first)?,
                last: decimal(last)?,
            })
        });
        match range {
            Some(range) if range.first == 0 => Err(not_a_port(text)),
            Some(range) if range.first > range.last => Err(ScalarError::new(
                format_args!("the range of ports `{text}` ends before it begins"),
                format_args!("write `{}-{}`", range.last, range.first),
            )),
            Some(range) => Ok(range),
            None => Err(not_a_port(shown(text))),
        }
    }
}

fn not_a_port(text: impl fmt::Display) -> ScalarError {
    ScalarError::new(
        format_args!("`{text}` is neither a port nor a range of ports"),
        "write a number from 1 to 65535, or two of them as in `30000-30100`",
    )
}

/// A number as people write it: digits only, no sign, no leading zero.
fn decimal<T: FromStr>(text: &str) -> Option<T> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if plain && !leading_zero {
        text.parse().ok()
    } else {
        None
    }
}

/// The text as a message shows it: printable, and not longer than a line.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    if text.chars().nth(64).is_some() {
        shown.push('…');
    }
    shown
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

/// A value, or the word `none` that unsets a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrNone<T> {
    /// The word `none`.
    None,
    /// A value.
    Some(T),
}

/// Status codes of HTTP: `200` or `200-399`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusRange {
    /// The first one.
    pub first: u16,
    /// The last one, not below the first.
    pub last: u16,
}

impl StatusRange {
    /// Whether a code is one of them.
    pub fn contains(self, code: u16) -> bool {
        (self.first..=self.last).contains(&code)
    }

    /// A single code.
    pub fn single(code: u64) -> Result<Self, ScalarError> {
        match u16::try_from(code) {
            Ok(code @ 100..=599) => Ok(Self {
                first: code,
                last: code,
            }),
            _ => Err(not_a_status(code)),
        }
    }
}

impl fmt::Display for StatusRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return self.first.fmt(f);
        }
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for StatusRange {
    type Err = ScalarError;

    /// A range of codes only: a single code is a number, not a text.
    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let range = text
            .split_once('-')
            .and_then(|(first, last)| Some((decimal::<u16>(first)?, decimal::<u16>(last)?)));
        match range {
            Some((first, last)) if (100..=last).contains(&first) && last <= 599 => {
                Ok(Self { first, last })
            }
            _ => Err(not_a_status(shown(text))),
        }
    }
}

fn not_a_status(text: impl fmt::Display) -> ScalarError {
    ScalarError::new(
        format_args!("`{text}` is neither a status code nor a range of them"),
        "write a number from 100 to 599, or two of them as in `200-399`",
    )
}
