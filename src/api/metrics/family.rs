//! One metric with all its series.

use std::collections::BTreeMap;

use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// What kind of number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

/// One metric. Its series are kept by their labels, so none is there twice.
#[derive(Debug, Clone)]
pub(super) struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    series: BTreeMap<Vec<String>, f64>,
}

impl Family {
    /// A number that only grows.
    pub(super) fn counter(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        Self::new(Kind::Counter, name, help, labels)
    }

    /// A number that goes up and down.
    pub(super) fn gauge(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        Self::new(Kind::Gauge, name, help, labels)
    }

    fn new(
        kind: Kind,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            help,
            kind,
            labels,
            series: BTreeMap::new(),
        }
    }

    /// One series, by the values of its labels in their order. A second one with the same values
    /// takes the place of the first.
    pub(super) fn set<const N: usize>(&mut self, labels: [&str; N], value: f64) {
        self.series
            .insert(labels.map(str::to_owned).to_vec(), value);
    }

    /// The same, where a second one is added to the first.
    pub(super) fn add<const N: usize>(&mut self, labels: [&str; N], value: f64) {
        *self
            .series
            .entry(labels.map(str::to_owned).to_vec())
            .or_default() += value;
    }

    /// With one series.
    #[must_use]
    pub(super) fn with<const N: usize>(mut self, labels: [&str; N], value: f64) -> Self {
        self.set(labels, value);
        self
    }

    /// As the encoder takes it; none where there is no series, which Prometheus does not want.
    pub(super) fn into_prometheus(self) -> Option<MetricFamily> {
        if self.series.is_empty() {
            return None;
        }
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(match self.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
        });
        let metrics = self.series.into_iter();
        family.set_metric(
            metrics
                .map(|(values, value)| metric(self.kind, self.labels, values, value))
                .collect(),
        );
        Some(family)
    }
}

fn metric(kind: Kind, labels: &[&str], values: Vec<String>, value: f64) -> Metric {
    let pairs = labels.iter().zip(values).map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value(value);
        pair
    });
    let mut metric = Metric::default();
    metric.set_label(pairs.collect());
    match kind {
        Kind::Counter => {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        }
        Kind::Gauge => {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
    }
    metric
}
