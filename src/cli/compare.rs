//! The file beside what is there: who this machine is, what it is to hold, what it holds.

use std::collections::BTreeSet;

use super::failure::Failure;
use super::node::{Identity, identify};
use super::session::{Loaded, Session};
use crate::clock::SystemClock;
use crate::dataplane::{self, Observation};
use crate::reconcile::{self, Adopt, Key, Origin, Record, Scope, Store};
use crate::spec::{DataplaneKind, Farm, Name};
use crate::state::{AddressKey, Desired, HostFacts, desired};

/// Everything that a command needs to know about this machine and the file.
pub(super) struct Comparison {
    /// Who this machine is; none where the file names no directors.
    pub node: Option<Name>,
    /// What the file asks for here.
    pub desired: Desired,
    /// What is there; what could not be seen is filled in from `desired`.
    pub observed: Observation,
    /// The observed state divided into ours and foreign.
    pub scope: Scope,
    /// What a person should know about the comparison itself: full sentences.
    pub notes: Vec<String>,
}

impl Comparison {
    /// Looks at this machine.
    pub(super) fn live(
        session: &Session<'_>,
        loaded: &Loaded,
        adopt: Adopt,
    ) -> Result<Self, Failure> {
        Self::read(session, loaded, dataplane::observe_best()?, adopt)
    }

    /// Looks at what was observed on this machine a moment ago.
    pub(super) fn read(
        session: &Session<'_>,
        loaded: &Loaded,
        observed: Observation,
        adopt: Adopt,
    ) -> Result<Self, Failure> {
        match known(session)? {
            Known::Record(record) => {
                let mut comparison = Self::with(session, loaded, observed, &record, adopt)?;
                let store = Store::at(&session.global.state_dir);
                let notes = reconcile::unsettled(&store, &record.origin, &SystemClock);
                // To look does not need them: what can't be read is told and stops nobody.
                let notes = notes.unwrap_or_else(|error| vec![error.to_string()]);
                comparison.notes.extend(notes);
                Ok(comparison)
            }
            Known::Nothing { record, why } => {
                let mut comparison = Self::with(session, loaded, observed, &record, Adopt::Yes)?;
                comparison.notes.push(why);
                Ok(comparison)
            }
        }
    }

    /// Looks at something that was observed before.
    pub(super) fn with(
        session: &Session<'_>,
        loaded: &Loaded,
        mut observed: Observation,
        record: &Record,
        adopt: Adopt,
    ) -> Result<Self, Failure> {
        let host = own_facts(&observed.host, record);
        let node = this_node(session, &loaded.farm, &host)?;
        let desired = desired(&loaded.farm, node.as_ref(), &host, DataplaneKind::Ipvs);
        observed.fill_blind_spots(&desired.state);
        let scope = Scope::of(&observed.state, &desired.state, record, adopt);
        Ok(Self {
            node,
            desired,
            observed,
            scope,
            notes: Vec::new(),
        })
    }
}

/// Who this machine is in the file.
pub(super) fn this_node(
    session: &Session<'_>,
    farm: &Farm,
    host: &HostFacts,
) -> Result<Option<Name>, Failure> {
    // A machine without a readable host name is found by its addresses or by --node.
    let host_name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match identify(farm, session.global.node.as_deref(), host, host_name.trim()) {
        Ok(Identity::Node(name)) => Ok(Some(name)),
        Ok(Identity::SoleDirector) => Ok(None),
        Err(unknown) => Err(Failure::of(unknown)),
    }
}

/// What is known about who made what.
enum Known {
    /// The record of this machine; empty where there is none yet.
    Record(Record),
    /// The record is there and this user may not read it.
    Nothing { record: Record, why: String },
}

fn known(session: &Session<'_>) -> Result<Known, Failure> {
    let origin = Origin::here().map_err(Failure::of)?;
    let store = Store::at(&session.global.state_dir);
    match Record::load(&store, &origin) {
        Ok(record) => Ok(Known::Record(record)),
        Err(reconcile::Error::Read { path, source })
            if source.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            let why = format!(
                "This user may not read {}: what the file names is taken to be farmctl's, and \
                 what it no longer names is not shown.",
                path.display()
            );
            Ok(Known::Nothing {
                record: Record::empty(origin),
                why,
            })
        }
        Err(error) => Err(Failure::of(error)),
    }
}

/// The host's facts without the addresses that farmctl put up.
pub(super) fn own_facts(host: &HostFacts, record: &Record) -> HostFacts {
    let ours: BTreeSet<AddressKey> = record
        .keys
        .keys()
        .filter_map(|key| match key {
            Key::Address(address) => Some(address.clone()),
            Key::Service(_) | Key::Marks | Key::Sync(_) => None,
        })
        .collect();
    host.without(&ours)
}
