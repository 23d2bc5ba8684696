//! One message, as webhooks and programs get it (JSON), and what people read in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{Kind, Matter, Severity, Subject};

use super::span::span;

/// What a receiver is told at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// The version of this form.
    pub format_version: u64,
    /// Counts up from message to message to this receiver while a daemon runs. Attempts to deliver
    /// count too, so numbers may be missing.
    pub number: u64,
    /// When it was sent, in milliseconds since 1970-01-01 00:00 UTC.
    pub at: u64,
    /// The farm.
    pub farm: String,
    /// The machine that tells it.
    pub node: String,
    /// The worst of what happened and is not over; `info` where everything is over.
    pub severity: Severity,
    /// Nothing new: it reminds of what lasts.
    pub reminder: bool,
    /// What happened, in the order in which it began.
    pub entries: Vec<Entry>,
    /// What was told before and still lasts, the worst first.
    pub ongoing: Vec<Ongoing>,
    /// So much more lasts than is named.
    pub ongoing_more: u64,
    /// So many events before this message were lost: there was no room for them, or the receiver
    /// did not take them.
    pub dropped: u64,
}

/// Events about the same thing, folded into one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// How it stands after the last of them.
    pub state: State,
    /// The worst of them.
    pub severity: Severity,
    /// The kind of the last of them.
    pub kind: Kind,
    /// What they have in common.
    pub matter: Matter,
    /// What they are about.
    pub subject: Subject,
    /// The last of them, in a full sentence.
    pub message: String,
    /// When the last of them was.
    pub at: u64,
    /// The last of them, by its number among the daemon's events.
    pub sequence: u64,
    /// Where it is over: when it had begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// So many events.
    pub times: u64,
    /// So many of them began something.
    pub begun: u64,
    /// So many of them ended something.
    pub ended: u64,
    /// The first of them, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<First>,
}

/// The first of several events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct First {
    /// Its kind.
    pub kind: Kind,
    /// What happened, in a full sentence.
    pub message: String,
    /// When.
    pub at: u64,
    /// Its number among the daemon's events.
    pub sequence: u64,
}

/// What lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ongoing {
    /// How much it matters.
    pub severity: Severity,
    /// The kind of the event that began it.
    pub kind: Kind,
    /// What it is about.
    pub subject: Subject,
    /// What happened, in a full sentence.
    pub message: String,
    /// When it began.
    pub since: u64,
}

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It began, and is not over.
    Lasts,
    /// It is over.
    Over,
    /// It happened.
    Happened,
}

impl Message {
    /// The version of a message's form.
    pub const FORMAT_VERSION: u64 = 1;

    /// Everything in one line: the worst first, the rest counted.
    pub fn title(&self) -> String {
        let worst = self
            .entries
            .iter()
            .rev()
            .max_by_key(|entry| (entry.state != State::Over, entry.severity));
        let Some(worst) = worst else {
            return self.reminding_title();
        };
        match self.entries.len() - 1 {
            0 => worst.headline(),
            more => format!("{} (and {more} more)", worst.headline()),
        }
    }

    fn reminding_title(&self) -> String {
        let count = self.ongoing.len() as u64 + self.ongoing_more;
        match (self.ongoing.first(), count) {
            (None, _) => format!("{} events could not be told", self.dropped),
            (Some(only), 1) => only.message.clone(),
            (Some(worst), count) => format!("{} (and {} more)", worst.message, count - 1),
        }
    }

    /// The word before the title: how bad it is, or that it is over, or that it lasts.
    pub fn label(&self) -> &'static str {
        let is_over = |entry: &Entry| entry.state == State::Over;
        if self.reminder && !self.ongoing.is_empty() {
            "still"
        } else if !self.entries.is_empty() && self.entries.iter().all(is_over) {
            "over"
        } else {
            label(self.severity)
        }
    }
}

/// The severity as the beginning of a line.
pub(super) fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "WARNING",
        Severity::Alarm => "ALARM",
    }
}

impl Entry {
    /// What happened in one sentence or two.
    pub fn headline(&self) -> String {
        let from = self.first.as_ref().map_or(self.at, |first| first.at);
        let during = span(self.at.saturating_sub(from));
        let what = about(self.matter, &self.subject);
        match (self.begun, self.ended) {
            (begun, ended) if begun + ended > 2 && begun > 0 && ended > 0 => {
                let turns = begun.max(ended);
                format!(
                    "{what} {} {turns} times in {during}. Now: {}",
                    turned(self.matter),
                    self.message
                )
            }
            _ if self.begun == 0 || self.ended == 0 => self.repeated(&during),
            _ => format!("{} That took {during}.", self.message),
        }
    }

    fn repeated(&self, during: &str) -> String {
        match (self.times, self.since) {
            (1, Some(since)) => {
                format!(
                    "{} It lasted {}.",
                    self.message,
                    span(self.at.saturating_sub(since))
                )
            }
            (1, None) => self.message.clone(),
            (times, _) => format!(
                "{} That is the last of {times} such events in {during}.",
                self.message
            ),
        }
    }
}

/// What an event is about, in a few words.
pub(super) fn about(matter: Matter, subject: &Subject) -> String {
    let server = subject
        .server
        .as_ref()
        .map(|server| match &subject.service {
            Some(service) => format!("{server} of {service}"),
            None => server.clone(),
        });
    let other = || subject.service.clone().or_else(|| subject.vip.clone());
    let named = server.or_else(other).or_else(|| subject.node.clone());
    named.unwrap_or_else(|| thing(matter).to_owned())
}

/// What a matter is about where the subject names nothing.
fn thing(matter: Matter) -> &'static str {
    match matter {
        Matter::Daemon => "The daemon",
        Matter::File => "The file",
        Matter::Kernel => "What the kernel holds",
        Matter::Server | Matter::Agent => "A real server",
        Matter::Certificate => "A certificate",
        Matter::Quorum | Matter::Redundancy | Matter::SorryServer | Matter::MassFailure => {
            "A service"
        }
        Matter::Check => "A check",
        Matter::Drain => "A drain",
        Matter::Override => "An override",
    }
}

/// What something does that turns again and again.
fn turned(matter: Matter) -> &'static str {
    match matter {
        Matter::Daemon | Matter::Agent => "changed",
        Matter::File => "was refused and accepted",
        Matter::Kernel => "differed and was put right",
        Matter::Server => "went down and up",
        Matter::Certificate => "was near its expiry and renewed",
        Matter::Quorum => "lost and reached its quorum",
        Matter::Redundancy => "had nothing spare and something again",
        Matter::SorryServer => "went to the sorry server and back",
        Matter::MassFailure => "lost many real servers at once and got them back",
        Matter::Check => "could not be checked, and could again",
        Matter::Drain => "was drained and given back",
        Matter::Override => "got and lost an override",
    }
}
