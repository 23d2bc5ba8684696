//! The last events, in order, for any number of readers.
//!
//! A ring that readers read at their own pace: each keeps the number of the event that it read
//! last, asks for what came after it, and is told how many it missed where the ring has turned
//! over since. So a reader can't miss one without knowing it, can't get one twice, and can't hold
//! up whoever writes. Written by `daemon`; read by the server.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::event::{Event, Kind, Severity};

/// How many events are kept.
const KEPT: usize = 10_000;

/// The last events.
#[derive(Debug)]
pub struct EventLog {
    run: u64,
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Arc<Event>>,
    /// The sequence of the newest event; 0 before the first.
    newest: u64,
    counts: Vec<((Kind, Severity), u64)>,
}

/// The place of a reader: an event of one run of a daemon. Sequences begin again at 1 with each
/// run, so the run is a part of it. Printed as `RUN-SEQUENCE`, the id of a server-sent event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The run: when the daemon started, in milliseconds since 1970.
    pub run: u64,
    /// The event that was read last; 0: none.
    pub sequence: u64,
}

/// What came after a position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// How many events are gone that the reader has not seen; they were before the first here.
    pub missed: u64,
    /// The events, the oldest first.
    pub events: Vec<Arc<Event>>,
}

/// A reader that waits for what comes.
#[derive(Debug)]
pub struct Tail {
    log: Arc<EventLog>,
    newest: watch::Receiver<u64>,
    read: u64,
}

/// How many events a reader takes at once: a reader that begins at the beginning must not hold
/// the ring for long.
const BATCH: usize = 256;

impl EventLog {
    /// An empty log of the run that began then, in milliseconds since 1970.
    pub fn new(run: u64) -> Self {
        Self {
            run,
            ring: Mutex::default(),
            newest: watch::Sender::new(0),
        }
    }

    /// Keeps an event and gives it the next sequence, which comes back. Takes the same time
    /// however many are kept and whoever reads.
    pub fn push(&self, event: Event) -> u64 {
        let mut ring = self.ring();
        ring.newest = ring.newest.saturating_add(1);
        let sequence = ring.newest;
        ring.count(event.kind, event.severity);
        if ring.events.len() >= KEPT {
            ring.events.pop_front();
        }
        ring.events.push_back(Arc::new(Event { sequence, ..event }));
        drop(ring);
        self.newest.send_replace(sequence);
        sequence
    }

    /// At most the next 256 events after this one; 0 begins with the oldest that is kept.
    pub fn since(&self, sequence: u64) -> Batch {
        let ring = self.ring();
        let kept = u64::try_from(ring.events.len()).unwrap_or(u64::MAX);
        let gone = ring.newest.saturating_sub(kept);
        let missed = gone.saturating_sub(sequence);
        let skip = usize::try_from(sequence.saturating_sub(gone)).unwrap_or(usize::MAX);
        let events = ring.events.iter().skip(skip).take(BATCH);
        Batch {
            missed,
            events: events.cloned().collect(),
        }
    }

    /// Where a reader stands that has seen everything.
    pub fn end(&self) -> Position {
        Position {
            run: self.run,
            sequence: self.ring().newest,
        }
    }

    /// The sequence after which a reader goes on that stood there. A position of another run
    /// says nothing about this one: all that is kept comes.
    pub fn after(&self, position: Position) -> u64 {
        if position.run == self.run {
            position.sequence.min(self.ring().newest)
        } else {
            0
        }
    }

    /// Which run's events these are.
    pub fn run(&self) -> u64 {
        self.run
    }

    /// How many events of each kind there were in this run, for metrics.
    pub fn counts(&self) -> Vec<((Kind, Severity), u64)> {
        self.ring().counts.clone()
    }

    /// A reader that goes on after this event.
    pub fn tail(self: &Arc<Self>, sequence: u64) -> Tail {
        Tail {
            log: Arc::clone(self),
            newest: self.newest.subscribe(),
            read: sequence,
        }
    }

    /// Nothing panics while it is held, and a half-made ring does not exist.
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn count(&mut self, kind: Kind, severity: Severity) {
        let key = (kind, severity);
        match self.counts.iter_mut().find(|(known, _)| *known == key) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((key, 1)),
        }
    }
}

impl Tail {
    /// Takes what there is; none where nothing is.
    pub fn now(&mut self) -> Option<Batch> {
        let batch = self.log.since(self.read);
        self.read = batch.events.last()?.sequence;
        Some(batch)
    }

    /// Waits until there is something new, and takes it. None where the log is gone.
    pub async fn next(&mut self) -> Option<Batch> {
        loop {
            self.newest.borrow_and_update();
            if let Some(batch) = self.now() {
                return Some(batch);
            }
            self.newest.changed().await.ok()?;
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.run, self.sequence)
    }
}

impl FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (run, sequence) = text.split_once('-').unwrap_or((text, ""));
        Ok(Self {
            run: run.parse()?,
            sequence: sequence.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{FORMAT_VERSION, Subject};

    fn event(kind: Kind) -> Event {
        Event {
            format_version: FORMAT_VERSION,
            sequence: 0,
            at: 0,
            node: None,
            severity: Severity::Info,
            kind,
            subject: Subject::default(),
            message: String::new(),
        }
    }

    fn filled(count: u64) -> EventLog {
        let log = EventLog::new(7);
        for _ in 0..count {
            log.push(event(Kind::Drift));
        }
        log
    }

    fn sequences(batch: &Batch) -> Vec<u64> {
        batch.events.iter().map(|event| event.sequence).collect()
    }

    #[test]
    fn a_reader_gets_what_came_after_what_it_read() {
        let log = filled(5);
        assert_eq!(sequences(&log.since(3)), [4, 5]);
        assert_eq!(log.since(3).missed, 0);
        assert_eq!(sequences(&log.since(5)), [0; 0]);
        assert_eq!(sequences(&log.since(99)), [0; 0]);
    }

    #[test]
    fn a_reader_that_is_too_slow_is_told_how_many_it_missed() {
        let log = filled(10_100);
        let batch = log.since(40);
        assert_eq!(batch.missed, 60);
        assert_eq!(batch.events[0].sequence, 101);
        assert_eq!(log.since(100).missed, 0);
        assert_eq!(log.since(0).missed, 100);
    }

    #[test]
    fn whoever_reads_to_the_end_gets_each_event_once() {
        let log = filled(1_000);
        let (mut read, mut seen) = (0, Vec::new());
        loop {
            let batch = log.since(read);
            let Some(last) = batch.events.last() else {
                break;
            };
            read = last.sequence;
            seen.extend(sequences(&batch));
        }
        assert_eq!(seen, (1..=1_000).collect::<Vec<u64>>());
    }

    #[test]
    fn a_position_of_another_run_begins_at_the_beginning() {
        let log = filled(5);
        assert_eq!(
            log.after(Position {
                run: 7,
                sequence: 3
            }),
            3
        );
        assert_eq!(
            log.after(Position {
                run: 6,
                sequence: 3
            }),
            0
        );
        assert_eq!(
            log.after(Position {
                run: 7,
                sequence: 99
            }),
            5
        );
    }

    #[test]
    fn a_position_is_read_as_it_is_printed_and_nothing_else_is() {
        let position = Position {
            run: 7,
            sequence: 3,
        };
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in ["", "7", "7-", "-3", "7-x", "a-b", "99999999999999999999-1"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }

    #[test]
    fn events_are_counted_by_kind_and_severity() {
        let log = filled(3);
        log.push(event(Kind::Started));
        let counts = log.counts();
        assert_eq!(counts[0], ((Kind::Drift, Severity::Info), 3));
        assert_eq!(counts[1], ((Kind::Started, Severity::Info), 1));
    }
}
