//! What lasts: begun, told, and not over yet.

use std::collections::BTreeMap;

use crate::event::{Event, Severity};

use super::digest::Topic;

/// So many are remembered; no farm has more real servers.
const PROBLEMS: usize = 65_536;

/// The problems of one receiver that last.
#[derive(Debug, Default)]
pub(super) struct Problems(BTreeMap<Topic, Event>);

impl Problems {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One begins; one that begins again keeps the time at which it first began.
    pub(super) fn begin(&mut self, topic: Topic, event: &Event) {
        let at = self.0.get(&topic).map_or(event.at, |known| known.at);
        if self.0.len() < PROBLEMS || self.0.contains_key(&topic) {
            self.0.insert(
                topic,
                Event {
                    at,
                    ..event.clone()
                },
            );
        }
    }

    /// Those that an end of this topic ends: it, or all of its matter where the end is about
    /// nothing in particular. Each with the time at which it began, as [`Event::at`].
    pub(super) fn end(&mut self, topic: &Topic) -> Vec<(Topic, u64)> {
        let all = topic.subject.is_empty();
        let is_ended = |known: &Topic| known == topic || (all && known.matter == topic.matter);
        let ended = self.0.iter().filter(|(known, _)| is_ended(known));
        let ended = ended
            .map(|(known, event)| (known.clone(), event.at))
            .collect();
        self.0.retain(|known, _| !is_ended(known));
        ended
    }

    pub(super) fn worst(&self) -> Severity {
        let worst = self.0.values().map(|event| event.severity).max();
        worst.unwrap_or(Severity::Info)
    }

    /// Those that last, the worst first, then the oldest.
    pub(super) fn ordered(&self) -> Vec<(&Topic, &Event)> {
        let mut list: Vec<_> = self.0.iter().collect();
        list.sort_by_key(|(_, event)| (std::cmp::Reverse(event.severity), event.at));
        list
    }
}
