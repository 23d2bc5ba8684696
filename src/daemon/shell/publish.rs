//! Keeps what the API shows up to date: at once where an operator waits for it, else now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::api::{Meters, Reconciled, Status};
use crate::clock::Moment;
use crate::daemon::core::{Core, StatusChange};
use crate::daemon::now::Now;
use crate::dataplane::Observation;
use crate::reconcile::keeper::Said;

/// So long after the last status comes the next where something changed.
const URGENT: Duration = Duration::from_millis(20);
/// The same where real servers only answered as before.
const ANSWERS: Duration = Duration::from_secs(1);

/// What the API reads.
pub(super) struct Publisher {
    status: watch::Sender<Arc<Status>>,
    observed: watch::Sender<Arc<Observation>>,
    meters: Arc<Meters>,
    last: Option<Moment>,
    due: Option<Moment>,
}

impl Publisher {
    /// A publisher of nothing yet.
    pub(super) fn new() -> Self {
        Self {
            status: watch::Sender::new(Arc::new(Status::of(""))),
            observed: watch::Sender::new(Arc::default()),
            meters: Arc::default(),
            last: None,
            due: None,
        }
    }

    /// Where the status is read.
    pub(super) fn status(&self) -> watch::Receiver<Arc<Status>> {
        self.status.subscribe()
    }

    /// Where the observation is read.
    pub(super) fn observation(&self) -> watch::Receiver<Arc<Observation>> {
        self.observed.subscribe()
    }

    /// The meters.
    pub(super) fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// When the next status is due.
    pub(super) fn due(&self) -> Option<Moment> {
        self.due
    }

    /// Publishes a status if one is due.
    pub(super) fn publish(&mut self, now: Now, core: &mut Core) {
        let pause = match core.take_change() {
            StatusChange::None => None,
            StatusChange::Answers => Some(ANSWERS),
            StatusChange::Urgent => Some(URGENT),
        };
        if let Some(pause) = pause {
            let due = self.last.map_or(now.moment, |last| last + pause);
            self.due = Some(self.due.map_or(due, |known| known.min(due)));
        }
        if self.due.is_some_and(|due| due <= now.moment) {
            self.due = None;
            self.last = Some(now.moment);
            self.status.send_replace(Arc::new(core.status(now)));
        }
    }

    /// Publishes what the kernel held.
    pub(super) fn observed(&self, core: &Core) {
        if let Some(seen) = core.observed() {
            self.observed.send_replace(seen);
        }
    }

    /// Counts what the keeper did.
    pub(super) fn measure(&self, said: &Said) {
        if matches!(said, Said::Converged(_)) {
            self.meters
                .reconciled(Duration::ZERO, Reconciled::Converged);
        } else if matches!(said, Said::Failed { .. }) {
            self.meters.reconciled(Duration::ZERO, Reconciled::Failed);
        }
    }
}
