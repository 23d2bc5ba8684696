//! The file beside what is there: who this machine is, what it is to hold, what it holds.

use super::failure::Failure;
use super::plane;
use super::session::{Loaded, Session};
use crate::clock::SystemClock;
use crate::dataplane::{self, Observation};
use crate::reconcile::{
    self, Adopt, Chosen, Identity, Origin, Record, Scope, Store, host_name, identify, own_facts,
};
use crate::spec::{DataplaneKind, Farm, Name};
use crate::state::{Desired, HostFacts, Overlay, desired_with};

/// Everything that a command needs to know about this machine and the file.
pub(super) struct Comparison {
    /// Who this machine is; none where the file names no directors.
    pub node: Option<Name>,
    /// What forwards here.
    pub dataplane: DataplaneKind,
    /// What the file asks for here.
    pub desired: Desired,
    /// What is there; what could not be seen is filled in from `desired`.
    pub observed: Observation,
    /// The observed state divided into ours and foreign.
    pub scope: Scope,
    /// What a person should know about the comparison itself: full sentences.
    pub notes: Vec<String>,
}

/// What is there, and what bends the file meanwhile.
pub(super) struct Seen<'a> {
    /// What was observed.
    observed: Observation,
    /// Health, drains and overrides of a daemon; empty without one.
    overlay: &'a Overlay,
}

impl<'a> Seen<'a> {
    /// What was observed, and what bends the file meanwhile.
    pub(super) fn new(observed: Observation, overlay: &'a Overlay) -> Self {
        Self { observed, overlay }
    }
}

impl Comparison {
    /// Looks at this machine.
    pub(super) fn live(
        session: &Session<'_>,
        loaded: &Loaded,
        adopt: Adopt,
        overlay: &Overlay,
    ) -> Result<Self, Failure> {
        let known = Known::here(session)?;
        let chosen = plane::for_file(session, loaded, &known.record)?;
        let observed = dataplane::observe_best(chosen.kind)?;
        Self::read(
            session,
            loaded,
            known,
            &chosen,
            Seen::new(observed, overlay),
            adopt,
        )
    }

    /// Looks at what was observed on this machine a moment ago.
    pub(super) fn read(
        session: &Session<'_>,
        loaded: &Loaded,
        known: Known,
        chosen: &Chosen,
        seen: Seen<'_>,
        adopt: Adopt,
    ) -> Result<Self, Failure> {
        let Known { record, unreadable } = known;
        let adopt = if unreadable.is_some() {
            Adopt::Yes
        } else {
            adopt
        };
        let mut comparison = Self::with(session, loaded, chosen.kind, seen, &record, adopt)?;
        comparison.notes.extend(chosen.note());
        if let Some(why) = unreadable {
            comparison.notes.push(why);
            comparison.notes.extend(chosen.guess());
            return Ok(comparison);
        }
        let store = Store::at(&session.global.state_dir);
        let notes = reconcile::unsettled(&store, &record.origin, &SystemClock);
        // To look does not need them: what can't be read is told and stops nobody.
        let notes = notes.unwrap_or_else(|error| vec![error.to_string()]);
        comparison.notes.extend(notes);
        Ok(comparison)
    }

    /// Looks at something that was observed before on this data plane.
    pub(super) fn with(
        session: &Session<'_>,
        loaded: &Loaded,
        dataplane: DataplaneKind,
        seen: Seen<'_>,
        record: &Record,
        adopt: Adopt,
    ) -> Result<Self, Failure> {
        let Seen {
            mut observed,
            overlay,
        } = seen;
        let host = own_facts(&observed.host, record);
        let node = this_node(session, &loaded.farm, &host)?;
        let desired = desired_with(&loaded.farm, node.as_ref(), &host, dataplane, overlay);
        observed.fill_blind_spots(&desired.state);
        let scope = Scope::of(&observed.state, &desired.state, record, adopt);
        Ok(Self {
            node,
            dataplane,
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
    match identify(farm, session.global.node.as_deref(), host, &host_name()) {
        Ok(Identity::Node(name)) => Ok(Some(name)),
        Ok(Identity::SoleDirector) => Ok(None),
        Err(unknown) => Err(Failure::of(unknown)),
    }
}

/// What is known about who made what.
pub(super) struct Known {
    /// The record of this machine; empty where there is none yet, or where it can't be read.
    pub record: Record,
    /// Why it can't be read, where this user may not.
    unreadable: Option<String>,
}

impl Known {
    /// Reads this machine's record.
    pub(super) fn here(session: &Session<'_>) -> Result<Self, Failure> {
        let origin = Origin::here().map_err(Failure::of)?;
        let store = Store::at(&session.global.state_dir);
        match Record::load(&store, &origin) {
            Ok(record) => Ok(Self {
                record,
                unreadable: None,
            }),
            Err(reconcile::Error::Read { path, source })
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                let why = format!(
                    "This user may not read {}: what the file names is taken to be farmctl's, and \
                     what it no longer names is not shown.",
                    path.display()
                );
                Ok(Self {
                    record: Record::empty(origin),
                    unreadable: Some(why),
                })
            }
            Err(error) => Err(Failure::of(error)),
        }
    }
}
