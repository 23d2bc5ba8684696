//! How often in a second, as it is written: `200/s`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Rate;

/// More than one thread can ask.
const HIGHEST: u32 = 5_000;

/// Why a text is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rate; write a whole number up to {HIGHEST} and `/s`, such as `200/s`")]
pub struct RateError(String);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let number = text.strip_suffix("/s").filter(|number| {
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            digits && (*number == "0" || !number.starts_with('0'))
        });
        number
            .and_then(|number| number.parse().ok())
            .filter(|number| *number <= HIGHEST)
            .map(Self)
            .ok_or_else(|| RateError(text.chars().take(64).collect()))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RateVisitor;
        impl Visitor<'_> for RateVisitor {
            type Value = Rate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rate such as `200/s`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Rate, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Rate, E> {
                Err(E::custom(format_args!(
                    "`{number}` has no unit; a rate needs one: `{number}/s` is {number} in a second"
                )))
            }
        }
        deserializer.deserialize_any(RateVisitor)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(0|[1-9][0-9]{0,3})/s$",
            "description": "How often in a second.",
            "examples": ["200/s"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_with_its_unit() {
        assert_eq!("200/s".parse(), Ok(Rate(200)));
        assert_eq!("0/s".parse(), Ok(Rate(0)));
        for wrong in [
            "200", "/s", "-1/s", "020/s", "1.5/s", "200/m", "999999/s", "200 /s",
        ] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
        assert_eq!(Rate(200).to_string(), "200/s");
    }
}
