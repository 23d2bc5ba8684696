//! What stays for a while although nothing asks for it any more: servers that drain.

use super::{Service, State};

impl State {
    /// This desired state, together with all that only `observed` has, drained.
    ///
    /// A destination that only `observed` has stays with weight 0: its connections go on, it gets
    /// no new ones. A service that only `observed` has stays with all its destinations at weight 0,
    /// and an address that only `observed` has stays up, so that packets still arrive.
    ///
    /// Marks are the desired ones at once: `ip_vs` finds an established connection without a mark.
    /// Where a tunnel mixes address families, drained or not, no synchronisation daemon runs: the
    /// kernel refuses one beside it.
    #[must_use]
    pub fn with_leaving(&self, observed: &Self) -> Self {
        let mut state = self.clone();
        for (key, service) in &observed.services {
            match state.services.get_mut(key) {
                Some(wanted) => keep_drained(wanted, service),
                None => {
                    state.services.insert(*key, drained(service));
                }
            }
        }
        for (key, address) in &observed.addresses {
            state.addresses.entry(key.clone()).or_insert(*address);
        }
        if state.mixes_families() {
            state.sync_daemons.clear();
        }
        state
    }

    /// Whether a destination has another address family than its service: tunnels may.
    pub fn mixes_families(&self) -> bool {
        self.services.iter().any(|(key, service)| {
            service
                .destinations
                .keys()
                .any(|destination| destination.family() != key.family())
        })
    }
}

fn keep_drained(wanted: &mut Service, observed: &Service) {
    for (key, destination) in &observed.destinations {
        wanted
            .destinations
            .entry(*key)
            .or_insert_with(|| destination.drained());
    }
}

fn drained(service: &Service) -> Service {
    let mut service = service.clone();
    for destination in service.destinations.values_mut() {
        *destination = destination.drained();
    }
    service
}
