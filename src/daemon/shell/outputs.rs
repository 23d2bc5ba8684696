//! Does what the core wants done.

use std::sync::Arc;

use tracing::{debug, error, info, warn};

use super::{Happened, Shell, compare, now};
use crate::api::{Done, Refusal, RefusalKind, Reply};
use crate::daemon::core::{ApplyRequest, Output};
use crate::daemon::judge::{Judged, Revision, judge};
use crate::daemon::watch::Look;
use crate::event::{Event, Severity};
use crate::notification::receivers;
use crate::probe::Tools;
use crate::reconcile::{Digest, Document};
use crate::spec::{EffectiveDaemon, Farm};

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
            Output::Ask { id, question } => self.runner.ask(id, question),
            Output::Forget { id } => self.runner.forget(id),
            Output::Keeper(order) => self.keeper.send(order),
            Output::Tell(event) => self.tell(event),
            Output::KeepHealth(document) => self.keep(Document::Health, document),
            Output::KeepOverrides(document) => self.keep(Document::Overrides, document),
            Output::Judge(text, request) => self.judge_order(text, request),
            Output::Look => self.source.look_now(),
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
        let message = &event.message;
        let kind = event.kind;
        match event.severity {
            Severity::Info => info!(%kind, "{message}"),
            Severity::Warning => warn!(%kind, "{message}"),
            Severity::Alarm => error!(%kind, "{message}"),
        }
        let sequence = self.events.push(event.clone());
        self.dispatcher.tell(&Event { sequence, ..event });
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
        self.dispatcher.configure(receivers(farm));
        self.source.settle(options.settle);
        debug!("Another file holds.");
    }

    /// Judges what the source has, beside the loop.
    pub(super) fn judge(&mut self, look: Look) {
        self.judged += 1;
        let number = self.judged;
        let bytes = match look {
            Look::Content(bytes) => bytes,
            Look::Nothing(why) => {
                let judged = Judged::Absent(why);
                let _gone = self.inbox.send(Happened::Judged(number, judged));
                return;
            }
        };
        let revision = self.revision(&bytes);
        let against = self.core.against();
        let inbox = self.inbox.clone();
        drop(tokio::task::spawn_blocking(move || {
            let judged = judge(revision, &bytes, &against);
            let _gone = inbox.send(Happened::Judged(number, judged));
        }));
    }

    fn judge_order(&mut self, text: String, request: ApplyRequest) {
        let revision = self.revision(text.as_bytes());
        let against = self.core.against();
        let inbox = self.inbox.clone();
        drop(tokio::task::spawn_blocking(move || {
            let judged = judge(revision, text.as_bytes(), &against);
            let _gone = inbox.send(Happened::Asked(request, judged));
        }));
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
