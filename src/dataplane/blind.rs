//! What an observation could not see, and how a comparison leaves it out.
//!
//! Without privilege only `/proc/net/ip_vs` speaks, and it does not tell everything. What it keeps
//! to itself is named here, so that `diff` neither invents a difference nor hides that it looked
//! with one eye shut. Called by whoever compares an [`Observation`] with a desired state.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Observation;
use crate::state::{
    Destination, Forwarding, Persistence, ServiceAttributes, ServiceKey, Setting, State,
};

/// Something that could not be seen. It prints as a full sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlindSpot {
    /// Upper and lower connection thresholds of destinations.
    Thresholds,
    /// Encapsulation of tunnels: IPIP, GUE or GRE, port, checksum.
    TunnelKinds,
    /// Scheduler flags.
    SchedulerFlags,
    /// Time-outs of persistence: `/proc` has them in ticks of a clock whose rate it does not tell.
    PersistenceTimeouts,
    /// Persistence engines.
    PersistenceEngines,
    /// The one-packet flag of IPv6 services.
    OnePacketV6,
    /// The address family of services by firewall mark; it is guessed from their destinations.
    MarkFamilies,
    /// The IPVS time-outs for TCP and UDP.
    Timeouts,
    /// farmctl's own table of firewall marks.
    Marks,
    /// The connection synchronisation daemons.
    SyncDaemons,
    /// Totals, rates, and persistent connections.
    Counters,
    /// Services in a list of more than one page (4 KiB): the kernel skips some where other
    /// namespaces of the machine have services too.
    LongLists,
}

impl BlindSpot {
    /// What `/proc` keeps to itself.
    pub const OF_PROC: [Self; 12] = [
        Self::Thresholds,
        Self::TunnelKinds,
        Self::SchedulerFlags,
        Self::PersistenceTimeouts,
        Self::PersistenceEngines,
        Self::OnePacketV6,
        Self::MarkFamilies,
        Self::Timeouts,
        Self::Marks,
        Self::SyncDaemons,
        Self::Counters,
        Self::LongLists,
    ];
}

impl fmt::Display for BlindSpot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::Thresholds => "Connection thresholds of real servers",
            Self::TunnelKinds => "The encapsulation of tunnels",
            Self::SchedulerFlags => "Scheduler flags",
            Self::PersistenceTimeouts => "Time-outs of persistence",
            Self::PersistenceEngines => "Persistence engines",
            Self::OnePacketV6 => "The one-packet flag of IPv6 services",
            Self::MarkFamilies => "The address family of services by firewall mark",
            Self::Timeouts => "The IPVS time-outs for TCP and UDP",
            Self::Marks => "The table of firewall marks",
            Self::SyncDaemons => "The connection synchronisation daemons",
            Self::Counters => "Totals, rates and persistent connections",
            Self::LongLists => {
                "Where other network namespaces have IPVS services too, all of a long list"
            }
        };
        write!(f, "{what} cannot be seen without root or CAP_NET_ADMIN.")
    }
}

impl Observation {
    /// Takes what could not be seen from the desired state, where both have the same thing. A
    /// comparison afterwards tells only of what was seen. Does nothing where all was read.
    pub fn fill_blind_spots(&mut self, desired: &State) {
        let spots: Vec<_> = self.blind_spots.iter().copied().collect();
        for spot in spots {
            self.fill(spot, desired);
        }
    }

    fn fill(&mut self, spot: BlindSpot, desired: &State) {
        let state = &mut self.state;
        match spot {
            BlindSpot::Marks => state.marks.clone_from(&desired.marks),
            BlindSpot::SyncDaemons => state.sync_daemons.clone_from(&desired.sync_daemons),
            BlindSpot::Timeouts => fill_timeouts(state, desired),
            BlindSpot::Thresholds => fill_destinations(state, desired, |seen, wanted| {
                seen.upper_threshold = wanted.upper_threshold;
                seen.lower_threshold = wanted.lower_threshold;
            }),
            BlindSpot::TunnelKinds => fill_destinations(state, desired, fill_tunnel),
            BlindSpot::SchedulerFlags => fill_services(state, desired, |seen, wanted| {
                seen.scheduler_flags = wanted.scheduler_flags;
            }),
            BlindSpot::PersistenceTimeouts => fill_persistence(state, desired, |seen, wanted| {
                seen.timeout = wanted.timeout;
            }),
            BlindSpot::PersistenceEngines => fill_persistence(state, desired, |seen, wanted| {
                seen.engine.clone_from(&wanted.engine);
            }),
            BlindSpot::OnePacketV6 => fill_one_packet(state, desired),
            // A wrong guess is a wrong key and what was skipped has none: nothing can be filled.
            BlindSpot::MarkFamilies | BlindSpot::Counters | BlindSpot::LongLists => {}
        }
    }
}

fn fill_timeouts(state: &mut State, desired: &State) {
    for setting in [
        Setting::TimeoutTcp,
        Setting::TimeoutTcpFin,
        Setting::TimeoutUdp,
    ] {
        if let Some(value) = desired.settings.get(&setting) {
            state.settings.insert(setting, *value);
        }
    }
}

fn fill_tunnel(seen: &mut Destination, wanted: &Destination) {
    if let (Forwarding::Tunnel(seen), Forwarding::Tunnel(wanted)) =
        (&mut seen.forwarding, &wanted.forwarding)
    {
        *seen = *wanted;
    }
}

fn fill_one_packet(state: &mut State, desired: &State) {
    for (key, service) in &mut state.services {
        let unseen = matches!(key, ServiceKey::Address { address, .. } if address.is_ipv6());
        if let Some(wanted) = desired.services.get(key).filter(|_| unseen) {
            service.attributes.one_packet = wanted.attributes.one_packet;
        }
    }
}

fn fill_services(
    state: &mut State,
    desired: &State,
    fill: impl Fn(&mut ServiceAttributes, &ServiceAttributes),
) {
    for (key, service) in &mut state.services {
        if let Some(wanted) = desired.services.get(key) {
            fill(&mut service.attributes, &wanted.attributes);
        }
    }
}

fn fill_persistence(
    state: &mut State,
    desired: &State,
    fill: impl Fn(&mut Persistence, &Persistence),
) {
    fill_services(state, desired, |seen, wanted| {
        if let (Some(seen), Some(wanted)) = (&mut seen.persistence, &wanted.persistence) {
            fill(seen, wanted);
        }
    });
}

fn fill_destinations(
    state: &mut State,
    desired: &State,
    fill: impl Fn(&mut Destination, &Destination),
) {
    for (key, service) in &mut state.services {
        let Some(wanted) = desired.services.get(key) else {
            continue;
        };
        for (key, destination) in &mut service.destinations {
            if let Some(wanted) = wanted.destinations.get(key) {
                fill(destination, wanted);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{ClientMask, DestinationKey, Protocol, SchedulerFlags, Service};
    use crate::state::{TunnelChecksum, TunnelKind, plan};

    fn state(timeout: u32, upper_threshold: u32, kind: TunnelKind) -> State {
        let attributes = ServiceAttributes {
            scheduler: "mh".to_owned(),
            scheduler_flags: SchedulerFlags::default(),
            persistence: Some(Persistence {
                timeout,
                mask: ClientMask::V6(128),
                engine: None,
            }),
            one_packet: false,
        };
        let mut service = Service::without_destinations(attributes);
        let destination = Destination {
            forwarding: Forwarding::Tunnel(kind),
            weight: 1,
            upper_threshold,
            lower_threshold: 0,
        };
        service.destinations.insert(destination_key(), destination);
        let mut state = State::default();
        state.services.insert(service_key(), service);
        state
    }

    fn service_key() -> ServiceKey {
        ServiceKey::Address {
            protocol: Protocol::Udp,
            address: "2001:db8::1".parse().unwrap(),
            port: 53,
        }
    }

    fn destination_key() -> DestinationKey {
        DestinationKey {
            address: "2001:db8::21".parse().unwrap(),
            port: 53,
        }
    }

    fn rich() -> State {
        let gue = TunnelKind::Gue {
            port: 6080,
            checksum: TunnelChecksum::Full,
        };
        let mut desired = state(300, 100, gue);
        let attributes = &mut desired.services.get_mut(&service_key()).unwrap().attributes;
        attributes.scheduler_flags = SchedulerFlags::PORT;
        attributes.one_packet = true;
        attributes.persistence.as_mut().unwrap().engine = Some("sip".to_owned());
        desired.settings.insert(Setting::TimeoutTcp, 900);
        desired
    }

    #[test]
    fn what_proc_cannot_show_is_no_difference() {
        let mut seen = Observation {
            state: state(75_000, 0, TunnelKind::Ipip),
            blind_spots: BlindSpot::OF_PROC.into(),
            ..Observation::default()
        };
        seen.fill_blind_spots(&rich());
        assert_eq!(seen.state, rich());
    }

    #[test]
    fn what_proc_does_show_stays_a_difference() {
        let mut desired = rich();
        desired
            .services
            .get_mut(&service_key())
            .unwrap()
            .attributes
            .scheduler = "rr".to_owned();
        let mut seen = Observation {
            state: state(75_000, 0, TunnelKind::Ipip),
            blind_spots: BlindSpot::OF_PROC.into(),
            ..Observation::default()
        };
        seen.fill_blind_spots(&desired);
        assert_eq!(plan(&seen.state, &desired).changes.len(), 1);
    }

    #[test]
    fn nothing_is_filled_where_everything_was_seen() {
        let mut seen = Observation {
            state: state(75, 0, TunnelKind::Ipip),
            ..Observation::default()
        };
        let before = seen.clone();
        seen.fill_blind_spots(&rich());
        assert_eq!(seen, before);
    }
}
