//! One step of a plan, what it makes of a state, and how it is undone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Address, AddressKey, Destination, DestinationKey, MarkRule, Service, ServiceAttributes,
    ServiceKey, Setting, SyncDaemon, SyncRole,
};

/// One step. It says what was there before, so that it can be undone and explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Change {
    /// Writes a number of the namespace.
    SetSetting {
        /// Which.
        setting: Setting,
        /// What it was; none where it could not be read.
        from: Option<u64>,
        /// What it becomes.
        to: u64,
    },
    /// Makes a virtual service without destinations.
    AddService {
        /// Which.
        service: ServiceKey,
        /// Its attributes.
        attributes: ServiceAttributes,
    },
    /// Edits a virtual service in place.
    SetService {
        /// Which.
        service: ServiceKey,
        /// What it was.
        from: ServiceAttributes,
        /// What it becomes.
        to: ServiceAttributes,
    },
    /// Removes a virtual service together with its destinations, as the kernel does it.
    DeleteService {
        /// Which.
        service: ServiceKey,
        /// What it was, with its destinations.
        was: Service,
    },
    /// Adds a destination to a service.
    AddDestination {
        /// Of which service.
        service: ServiceKey,
        /// Which.
        key: DestinationKey,
        /// Its attributes.
        destination: Destination,
    },
    /// Edits a destination in place.
    SetDestination {
        /// Of which service.
        service: ServiceKey,
        /// Which.
        key: DestinationKey,
        /// What it was.
        from: Destination,
        /// What it becomes.
        to: Destination,
    },
    /// Removes a destination from a service.
    DeleteDestination {
        /// Of which service.
        service: ServiceKey,
        /// Which.
        key: DestinationKey,
        /// What it was.
        was: Destination,
    },
    /// Puts a floating address up.
    AddAddress {
        /// Which, and where.
        key: AddressKey,
        /// How.
        address: Address,
    },
    /// Puts a floating address up in another way.
    SetAddress {
        /// Which, and where.
        key: AddressKey,
        /// How it was.
        from: Address,
        /// How it becomes.
        to: Address,
    },
    /// Takes a floating address down.
    DeleteAddress {
        /// Which, and where.
        key: AddressKey,
        /// How it was.
        was: Address,
    },
    /// Replaces farmctl's own table of firewall marks, in one transaction.
    SetMarks {
        /// The rules before.
        from: BTreeSet<MarkRule>,
        /// The rules after; empty removes the table.
        to: BTreeSet<MarkRule>,
    },
    /// Starts a synchronisation daemon.
    StartSync {
        /// In which role.
        role: SyncRole,
        /// How.
        daemon: SyncDaemon,
    },
    /// Stops a synchronisation daemon.
    StopSync {
        /// In which role.
        role: SyncRole,
        /// How it was.
        was: SyncDaemon,
    },
}

/// A change does not fit the state that it is applied to: somebody else was there in between.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Misfit {
    /// What the change would make exists.
    #[error("{0} exists already")]
    Exists(String),
    /// What the change edits or removes is not there.
    #[error("{0} does not exist")]
    Missing(String),
}
