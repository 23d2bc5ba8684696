//! Who is told what happened: as it is written, and with nothing left out.
//!
//! Pure values; the module `notification` at the top delivers. Secrets are files, never values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration as Time;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Duration, FilePath, OneOrMany, Rate};

/// One receiver of events: exactly one of `webhook`, `mail` and `exec`, and what it is told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// A request POST with the events as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// A mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Mail>,
    /// A program that gets the events as JSON on its standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<ExecNotification>,
    /// What is told: severities (`info`, `warning`, `alarm`) and kinds of events (`server_down`).
    /// Left out, `[warning, alarm]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<EventWord>,
    /// Events of this time go in one message. Left out, 10s; `0s` sends each at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Duration>,
    /// A problem that lasts is told again after this time. Left out, it is told once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Duration>,
    /// So many messages at most; what is above is counted and told in the next one. Left out,
    /// `20 per hour`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Rate>,
}

/// A request POST with the events as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to: `https://…` or `http://…`. Where the address itself is a secret, write `url_file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A file that holds the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_file: Option<FilePath>,
    /// A file with headers, one `Name: value` on a line: tokens belong there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers_file: Option<FilePath>,
    /// A file with the certificates to trust, PEM. Left out, the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<FilePath>,
    /// How long an answer may take. Left out, 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// A mail by SMTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The mail server: a name or an address.
    pub server: String,
    /// Its port. Left out, 587 with `starttls`, 465 with `tls`, 25 with `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// Whether TLS is spoken, and from when. Left out, `starttls`, without which nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<MailSecurity>,
    /// A file with the certificates to trust, PEM. Left out, the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<FilePath>,
    /// The sender: `farm@example.com` or `Farm <farm@example.com>`.
    pub from: String,
    /// The receiver, or a list of them.
    pub to: OneOrMany<String>,
    /// The name to log in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// A file with its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<FilePath>,
}

/// Whether a mail server is spoken to over TLS.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    /// STARTTLS (RFC 3207): no mail goes without it.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// No TLS: everybody on the way can read the mail, and the password.
    None,
}

/// A program that gets the events as JSON on its standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecNotification {
    /// The program and its arguments; the program's whole path, under one of `daemon.exec_dirs`.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// Variables of its environment, beside those that farmctl sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// It is killed after this time. Left out, 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// A severity or a kind of events, by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventWord(&'static str);

/// The severities of events, the least first.
const SEVERITIES: usize = 3;

/// Every word of [`EventWord`]: the severities, then the kinds, as `event` names them. A test
/// holds both to each other.
pub const EVENT_WORDS: &[&str] = &[
    "info",
    "warning",
    "alarm",
    "started",
    "stopping",
    "file_accepted",
    "file_refused",
    "file_waits",
    "converged",
    "apply_failed",
    "drift",
    "drift_corrected",
    "fight",
    "server_up",
    "server_down",
    "agent_changed",
    "certificate_expires",
    "certificate_renewed",
    "quorum_reached",
    "quorum_lost",
    "redundancy_lost",
    "redundancy_restored",
    "sorry_server_on",
    "sorry_server_off",
    "mass_failure",
    "mass_failure_over",
    "drain_began",
    "drain_ended",
    "override_set",
    "override_ended",
];

impl EventWord {
    /// What is told where nothing is written.
    pub const USUAL: [Self; 2] = [Self("warning"), Self("alarm")];

    /// The word.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether it is the word of a severity, not of a kind.
    pub fn is_severity(self) -> bool {
        EVENT_WORDS
            .iter()
            .take(SEVERITIES)
            .any(|word| *word == self.0)
    }
}

struct EventWordVisitor;

impl Visitor<'_> for EventWordVisitor {
    type Value = EventWord;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a severity or a kind of events")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<EventWord, E> {
        let known = EVENT_WORDS.iter().find(|word| **word == text);
        known
            .map(|word| EventWord(word))
            .ok_or_else(|| E::unknown_variant(text, EVENT_WORDS))
    }
}

impl<'de> Deserialize<'de> for EventWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EventWordVisitor)
    }
}

impl Serialize for EventWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl JsonSchema for EventWord {
    fn schema_name() -> Cow<'static, str> {
        "EventWord".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "enum": EVENT_WORDS,
            "description": "A severity or a kind of events.",
        })
    }
}

/// A receiver with nothing left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveNotification {
    /// How it is told.
    pub receiver: Receiver,
    /// What is told.
    pub on: Vec<EventWord>,
    /// Events of this time go in one message.
    pub group: Time,
    /// A problem that lasts is told again after this time.
    pub repeat: Option<Time>,
    /// So many messages at most.
    pub limit: Rate,
}

/// How somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// By a request.
    Webhook(Webhook),
    /// By a mail.
    Mail(Mail),
    /// By a program.
    Exec(ExecNotification),
}

impl EffectiveNotification {
    /// Events of this time go in one message, where nothing is written.
    pub const GROUP: Time = Time::from_secs(10);
    /// How many messages at most, where nothing is written.
    pub const LIMIT: Rate = Rate {
        count: 20,
        per: Time::from_secs(3_600),
    };

    /// What holds; none where it says nobody (which does not pass `validate`).
    pub fn of(written: &Notification) -> Option<Self> {
        let webhook = written.webhook.clone().map(Receiver::Webhook);
        let mail = || written.mail.clone().map(Receiver::Mail);
        let exec = || written.exec.clone().map(Receiver::Exec);
        let on = match written.on.as_slice() {
            [] => EventWord::USUAL.to_vec(),
            on => on.to_vec(),
        };
        Some(Self {
            receiver: webhook.or_else(mail).or_else(exec)?,
            on,
            group: written.group.map_or(Self::GROUP, |time| time.0),
            repeat: written.repeat.map(|time| time.0),
            limit: written.limit.unwrap_or(Self::LIMIT),
        })
    }
}

impl Webhook {
    /// How long an answer may take, where nothing is written.
    pub const TIMEOUT: Time = Time::from_secs(10);

    /// How long an answer may take.
    pub fn timeout(&self) -> Time {
        self.timeout.map_or(Self::TIMEOUT, |time| time.0)
    }
}

impl ExecNotification {
    /// How long a program may run, where nothing is written.
    pub const TIMEOUT: Time = Time::from_secs(10);

    /// How long it may run.
    pub fn timeout(&self) -> Time {
        self.timeout.map_or(Self::TIMEOUT, |time| time.0)
    }
}

impl Mail {
    /// Whether TLS is spoken, and from when.
    pub fn security(&self) -> MailSecurity {
        self.security.unwrap_or_default()
    }

    /// The port of the mail server.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security() {
            MailSecurity::Starttls => 587,
            MailSecurity::Tls => 465,
            MailSecurity::None => 25,
        })
    }
}
