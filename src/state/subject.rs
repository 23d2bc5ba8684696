//! The one thing that a change touches: what an ownership record names, and what messages say.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AddressKey, DestinationKey, ServiceKey, Setting, SyncRole};

/// A thing in a [`super::State`], by its key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A number of the namespace.
    Setting(Setting),
    /// A virtual service itself.
    Service(ServiceKey),
    /// A destination of a service.
    Destination(ServiceKey, DestinationKey),
    /// A floating address.
    Address(AddressKey),
    /// The table of firewall marks.
    Marks,
    /// A synchronisation daemon.
    Sync(SyncRole),
}

impl fmt::Display for Subject {
    /// `real server 10.0.0.21:8080 of tcp 192.0.2.10:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(setting) => write!(f, "setting {setting}"),
            Self::Service(service) => write!(f, "service {service}"),
            Self::Destination(service, key) => write!(f, "real server {key} of {service}"),
            Self::Address(key) => write!(f, "address {key}"),
            Self::Marks => f.write_str("the table of firewall marks"),
            Self::Sync(role) => write!(f, "the {role} connection synchronisation daemon"),
        }
    }
}
