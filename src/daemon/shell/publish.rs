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
    rate: Rate,
    last: Option<Moment>,
    due: Option<Moment>,
}

/// How many a second something comes to.
#[derive(Debug, Default)]
struct Rate {
    since: Moment,
    count: u64,
    last: f64,
}

impl Rate {
    /// The rate at a moment, of a count that only grows. It is looked at again after a second.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of seconds are far below 2^53"
    )]
    fn at(&mut self, now: Moment, count: u64) -> f64 {
        let length = now.since(self.since);
        if length >= ANSWERS {
            self.last = count.saturating_sub(self.count) as f64 / length.as_secs_f64();
            (self.since, self.count) = (now, count);
        }
        self.last
    }
}

impl Publisher {
    /// A publisher of nothing yet.
    pub(super) fn new() -> Self {
        Self {
            status: watch::Sender::new(Arc::new(Status::of(""))),
            observed: watch::Sender::new(Arc::default()),
            meters: Arc::default(),
            rate: Rate::default(),
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
            self.meters.punctual(core.lateness());
            let mut status = core.status(now);
            status.daemon.probes_per_second = self.rate.at(now.moment, self.meters.answers());
            self.status.send_replace(Arc::new(status));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_the_last_second_or_longer() {
        let at = |seconds: u64| Moment::since_boot(Duration::from_secs(seconds));
        let mut rate = Rate::default();
        let rates = [(100, 0), (102, 20), (102, 25), (104, 60)].map(|(when, count)| {
            let rate = rate.at(at(when), count);
            format!("{rate:.1}")
        });
        assert_eq!(rates, ["0.0", "10.0", "10.0", "20.0"]);
    }
}
