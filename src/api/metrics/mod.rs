//! The metrics page: what Prometheus scrapes.
//!
//! Made anew for each scrape from one status, so that it never shows half of an old state and half
//! of a new one; no file lies between. Names and units follow the conventions of Prometheus
//! (`promtool check metrics` finds nothing). Every series of a real server carries its service,
//! and a series that is made twice becomes one: a page with duplicates would be thrown away as a
//! whole.

mod compatible;
mod family;
mod farm;
mod process;
mod servers;

use std::sync::Arc;

use prometheus::TextEncoder;

use crate::dataplane::Observation;
use crate::spec::MetricsNames;

use super::{EventLog, Meters, Status};

use family::Family;

/// The type of the page's text.
pub(super) const TYPE: &str = prometheus::TEXT_FORMAT;

/// What one page is made from.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// What is so now.
    pub status: Arc<Status>,
    /// What was read of the kernel last.
    pub observed: Arc<Observation>,
    /// What happened.
    pub events: Arc<EventLog>,
    /// What was measured.
    pub meters: Arc<Meters>,
    /// Whose names it has besides farmctl's own.
    pub names: Vec<MetricsNames>,
}

/// The page.
pub(super) fn page(snapshot: &Snapshot) -> Result<String, prometheus::Error> {
    let mut families = farm::families(snapshot);
    families.extend(servers::families(&snapshot.status));
    families.extend(process::families(&snapshot.status));
    for names in [MetricsNames::NodeIpvs, MetricsNames::Keepalived] {
        if snapshot.names.contains(&names) {
            families.extend(compatible::families(names, &snapshot.observed));
        }
    }
    let mut text = String::new();
    let encoder = TextEncoder::new();
    for family in families {
        if let Some(family) = family.into_prometheus() {
            encoder.encode_utf8(&[family], &mut text)?;
        }
    }
    encoder.encode_utf8(&snapshot.meters.families(), &mut text)?;
    Ok(text)
}

/// 1 for true, as Prometheus has it.
fn flag(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

/// A number as Prometheus has it. Counts above 2^53 lose their last digits, as with any exporter.
#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus has only 64-bit floating point"
)]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
