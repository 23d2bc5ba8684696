//! Which question goes out when, and what becomes of those that are out.

use crate::clock::Moment;

use super::super::question::{Answer, Verdict};
use super::super::standing::Health;
use super::super::word::{AskId, Output};
use super::Engine;

impl Engine {
    /// Asks all that is due, in the order in which it is due, while not too many are out.
    pub(super) fn ask_what_is_due(&mut self, now: Moment) {
        self.asking.seen = now;
        while self.asking.outstanding < self.asking.concurrency.get() {
            let Some((slot, due)) = self.timing.due.take_due(now) else {
                return;
            };
            self.asking.lateness.note(now.since(due));
            self.ask(now, slot);
        }
    }

    fn ask(&mut self, now: Moment, slot: u32) {
        let id = self.next_ask(slot);
        let Some(probe) = self.probes.get_mut(slot) else {
            return;
        };
        let given_up = probe.ask(now, id);
        let question = probe.question.clone();
        self.timing.given_up.set(slot, Some(given_up));
        self.asking.outstanding += 1;
        self.outputs.push_back(Output::Ask { id, question });
    }

    /// Gives up askings that nothing came back from: the fault is this machine's, for a probe
    /// comes back when its time is over.
    pub(super) fn give_up(&mut self, now: Moment) {
        while let Some((slot, _)) = self.timing.given_up.take_due(now) {
            let asked = self.probes.get(slot).and_then(|probe| probe.asked);
            let Some(asked) = asked else {
                continue;
            };
            self.outputs.push_back(Output::Forget { id: asked.id });
            let text = "nothing came back from the probe, not even that its time was over";
            let answer = Answer {
                verdict: Verdict::Unasked(text.to_owned()),
                took: now.since(asked.at),
                advice: None,
                certificate: None,
            };
            self.answered(now, asked.id, answer);
        }
    }

    /// The asking that an answer names, if somebody waits for it.
    pub(super) fn take_asked(&mut self, ask: AskId) -> Option<Moment> {
        let probe = self.probes.get_mut(ask.slot)?;
        let asked = probe.asked.take_if(|asked| asked.id == ask)?;
        self.timing.given_up.set(ask.slot, None);
        self.asking.outstanding = self.asking.outstanding.saturating_sub(1);
        Some(asked.at)
    }

    /// Nobody waits for the answer any more.
    pub(super) fn forget_asked(&mut self, slot: u32) {
        let Some(probe) = self.probes.get(slot) else {
            return;
        };
        if let Some(asked) = probe.asked {
            self.take_asked(asked.id);
            self.outputs.push_back(Output::Forget { id: asked.id });
        }
    }

    /// When the next question goes out, after one that went out at `asked`.
    pub(super) fn ask_again(&mut self, now: Moment, slot: u32, asked: Moment) {
        let Some(probe) = self.probes.get(slot) else {
            return;
        };
        let is_up = |member: &u32| {
            let watched = self.members.get(*member);
            watched.is_some_and(|watched| watched.judged == Health::Up)
        };
        let undecided =
            !probe.is_agent() && probe.streak.failures > 0 && probe.members.iter().any(is_up);
        let next = if undecided {
            probe.retry(now, asked)
        } else {
            probe.next(now, &mut self.chance)
        };
        self.timing.due.set(slot, Some(next));
    }
}
