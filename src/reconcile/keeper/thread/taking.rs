//! What is done about inputs that are no wishes: readings, and orders that are obeyed at once.

use super::Driver;
use crate::reconcile::keeper::drains::Drains;
use crate::reconcile::keeper::reader::Reading;
use crate::reconcile::keeper::trouble::Trouble;
use crate::reconcile::keeper::{Answer, DriftPolicy, Said};

impl Driver {
    /// The reader has read the kernel.
    pub(super) fn read(&mut self, reading: Reading) {
        let now = self.hands.now();
        let Some(steward) = &mut self.steward else {
            return;
        };
        let touched = self.hands.touched_since(reading.generation);
        let (Ok(seen), Some(touched)) = (reading.seen, touched) else {
            // What failed is read again; so is what a run overtook that did who knows what.
            return;
        };
        let was_draining = steward.drains.told();
        let foreign = steward.observed(&seen, &touched);
        self.stale |= steward.drains.is_due(now);
        if steward.drains.told() != was_draining {
            (self.say)(Said::Draining(steward.drains.told()));
        }
        let policy = steward.held.as_ref().map(|held| held.wish.drift);
        if let (false, Some(policy)) = (foreign.is_empty(), policy) {
            let fought = steward.drifted(&foreign, policy, now);
            self.stale |= policy == DriftPolicy::Correct;
            (self.say)(Said::Drift {
                changes: foreign,
                answer: answer(policy),
            });
            if !fought.is_empty() {
                (self.say)(Said::Fight { objects: fought });
            }
        }
        (self.say)(Said::Seen(seen));
    }

    pub(super) fn resume(&mut self) {
        if let Some(steward) = &mut self.steward {
            steward.resume();
            self.stale = true;
        }
        self.look();
    }

    pub(super) fn confirm(&mut self) {
        let end = self.hands.confirm();
        if end.is_ok() {
            self.fallback = None;
        }
        (self.say)(Said::Confirmed(end.map_err(|error| error.to_string())));
    }

    /// The confirmation did not come.
    pub(super) fn undo(&mut self) {
        match self.hands.undo_if_due() {
            Ok(None) => {}
            Ok(Some(end)) => {
                self.look_again();
                if let Some(steward) = &mut self.steward {
                    // Without the file before, the daemon says what is wished for now.
                    steward.held = self.fallback.take();
                }
                self.stale = true;
                (self.say)(Said::Undone { end });
            }
            Err(error) => self.fail(self.told.unwrap_or_default(), error.to_string()),
        }
    }

    /// Everything that farmctl made goes.
    pub(super) fn release(&mut self) {
        self.waiting = None;
        self.trial = None;
        let Some(steward) = &mut self.steward else {
            let why = "The kernel was not read yet.".to_owned();
            (self.say)(Said::Released(Err(why)));
            return;
        };
        steward.held = None;
        let released = self.hands.release(steward);
        if released.is_ok() {
            steward.drains = Drains::default();
        }
        let end = released.map_err(|trouble| match trouble {
            Trouble::Failed(cause) => cause,
            Trouble::Refused(_, why) => why.join(" "),
        });
        (self.say)(Said::Released(end));
    }
}

fn answer(policy: DriftPolicy) -> Answer {
    match policy {
        DriftPolicy::Correct => Answer::Corrected,
        DriftPolicy::Report => Answer::Reported,
        DriftPolicy::Pause => Answer::Paused,
    }
}
