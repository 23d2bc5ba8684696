//! Servers that the file no longer has and that finish their connections before they go.
//!
//! The list is kept on the disk with its deadlines: a daemon that is killed and comes back goes on
//! where it was. Pure but for [`Drains::load`] and [`Drains::save`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{DrainEnd, Draining};
use crate::clock::Moment;
use crate::dataplane::Observation;
use crate::reconcile::{Document, Error, Origin, Remaining, Store};
use crate::state::{DestinationKey, Protocol, ServiceKey, Setting, State};

/// A destination of a service.
pub(super) type Place = (ServiceKey, DestinationKey);

/// How a server that goes is drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// So long it may finish its connections; zero removes it at once.
    pub(super) timeout: Duration,
    /// What becomes of the connections that are left then.
    pub(super) remaining: Remaining,
}

/// A server that drains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    service: ServiceKey,
    destination: DestinationKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    since: Moment,
    deadline: Moment,
    reset: bool,
}

/// The list as it stands on the disk.
#[derive(Serialize, Deserialize)]
struct Form {
    #[serde(flatten)]
    origin: Origin,
    drains: Vec<Entry>,
}

/// All that drains.
#[derive(Debug, Clone, Default)]
pub(super) struct Drains {
    entries: BTreeMap<Place, Entry>,
    /// The connections of each, counted after it got its weight of 0.
    counts: BTreeMap<Place, (u64, u32)>,
    /// What the disk has.
    saved: Vec<Entry>,
}

/// What there is to say about the list after a look at it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// What is drained no more, and why.
    pub(super) ended: Vec<(Draining, DrainEnd)>,
    /// Whose connections are to be reset once they are gone.
    pub(super) reset: Vec<Place>,
    /// Whether anything is drained that was not.
    pub(super) began: bool,
}

/// How a server drains, and what it is called.
pub(super) type TermsOf<'a> = dyn Fn(&Place) -> Option<(Terms, Option<String>)> + 'a;

/// What bears on which servers drain.
pub(super) struct Leaving<'a> {
    /// What is ours in the kernel.
    pub(super) ours: &'a State,
    /// What is wanted, without what drains.
    pub(super) wanted: &'a State,
    /// How a server that the wanted state has not is drained, and what it is called; none where it
    /// goes at once.
    pub(super) terms: &'a TermsOf<'a>,
}

impl Drains {
    /// The list of this boot and namespace; empty where there is none.
    pub(super) fn load(store: &Store, origin: &Origin) -> Result<Self, Error> {
        let form = store.load::<Form>(Document::Drains)?;
        let saved = form
            .filter(|form| form.origin == *origin)
            .map(|form| form.drains)
            .unwrap_or_default();
        let entries = saved.iter().cloned();
        Ok(Self {
            entries: entries
                .map(|entry| ((entry.service, entry.destination), entry))
                .collect(),
            counts: BTreeMap::new(),
            saved,
        })
    }

    /// Keeps the list, where the disk has another.
    pub(super) fn save(&mut self, store: &Store, origin: &Origin) -> Result<(), Error> {
        let drains: Vec<Entry> = self.entries.values().cloned().collect();
        if drains == self.saved {
            return Ok(());
        }
        let form = Form {
            origin: origin.clone(),
            drains,
        };
        store.save(Document::Drains, &form)?;
        self.saved = form.drains;
        Ok(())
    }

    /// Takes the list off the disk.
    pub(super) fn clear(store: &Store) -> Result<(), Error> {
        store.remove(Document::Drains)
    }

    /// Brings the list up to date: who goes begins to drain, who is empty or late is let go, who
    /// is wanted again is restored.
    pub(super) fn review(&mut self, now: Moment, leaving: &Leaving<'_>) -> News {
        let mut news = News::default();
        self.drop_settled(leaving, &mut news);
        self.drop_finished(now, &mut news);
        let finished: BTreeSet<Place> = news.ended.iter().map(|(it, _)| it.place()).collect();
        for place in super::super::drain::leaving(leaving.ours, leaving.wanted) {
            if !self.entries.contains_key(&place) && !finished.contains(&place) {
                news.began |= self.begin(now, place, leaving);
            }
        }
        news
    }

    fn drop_settled(&mut self, leaving: &Leaving<'_>, news: &mut News) {
        let settled: Vec<(Place, DrainEnd)> = self
            .entries
            .keys()
            .filter_map(|place| {
                let end = if has(leaving.wanted, place) {
                    DrainEnd::Returned
                } else if has(leaving.ours, place) {
                    return None;
                } else {
                    DrainEnd::Gone
                };
                Some((*place, end))
            })
            .collect();
        for (place, end) in settled {
            self.end(place, end, news);
        }
    }

    fn drop_finished(&mut self, now: Moment, news: &mut News) {
        let finished: Vec<(Place, DrainEnd)> = self
            .entries
            .iter()
            .filter_map(|(place, entry)| {
                let count = self.counts.get(place);
                if count == Some(&(0, 0)) {
                    Some((*place, DrainEnd::Empty))
                } else if now >= entry.deadline {
                    let live = count.map_or(0, |(live, _)| *live);
                    Some((*place, DrainEnd::Deadline { live }))
                } else {
                    None
                }
            })
            .collect();
        for (place, end) in finished {
            let reset = self.entries.get(&place).is_some_and(|entry| entry.reset);
            if reset && matches!(end, DrainEnd::Deadline { .. }) {
                news.reset.push(place);
            }
            self.end(place, end, news);
        }
    }

    fn end(&mut self, place: Place, end: DrainEnd, news: &mut News) {
        let count = self.counts.remove(&place);
        if let Some(entry) = self.entries.remove(&place) {
            news.ended.push((entry.told(count), end));
        }
    }

    fn begin(&mut self, now: Moment, place: Place, leaving: &Leaving<'_>) -> bool {
        let Some((terms, name)) = (leaving.terms)(&place) else {
            return false;
        };
        let timeout = timeout(&place, terms.timeout, leaving.ours);
        if timeout.is_zero() {
            return false;
        }
        let entry = Entry {
            service: place.0,
            destination: place.1,
            name,
            since: now,
            deadline: now + timeout,
            reset: terms.remaining == Remaining::Reset,
        };
        self.entries.insert(place, entry);
        true
    }

    /// The kernel was read: what still has connections. A server counts once it was seen with
    /// weight 0, so that none comes after the count.
    pub(super) fn count(&mut self, seen: &Observation) {
        for place in self.entries.keys() {
            let destination = seen
                .state
                .services
                .get(&place.0)
                .and_then(|service| service.destinations.get(&place.1));
            let drained = destination.is_some_and(|destination| destination.weight == 0);
            if let (true, Some(counters)) = (drained, seen.destinations.get(place)) {
                let count = (counters.live(), counters.persistent);
                self.counts.insert(*place, count);
            }
        }
    }

    /// What of our own stays for a while: the servers that drain, and the addresses on which their
    /// clients reach them.
    pub(super) fn staying(&self, ours: &State) -> State {
        let mut state = State::default();
        for (service, key) in self.entries.keys() {
            let Some(held) = ours.services.get(service) else {
                continue;
            };
            let Some(destination) = held.destinations.get(key) else {
                continue;
            };
            let kept = state.services.entry(*service).or_insert_with(|| {
                crate::state::Service::without_destinations(held.attributes.clone())
            });
            kept.destinations.insert(*key, *destination);
        }
        for (key, address) in &ours.addresses {
            let needed = |service: &ServiceKey| match service {
                ServiceKey::Address { address, .. } => *address == key.address,
                // Nobody knows here on which addresses a mark is.
                ServiceKey::Mark { .. } => true,
            };
            if state.services.keys().any(needed) {
                state.addresses.insert(key.clone(), *address);
            }
        }
        state
    }

    /// Everything on the list.
    pub(super) fn told(&self) -> Vec<Draining> {
        let entries = self.entries.iter();
        entries
            .map(|(place, entry)| entry.told(self.counts.get(place).copied()))
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether one is to be let go now.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        let is_empty = |place| self.counts.get(place) == Some(&(0, 0));
        let late = self.due().is_some_and(|due| due <= now);
        late || self.entries.keys().any(is_empty)
    }

    /// When the next one is let go whatever it has.
    pub(super) fn due(&self) -> Option<Moment> {
        self.entries.values().map(|entry| entry.deadline).min()
    }
}

/// UDP knows no end of a flow: what the kernel has not seen for its own time-out is over.
fn timeout(place: &Place, written: Duration, ours: &State) -> Duration {
    let is_udp = matches!(
        place.0,
        ServiceKey::Address {
            protocol: Protocol::Udp,
            ..
        }
    );
    let udp = ours.settings.get(&Setting::TimeoutUdp);
    match udp {
        Some(seconds) if is_udp => written.min(Duration::from_secs(*seconds)),
        _ => written,
    }
}

fn has(state: &State, (service, key): &Place) -> bool {
    let service = state.services.get(service);
    service.is_some_and(|service| service.destinations.contains_key(key))
}

impl Draining {
    pub(super) fn place(&self) -> Place {
        (self.service, self.destination)
    }
}

impl Entry {
    fn told(&self, count: Option<(u64, u32)>) -> Draining {
        Draining {
            service: self.service,
            destination: self.destination,
            name: self.name.clone(),
            live: count.map(|(live, _)| live),
            persistent: count.map_or(0, |(_, persistent)| persistent),
            since: self.since,
            deadline: self.deadline,
        }
    }
}
