//! Makes a message of what waits and what lasts.

use crate::event::{Event, Severity, Turn};

use super::Engine;
use super::digest::{Digest, Folded, Topic};
use crate::notification::message::{Entry, First, Message, Ongoing, State};

/// So many things that last are named in a message; the rest is counted.
const ONGOING: usize = 64;

impl Engine {
    /// The message that tells this digest.
    pub(super) fn compose(&self, digest: &Digest) -> Message {
        let entries: Vec<Entry> = digest.ordered().into_iter().map(entry).collect();
        let lasting = self.problems.ordered();
        let lasting: Vec<_> = lasting
            .into_iter()
            .filter(|(topic, _)| !digest.has(topic))
            .collect();
        let ongoing: Vec<Ongoing> = lasting
            .iter()
            .take(ONGOING)
            .map(|(_, event)| ongoing(event))
            .collect();
        Message {
            format_version: Message::FORMAT_VERSION,
            number: self.number,
            at: 0,
            farm: self.sender.farm.clone(),
            node: self.sender.node.clone(),
            severity: severity(&entries, &ongoing),
            reminder: entries.is_empty(),
            ongoing_more: lasting.len().saturating_sub(ONGOING) as u64,
            entries,
            ongoing,
            dropped: self.lost,
        }
    }
}

/// The worst that lasts or happened. What is over alarms nobody; a reminder is as bad as what it
/// reminds of.
fn severity(entries: &[Entry], ongoing: &[Ongoing]) -> Severity {
    let entries_worst = entries
        .iter()
        .filter(|entry| entry.state != State::Over)
        .map(|entry| entry.severity)
        .max();
    let reminded = ongoing
        .iter()
        .map(|each| each.severity)
        .max()
        .filter(|_| entries.is_empty());
    entries_worst.max(reminded).unwrap_or(Severity::Info)
}

fn entry((topic, folded): (&Topic, &Folded)) -> Entry {
    Entry {
        state: match folded.last.kind.turn() {
            Turn::Begins => State::Lasts,
            Turn::Ends => State::Over,
            Turn::Happens => State::Happened,
        },
        severity: folded.worst,
        kind: folded.last.kind,
        matter: topic.matter,
        subject: topic.subject.clone(),
        message: folded.last.message.clone(),
        at: folded.last.at,
        sequence: folded.last.sequence,
        since: folded.since,
        times: folded.times,
        begun: folded.begun,
        ended: folded.ended,
        first: (folded.times > 1).then(|| first(&folded.first)),
    }
}

fn first(event: &Event) -> First {
    First {
        kind: event.kind,
        message: event.message.clone(),
        at: event.at,
        sequence: event.sequence,
    }
}

fn ongoing(event: &Event) -> Ongoing {
    Ongoing {
        severity: event.severity,
        kind: event.kind,
        subject: event.subject.clone(),
        message: event.message.clone(),
        since: event.at,
    }
}
