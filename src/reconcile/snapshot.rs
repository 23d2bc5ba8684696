//! What a machine holds, as a file: taken there, compared elsewhere.
//!
//! A snapshot has everything that a comparison needs: what was observed, whose it is, and what is
//! known of the machine. Pure: `cli` reads and writes the file.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::dataplane::{BlindSpot, Counters, DestinationCounters, Observation};
use crate::spec::DataplaneKind;
use crate::state::{DestinationKey, HostFacts, ServiceKey, State};

use super::Record;

/// The version of the format.
const FORMAT_VERSION: u64 = 1;

/// What a machine held at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The farm's name, where the machine had accepted a file of one.
    pub farm: Option<String>,
    /// The kernel's release, such as `6.1.176`.
    pub kernel: String,
    /// When it was taken, in seconds since 1970.
    pub taken: u64,
    /// The data plane that was read.
    pub dataplane: DataplaneKind,
    /// What was there, of whoever made it.
    pub observation: Observation,
    /// What of it farmctl made.
    pub record: Record,
}

/// Why a file is no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// It is not what `farmctl snapshot` prints.
    #[error("this is not a whole snapshot: {0}. Take it again with `farmctl snapshot > FILE`")]
    Damaged(String),
    /// It is of a later farmctl.
    #[error(
        "this snapshot has format version {0}; this farmctl reads version 1. Compare it with the \
         farmctl that took it"
    )]
    Version(u64),
}

#[derive(Deserialize)]
struct Header {
    format_version: u64,
}

#[derive(Serialize, Deserialize)]
struct Form {
    format_version: u64,
    farm: Option<String>,
    kernel: String,
    taken: u64,
    /// Snapshots of a farmctl that had only ip_vs do not name it.
    #[serde(default = "ipvs")]
    dataplane: DataplaneKind,
    record: Record,
    state: State,
    host: HostFacts,
    services: Vec<ServiceNumbers>,
    destinations: Vec<DestinationNumbers>,
    blind_spots: BTreeSet<BlindSpot>,
}

fn ipvs() -> DataplaneKind {
    DataplaneKind::Ipvs
}

#[derive(Serialize, Deserialize)]
struct ServiceNumbers {
    service: ServiceKey,
    #[serde(flatten)]
    counters: Counters,
}

#[derive(Serialize, Deserialize)]
struct DestinationNumbers {
    service: ServiceKey,
    destination: DestinationKey,
    #[serde(flatten)]
    counters: DestinationCounters,
}

impl Snapshot {
    /// The snapshot as JSON, for a person's eye too.
    pub fn to_json(&self) -> Result<String, SnapshotError> {
        let text = serde_json::to_string_pretty(&Form::from(self.clone()));
        text.map_err(|error| SnapshotError::Damaged(error.to_string()))
    }

    /// Reads what [`Snapshot::to_json`] wrote.
    pub fn from_json(text: &str) -> Result<Self, SnapshotError> {
        let damaged = |error: serde_json::Error| SnapshotError::Damaged(error.to_string());
        let header: Header = serde_json::from_str(text).map_err(damaged)?;
        if header.format_version != FORMAT_VERSION {
            return Err(SnapshotError::Version(header.format_version));
        }
        let form: Form = serde_json::from_str(text).map_err(damaged)?;
        Ok(form.into())
    }
}

impl From<Snapshot> for Form {
    fn from(snapshot: Snapshot) -> Self {
        let seen = snapshot.observation;
        let services = seen.services.into_iter();
        let destinations = seen.destinations.into_iter();
        Self {
            format_version: FORMAT_VERSION,
            farm: snapshot.farm,
            kernel: snapshot.kernel,
            taken: snapshot.taken,
            dataplane: snapshot.dataplane,
            record: snapshot.record,
            state: seen.state,
            host: seen.host,
            services: services
                .map(|(service, counters)| ServiceNumbers { service, counters })
                .collect(),
            destinations: destinations
                .map(|((service, destination), counters)| DestinationNumbers {
                    service,
                    destination,
                    counters,
                })
                .collect(),
            blind_spots: seen.blind_spots,
        }
    }
}

impl From<Form> for Snapshot {
    fn from(form: Form) -> Self {
        let services = form.services.into_iter();
        let destinations = form.destinations.into_iter();
        Self {
            farm: form.farm,
            kernel: form.kernel,
            taken: form.taken,
            dataplane: form.dataplane,
            record: form.record,
            observation: Observation {
                state: form.state,
                host: form.host,
                services: services.map(|one| (one.service, one.counters)).collect(),
                destinations: destinations
                    .map(|one| ((one.service, one.destination), one.counters))
                    .collect(),
                blind_spots: form.blind_spots,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{any_state, destination_key, origin, service_key, state_of_ports};
    use super::super::{Key, Standing};
    use super::*;

    fn snapshot(state: State) -> Snapshot {
        let mut record = Record::empty(origin("boot"));
        let keys = Key::all_of(&state).into_iter();
        record.keys = keys.map(|key| (key, Standing::Done)).collect();
        let mut observation = Observation {
            state,
            ..Observation::default()
        };
        let counters = DestinationCounters {
            active: 3,
            ..Default::default()
        };
        let place = (service_key(80), destination_key(21));
        observation.destinations.insert(place, counters);
        observation
            .services
            .insert(service_key(80), counters.counters);
        observation.blind_spots.insert(BlindSpot::Marks);
        Snapshot {
            farm: Some("shop".to_owned()),
            kernel: "6.1.176".to_owned(),
            taken: 1_800_000_000,
            dataplane: DataplaneKind::Nftables,
            observation,
            record,
        }
    }

    proptest! {
        #[test]
        fn a_snapshot_is_read_as_it_was_written(state in any_state()) {
            let snapshot = snapshot(state);
            let text = snapshot.to_json().unwrap();
            prop_assert_eq!(Snapshot::from_json(&text), Ok(snapshot));
        }
    }

    #[test]
    fn a_snapshot_cut_anywhere_is_refused() {
        let text = snapshot(state_of_ports(&[80])).to_json().unwrap();
        for end in 0..text.len() {
            let error = Snapshot::from_json(&text[..end]).unwrap_err();
            assert!(
                error.to_string().contains("farmctl snapshot"),
                "cut at {end}: {error}"
            );
        }
    }

    #[test]
    fn a_snapshot_of_a_later_version_is_refused_by_its_version() {
        let error = Snapshot::from_json(r#"{"format_version": 2}"#).unwrap_err();
        assert_eq!(error, SnapshotError::Version(2));
    }
}
