//! The three ways to write `check:`: the word `none`, the bare word of a kind, or a map.
//!
//! Called by serde's derived code only.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::super::OrNone;
use super::{AgentCheck, Check};

/// How real servers are checked: `none`, a bare word such as `tcp` for a kind without options, or
/// a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckChoice {
    /// Not checked: always taken to be well.
    None,
    /// Checked so; boxed, because most real servers have no check of their own.
    Check(Box<Check>),
}

/// The words that can stand alone, and what each means.
const WORDS: &[(&str, &str)] = &[
    (
        "none",
        "Not checked: always taken to be well. Unsets a default.",
    ),
    ("tcp", "A TCP connection is made."),
    ("http", "GET / is answered with a status from 200 to 299."),
    ("https", "The same over TLS."),
    ("udp", "An empty datagram is not refused."),
    ("dns", "The root's SOA record is asked for."),
    ("smtp", "A mail server greets and answers."),
    ("ping", "An echo request is answered (ICMP, ICMPv6)."),
    ("grpc", "The gRPC health service says SERVING."),
    ("ftp", "An FTP server greets."),
    ("imap", "An IMAP server greets."),
    ("pop", "A POP3 server greets."),
    ("nntp", "An NNTP server greets."),
    ("mysql", "A MySQL or MariaDB server greets."),
    ("redis", "A Redis server answers PING."),
    (
        "agent",
        "An agent on the real server says how much it can take.",
    ),
];

/// Every word that is known here, for a suggestion; the last two need their options.
const NAMES: &[&str] = &[
    "none", "tcp", "http", "https", "udp", "dns", "smtp", "ping", "grpc", "ftp", "imap", "pop",
    "nntp", "mysql", "redis", "agent", "exec", "file",
];

impl Check {
    /// The check that a bare word stands for; none where the word is no kind, or needs options.
    fn bare(word: &str) -> Option<Self> {
        let mut check = Self::default();
        match word {
            "tcp" => check.tcp = Some(<_>::default()),
            "http" => check.http = Some(<_>::default()),
            "https" => check.https = Some(<_>::default()),
            "udp" => check.udp = Some(<_>::default()),
            "dns" => check.dns = Some(<_>::default()),
            "smtp" => check.smtp = Some(<_>::default()),
            "ping" => check.ping = Some(<_>::default()),
            "grpc" => check.grpc = Some(<_>::default()),
            "ftp" => check.ftp = Some(<_>::default()),
            "imap" => check.imap = Some(<_>::default()),
            "pop" => check.pop = Some(<_>::default()),
            "nntp" => check.nntp = Some(<_>::default()),
            "mysql" => check.mysql = Some(<_>::default()),
            "redis" => check.redis = Some(<_>::default()),
            "agent" => check.agent = Some(OrNone::Some(AgentCheck::default())),
            _ => return None,
        }
        Some(check)
    }
}

struct ChoiceVisitor;

impl<'de> Visitor<'de> for ChoiceVisitor {
    type Value = CheckChoice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map such as `{ http: { path: / } }`, the word of a kind, or `none`")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<CheckChoice, E> {
        if let Some(check) = Check::bare(word) {
            return Ok(CheckChoice::Check(Box::new(check)));
        }
        match word {
            "none" => Ok(CheckChoice::None),
            "exec" | "file" => Err(E::custom(format_args!(
                "`{word}` needs its options; write them as a map: `{{ {word}: {{ … }} }}`"
            ))),
            _ => Err(E::unknown_variant(word, NAMES)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CheckChoice, A::Error> {
        Check::deserialize(MapAccessDeserializer::new(map))
            .map(|check| CheckChoice::Check(Box::new(check)))
    }
}

impl<'de> Deserialize<'de> for CheckChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChoiceVisitor)
    }
}

impl Serialize for CheckChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_str("none"),
            Self::Check(check) => check.serialize(serializer),
        }
    }
}

impl JsonSchema for CheckChoice {
    fn schema_name() -> Cow<'static, str> {
        "CheckChoice".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<Check>();
        let mut choices: Vec<Value> = WORDS
            .iter()
            .map(|(word, text)| json!({ "const": word, "description": text }))
            .collect();
        choices.push(map.to_value());
        json_schema!({
            "description": "How real servers are checked.",
            "oneOf": choices,
            "examples": ["tcp", { "http": { "path": "/healthz" }, "interval": "2s" }, "none"],
        })
    }
}
