//! What is measured while the daemon works: counts and distributions that a status, being what is
//! so now, can't tell.
//!
//! `daemon` measures; the metrics page shows it. Measuring is a few atomic additions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::proto::{self, Bucket, Metric, MetricFamily, MetricType};
use prometheus::{Histogram, HistogramOpts};

use crate::health::{LATENESS_BOUNDS, Lateness};

/// The daemon's meters.
#[derive(Debug)]
pub struct Meters {
    converged: AtomicU64,
    failed: AtomicU64,
    reconcile: Option<Histogram>,
    lateness: Mutex<Lateness>,
    answers: AtomicU64,
    checks: Option<Histogram>,
}

/// How one run of the reconciler ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reconciled {
    /// The kernel holds what is wanted.
    Converged,
    /// It does not.
    Failed,
}

impl Default for Meters {
    fn default() -> Self {
        Self::new()
    }
}

impl Meters {
    /// Meters at zero.
    pub fn new() -> Self {
        Self {
            converged: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            reconcile: histogram(
                "farmctl_reconcile_duration_seconds",
                "How long it took to make the kernel hold what is wanted.",
                &[
                    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
                ],
            ),
            lateness: Mutex::default(),
            answers: AtomicU64::new(0),
            checks: histogram(
                "farmctl_checks_duration_seconds",
                "How long answers of all real servers together took.",
                &[
                    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
                ],
            ),
        }
    }

    /// A run of the reconciler ended.
    pub fn reconciled(&self, took: Duration, how: Reconciled) {
        let count = match how {
            Reconciled::Converged => &self.converged,
            Reconciled::Failed => &self.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        observe(self.reconcile.as_ref(), took);
    }

    /// How punctual the questions were since the start.
    pub fn punctual(&self, lateness: Lateness) {
        *self.lateness() = lateness;
    }

    /// An answer, good or bad, took so long.
    pub fn answered(&self, took: Duration) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        observe(self.checks.as_ref(), took);
    }

    /// How many answers there were.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    fn lateness(&self) -> MutexGuard<'_, Lateness> {
        self.lateness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many runs of the reconciler ended so.
    pub fn runs(&self, how: Reconciled) -> u64 {
        match how {
            Reconciled::Converged => self.converged.load(Ordering::Relaxed),
            Reconciled::Failed => self.failed.load(Ordering::Relaxed),
        }
    }

    /// The distributions, as the metrics page shows them.
    pub fn families(&self) -> Vec<MetricFamily> {
        let all = [&self.reconcile, &self.checks].into_iter().flatten();
        let mut families: Vec<MetricFamily> = all.flat_map(Collector::collect).collect();
        families.push(punctuality(&self.lateness()));
        families
    }
}

/// The engine's classes as a distribution.
fn punctuality(lateness: &Lateness) -> MetricFamily {
    let mut seen = 0;
    let bounds = LATENESS_BOUNDS.iter().zip(lateness.classes);
    let buckets = bounds.map(|(bound, count)| {
        seen += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(Duration::from_millis(*bound).as_secs_f64());
        bucket.set_cumulative_count(seen);
        bucket
    });
    let mut histogram = proto::Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(lateness.asked());
    histogram.set_sample_sum(lateness.total.as_secs_f64());
    let mut metric = Metric::default();
    metric.set_histogram(histogram);
    let mut family = MetricFamily::default();
    family.set_name("farmctl_check_lateness_seconds".to_owned());
    family.set_help("How much later than planned checks were sent.".to_owned());
    family.set_field_type(MetricType::HISTOGRAM);
    family.set_metric(vec![metric]);
    family
}

fn observe(histogram: Option<&Histogram>, length: Duration) {
    if let Some(histogram) = histogram {
        histogram.observe(length.as_secs_f64());
    }
}

/// None never comes: the names and limits are ours, and tested.
fn histogram(name: &str, help: &str, buckets: &[f64]) -> Option<Histogram> {
    Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meter_measures() {
        let meters = Meters::new();
        meters.reconciled(Duration::from_millis(2), Reconciled::Converged);
        meters.reconciled(Duration::from_millis(2), Reconciled::Failed);
        let mut lateness = Lateness::default();
        lateness.classes[0] = 1;
        meters.punctual(lateness);
        meters.answered(Duration::from_millis(1));
        let counts: Vec<u64> = meters
            .families()
            .iter()
            .map(|family| family.get_metric()[0].get_histogram().get_sample_count())
            .collect();
        assert_eq!(counts, [2, 1, 1]);
        assert_eq!(meters.answers(), 1);
        assert_eq!(meters.runs(Reconciled::Failed), 1);
    }
}
