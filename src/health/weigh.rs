//! From a real server's weight in the file to its share of new connections, step by step.
//!
//! The order: the file, an operator's weight, the agent's percent, slow start, the check, the
//! agent's wish, the operator's drain. Each step that bends the share is kept with its reason.

use crate::clock::Moment;
use crate::spec::OnFailure;
use crate::state::Share;

use super::agent::Voice;
use super::ramp::SlowStart;
use super::standing::Health;
use super::word::{Bend, Stance};

/// All that a share depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// The weight in the file.
    pub(super) file: u32,
    /// What an operator bends.
    pub(super) bend: Option<&'a Bend>,
    /// What its agent says.
    pub(super) voice: Voice,
    /// A slow start that is under way.
    pub(super) ramp: Option<SlowStart>,
    /// What its check says.
    pub(super) judged: Health,
    /// Whether it is kept although its check fails.
    pub(super) is_held: bool,
    /// What becomes of it when it is down.
    pub(super) on_failure: OnFailure,
}

/// Steps from the file's weight to the share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Override,
    Agent(u32),
    SlowStart(u32),
    NotAskedYet,
    Down,
    AgentDown,
    Held,
    AgentDrain,
    Drain,
    TakenOut,
}

/// A share, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weighed {
    /// The share of new connections.
    pub(super) share: Share,
    /// What the share will be when a slow start is over.
    pub(super) full: u32,
    /// The steps that bent it, each with the share after it.
    pub(super) steps: Vec<(Step, Share)>,
}

impl Weighed {
    fn bend(&mut self, step: Step, share: Share) {
        self.share = share;
        self.steps.push((step, share));
    }

    fn weight(&self) -> u32 {
        weight(self.share)
    }

    /// What the real server counts for in its group: its full weight while it takes connections.
    pub(super) fn counts(&self) -> u32 {
        if self.weight() == 0 { 0 } else { self.full }
    }
}

/// The weight of a share.
pub(super) fn weight(share: Share) -> u32 {
    match share {
        Share::Weight(weight) => weight,
        Share::Out => 0,
    }
}

/// The share of a real server.
pub(super) fn weigh(facts: &Facts<'_>, now: Moment) -> Weighed {
    let mut weighed = Weighed {
        share: Share::Weight(facts.file),
        full: facts.file,
        steps: Vec::new(),
    };
    written(facts, &mut weighed);
    grown(facts, &mut weighed, now);
    well(facts, &mut weighed);
    wished(facts, &mut weighed);
    weighed
}

/// The weight that is meant for it: the operator's instead of the file's, and the agent's part.
fn written(facts: &Facts<'_>, weighed: &mut Weighed) {
    if let Some(weight) = facts.bend.and_then(|bend| bend.weight) {
        weighed.bend(Step::Override, Share::Weight(weight));
    }
    if let Some(percent) = facts.voice.percent.filter(|percent| *percent != 100) {
        let part = part(weighed.weight(), percent);
        weighed.bend(Step::Agent(percent), Share::Weight(part));
    }
    weighed.full = weighed.weight();
}

/// So many percent of a weight; never nothing of something, unless 0 is said.
fn part(weight: u32, percent: u32) -> u32 {
    let part = (u64::from(weight) * u64::from(percent) + 50) / 100;
    let least = u64::from(weight.min(1)) * u64::from(percent.min(1));
    u32::try_from(part.max(least)).unwrap_or(weight)
}

fn grown(facts: &Facts<'_>, weighed: &mut Weighed, now: Moment) {
    let full = weighed.full;
    let Some(ramp) = facts.ramp.filter(|ramp| full > 1 && !ramp.is_over(now)) else {
        return;
    };
    let grown = ramp.of(full, now);
    let percent = u64::from(grown) * 100 / u64::from(full.max(1));
    let step = Step::SlowStart(u32::try_from(percent).unwrap_or(100));
    weighed.bend(step, Share::Weight(grown));
}

fn well(facts: &Facts<'_>, weighed: &mut Weighed) {
    let out = match facts.on_failure {
        OnFailure::Remove => Share::Out,
        OnFailure::Inhibit => Share::Weight(0),
    };
    match facts.judged {
        Health::New => weighed.bend(Step::NotAskedYet, out),
        Health::Down if facts.is_held => weighed.bend(Step::Held, weighed.share),
        Health::Down => weighed.bend(Step::Down, out),
        Health::Up => {}
    }
    if facts.voice.says_down {
        weighed.bend(Step::AgentDown, out);
    }
}

/// The wishes of its agent and of the operator. What is out for another reason stays out.
fn wished(facts: &Facts<'_>, weighed: &mut Weighed) {
    let at_rest = match weighed.share {
        Share::Weight(_) => Share::Weight(0),
        Share::Out => Share::Out,
    };
    if facts.voice.stance != Stance::Serves {
        weighed.bend(Step::AgentDrain, at_rest);
    }
    match facts.bend.map(|bend| bend.stance).unwrap_or_default() {
        Stance::Serves => {}
        Stance::Drains => weighed.bend(Step::Drain, at_rest),
        Stance::Out => weighed.bend(Step::TakenOut, Share::Out),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn facts() -> Facts<'static> {
        Facts {
            file: 100,
            bend: None,
            voice: Voice::default(),
            ramp: None,
            judged: Health::Up,
            is_held: false,
            on_failure: OnFailure::Remove,
        }
    }

    fn share(facts: &Facts<'_>) -> Share {
        weigh(facts, Moment::default()).share
    }

    #[test]
    fn a_well_server_has_the_weight_of_the_file_and_no_reason() {
        let weighed = weigh(&facts(), Moment::default());
        assert_eq!(weighed.share, Share::Weight(100));
        assert_eq!(weighed.steps, []);
    }

    #[test]
    fn each_step_works_on_what_the_one_before_left() {
        let bend = Bend {
            weight: Some(40),
            ..Bend::default()
        };
        let ramp = SlowStart {
            began: Moment::default(),
            before: Duration::from_secs(30),
            length: Duration::from_secs(60),
        };
        let facts = Facts {
            bend: Some(&bend),
            voice: Voice {
                percent: Some(50),
                ..Voice::default()
            },
            ramp: Some(ramp),
            ..facts()
        };
        let weighed = weigh(&facts, Moment::default());
        let steps = [
            (Step::Override, Share::Weight(40)),
            (Step::Agent(50), Share::Weight(20)),
            (Step::SlowStart(50), Share::Weight(10)),
        ];
        assert_eq!(weighed.steps, steps);
        assert_eq!(weighed.full, 20);
    }

    // haproxy #1176: an agent that said `up` put a server back whose check failed.
    #[test]
    fn no_word_of_an_agent_beats_a_failed_check() {
        let voice = Voice {
            percent: Some(100),
            ..Voice::default()
        };
        let down = Facts {
            voice,
            judged: Health::Down,
            ..facts()
        };
        assert_eq!(share(&down), Share::Out);
    }

    #[test]
    fn a_server_that_is_down_is_out_or_inhibited_as_the_file_says() {
        for (on_failure, expected) in [
            (OnFailure::Remove, Share::Out),
            (OnFailure::Inhibit, Share::Weight(0)),
        ] {
            for judged in [Health::Down, Health::New] {
                let facts = Facts {
                    judged,
                    on_failure,
                    ..facts()
                };
                assert_eq!(share(&facts), expected);
            }
        }
    }

    #[test]
    fn a_held_server_keeps_its_weight() {
        let held = Facts {
            judged: Health::Down,
            is_held: true,
            ..facts()
        };
        assert_eq!(share(&held), Share::Weight(100));
    }

    #[test]
    fn a_drained_server_that_is_down_stays_out() {
        let drain = Bend {
            stance: Stance::Drains,
            ..Bend::default()
        };
        let well = Facts {
            bend: Some(&drain),
            ..facts()
        };
        assert_eq!(share(&well), Share::Weight(0));
        let down = Facts {
            judged: Health::Down,
            ..well
        };
        assert_eq!(share(&down), Share::Out);
    }

    #[test]
    fn a_small_part_is_still_a_part() {
        assert_eq!(part(1, 1), 1);
        assert_eq!(part(3, 10), 1);
        assert_eq!(part(200, 1), 2);
        assert_eq!(part(200, 0), 0);
        assert_eq!(part(0, 50), 0);
        assert_eq!(part(65_535, 100), 65_535);
    }
}
