//! How punctual the questions are: whether this machine keeps up with what it is to ask.

use std::time::Duration;

/// The upper bounds of the classes, in milliseconds; later ones are in a class of their own.
pub const LATENESS_BOUNDS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/// How much later than they were due questions went out, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lateness {
    /// How many questions were at most so late, by the bounds of [`LATENESS_BOUNDS`]; the last
    /// place has the later ones.
    pub classes: [u64; LATENESS_BOUNDS.len() + 1],
    /// All lateness together.
    pub total: Duration,
    /// The latest of all.
    pub worst: Duration,
    /// Questions that are due and wait because too many are out.
    pub waiting: usize,
    /// Questions that are out.
    pub outstanding: usize,
}

impl Lateness {
    /// How many questions went out.
    pub fn asked(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// A bound that so many in a thousand questions kept; none before the first question. The last
    /// class has the worst as its bound.
    pub fn quantile(&self, per_mille: u64) -> Option<Duration> {
        let wanted = (self.asked() * per_mille.min(1_000)).div_ceil(1_000).max(1);
        let mut seen = 0;
        for (place, number) in self.classes.iter().enumerate() {
            seen += number;
            if seen >= wanted {
                let bound = LATENESS_BOUNDS.get(place).copied();
                return Some(bound.map_or(self.worst, Duration::from_millis));
            }
        }
        None
    }

    /// Notes that a question went out so late.
    pub(super) fn note(&mut self, late: Duration) {
        let place = LATENESS_BOUNDS.partition_point(|&bound| Duration::from_millis(bound) < late);
        if let Some(class) = self.classes.get_mut(place) {
            *class += 1;
        }
        self.total = self.total.saturating_add(late);
        self.worst = self.worst.max(late);
    }
}
