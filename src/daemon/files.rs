//! Which version of the file runs, and what became of the newest one. Pure.
//!
//! ```text
//! judged good -> (removals only: waits) -> tried -> the keeper holds it: runs
//!                                            \-> a guard or the kernel refuses it: waits, or unfit
//! judged bad, or absent: what runs goes on
//! ```
//!
//! Nothing here ever leaves the machine without a file that runs, once there was one. Called by
//! the core, which passes on what the keeper says.

use std::sync::Arc;
use std::time::Duration;

use super::judge::{Bad, Good, Judged, News};
use crate::api::{RefusedFile, WaitingFile};
use crate::clock::Moment;
use crate::event::{Kind, Severity};
use crate::reconcile::{Adopt, Shrink};

/// What is to be done about the file.
#[derive(Debug, Clone)]
pub enum Step {
    /// The kernel is to hold what the trial asks for.
    Try,
    /// The file that ran before runs again: what was tried is not.
    Return,
    /// Something is to be told.
    Tell(Kind, Severity, String),
}

/// A file that is being made true.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The file.
    pub good: Arc<Good>,
    /// How.
    pub terms: Terms,
}

/// How a file is made true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// Whether it may shrink the farm.
    pub shrink: Shrink,
    /// Whether foreign objects that it names become farmctl's.
    pub adopt: Adopt,
    /// It is undone after so long unless an operator confirms it.
    pub confirm: Option<Duration>,
}

/// Whence the file that runs was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whence {
    /// From its source.
    Source,
    /// From the state directory: its source has nothing better.
    Memory,
}

/// What became of the newest file.
#[derive(Debug, Clone, Default)]
enum Newest {
    /// It runs, or is tried.
    #[default]
    Taken,
    /// It is bad.
    Bad(Arc<Bad>),
    /// It is good, and waits.
    Waits(Waiting),
    /// It is good, and can't be had on this machine: why.
    Unfit(Arc<Good>, Vec<String>),
}

#[derive(Debug, Clone)]
struct Waiting {
    good: Arc<Good>,
    because: Vec<String>,
    /// When it goes on by itself; none where an operator has to say so.
    until: Option<Moment>,
}

/// Keeps the versions of the file apart.
#[derive(Debug, Default)]
pub struct Files {
    running: Option<(Arc<Good>, Option<Whence>)>,
    trial: Option<Trial>,
    newest: Newest,
    absent: Option<String>,
    /// What ran before a file that waits for its confirmation.
    before: Option<Arc<Good>>,
}

/// So long a file whose only change is removals must be unchanged.
pub const REMOVALS_WAIT: Duration = Duration::from_secs(2);

impl Files {
    /// The last accepted file, before anything was read.
    pub fn remember(&mut self, good: Arc<Good>) {
        self.running = Some((good, Some(Whence::Memory)));
    }

    /// The file that runs: what the kernel holds, or is brought back to.
    pub fn running(&self) -> Option<&Arc<Good>> {
        self.running.as_ref().map(|(good, _)| good)
    }

    /// Whether what runs was taken from the state directory.
    pub fn whence(&self) -> Option<Whence> {
        self.running.as_ref().and_then(|(_, whence)| *whence)
    }

    /// The file that is being made true.
    pub fn trial(&self) -> Option<&Trial> {
        self.trial.as_ref()
    }

    /// The file that is wished for.
    pub fn wished(&self) -> Option<&Arc<Good>> {
        let trial = self.trial.as_ref().map(|trial| &trial.good);
        trial.or_else(|| self.running())
    }

    /// Why the source has no text; none where it has.
    pub fn absent(&self) -> Option<&str> {
        self.absent.as_deref()
    }

    /// Takes a judgement of what the source holds now.
    pub fn judged(&mut self, now: Moment, judged: Judged) -> Vec<Step> {
        match judged {
            Judged::Absent(why) => self.missed(why),
            Judged::Bad(bad) => {
                self.absent = None;
                self.refuse_bad(bad)
            }
            Judged::Good(good) => {
                self.absent = None;
                self.take(now, good)
            }
        }
    }

    fn missed(&mut self, why: String) -> Vec<Step> {
        if self.absent.as_ref() == Some(&why) {
            return Vec::new();
        }
        let goes_on = self.goes_on();
        let told = format!("The farm's file can't be had: {why}; {goes_on}.");
        self.absent = Some(why);
        vec![Step::Tell(Kind::FileRefused, Severity::Warning, told)]
    }

    fn refuse_bad(&mut self, bad: Arc<Bad>) -> Vec<Step> {
        let known =
            matches!(&self.newest, Newest::Bad(old) if old.revision.digest == bad.revision.digest);
        if known {
            return Vec::new();
        }
        let told = format!("The new file is bad: {}; {}.", bad.message, self.goes_on());
        self.newest = Newest::Bad(bad);
        vec![Step::Tell(Kind::FileRefused, Severity::Warning, told)]
    }

    fn goes_on(&self) -> &'static str {
        match self.wished() {
            Some(_) => "the old one goes on",
            None => "there is no earlier one, and nothing runs",
        }
    }

    fn take(&mut self, now: Moment, good: Arc<Good>) -> Vec<Step> {
        if self.is_running(&good) {
            return self.back_to_running(&good);
        }
        let digest = &good.revision.digest;
        let known = match &self.newest {
            Newest::Waits(waiting) => waiting.good.revision.digest == *digest,
            Newest::Unfit(unfit, _) => unfit.revision.digest == *digest,
            Newest::Taken | Newest::Bad(_) => false,
        };
        let tried = self
            .trial
            .as_ref()
            .is_some_and(|it| it.good.revision.digest == *digest);
        if known || tried {
            return Vec::new();
        }
        if good.news == News::RemovalsOnly && self.running.is_some() {
            return self.wait_for_more(now, good);
        }
        self.attempt(good, Terms::default())
    }

    fn is_running(&self, good: &Good) -> bool {
        let running = self
            .running()
            .is_some_and(|it| it.revision.digest == good.revision.digest);
        running && self.trial.is_none()
    }

    /// The source holds what runs.
    fn back_to_running(&mut self, good: &Arc<Good>) -> Vec<Step> {
        let was_bad = !matches!(self.newest, Newest::Taken);
        let news = self.whence() == Some(Whence::Memory) || was_bad;
        self.newest = Newest::Taken;
        // What is looked after stays the very same value: nothing that is compared to it changes.
        let farm = self
            .running()
            .map_or_else(|| Arc::clone(&good.farm), |it| Arc::clone(&it.farm));
        let same = Good {
            farm,
            ..Good::clone(good)
        };
        self.running = Some((Arc::new(same), Some(Whence::Source)));
        if !news {
            return Vec::new();
        }
        let told = "The file is the one that runs.".to_owned();
        vec![Step::Tell(Kind::FileAccepted, Severity::Info, told)]
    }

    fn wait_for_more(&mut self, now: Moment, good: Arc<Good>) -> Vec<Step> {
        let because = "Its only changes are removals, as of a file that is being written: it must \
                       be unchanged for 2 s."
            .to_owned();
        self.newest = Newest::Waits(Waiting {
            good,
            because: vec![because.clone()],
            until: Some(now + REMOVALS_WAIT),
        });
        let told = format!("The new file waits. {because}");
        vec![Step::Tell(Kind::FileWaits, Severity::Info, told)]
    }

    /// Has a file made true on these terms, whatever it waited for.
    pub fn attempt(&mut self, good: Arc<Good>, terms: Terms) -> Vec<Step> {
        self.newest = Newest::Taken;
        self.trial = Some(Trial { good, terms });
        vec![Step::Try]
    }

    /// When [`Files::timeout`] has something to do.
    pub fn deadline(&self) -> Option<Moment> {
        match &self.newest {
            Newest::Waits(waiting) => waiting.until,
            Newest::Taken | Newest::Bad(_) | Newest::Unfit(..) => None,
        }
    }

    /// Goes on with what has waited for long enough.
    pub fn timeout(&mut self, now: Moment) -> Vec<Step> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Vec::new();
        }
        match std::mem::take(&mut self.newest) {
            Newest::Waits(waiting) => self.attempt(waiting.good, Terms::default()),
            other @ (Newest::Taken | Newest::Bad(_) | Newest::Unfit(..)) => {
                self.newest = other;
                Vec::new()
            }
        }
    }

    /// An operator lets a file through that waits: none where no such file waits.
    pub fn approve(&mut self, word: &str) -> Option<Vec<Step>> {
        let good = match &self.newest {
            Newest::Waits(waiting) if waiting.good.revision.is_named(word) => {
                Arc::clone(&waiting.good)
            }
            Newest::Waits(_) | Newest::Taken | Newest::Bad(_) | Newest::Unfit(..) => return None,
        };
        let terms = Terms {
            shrink: Shrink::Allowed,
            ..Terms::default()
        };
        Some(self.attempt(good, terms))
    }

    /// The kernel holds the trial.
    pub fn accepted(&mut self) -> Vec<Step> {
        let Some(trial) = self.trial.take() else {
            return Vec::new();
        };
        let told = format!(
            "{} runs, revision {}.",
            trial.good.revision.file,
            trial.good.revision.name()
        );
        let before = self.running.replace((trial.good, Some(Whence::Source)));
        self.before = trial.terms.confirm.and(before.map(|(good, _)| good));
        vec![Step::Tell(Kind::FileAccepted, Severity::Info, told)]
    }

    /// A guard speaks against the trial: it waits for an operator.
    pub fn guarded(&mut self, why: Vec<String>) -> Vec<Step> {
        let Some(trial) = self.trial.take() else {
            return Vec::new();
        };
        let name = trial.good.revision.name();
        let told = format!(
            "The new file waits for `farmctl approve {name}`; {}. {}",
            self.goes_on(),
            why.join(" ")
        );
        self.newest = Newest::Waits(Waiting {
            good: trial.good,
            because: why,
            until: None,
        });
        vec![
            Step::Return,
            Step::Tell(Kind::FileWaits, Severity::Warning, told),
        ]
    }

    /// The trial can't be had here.
    pub fn unfit(&mut self, why: Vec<String>) -> Vec<Step> {
        let Some(trial) = self.trial.take() else {
            return Vec::new();
        };
        let told = format!(
            "The new file can't be used here; {}. {}",
            self.goes_on(),
            why.join(" ")
        );
        self.newest = Newest::Unfit(trial.good, why);
        vec![
            Step::Return,
            Step::Tell(Kind::FileRefused, Severity::Warning, told),
        ]
    }

    /// The confirmation did not come: what ran before runs again.
    pub fn undone(&mut self) -> Vec<Step> {
        let Some(before) = self.before.take() else {
            return Vec::new();
        };
        let why = "It was undone, because nobody confirmed it in time.".to_owned();
        if let Some((undone, _)) = self.running.replace((before, Some(Whence::Memory))) {
            self.newest = Newest::Unfit(undone, vec![why]);
        }
        vec![Step::Return]
    }

    /// The confirmation came.
    pub fn confirmed(&mut self) {
        self.before = None;
    }

    /// A newer file that is not used, in the words of the status.
    pub fn refused(&self) -> Option<RefusedFile> {
        match &self.newest {
            Newest::Bad(bad) => Some(RefusedFile {
                revision: bad.revision.status(),
                message: bad.message.clone(),
                problems: bad.problems.clone(),
            }),
            Newest::Unfit(good, why) => Some(RefusedFile {
                revision: good.revision.status(),
                message: why.join(" "),
                problems: Vec::new(),
            }),
            Newest::Taken | Newest::Waits(_) => None,
        }
    }

    /// A newer file that waits, in the words of the status; `unix` gives moments as milliseconds
    /// since 1970.
    pub fn waiting(&self, unix: impl Fn(Moment) -> u64) -> Option<WaitingFile> {
        let Newest::Waits(waiting) = &self.newest else {
            return None;
        };
        Some(WaitingFile {
            revision: waiting.good.revision.status(),
            because: waiting.because.clone(),
            needs_approval: waiting.until.is_none(),
            until: waiting.until.map(unix),
        })
    }
}
