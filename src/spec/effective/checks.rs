//! How each real server of a service is checked, and on which port.
//!
//! The nearest wins, key by key: the real server, the service, its pool, `defaults`. Real servers
//! without a check of their own share one. Called by `effective`.

use std::sync::Arc;

use super::super::check::merge;
use super::{EffectiveRealServer, EffectiveService, Ports, used_pool};
use crate::spec::{CheckChoice, EffectiveCheck, Farm, RealServer, VirtualService};

/// The checks of one service.
pub(super) struct Checks<'a> {
    service: Option<&'a CheckChoice>,
    pool: Option<&'a CheckChoice>,
    default: Option<&'a CheckChoice>,
    shared: Option<Arc<EffectiveCheck>>,
}

impl<'a> Checks<'a> {
    pub(super) fn of(farm: &'a Farm, service: &'a VirtualService) -> Self {
        let pool = used_pool(farm, service).and_then(|pool| pool.check.as_ref());
        let defaults = farm.defaults.as_ref();
        let mut checks = Self {
            service: service.check.as_ref(),
            pool,
            default: defaults.and_then(|defaults| defaults.check.as_ref()),
            shared: None,
        };
        checks.shared = checks.merged(None);
        checks
    }

    pub(super) fn of_server(&self, server: &RealServer) -> Option<Arc<EffectiveCheck>> {
        match &server.check {
            None => self.shared.clone(),
            own => self.merged(own.as_ref()),
        }
    }

    fn merged(&self, server: Option<&CheckChoice>) -> Option<Arc<EffectiveCheck>> {
        merge([server, self.service, self.pool, self.default])
    }
}

impl EffectiveService<'_> {
    /// The port on which a real server of this service is checked: the check's own, else the one
    /// that the real server listens on, else the service's first one. None where there is no such
    /// port (every port, a firewall mark): only kinds without a port can be asked then.
    pub fn check_port(&self, server: &EffectiveRealServer) -> Option<u16> {
        let written = server.check.as_ref().and_then(|check| check.port);
        written.or(server.port).or_else(|| self.first_port())
    }

    fn first_port(&self) -> Option<u16> {
        match &self.ports {
            Ports::One(port) => Some(*port),
            Ports::Several(ports) | Ports::Together(ports) => ports.first().map(|port| port.first),
            Ports::Every | Ports::Mark(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
