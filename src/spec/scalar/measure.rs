//! Shares and rates: `60%`, `20 per hour`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{ScalarError, decimal, shown};

/// A share in whole percent, from 1 to 100: `60%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u8);

impl Percent {
    /// The share that `mass_failure` has where none is written.
    pub const MASS_FAILURE: Self = Self(60);

    /// The number before the sign, from 1 to 100.
    pub fn get(self) -> u8 {
        self.0
    }

    /// The error for a bare number.
    pub(in crate::spec) fn without_sign<N: fmt::Display>(number: N) -> ScalarError {
        ScalarError::new(
            format_args!("`{number}` has no percent sign"),
            format_args!("write `{number}%`"),
        )
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Percent {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        if let Some(number) = decimal::<u8>(text) {
            return Err(Self::without_sign(number));
        }
        text.strip_suffix('%')
            .and_then(decimal::<u8>)
            .filter(|number| (1..=100).contains(number))
            .map(Self)
            .ok_or_else(|| {
                ScalarError::new(
                    format_args!("`{}` is not a share in percent", shown(text)),
                    "write a whole number from 1 to 100 with the sign: `60%`",
                )
            })
    }
}

/// So many in a length of time: `20 per hour`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate {
    /// How many, at least 1.
    pub count: u32,
    /// In which time: a second, a minute, an hour or a day.
    pub per: Duration,
}

impl Rate {
    /// The error for a bare number.
    pub(in crate::spec) fn without_time(number: u64) -> ScalarError {
        ScalarError::new(
            format_args!("`{number}` does not say in which time"),
            format_args!("write `{number} per hour`; it may be second, minute, hour or day"),
        )
    }
}

const SPANS: [(&str, u64); 4] = [
    ("second", 1),
    ("minute", 60),
    ("hour", 3_600),
    ("day", 86_400),
];

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.per.as_secs();
        let span = SPANS.iter().find(|(_, length)| *length == seconds);
        match span {
            Some((span, _)) => write!(f, "{} per {span}", self.count),
            None => write!(f, "{} per {seconds} seconds", self.count),
        }
    }
}

impl FromStr for Rate {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let parts = text.split_once(" per ").and_then(|(count, span)| {
            let count = decimal::<u32>(count.trim()).filter(|count| *count > 0)?;
            let (_, seconds) = SPANS.iter().find(|(name, _)| *name == span.trim())?;
            Some(Self {
                count,
                per: Duration::from_secs(*seconds),
            })
        });
        parts.ok_or_else(|| {
            ScalarError::new(
                format_args!("`{}` does not say how many in which time", shown(text)),
                "write for example `20 per hour`; it may be second, minute, hour or day",
            )
        })
    }
}
