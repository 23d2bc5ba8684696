//! What the user calls the kernel's objects.

use std::collections::{BTreeMap, BTreeSet};

use crate::state::{DestinationKey, ServiceKey};

/// The names in farm.yaml behind the kernel's keys; keys that the file does not have have none.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    services: BTreeMap<ServiceKey, String>,
    servers: BTreeMap<(ServiceKey, DestinationKey), String>,
    sorry: BTreeSet<(ServiceKey, DestinationKey)>,
}

impl Names {
    /// Remembers a service's name.
    pub(super) fn add_service(&mut self, key: ServiceKey, name: impl Into<String>) {
        self.services.insert(key, name.into());
    }

    /// Remembers a real server's name.
    pub(super) fn add_server(
        &mut self,
        service: ServiceKey,
        key: DestinationKey,
        name: impl Into<String>,
    ) {
        self.servers.insert((service, key), name.into());
    }

    /// Remembers that a destination is a sorry server.
    pub(super) fn add_sorry(&mut self, service: ServiceKey, key: DestinationKey) {
        self.sorry.insert((service, key));
    }

    /// Whether a destination is a sorry server.
    pub(super) fn is_sorry(&self, service: &ServiceKey, key: &DestinationKey) -> bool {
        self.sorry.contains(&(*service, *key))
    }

    /// The service's name, else its key.
    pub(super) fn service(&self, key: &ServiceKey) -> String {
        self.services
            .get(key)
            .cloned()
            .unwrap_or_else(|| key.to_string())
    }

    /// The service's key, and its name where it has one: `tcp 192.0.2.10:80 (http)`.
    pub(super) fn service_title(&self, key: &ServiceKey) -> String {
        titled(key, self.services.get(key))
    }

    /// The real server's name, else its key.
    pub(super) fn server(&self, service: &ServiceKey, key: &DestinationKey) -> String {
        self.servers
            .get(&(*service, *key))
            .cloned()
            .unwrap_or_else(|| key.to_string())
    }

    /// The real server's key, and its name where it has one: `10.0.0.21:8080 (web1)`.
    pub(super) fn server_title(&self, service: &ServiceKey, key: &DestinationKey) -> String {
        titled(key, self.servers.get(&(*service, *key)))
    }
}

fn titled(key: &impl std::fmt::Display, name: Option<&String>) -> String {
    match name {
        Some(name) if *name != key.to_string() => format!("{key} ({name})"),
        Some(_) | None => key.to_string(),
    }
}

impl Names {
    /// Takes over the names of another version of the file; those win.
    pub(super) fn extend(&mut self, other: Self) {
        self.services.extend(other.services);
        self.servers.extend(other.servers);
        self.sorry.extend(other.sorry);
    }
}
