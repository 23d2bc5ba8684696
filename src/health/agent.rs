//! What an agent on a real server says about the share that it can take (HAProxy's agent-check
//! words), and how much of it counts.
//!
//! A percent is smoothed, changes seldom, is never more than 100, and is 0 only where 0 is said.
//! What an agent does not repeat holds until it says otherwise, as in HAProxy; but an agent that
//! falls silent is not believed for ever.

use std::time::Duration;

use crate::clock::Moment;

use super::question::{Advice, Welcome};
use super::word::Stance;

/// A percent changes no more often than this.
pub(super) const PACE: Duration = Duration::from_secs(2);
/// Smoothed percents are kept as this many parts of a percent.
const PARTS: u32 = 256;

/// What an agent says, as it counts now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Agent {
    stale_after: Duration,
    voice: Voice,
    /// The smoothed percent, in parts.
    smooth: Option<u32>,
    /// When the percent that counts last changed.
    moved: Option<Moment>,
    heard: Option<Moment>,
    /// The percent that was told last.
    told: u32,
}

/// What counts of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Voice {
    /// The share of the weight; none where nothing is said.
    pub(super) percent: Option<u32>,
    /// Whether new connections are welcome.
    pub(super) stance: Stance,
    /// Whether it says that the real server is down.
    pub(super) says_down: bool,
    /// Whether it spoke once and is not believed any more.
    pub(super) is_stale: bool,
}

impl Voice {
    /// Two agents of one real server: the more careful one counts.
    pub(super) fn and(self, other: Self) -> Self {
        let percents = self.percent.into_iter().chain(other.percent);
        Self {
            percent: percents.min(),
            stance: self.stance.max(other.stance),
            says_down: self.says_down || other.says_down,
            is_stale: self.is_stale || other.is_stale,
        }
    }
}

impl Agent {
    /// An agent that has said nothing yet.
    pub(super) fn new(stale_after: Duration) -> Self {
        Self {
            stale_after,
            voice: Voice::default(),
            smooth: None,
            moved: None,
            heard: None,
            told: 100,
        }
    }

    /// An agent that spoke before the daemon was started again.
    pub(super) fn again(stale_after: Duration, now: Moment, voice: Voice) -> Self {
        Self {
            smooth: voice.percent.map(|percent| percent * PARTS),
            moved: Some(now),
            heard: Some(now),
            told: voice.percent.unwrap_or(100),
            voice,
            ..Self::new(stale_after)
        }
    }

    /// What counts now.
    pub(super) fn voice(&self) -> Voice {
        self.voice
    }

    /// How long ago it spoke.
    pub(super) fn ago(&self, now: Moment) -> Option<Duration> {
        self.heard.map(|heard| now.since(heard))
    }

    /// It spoke.
    pub(super) fn hear(&mut self, now: Moment, advice: Advice) {
        if self.voice.is_stale {
            *self = Self::new(self.stale_after);
        }
        self.heard = Some(now);
        if let Some(percent) = advice.percent {
            self.smooth(u32::from(percent).min(100));
        }
        if let Some(welcome) = advice.welcome {
            self.voice.stance = match welcome {
                Welcome::Ready => Stance::Serves,
                Welcome::Drain | Welcome::Maintenance => Stance::Drains,
            };
        }
        if let Some(up) = advice.up {
            self.voice.says_down = !up;
        }
        self.follow(now);
    }

    /// Time has passed: what it said grows old, or a change that had to wait is made.
    pub(super) fn wake(&mut self, now: Moment) {
        let too_old = |heard| now.since(heard) >= self.stale_after;
        if self.heard.is_some_and(too_old) && !self.voice.is_stale {
            self.voice = Voice {
                is_stale: true,
                ..Voice::default()
            };
            self.smooth = None;
        }
        self.follow(now);
    }

    /// When it wants to be woken.
    pub(super) fn next(&self) -> Option<Moment> {
        let heard = self.heard.filter(|_| !self.voice.is_stale)?;
        let stale = heard + self.stale_after;
        let waits = self.wanted() != self.voice.percent;
        let paced = self.moved.filter(|_| waits).map(|moved| moved + PACE);
        Some(paced.map_or(stale, |paced| paced.min(stale)))
    }

    /// The percent to tell, where it is far from what was told last.
    pub(super) fn news(&mut self) -> Option<u32> {
        let percent = self.voice.percent.unwrap_or(100);
        let news = percent.abs_diff(self.told) >= 10 || (percent == 0) != (self.told == 0);
        news.then(|| {
            self.told = percent;
            percent
        })
    }

    /// Goes half of the way from what was to what is said; all of it at the first word, and to 0.
    fn smooth(&mut self, said: u32) {
        let said = said * PARTS;
        self.smooth = Some(match self.smooth {
            Some(before) if said != 0 => u32::midpoint(before, said),
            _ => said,
        });
    }

    /// The percent that ought to count.
    fn wanted(&self) -> Option<u32> {
        let parts = self.smooth?;
        let rounded = (parts + PARTS / 2) / PARTS;
        Some(if parts == 0 { 0 } else { rounded.max(1) })
    }

    /// Makes the percent that ought to count the one that counts, if it may change yet.
    fn follow(&mut self, now: Moment) {
        let wanted = self.wanted();
        if wanted == self.voice.percent {
            return;
        }
        let may = self.moved.is_none_or(|moved| now.since(moved) >= PACE);
        if may || wanted.unwrap_or(0) == 0 {
            self.voice.percent = wanted;
            self.moved = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::AgentCheck;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::since_boot(Duration::from_secs(seconds))
    }

    fn percent(percent: u16) -> Advice {
        Advice {
            percent: Some(percent),
            ..Advice::default()
        }
    }

    fn agent() -> Agent {
        Agent::new(AgentCheck::STALE_AFTER)
    }

    #[test]
    fn the_first_word_counts_at_once_and_later_ones_are_smoothed() {
        let mut agent = agent();
        agent.hear(at(0), percent(80));
        assert_eq!(agent.voice().percent, Some(80));
        agent.hear(at(5), percent(40));
        assert_eq!(agent.voice().percent, Some(60));
        for second in 2..12 {
            agent.hear(at(second * 5), percent(40));
        }
        assert_eq!(agent.voice().percent, Some(40), "it gets there");
    }

    #[test]
    fn a_percent_is_never_0_unless_0_is_said_and_then_at_once() {
        let mut agent = agent();
        agent.hear(at(0), percent(1));
        for second in 1..40 {
            agent.hear(at(second * 3), percent(1));
            assert_eq!(agent.voice().percent, Some(1));
        }
        agent.hear(at(120), percent(0));
        assert_eq!(agent.voice().percent, Some(0));
    }

    #[test]
    fn changes_are_kept_apart_and_the_last_one_is_not_lost() {
        let mut agent = agent();
        agent.hear(at(10), percent(100));
        agent.hear(at(11), percent(50));
        assert_eq!(agent.voice().percent, Some(100), "too soon");
        assert_eq!(agent.next(), Some(at(12)));
        agent.wake(at(12));
        assert_eq!(agent.voice().percent, Some(75));
    }

    // keepalived #2720: a dynamic weight grew without bound.
    #[test]
    fn a_percent_never_grows_beyond_the_weight_of_the_file() {
        let mut agent = agent();
        for second in 0..1_000 {
            agent.hear(at(second), percent(u16::MAX));
            assert_eq!(agent.voice().percent, Some(100));
        }
    }

    // haproxy #2039: weight and state in one reply.
    #[test]
    fn weight_and_state_in_one_reply_both_count() {
        let mut agent = agent();
        let both = Advice {
            percent: Some(30),
            welcome: Some(Welcome::Drain),
            up: Some(false),
        };
        agent.hear(at(0), both);
        let voice = agent.voice();
        assert_eq!(voice.percent, Some(30));
        assert_eq!(voice.stance, Stance::Drains);
        assert!(voice.says_down);
    }

    #[test]
    fn what_is_not_repeated_holds_until_it_is_taken_back() {
        let mut agent = agent();
        let drain = Advice {
            welcome: Some(Welcome::Maintenance),
            ..Advice::default()
        };
        agent.hear(at(0), drain);
        agent.hear(at(5), percent(50));
        assert_eq!(agent.voice().stance, Stance::Drains);
        let ready = Advice {
            welcome: Some(Welcome::Ready),
            ..Advice::default()
        };
        agent.hear(at(10), ready);
        assert_eq!(agent.voice().stance, Stance::Serves);
    }

    // HAProxy's own documentation warns of a vanished agent: its last word held for ever.
    #[test]
    fn a_vanished_agent_is_not_believed_for_ever() {
        let mut agent = agent();
        let last = Advice {
            percent: Some(3),
            welcome: Some(Welcome::Drain),
            up: Some(false),
        };
        agent.hear(at(0), last);
        assert_eq!(agent.next(), Some(at(30)));
        agent.wake(at(30));
        let stale = Voice {
            is_stale: true,
            ..Voice::default()
        };
        assert_eq!(agent.voice(), stale);
        assert_eq!(agent.next(), None);
        agent.hear(at(40), percent(20));
        assert_eq!(agent.voice().percent, Some(20), "it is back");
        assert!(!agent.voice().is_stale);
    }

    #[test]
    fn small_changes_are_not_news() {
        let mut agent = agent();
        agent.hear(at(0), percent(95));
        assert_eq!(agent.news(), None);
        agent.hear(at(5), percent(45));
        assert_eq!(agent.news(), Some(70));
        assert_eq!(agent.news(), None);
    }
}
