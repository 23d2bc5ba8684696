//! When a watched file is worth a judgement: it changed, and it has been still for a moment.
//!
//! [`Watch`] is told what each look at the file gave, and when. It knows no file. An editor that
//! empties a file and fills it again, a file that is removed and comes back, and a hundred saves in
//! a row are each one change. The looks are the shell's.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;

/// A content that is written in place must be still for so long, unless the file says otherwise
/// (`daemon.settle`).
const STILL: Duration = Duration::from_secs(2);
/// A file that can't be read must stay so for so long: editors remove a file and write it anew.
const GONE: Duration = Duration::from_secs(1);

/// What one look at the file gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// These bytes.
    Content(Arc<[u8]>),
    /// Nothing: why, in half a sentence.
    Nothing(String),
}

/// How a content came to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// As a whole: another file, or a link to another one, was renamed to the name.
    Whole,
    /// Perhaps bit by bit: it is written in place, or nobody saw how it came.
    Bits,
}

/// Waits until a change is whole.
#[derive(Debug)]
pub struct Watch {
    still: Duration,
    /// What was handed on last.
    known: Option<Look>,
    /// What was seen since, and when first.
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    look: Look,
    since: Moment,
    arrival: Arrival,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            still: STILL,
            known: None,
            pending: None,
        }
    }
}

impl Watch {
    /// How long a content that is written in place must be still from now on.
    pub fn settle(&mut self, still: Duration) {
        self.still = still;
    }

    /// Takes what a look gave.
    pub fn look(&mut self, now: Moment, look: Look, arrival: Arrival) {
        if self.known.as_ref() == Some(&look) {
            self.pending = None;
            return;
        }
        match &mut self.pending {
            Some(pending) if pending.look == look => {
                if arrival == Arrival::Whole {
                    pending.arrival = arrival;
                }
            }
            pending => {
                *pending = Some(Pending {
                    look,
                    since: now,
                    arrival,
                });
            }
        }
    }

    /// When to look again at the latest, apart from the slow poll; none while nothing changes.
    pub fn deadline(&self) -> Option<Moment> {
        let pending = self.pending.as_ref()?;
        Some(pending.since + self.patience(pending))
    }

    /// What is new and has been still for long enough; each change once.
    pub fn settled(&mut self, now: Moment) -> Option<Look> {
        let deadline = self.deadline()?;
        let pending = self.pending.take_if(|_| deadline <= now)?;
        self.known = Some(pending.look.clone());
        Some(pending.look)
    }

    /// What is there now, whether it is new or not, and whether it is still or not: an operator
    /// says that it is whole (SIGHUP, a reload over the API).
    pub fn at_once(&mut self, look: Look) -> Look {
        self.pending = None;
        self.known = Some(look.clone());
        look
    }

    fn patience(&self, pending: &Pending) -> Duration {
        match (&pending.look, pending.arrival) {
            (Look::Content(_), Arrival::Whole) => Duration::ZERO,
            (Look::Content(_), Arrival::Bits) => self.still,
            (Look::Nothing(_), _) => GONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Moment {
        Moment::since_boot(Duration::from_millis(milliseconds))
    }

    fn content(text: &str) -> Look {
        Look::Content(text.as_bytes().into())
    }

    fn gone() -> Look {
        Look::Nothing("no such file".to_owned())
    }

    /// Plays looks at a file; what was handed on, and when. Between two looks the watch looks
    /// again itself when it asks to.
    fn play(looks: &[(u64, Look)]) -> Vec<(u64, Look)> {
        let mut watch = Watch::default();
        watch.settle(Duration::from_millis(50));
        let mut handed_on = Vec::new();
        for (index, (when, look)) in looks.iter().enumerate() {
            watch.look(at(*when), look.clone(), Arrival::Bits);
            let until = looks.get(index + 1).map_or(u64::MAX, |(next, _)| *next);
            if let Some(deadline) = watch.deadline().filter(|deadline| *deadline < at(until)) {
                let millis = u64::try_from(deadline.as_since_boot().as_millis()).unwrap();
                handed_on.extend(watch.settled(deadline).map(|look| (millis, look)));
            }
        }
        handed_on
    }

    #[test]
    fn a_file_is_handed_on_once_when_it_has_been_still() {
        assert_eq!(
            play(&[
                (0, content("a")),
                (5000, content("a")),
                (10_000, content("a"))
            ]),
            [(50, content("a"))]
        );
    }

    #[test]
    fn a_file_that_is_emptied_and_filled_again_is_one_change() {
        assert_eq!(
            play(&[
                (0, content("a")),
                (1000, content("")),
                (1020, content("b, half")),
                (1060, content("b, whole")),
            ]),
            [(50, content("a")), (1110, content("b, whole"))]
        );
    }

    #[test]
    fn a_hundred_saves_in_a_row_are_one_change() {
        let saves: Vec<_> = (0..100)
            .map(|n| (n * 10, content(&n.to_string())))
            .collect();
        assert_eq!(play(&saves), [(990 + 50, content("99"))]);
    }

    #[test]
    fn a_file_that_is_removed_and_comes_back_the_same_never_changed() {
        assert_eq!(
            play(&[(0, content("a")), (1000, gone()), (1500, content("a"))]),
            [(50, content("a"))]
        );
    }

    #[test]
    fn a_file_that_stays_away_is_told_once_and_again_when_it_is_back() {
        assert_eq!(
            play(&[
                (0, content("a")),
                (1000, gone()),
                (6000, gone()),
                (9000, content("a")),
            ]),
            [(50, content("a")), (2000, gone()), (9050, content("a"))]
        );
    }

    #[test]
    fn a_change_that_is_taken_back_before_it_is_still_is_none() {
        assert_eq!(
            play(&[
                (0, content("a")),
                (1000, content("b")),
                (1020, content("a"))
            ]),
            [(50, content("a"))]
        );
    }

    #[test]
    fn a_file_that_is_renamed_to_its_place_is_handed_on_at_once() {
        let mut watch = Watch::default();
        watch.look(at(0), content("a"), Arrival::Whole);
        assert_eq!(watch.settled(at(0)), Some(content("a")));
        watch.look(at(5), content("b"), Arrival::Bits);
        assert_eq!(watch.settled(at(1000)), None, "it is written in place");
        watch.look(at(1500), content("b"), Arrival::Whole);
        assert_eq!(watch.settled(at(1500)), Some(content("b")));
        assert_eq!(watch.settled(at(9000)), None, "once");
    }

    #[test]
    fn an_operator_who_says_so_has_the_file_looked_at_at_once_and_again() {
        let mut watch = Watch::default();
        watch.look(at(0), content("a"), Arrival::Bits);
        assert_eq!(watch.at_once(content("a")), content("a"));
        assert_eq!(watch.deadline(), None, "and not a second time");
        assert_eq!(watch.at_once(content("a")), content("a"));
    }
}
