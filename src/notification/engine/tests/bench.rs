//! An engine on a bench: its events, its receiver, its clock.

use super::*;

/// An engine, its receiver and a clock that only tests move.
pub(super) struct Bench {
    pub(super) engine: Engine,
    pub(super) now: Duration,
    pub(super) sequence: u64,
    pub(super) told: Vec<(Duration, Message)>,
    pub(super) answer: Result<(), Failure>,
    pub(super) attempts: u64,
}

pub(super) fn wishes() -> Wishes {
    Wishes {
        on: ["warning", "alarm"].into(),
        group: SECOND * 10,
        repeat: None,
        limit: Rate {
            count: 20,
            per: HOUR,
        },
    }
}

pub(super) fn server(name: &str) -> Subject {
    Subject {
        service: Some("http".to_owned()),
        server: Some(name.to_owned()),
        ..Subject::default()
    }
}

impl Bench {
    pub(super) fn new(wishes: Wishes) -> Self {
        let sender = Sender {
            farm: "shop".to_owned(),
            node: "lb1".to_owned(),
        };
        Self {
            engine: Engine::new(wishes, sender, 7),
            now: Duration::from_secs(1_000_000),
            sequence: 0,
            told: Vec::new(),
            answer: Ok(()),
            attempts: 0,
        }
    }

    pub(super) fn moment(&self) -> Moment {
        Moment::since_boot(self.now)
    }

    pub(super) fn event(
        &mut self,
        kind: Kind,
        severity: Severity,
        subject: Subject,
        message: &str,
    ) {
        self.sequence += 1;
        let event = Event {
            format_version: FORMAT_VERSION,
            sequence: self.sequence,
            at: u64::try_from(self.now.as_millis()).unwrap(),
            node: Some("lb1".to_owned()),
            severity,
            kind,
            subject,
            message: message.to_owned(),
        };
        let now = self.moment();
        self.engine.handle_event(&event, now);
    }

    pub(super) fn down(&mut self, name: &str) {
        let text = format!("{name} of http is down: connection refused.");
        self.event(Kind::ServerDown, Severity::Warning, server(name), &text);
    }

    pub(super) fn up(&mut self, name: &str) {
        let text = format!("{name} of http is up.");
        self.event(Kind::ServerUp, Severity::Info, server(name), &text);
    }

    /// Lets time pass: it jumps from one message to the next.
    pub(super) fn pass(&mut self, length: Duration) {
        let end = self.now + length;
        loop {
            while let Some(message) = self.engine.poll_transmit(self.moment()) {
                self.attempts += 1;
                let now = self.moment();
                match self.answer.clone() {
                    Ok(()) => {
                        self.engine.handle_delivered(now);
                        self.told.push((self.now, message));
                    }
                    Err(failure) => self.engine.handle_failure(&failure, now),
                }
            }
            match self.engine.poll_timeout().map(Moment::as_since_boot) {
                Some(due) if due <= end => self.now = due.max(self.now),
                Some(_) | None => break,
            }
        }
        self.now = end;
    }

    /// The titles that were told since they were asked for last.
    pub(super) fn titles(&mut self) -> Vec<String> {
        let told = self.told.drain(..);
        told.map(|(_, message)| format!("{}: {}", message.label(), message.title()))
            .collect()
    }

    pub(super) fn last(&self) -> &Message {
        &self.told.last().unwrap().1
    }
}
