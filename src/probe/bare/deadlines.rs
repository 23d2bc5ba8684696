//! Who is late: askings with the same time-out end in the order in which they began, so that a
//! queue for each length of time is a timer at the price of a push.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Deadlines of what is out, and of what is done already: the owner tells which.
#[derive(Debug)]
pub(super) struct Deadlines<Key> {
    queues: BTreeMap<Duration, VecDeque<(Instant, Key)>>,
}

impl<Key: Copy> Deadlines<Key> {
    pub(super) fn new() -> Self {
        Self {
            queues: BTreeMap::new(),
        }
    }

    /// From now on, something with this time-out is out. Time never goes back between calls.
    pub(super) fn push(&mut self, now: Instant, timeout: Duration, key: Key) {
        let queue = self.queues.entry(timeout).or_default();
        queue.push_back((now + timeout, key));
    }

    /// One that is late, if any; each is given once. Those that are not `out` any more are
    /// dropped.
    pub(super) fn late(&mut self, now: Instant, out: impl Fn(Key) -> bool) -> Option<Key> {
        for queue in self.queues.values_mut() {
            drop_done(queue, &out);
            if queue.front().is_some_and(|(deadline, _)| *deadline <= now) {
                return queue.pop_front().map(|(_, key)| key);
            }
        }
        self.queues.retain(|_, queue| !queue.is_empty());
        None
    }

    /// When the next one that is still `out` is late.
    pub(super) fn next(&mut self, out: impl Fn(Key) -> bool) -> Option<Instant> {
        let queues = self.queues.values_mut();
        let fronts = queues.filter_map(|queue| {
            drop_done(queue, &out);
            queue.front().map(|(deadline, _)| *deadline)
        });
        fronts.min()
    }
}

fn drop_done<Key: Copy>(queue: &mut VecDeque<(Instant, Key)>, out: impl Fn(Key) -> bool) {
    while queue.front().is_some_and(|(_, key)| !out(*key)) {
        queue.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn the_late_come_out_once_and_the_done_never() {
        let start = SystemClock.now();
        let mut deadlines = Deadlines::new();
        deadlines.push(start, ms(500), 1);
        deadlines.push(start, ms(100), 2);
        deadlines.push(start + ms(1), ms(500), 3);
        let out = |key| key != 1;
        assert_eq!(deadlines.next(out), Some(start + ms(100)));
        assert_eq!(deadlines.late(start + ms(99), out), None);
        assert_eq!(deadlines.late(start + ms(100), out), Some(2));
        assert_eq!(deadlines.late(start + ms(100), out), None);
        assert_eq!(deadlines.next(out), Some(start + ms(501)));
        assert_eq!(deadlines.late(start + ms(600), out), Some(3));
        assert_eq!(deadlines.late(start + ms(600), out), None);
        assert_eq!(deadlines.next(out), None);
    }

    proptest! {
        #[test]
        fn everything_is_late_exactly_when_its_time_is_over(
            timeouts in prop::collection::vec(1_u64..20, 1..50),
            now in 0_u64..80,
        ) {
            let start = SystemClock.now();
            let mut deadlines = Deadlines::new();
            let mut expected = Vec::new();
            for (key, (timeout, began)) in timeouts.iter().zip(0_u64..).enumerate() {
                deadlines.push(start + ms(began), ms(*timeout), key);
                if began + timeout <= now {
                    expected.push(key);
                }
            }
            let mut late = Vec::new();
            while let Some(key) = deadlines.late(start + ms(now), |_| true) {
                late.push(key);
            }
            late.sort_unstable();
            prop_assert_eq!(late, expected);
        }
    }
}
