//! One step of a plan, what it makes of a state, and how it is undone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Address, AddressKey, Destination, DestinationKey, MarkRule, Service, ServiceAttributes,
    ServiceKey, Setting, Subject, SyncDaemon, SyncRole,
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

impl Change {
    /// Whether it changes the table of services and destinations.
    pub fn is_of_table(&self) -> bool {
        match self {
            Self::AddService { .. }
            | Self::SetService { .. }
            | Self::DeleteService { .. }
            | Self::AddDestination { .. }
            | Self::SetDestination { .. }
            | Self::DeleteDestination { .. } => true,
            Self::SetSetting { .. }
            | Self::AddAddress { .. }
            | Self::SetAddress { .. }
            | Self::DeleteAddress { .. }
            | Self::SetMarks { .. }
            | Self::StartSync { .. }
            | Self::StopSync { .. } => false,
        }
    }

    /// The one thing that the change touches.
    pub fn subject(&self) -> Subject {
        match self {
            Self::SetSetting { setting, .. } => Subject::Setting(setting.clone()),
            Self::AddService { service, .. }
            | Self::SetService { service, .. }
            | Self::DeleteService { service, .. } => Subject::Service(*service),
            Self::AddDestination { service, key, .. }
            | Self::SetDestination { service, key, .. }
            | Self::DeleteDestination { service, key, .. } => Subject::Destination(*service, *key),
            Self::AddAddress { key, .. }
            | Self::SetAddress { key, .. }
            | Self::DeleteAddress { key, .. } => Subject::Address(key.clone()),
            Self::SetMarks { .. } => Subject::Marks,
            Self::StartSync { role, .. } | Self::StopSync { role, .. } => Subject::Sync(*role),
        }
    }

    /// What undoes the change, in order.
    ///
    /// Several changes where a service was removed with its destinations; none where a setting had
    /// no value that could be read before.
    #[must_use]
    pub fn inverse(&self) -> Vec<Self> {
        let one = match self.clone() {
            Self::DeleteService { service, was } => return restored(service, was),
            Self::SetSetting { from: None, .. } => return Vec::new(),
            Self::SetSetting {
                setting,
                from: Some(before),
                to,
            } => Self::SetSetting {
                setting,
                from: Some(to),
                to: before,
            },
            Self::AddService {
                service,
                attributes,
            } => Self::DeleteService {
                service,
                was: Service::without_destinations(attributes),
            },
            Self::SetService { service, from, to } => Self::SetService {
                service,
                from: to,
                to: from,
            },
            Self::AddDestination {
                service,
                key,
                destination: was,
            } => Self::DeleteDestination { service, key, was },
            Self::SetDestination {
                service,
                key,
                from,
                to,
            } => Self::SetDestination {
                service,
                key,
                from: to,
                to: from,
            },
            Self::DeleteDestination { service, key, was } => Self::AddDestination {
                service,
                key,
                destination: was,
            },
            Self::AddAddress { key, address } => Self::DeleteAddress { key, was: address },
            Self::SetAddress { key, from, to } => Self::SetAddress {
                key,
                from: to,
                to: from,
            },
            Self::DeleteAddress { key, was } => Self::AddAddress { key, address: was },
            Self::SetMarks { from, to } => Self::SetMarks { from: to, to: from },
            Self::StartSync { role, daemon } => Self::StopSync { role, was: daemon },
            Self::StopSync { role, was } => Self::StartSync { role, daemon: was },
        };
        vec![one]
    }
}

/// A service and its destinations, made again.
fn restored(service: ServiceKey, was: Service) -> Vec<Change> {
    let attributes = was.attributes;
    let mut changes = vec![Change::AddService {
        service,
        attributes,
    }];
    changes.extend(
        was.destinations
            .into_iter()
            .map(|(key, destination)| Change::AddDestination {
                service,
                key,
                destination,
            }),
    );
    changes
}
