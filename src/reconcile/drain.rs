//! Servers that go: which, what a removal cuts, and the wait for their connections.

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::dataplane::{self, Dataplane, Observation, Removal};
use crate::state::{DestinationKey, Protocol, ServiceKey, State};

use super::{Cut, Fate, Progress, Remaining, Request};

/// How often the connections are counted while servers drain.
const INTERVAL: Duration = Duration::from_millis(500);

/// A destination of a service.
pub(super) type Place = (ServiceKey, DestinationKey);

/// The destinations that are ours and not wanted.
pub(super) fn leaving(ours: &State, desired: &State) -> Vec<Place> {
    let all = ours.services.iter().flat_map(|(service, was)| {
        let keys = was.destinations.keys();
        keys.map(move |key| (*service, *key))
    });
    all.filter(|(service, key)| {
        let wanted = desired.services.get(service);
        !wanted.is_some_and(|wanted| wanted.destinations.contains_key(key))
    })
    .collect()
}

/// What becomes of what is left when a destination goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    removal: Removal,
    remaining: Remaining,
}

impl End {
    pub(super) fn of(plane: &dyn Dataplane, request: &Request) -> Self {
        Self {
            removal: plane.removal(),
            remaining: request.remaining,
        }
    }

    fn fate(self, service: &ServiceKey) -> Fate {
        let is_udp = matches!(
            service,
            ServiceKey::Address {
                protocol: Protocol::Udp,
                ..
            }
        );
        match (self.removal, self.remaining) {
            (Removal::Cuts, _) => Fate::Cut,
            (Removal::LetsFinish, _) if is_udp => Fate::Move,
            (Removal::LetsFinish, Remaining::Reset) => Fate::Reset,
            (Removal::LetsFinish, Remaining::Leave) => Fate::Finish,
        }
    }
}

/// What the removal of these destinations does to connections now.
pub(super) fn cuts(leaving: &[Place], seen: &Observation, end: End) -> Vec<Cut> {
    let counted = leaving.iter().filter_map(|place| {
        let live = seen.destinations.get(place)?.live();
        let (service, destination) = *place;
        (live > 0).then_some(Cut {
            service,
            destination,
            live,
            fate: end.fate(&service),
        })
    });
    counted.collect()
}

/// Waits until nothing would be cut, or the time is over. Gives what would still be cut. Tells how
/// many connections are left whenever that number changes.
pub(super) fn wait(
    plane: &mut dyn Dataplane,
    clock: &dyn Clock,
    leaving: &[Place],
    request: &Request,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Vec<Cut>, dataplane::Error> {
    let start: Instant = clock.now();
    let end = End::of(plane, request);
    let mut told = None;
    loop {
        let cuts = cuts(leaving, &plane.observe()?, end);
        let left = request
            .drain
            .saturating_sub(clock.now().saturating_duration_since(start));
        if cuts.is_empty() || left.is_zero() {
            return Ok(cuts);
        }
        let live = cuts.iter().map(|cut| cut.live).sum();
        if told.replace(live) != Some(live) {
            progress(&Progress::Draining { live, left });
        }
        clock.sleep(INTERVAL.min(left));
    }
}
