//! Does what the core wants done.

use std::sync::Arc;

use tracing::{debug, warn};

use super::rehearsed::{Instead, instead};
use super::repository::Fetching;
use super::{Happened, Shell, compare, now};
use crate::api::{Done, Refusal, RefusalKind, Reply};
use crate::daemon::Programs;
use crate::daemon::core::Provenance;
use crate::daemon::core::{ApplyRequest, Output};
use crate::daemon::git::Fetched;
use crate::daemon::judge::{self, Against, Judged, Revision};
use crate::daemon::watch::Look;
use crate::event::Event;
use crate::health::{Answer, AskId, Question, Verdict};
use crate::notification::receivers;
use crate::probe::Tools;
use crate::reconcile::{Digest, Document};
use crate::spec::{EffectiveDaemon, Farm, GitSource, LogLevel, Trust};
use std::time::Duration;

impl Shell {
    /// All that the core wants, until it wants nothing more for now.
    pub(super) fn carry_out(&mut self) {
        while let Some(output) = self.core.output() {
            self.carry_out_one(output);
        }
        self.publisher.publish(now(), &mut self.core);
        self.say_ready();
    }

    /// Tells the service manager once that the kernel holds what is wanted.
    fn say_ready(&mut self) {
        if !self.ready && self.core.has_converged() {
            self.ready = true;
            self.notifier.ready();
        }
    }

    fn carry_out_one(&mut self, output: Output) {
        match output {
            Output::Ask { id, question } => self.ask(id, question),
            Output::Forget { id } => self.runner.forget(id),
            Output::Keeper(order) => self.keeper.send(order),
            Output::Tell(event) => self.tell(event),
            Output::KeepHealth(document) => self.keep(Document::Health, document),
            Output::KeepOverrides(document) => self.keep(Document::Overrides, document),
            Output::Judge(text, request) => self.judge_order(text, request),
            Output::Look => self.look_now(),
            Output::Observed => self.publisher.observed(&self.core),
            Output::Compare(comparison) => {
                let options = self.options.clone();
                drop(tokio::task::spawn_blocking(move || {
                    compare::answer(&options, comparison);
                }));
            }
            Output::Configured(farm) => self.configured(&farm),
            Output::SetLog(filter, reply) => {
                let set = self.log.set(&filter);
                let result = set.map_or_else(
                    |error| Err(Refusal::new(RefusalKind::Impossible, error.to_string())),
                    |()| {
                        Ok(Reply::Done(Done {
                            message: format!("Logged from now on: {filter}."),
                            overrides: Vec::new(),
                        }))
                    },
                );
                let _nobody_waits = reply.send(result);
            }
            Output::End(end) => self.end = Some(end),
        }
    }

    /// Keeps an event, logs it and hands it to the receivers.
    fn tell(&mut self, event: Event) {
        let sequence = self.events.push(event.clone());
        let event = Event { sequence, ..event };
        crate::log::event(&event);
        self.dispatcher.tell(&event);
    }

    /// Writes a document beside the loop. Documents of one kind are written in order.
    fn keep<T: serde::Serialize + Send + 'static>(&self, document: Document, body: Box<T>) {
        let store = Arc::clone(&self.store);
        let order = Arc::clone(&self.writing);
        drop(tokio::spawn(async move {
            let _turn = order.lock().await;
            let written = tokio::task::spawn_blocking(move || store.save(document, &*body)).await;
            if let Ok(Err(error)) = written {
                warn!("{error}");
            }
        }));
    }

    fn configured(&mut self, farm: &Farm) {
        let options = EffectiveDaemon::of(farm);
        let dirs = options.exec_dirs.iter().map(|dir| dir.to_string().into());
        self.runner.set_tools(Arc::new(Tools::new(dirs.collect())));
        if self.options.programs == Programs::Run {
            self.dispatcher.configure(receivers(farm));
        }
        self.source.settle(options.settle);
        self.doors.follow(&options);
        self.log_as(options.log);
        debug!("Another file holds.");
    }

    fn log_as(&mut self, level: LogLevel) {
        let known = self.level.replace(level);
        let said = known.is_some() || level != LogLevel::default();
        if known == Some(level) || !said {
            return;
        }
        let word = match level {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        };
        if let Err(error) = self.log.set(word) {
            warn!("{error}");
        }
    }

    /// Judges what the source has, beside the loop.
    pub(super) fn judge(&mut self, look: Look) {
        self.judged += 1;
        let number = self.judged;
        let bytes = match look {
            Look::Content(bytes) => bytes,
            Look::Nothing(why) if self.fetching.is_some() => {
                warn!("The file that names the repository can't be read: {why}.");
                return;
            }
            Look::Nothing(why) => {
                let judged = Judged::Absent(why);
                let _gone = self.inbox.send(Happened::Judged(number, judged));
                return;
            }
        };
        let revision = self.revision(&bytes);
        let fetches = self.options.programs == Programs::Run;
        self.judge_beside(
            revision,
            bytes,
            self.core.against(),
            move |judged| match source_of(&judged) {
                Some(source) if fetches => Happened::Sourced(source.clone()),
                Some(_) | None => Happened::Judged(number, judged),
            },
        );
    }

    /// The file names a repository; it is no farm itself.
    pub(super) fn sourced(&mut self, source: GitSource) {
        let known = self.fetching.as_ref().map(Fetching::source);
        if known == Some(&source) {
            return;
        }
        let state_dir = &self.options.state_dir;
        self.fetching = Some(Fetching::begin(source, state_dir, self.inbox.clone()));
        self.core.set_provenance(Provenance::Repository);
    }

    /// The repository was looked at.
    pub(super) fn fetched(&mut self, fetched: Result<Fetched, String>) {
        let Some(fetching) = &self.fetching else {
            return;
        };
        let source = fetching.source();
        self.judged += 1;
        let number = self.judged;
        match fetched {
            Err(why) => {
                let judged = Judged::Absent(why);
                let _gone = self.inbox.send(Happened::Judged(number, judged));
            }
            Ok(fetched) => {
                let against = Against {
                    programs: match source.trust() {
                        Trust::WithoutPrograms => judge::Programs::Refused,
                        Trust::Ssh(_) | Trust::Gpg(_) | Trust::Anybody => judge::Programs::Allowed,
                    },
                    ..self.core.against()
                };
                let revision = Revision {
                    file: source.path().to_owned(),
                    digest: Digest::of(&fetched.bytes),
                    commit: Some(fetched.commit),
                    since: now().unix_ms(),
                };
                let bytes = Arc::from(fetched.bytes);
                self.judge_beside(revision, bytes, against, move |judged| {
                    Happened::Judged(number, judged)
                });
            }
        }
    }

    fn judge_beside(
        &self,
        revision: Revision,
        bytes: Arc<[u8]>,
        against: Against,
        then: impl FnOnce(Judged) -> Happened + Send + 'static,
    ) {
        let inbox = self.inbox.clone();
        drop(tokio::task::spawn_blocking(move || {
            let _gone = inbox.send(then(judge::judge(revision, &bytes, &against)));
        }));
    }

    /// Looks at the file, and at its repository, now.
    pub(super) fn look_now(&self) {
        self.source.look_now();
        if let Some(fetching) = &self.fetching {
            fetching.look_now();
        }
    }

    /// Has a question asked; in a rehearsal one that its servers can answer, and no program.
    fn ask(&self, id: AskId, question: Arc<Question>) {
        if self.options.programs == Programs::Run {
            return self.runner.ask(id, question);
        }
        match instead(&question) {
            Instead::Ask(question) => self.runner.ask(id, Arc::new(*question)),
            Instead::Pass(why) => {
                debug!(server = question.name, "Not asked: {why}.");
                let answer = Answer {
                    verdict: Verdict::Pass(why.to_owned()),
                    took: Duration::ZERO,
                    advice: None,
                    certificate: None,
                };
                let _gone = self.inbox.send(Happened::Answered(id, answer));
            }
        }
    }

    fn judge_order(&mut self, text: String, request: ApplyRequest) {
        let revision = self.revision(text.as_bytes());
        let bytes = Arc::from(text.into_bytes());
        self.judge_beside(revision, bytes, self.core.against(), move |judged| {
            Happened::Asked(request, judged)
        });
    }

    fn revision(&self, bytes: &[u8]) -> Revision {
        Revision {
            file: self.options.file.display().to_string(),
            digest: Digest::of(bytes),
            commit: None,
            since: now().unix_ms(),
        }
    }
}

/// The repository that a file names instead of being a farm.
pub(super) fn source_of(judged: &Judged) -> Option<&GitSource> {
    match judged {
        Judged::Good(good) => good.farm.source.as_ref().map(|source| &source.git),
        Judged::Bad(_) | Judged::Absent(_) => None,
    }
}
