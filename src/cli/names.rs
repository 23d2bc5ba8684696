//! What the user calls the kernel's objects.

use std::collections::BTreeMap;

use crate::state::{DestinationKey, Origin, Part, RealServerOrigin, ServiceKey};

/// The names in farm.yaml behind the kernel's keys; keys that the file does not have have none.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    services: BTreeMap<ServiceKey, Origin>,
    servers: BTreeMap<(ServiceKey, DestinationKey), RealServerOrigin>,
}

impl Names {
    /// The names of what a file asks for.
    pub(super) fn new(
        services: BTreeMap<ServiceKey, Origin>,
        servers: BTreeMap<(ServiceKey, DestinationKey), RealServerOrigin>,
    ) -> Self {
        Self { services, servers }
    }

    fn service_name(&self, key: &ServiceKey) -> Option<&str> {
        self.services.get(key).map(|origin| origin.name.as_str())
    }

    fn server_name(&self, service: &ServiceKey, key: &DestinationKey) -> Option<&str> {
        let origin = self.servers.get(&(*service, *key));
        origin.map(|origin| origin.name.as_str())
    }

    /// Whether a destination is a sorry server.
    pub(super) fn is_sorry(&self, service: &ServiceKey, key: &DestinationKey) -> bool {
        let origin = self.servers.get(&(*service, *key));
        origin.is_some_and(|origin| origin.part == Part::SorryServer)
    }

    /// The service's name, else its key.
    pub(super) fn service(&self, key: &ServiceKey) -> String {
        self.service_name(key)
            .map_or_else(|| key.to_string(), str::to_owned)
    }

    /// The service's key, and its name where it has one: `tcp 192.0.2.10:80 (http)`.
    pub(super) fn service_title(&self, key: &ServiceKey) -> String {
        titled(key, self.service_name(key))
    }

    /// The real server's name, else its key.
    pub(super) fn server(&self, service: &ServiceKey, key: &DestinationKey) -> String {
        self.server_name(service, key)
            .map_or_else(|| key.to_string(), str::to_owned)
    }

    /// The real server's key, and its name where it has one: `10.0.0.21:8080 (web1)`.
    pub(super) fn server_title(&self, service: &ServiceKey, key: &DestinationKey) -> String {
        titled(key, self.server_name(service, key))
    }
}

fn titled(key: &impl std::fmt::Display, name: Option<&str>) -> String {
    match name {
        Some(name) if name != key.to_string() => format!("{key} ({name})"),
        Some(_) | None => key.to_string(),
    }
}

impl Names {
    /// Takes over the names of another version of the file; those win.
    pub(super) fn extend(&mut self, other: Self) {
        self.services.extend(other.services);
        self.servers.extend(other.servers);
    }
}
