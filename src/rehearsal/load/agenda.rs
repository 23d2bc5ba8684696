//! What is due when, in microseconds from the beginning of the load.
//!
//! Pure. Requests are due by the clock alone: a rate is kept whatever became of the requests
//! before. Called by the engine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A new connection to a target.
    New(usize),
    /// A seat asks, or sits down again.
    Seat(usize),
    /// The request of this serial number on the connection in this slot has no answer by now.
    Timeout {
        slot: usize,
        generation: u32,
        serial: u32,
    },
}

/// Everything that is due, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<(u64, Due)>>,
}

impl Agenda {
    pub(super) fn add(&mut self, at: u64, due: Due) {
        self.heap.push(Reverse((at, due)));
    }

    /// The next thing that is due by now, and when it was.
    pub(super) fn next(&mut self, now: u64) -> Option<(u64, Due)> {
        let Reverse((at, _)) = self.heap.peek()?;
        if *at > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// When the next thing is due.
    pub(super) fn wake(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }
}

/// Even steps at a rate: the n-th is exactly at n/rate, without drift.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    per_second: u64,
    phase: u64,
    count: u64,
}

impl Steps {
    /// Steps from `phase` microseconds on; none for a rate of 0.
    pub(super) fn new(per_second: u32, phase: u64) -> Option<Self> {
        (per_second > 0).then(|| Self {
            per_second: u64::from(per_second),
            phase,
            count: 0,
        })
    }

    /// When the next step is.
    pub(super) fn next(&mut self) -> u64 {
        let at = self.phase + self.count * 1_000_000 / self.per_second;
        self.count += 1;
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_a_second_are_as_many_as_the_rate_says() {
        for rate in [1, 3, 7, 200, 1_999] {
            let mut steps = Steps::new(rate, 0).unwrap();
            let within = std::iter::from_fn(|| Some(steps.next()))
                .take_while(|at| *at < 5_000_000)
                .count();
            assert_eq!(within, 5 * rate as usize, "{rate}/s");
        }
        assert!(Steps::new(0, 0).is_none());
    }

    #[test]
    fn what_is_due_comes_in_order_and_not_too_early() {
        let mut agenda = Agenda::default();
        agenda.add(30, Due::New(0));
        agenda.add(10, Due::Seat(1));
        agenda.add(20, Due::New(2));
        assert_eq!(agenda.next(5), None);
        assert_eq!(agenda.next(25), Some((10, Due::Seat(1))));
        assert_eq!(agenda.next(25), Some((20, Due::New(2))));
        assert_eq!(agenda.next(25), None);
        assert_eq!(agenda.wake(), Some(30));
    }
}
