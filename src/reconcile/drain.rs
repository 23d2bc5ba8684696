//! Servers that go: which, what a removal cuts, and the wait for their connections.

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::dataplane::{self, Dataplane, Observation};
use crate::state::{DestinationKey, ServiceKey, State};

use super::{Cut, Progress};

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

/// What the removal of these destinations cuts now.
pub(super) fn cuts(leaving: &[Place], seen: &Observation) -> Vec<Cut> {
    let counted = leaving.iter().filter_map(|place| {
        let live = seen.destinations.get(place)?.live();
        let (service, destination) = *place;
        (live > 0).then_some(Cut {
            service,
            destination,
            live,
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
    timeout: Duration,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Vec<Cut>, dataplane::Error> {
    let start: Instant = clock.now();
    let mut told = None;
    loop {
        let cuts = cuts(leaving, &plane.observe()?);
        let left = timeout.saturating_sub(clock.now().saturating_duration_since(start));
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
