//! What waits to be told: events of the same topic folded into one entry.
//!
//! A hundred thousand turns of one real server are one entry with a count. There are never more
//! than [`ENTRIES`] of them: where more topics wait, what matters least goes, and is counted.

use std::collections::BTreeMap;

use crate::clock::Moment;
use crate::event::{Event, Matter, Severity, Subject, Turn};

/// So many entries wait at most, and a message has no more.
pub(super) const ENTRIES: usize = 256;

/// What events are folded by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Topic {
    pub(super) matter: Matter,
    pub(super) subject: Subject,
}

impl Topic {
    pub(super) fn of(event: &Event) -> Self {
        Self {
            matter: event.kind.matter(),
            subject: event.subject.clone(),
        }
    }
}

/// The events of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folded {
    /// The first of them.
    pub(super) first: Event,
    /// The last of them.
    pub(super) last: Event,
    /// How many there were.
    pub(super) times: u64,
    /// How many of them began something.
    pub(super) begun: u64,
    /// How many of them ended something.
    pub(super) ended: u64,
    /// The worst of them.
    pub(super) worst: Severity,
    /// When what the last of them ends had begun, as [`Event::at`].
    pub(super) since: Option<u64>,
    /// It is to be told from then on.
    pub(super) due: Moment,
    /// Its place in the order in which topics came up.
    place: u64,
}

impl Folded {
    fn new(event: &Event, since: Option<u64>, due: Moment, place: u64) -> Self {
        let count = |turn| u64::from(event.kind.turn() == turn);
        Self {
            first: event.clone(),
            last: event.clone(),
            times: 1,
            begun: count(Turn::Begins),
            ended: count(Turn::Ends),
            worst: event.severity,
            since,
            due,
            place,
        }
    }

    /// Takes what came after it.
    fn extend(&mut self, later: &Self) {
        self.last = later.last.clone();
        self.times += later.times;
        self.begun += later.begun;
        self.ended += later.ended;
        self.worst = self.worst.max(later.worst);
        self.since = later.since;
        self.due = self.due.min(later.due);
    }
}

/// All that waits.
#[derive(Debug, Default, Clone)]
pub(super) struct Digest {
    entries: BTreeMap<Topic, Folded>,
    places: u64,
}

impl Digest {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The events that wait.
    pub(super) fn events(&self) -> u64 {
        self.entries.values().map(|folded| folded.times).sum()
    }

    pub(super) fn has(&self, topic: &Topic) -> bool {
        self.entries.contains_key(topic)
    }

    /// Whether the last that waits of a topic begins something.
    pub(super) fn lasts(&self, topic: &Topic) -> bool {
        let last = self
            .entries
            .get(topic)
            .map(|folded| folded.last.kind.turn());
        last == Some(Turn::Begins)
    }

    /// When the first of them is to be told.
    pub(super) fn due(&self) -> Option<Moment> {
        self.entries.values().map(|folded| folded.due).min()
    }

    /// The worst of them.
    pub(super) fn worst(&self) -> Severity {
        let worst = self.entries.values().map(|folded| folded.worst).max();
        worst.unwrap_or(Severity::Info)
    }

    /// Folds an event in, to be told from `due` on. Returns how many events were lost for want of
    /// room.
    pub(super) fn fold(
        &mut self,
        topic: Topic,
        event: &Event,
        since: Option<u64>,
        due: Moment,
    ) -> u64 {
        let place = self.next_place();
        self.take(topic, Folded::new(event, since, due, place))
    }

    /// Puts a digest that could not be delivered back before this one. Returns how many events
    /// were lost for want of room.
    pub(super) fn put_back(&mut self, mut earlier: Self) -> u64 {
        std::mem::swap(self, &mut earlier);
        let later = earlier.entries.into_iter();
        let mut lost = 0;
        for (topic, mut folded) in later {
            folded.place += self.places;
            lost += self.take(topic, folded);
        }
        self.places += earlier.places;
        lost
    }

    /// The entries in the order in which their topics came up.
    pub(super) fn ordered(&self) -> Vec<(&Topic, &Folded)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(_, folded)| folded.place);
        entries
    }

    fn next_place(&mut self) -> u64 {
        self.places += 1;
        self.places
    }

    fn take(&mut self, topic: Topic, folded: Folded) -> u64 {
        if let Some(entry) = self.entries.get_mut(&topic) {
            entry.extend(&folded);
            return 0;
        }
        self.entries.insert(topic, folded);
        if self.entries.len() > ENTRIES {
            return self.give_up_one();
        }
        0
    }

    /// Gives up the entry that matters least; among equals, the oldest.
    fn give_up_one(&mut self) -> u64 {
        let least = self
            .entries
            .iter()
            .min_by_key(|(_, folded)| (folded.worst, folded.place));
        let least = least.map(|(topic, _)| topic.clone());
        let gone = least.and_then(|topic| self.entries.remove(&topic));
        gone.map_or(0, |folded| folded.times)
    }
}
