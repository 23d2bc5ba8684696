//! A scenario as it is written: the shape of the file, before anything is checked.
//!
//! Called by `read` and by the schema. Nothing here knows the farm.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Rate;
use crate::spec::{Document, Duration, Format, Name, Reference, Version};

/// A rehearsal's scenario: what clients do, what happens meanwhile, and what must hold.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenScenario {
    /// The version of the file's format; this farmctl reads version 1.
    #[expect(dead_code, reason = "reading it is the check")]
    pub version: Version,
    /// How long there is load.
    #[serde(default = "defaults::duration")]
    pub duration: Duration,
    /// What the clients do.
    #[serde(default)]
    pub load: WrittenLoad,
    /// What happens, each at its time.
    #[serde(default)]
    pub steps: Vec<WrittenStep>,
    /// What must hold, one line each: `lost: 0`, `gap < 200ms of http from 2s to 8s`.
    #[serde(default)]
    pub expect: Vec<Line>,
}

impl Document for WrittenScenario {
    const FORMAT: Format = Format {
        file: "a scenario",
        content: "a scenario",
        smallest: "the smallest useful one has an expectation, such as `expect: [\"lost: 0\"]`",
        reference: Reference::Page("docs/rehearsal.md"),
        later: &[],
    };
}

/// What the clients do. Counts and rates are for each service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenLoad {
    /// How many addresses the clients have, for each family: at most 64.
    #[schemars(range(min = 1, max = 64))]
    pub clients: u32,
    /// New connections in a second, to a service of TCP.
    pub rate: Rate,
    /// Connections (or UDP flows) that stay open and ask ten times in a second.
    #[schemars(range(max = 1000))]
    pub keep_alive: u32,
    /// Downloads that last as long as the load, from a service of HTTP.
    #[schemars(range(max = 100))]
    pub downloads: u32,
    /// New UDP flows in a second, to a service of UDP.
    pub udp: Rate,
    /// A request that has no answer after this time is lost.
    pub timeout: Duration,
    /// The services that get load. Left out, every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<Name>>,
}

impl Default for WrittenLoad {
    fn default() -> Self {
        let milliseconds = std::time::Duration::from_millis;
        Self {
            clients: 64,
            rate: Rate(200),
            keep_alive: 8,
            downloads: 4,
            udp: Rate(100),
            timeout: Duration(milliseconds(2_000)),
            services: None,
        }
    }
}

mod defaults {
    use crate::spec::Duration;

    pub(super) fn duration() -> Duration {
        Duration(std::time::Duration::from_secs(10))
    }
}

/// Declares the actions: each is a key of a step, and a step has exactly one of them.
macro_rules! step {
    ($($(#[$doc:meta])+ $key:ident: $type:ty,)+) => {
        /// One thing that happens, and when.
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(transform = exactly_one_action)]
        pub(super) struct WrittenStep {
            /// When, from the beginning of the load.
            pub at: Duration,
            /// What the report says beside it.
            #[serde(default)]
            pub note: Option<String>,
            $($(#[$doc])+ #[serde(default)] pub $key: Option<$type>,)+
        }

        /// The keys of actions.
        pub(super) const ACTIONS: &[&str] = &[$(stringify!($key)),+];

        impl WrittenStep {
            /// The actions that are written.
            pub(super) fn written(&self) -> Vec<&'static str> {
                let mut written = Vec::new();
                $(if self.$key.is_some() { written.push(stringify!($key)); })+
                written
            }
        }
    };
}

step! {
    /// Applies another farm.yaml on every director; a relative path is one from the scenario's directory.
    apply: String,
    /// Writes another text into the director's farm.yaml, as an editor does, and goes on at once: the file may be a bad one.
    edit: String,
    /// Changes the weight of one real server in the present file, and applies that.
    weight: WrittenWeight,
    /// The programs of a real server end in good order.
    stop: Short<WrittenPrograms>,
    /// They run again.
    start: Short<WrittenPrograms>,
    /// They are killed, and their connections reset.
    kill: Short<WrittenPrograms>,
    /// Every answer of a real server comes later by this; `0s` ends it.
    slow: WrittenSlow,
    /// They still take connections, and say nothing any more (as a process that is stopped).
    pause: Short<WrittenPrograms>,
    /// They go on where they were paused.
    resume: Short<WrittenPrograms>,
    /// A node's cable to a network is pulled.
    cut: WrittenLink,
    /// `all`, or one cable: it is plugged in again, and its delay ends.
    heal: Short<WrittenLink>,
    /// The nodes of a network are parted into groups; who is in none (the clients are `client`) stays with the first.
    split: WrittenSplit,
    /// Every packet that a node sends to a network comes later by this; `0s` ends it.
    delay: WrittenDelay,
    /// Runs a command in a node's namespace.
    run: WrittenRun,
    /// A director forgets all connections, as one that takes over would not know them.
    flush_connections: String,
    /// Runs farmctl on the director, with these words: `[drain, web2, --reason, new disk]`.
    farmctl: Vec<String>,
    /// The director's daemon is killed (SIGKILL).
    kill_director: String,
    /// The director's daemon is stopped in the middle of what it does (SIGSTOP).
    freeze_director: String,
    /// It goes on (SIGCONT).
    thaw_director: String,
    /// The director's daemon is ended where it runs (SIGTERM), and started.
    restart_director: String,
}

/// Editors are to say what the reader says: one action, not none and not two.
fn exactly_one_action(schema: &mut Schema) {
    let one_of: Vec<_> = ACTIONS
        .iter()
        .map(|action| serde_json::json!({ "required": [action] }))
        .collect();
    schema.insert("oneOf".to_owned(), one_of.into());
}

/// Another weight of a real server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenWeight {
    /// The service.
    pub service: Name,
    /// The real server, by its name, its node or its address in the file.
    pub server: String,
    /// The new weight; 0 takes no new connections.
    #[schemars(range(max = 65_535))]
    pub weight: u32,
}

/// A real server's programs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPrograms {
    /// The real server, by its name, its node or its address in the file.
    pub node: String,
    /// Only the program on this port. Left out, all of them.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
}

/// A slow real server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSlow {
    /// The real server, by its name, its node or its address in the file.
    pub server: String,
    /// Only the program on this port. Left out, all of them.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// How much later its answers come.
    pub by: Duration,
}

/// A node's cable to a network.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenLink {
    /// The node.
    pub node: Name,
    /// The network, by its name in the file; `main` where a node is written in the short form.
    pub network: Name,
}

/// A network that falls apart.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSplit {
    /// The network.
    pub network: Name,
    /// The parts, each a list of nodes.
    #[schemars(length(min = 2))]
    pub groups: Vec<Vec<Name>>,
}

/// A slow cable.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenDelay {
    /// The node.
    pub node: Name,
    /// The network.
    pub network: Name,
    /// How much later its packets come.
    pub by: Duration,
}

/// A command.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRun {
    /// The node in whose namespace it runs.
    pub node: Name,
    /// The program and its arguments.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
}

/// A word, or a map with more to say.
#[derive(Debug, Clone)]
pub(super) enum Short<T> {
    /// The word.
    Word(String),
    /// The map.
    Long(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Short<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShortVisitor(PhantomData))
    }
}

struct ShortVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ShortVisitor<T> {
    type Value = Short<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name or a map with `node`")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        Ok(Short::Word(word.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Short::Long)
    }
}

impl<T: JsonSchema> JsonSchema for Short<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Short_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<T>();
        json_schema!({ "oneOf": [{ "type": "string" }, long] })
    }
}

/// A line of `expect`. YAML reads a bare `lost: 0` as a map with one entry; it means the same line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line(pub String);

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LineVisitor).map(Line)
    }
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one line such as `lost: 0`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let Some((key, Scalar(value))) = map.next_entry::<String, Scalar>()? else {
            return Err(A::Error::custom(
                "the line is empty; write one such as `lost: 0`",
            ));
        };
        match map.next_key::<String>()? {
            None => Ok(format!("{key}: {value}")),
            Some(second) => Err(A::Error::custom(format_args!(
                "`{second}` stands in the same item as `{key}`; begin each expectation with `- `"
            ))),
        }
    }
}

/// The value behind the colon of a line.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Plain;
        impl Visitor<'_> for Plain {
            type Value = String;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
                Ok(text.to_owned())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
                Ok(number.to_string())
            }
        }
        deserializer.deserialize_any(Plain).map(Scalar)
    }
}

impl JsonSchema for Line {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Line".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "One expectation: `lost: 0`, `gap < 200ms of http from 2s to 8s`.",
            "oneOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": { "type": ["string", "integer"] },
                },
            ],
            "examples": ["lost: 0", "gap < 200ms", "share web1: 30% ± 3%", "kept: all"],
        })
    }
}
