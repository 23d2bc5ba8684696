//! Writes the record while the load runs. Called by the engine.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::record::{Family, Kind, Outcome, Record, Sample, Standing};
use super::{Target, Watch};

/// The record so far.
pub(super) struct Notebook<'w> {
    record: Record,
    /// The place of each target's service in the record.
    services: Vec<u16>,
    places: HashMap<String, u16>,
    watch: &'w Watch,
}

/// Whose request it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose {
    pub(super) target: usize,
    pub(super) family: Family,
    pub(super) kind: Kind,
}

impl<'w> Notebook<'w> {
    pub(super) fn new(targets: &[Target], watch: &'w Watch) -> Self {
        let mut record = Record::default();
        let services = targets
            .iter()
            .map(|target| place(&mut record.services, &target.service))
            .collect();
        Self {
            record,
            services,
            places: HashMap::new(),
            watch,
        }
    }

    /// The place of a server in the record.
    pub(super) fn server(&mut self, name: &str) -> u16 {
        if let Some(known) = self.places.get(name) {
            return *known;
        }
        let place = place(&mut self.record.servers, name);
        self.places.insert(name.to_owned(), place);
        place
    }

    /// Notes what came of a request.
    pub(super) fn sample(&mut self, whose: Whose, due: u64, took: u64, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Answered(_) => &self.watch.answered,
            Outcome::Lost(_) | Outcome::Wrong(_) => &self.watch.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.record.samples.push(Sample {
            due,
            took: u32::try_from(took).unwrap_or(u32::MAX),
            service: self.service(whose),
            family: whose.family,
            kind: whose.kind,
            outcome,
        });
    }

    /// Notes a connection that is to stay open; gives its place.
    pub(super) fn opened(&mut self, whose: Whose, server: u16, at: u64) -> usize {
        self.watch.open.fetch_add(1, Ordering::Relaxed);
        self.record.standing.push(Standing {
            service: self.service(whose),
            family: whose.family,
            kind: whose.kind,
            server,
            opened: at,
            broken: None,
        });
        self.record.standing.len() - 1
    }

    /// Notes that one of them broke.
    pub(super) fn broke(&mut self, standing: usize, at: u64, why: Outcome) {
        self.watch.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(standing) = self.record.standing.get_mut(standing) {
            standing.broken = Some((at, why));
        }
    }

    /// Notes that a download came to its end: it is not open any more, and did not break.
    pub(super) fn ended(&self) {
        self.watch.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn finish(mut self, duration: Duration) -> Record {
        self.watch.open.store(0, Ordering::Relaxed);
        self.record.duration = duration;
        self.record
    }

    fn service(&self, whose: Whose) -> u16 {
        self.services.get(whose.target).copied().unwrap_or_default()
    }
}

/// The place of a name, which is added where it is new.
fn place(names: &mut Vec<String>, name: &str) -> u16 {
    let place = names.iter().position(|known| known == name);
    let place = place.unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    });
    u16::try_from(place).unwrap_or(u16::MAX)
}
