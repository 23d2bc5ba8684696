//! Who is to be woken when: at most one moment for each slot, the next one found at once.

use std::collections::BTreeSet;

use crate::clock::Moment;

/// Moments by slot, in their order.
#[derive(Debug, Default)]
pub(super) struct Timers {
    order: BTreeSet<(Moment, u32)>,
    moments: Vec<Option<Moment>>,
}

impl Timers {
    /// Wakes a slot at a moment, instead of any other; never, where there is none.
    pub(super) fn set(&mut self, slot: u32, moment: Option<Moment>) {
        let place = slot as usize;
        if place >= self.moments.len() {
            if moment.is_none() {
                return;
            }
            self.moments.resize(place + 1, None);
        }
        if let Some(old) = std::mem::replace(&mut self.moments[place], moment) {
            self.order.remove(&(old, slot));
        }
        if let Some(new) = moment {
            self.order.insert((new, slot));
        }
    }

    /// The next moment of all.
    pub(super) fn first(&self) -> Option<Moment> {
        self.order.first().map(|(moment, _)| *moment)
    }

    /// Takes out the first slot whose moment has come, with that moment.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<(u32, Moment)> {
        let &(moment, slot) = self.order.first().filter(|(moment, _)| *moment <= now)?;
        self.set(slot, None);
        Some((slot, moment))
    }

    /// How many slots' moments have come.
    pub(super) fn due(&self, now: Moment) -> usize {
        self.order.range(..=(now, u32::MAX)).count()
    }

    /// How many slots are to be woken.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Wakes nobody any more.
    pub(super) fn clear(&mut self) {
        self.order.clear();
        self.moments.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::since_boot(Duration::from_secs(seconds))
    }

    #[test]
    fn a_slot_is_woken_once_at_its_last_moment() {
        let mut timers = Timers::default();
        timers.set(3, Some(at(9)));
        timers.set(3, Some(at(5)));
        timers.set(1, Some(at(7)));
        assert_eq!(timers.first(), Some(at(5)));
        assert_eq!(timers.take_due(at(4)), None);
        assert_eq!(timers.due(at(8)), 2);
        assert_eq!(timers.take_due(at(8)), Some((3, at(5))));
        assert_eq!(timers.take_due(at(8)), Some((1, at(7))));
        assert_eq!(timers.len(), 0);
    }

    #[test]
    fn a_slot_without_a_moment_is_not_woken() {
        let mut timers = Timers::default();
        timers.set(2, Some(at(1)));
        timers.set(2, None);
        timers.set(9, None);
        assert_eq!(timers.first(), None);
    }
}
