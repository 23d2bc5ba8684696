//! What can be owned, and the cutting of a state by it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::state::{AddressKey, Change, ServiceKey, State, SyncRole};

/// A thing that farmctl owns as a whole, or not at all.
///
/// A service is owned with its destinations: one that was put into our service by hand is drift
/// and goes. Settings are never owned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// A virtual service with its destinations.
    Service(ServiceKey),
    /// A floating address on an interface.
    Address(AddressKey),
    /// The table of firewall marks.
    Marks,
    /// A synchronisation daemon.
    Sync(SyncRole),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(key) => write!(f, "service {key}"),
            Self::Address(key) => write!(f, "address {key}"),
            Self::Marks => f.write_str("the table of firewall marks"),
            Self::Sync(role) => write!(f, "the {role} connection synchronisation daemon"),
        }
    }
}

impl Key {
    /// Everything in a state that can be owned.
    pub fn all_of(state: &State) -> BTreeSet<Self> {
        let services = state.services.keys().copied().map(Self::Service);
        let addresses = state.addresses.keys().cloned().map(Self::Address);
        let marks = (!state.marks.is_empty()).then_some(Self::Marks);
        let daemons = state.sync_daemons.keys().copied().map(Self::Sync);
        services
            .chain(addresses)
            .chain(marks)
            .chain(daemons)
            .collect()
    }

    /// Whether a state has it.
    pub fn is_in(&self, state: &State) -> bool {
        match self {
            Self::Service(key) => state.services.contains_key(key),
            Self::Address(key) => state.addresses.contains_key(key),
            Self::Marks => !state.marks.is_empty(),
            Self::Sync(role) => state.sync_daemons.contains_key(role),
        }
    }

    /// What a change touches; none for a setting.
    pub fn of_change(change: &Change) -> Option<Self> {
        match change {
            Change::SetSetting { .. } => None,
            Change::AddService { service, .. }
            | Change::SetService { service, .. }
            | Change::DeleteService { service, .. }
            | Change::AddDestination { service, .. }
            | Change::SetDestination { service, .. }
            | Change::DeleteDestination { service, .. } => Some(Self::Service(*service)),
            Change::AddAddress { key, .. }
            | Change::SetAddress { key, .. }
            | Change::DeleteAddress { key, .. } => Some(Self::Address(key.clone())),
            Change::SetMarks { .. } => Some(Self::Marks),
            Change::StartSync { role, .. } | Change::StopSync { role, .. } => {
                Some(Self::Sync(*role))
            }
        }
    }

    /// What a change brings into being; none where it only edits or removes.
    pub fn made_by(change: &Change) -> Option<Self> {
        let makes = match change {
            Change::AddService { .. } | Change::AddAddress { .. } | Change::StartSync { .. } => {
                true
            }
            Change::SetMarks { from, to } => from.is_empty() && !to.is_empty(),
            Change::SetSetting { .. }
            | Change::SetService { .. }
            | Change::DeleteService { .. }
            | Change::AddDestination { .. }
            | Change::SetDestination { .. }
            | Change::DeleteDestination { .. }
            | Change::SetAddress { .. }
            | Change::DeleteAddress { .. }
            | Change::StopSync { .. } => false,
        };
        makes.then(|| Self::of_change(change)).flatten()
    }
}

/// The part of a state whose keys are chosen, without settings.
pub(super) fn only(state: &State, mut chosen: impl FnMut(&Key) -> bool) -> State {
    let mut part = State::default();
    for key in Key::all_of(state) {
        if chosen(&key) {
            copy(state, &key, &mut part);
        }
    }
    part
}

/// Copies what stands under a key.
pub(super) fn copy(from: &State, key: &Key, to: &mut State) {
    match key {
        Key::Service(key) => {
            let found = from.services.get(key).cloned();
            to.services.extend(found.map(|service| (*key, service)));
        }
        Key::Address(key) => {
            let found = from.addresses.get(key).copied();
            to.addresses
                .extend(found.map(|address| (key.clone(), address)));
        }
        Key::Marks => to.marks.extend(from.marks.iter().copied()),
        Key::Sync(role) => {
            let found = from.sync_daemons.get(role).cloned();
            to.sync_daemons.extend(found.map(|daemon| (*role, daemon)));
        }
    }
}
