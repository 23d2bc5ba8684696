//! What outlives a daemon, as it stands on the disk.

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::daemon::now::Now;
use crate::daemon::overrides::Overrides;
use crate::event::{Event, FORMAT_VERSION, Kind, Severity, Subject};
use crate::health::{Memory, Told};
use crate::reconcile::Origin;

use super::{Core, Output};

/// `health.json`: what was known of the real servers, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthDocument {
    /// The boot and network namespace that it is of: in another it is void.
    pub origin: Origin,
    /// When it was kept.
    pub at: Moment,
    /// What was known.
    pub memory: Memory,
}

/// `overrides.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverridesDocument {
    /// All overrides.
    pub overrides: Overrides,
}

impl HealthDocument {
    /// What of it holds in this boot and namespace, and how old it is.
    pub fn here(self, origin: &Origin, now: Moment) -> Option<(Memory, std::time::Duration)> {
        (self.origin == *origin && self.at <= now).then(|| (self.memory, now.since(self.at)))
    }
}

impl Core {
    /// Has the health of the real servers kept now.
    pub(super) fn keep_health(&mut self, now: Now) {
        self.health_kept = None;
        let document = self.health_document(now);
        self.outputs
            .push_back(Output::KeepHealth(Box::new(document)));
    }

    /// What is known of the real servers, as it is kept.
    pub fn health_document(&self, now: Now) -> HealthDocument {
        HealthDocument {
            origin: self.setup.origin.clone(),
            at: now.moment,
            memory: self.engine.memory(now.moment),
        }
    }

    /// Has the overrides kept now.
    pub(super) fn keep_overrides(&mut self) {
        let document = OverridesDocument {
            overrides: self.overrides.clone(),
        };
        self.outputs
            .push_back(Output::KeepOverrides(Box::new(document)));
    }

    /// Tells of something that is about nothing in particular.
    pub(super) fn tell(&mut self, now: Now, kind: Kind, severity: Severity, message: String) {
        self.tell_about(
            now,
            Told {
                kind,
                severity,
                subject: Subject::default(),
                message,
            },
        );
    }

    /// Tells of something.
    pub(super) fn tell_about(&mut self, now: Now, told: Told) {
        let node = self.kernel.node().map(ToString::to_string);
        self.outputs.push_back(Output::Tell(Event {
            format_version: FORMAT_VERSION,
            sequence: 0,
            at: now.unix_ms(),
            node: node.or_else(|| self.setup.node.clone()),
            severity: told.severity,
            kind: told.kind,
            subject: told.subject,
            message: told.message,
        }));
    }
}
