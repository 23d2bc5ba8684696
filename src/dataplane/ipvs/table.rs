//! The table of services and destinations of one namespace, read as a whole.
//!
//! The kernel's dumps are not consistent: an entry that comes or goes meanwhile makes others be
//! skipped or repeated, and a service that is gone looks like an empty one. So what can be torn is
//! read twice, until two readings agree. Called by [`super::Ipvs`] and by the preflight.

use std::collections::BTreeMap;

use super::convert;
use crate::dataplane::explain::unreadable;
use crate::dataplane::steady::steady;
use crate::dataplane::{Counters, DestinationCounters, Error};
use crate::netlink;
use crate::netlink::ipvs::{Client, DestinationEntry, ServiceEntry};
use crate::state::{DestinationKey, Service, ServiceKey};

/// How often a reading is begun again while somebody else writes.
const ATTEMPTS: usize = 6;
/// The kernel holds its lock while it fills one piece of a dump; more destinations than this may
/// not fit in one piece, and are read twice.
const FITS_ONE_PIECE: usize = 32;

/// The ports that destinations have in the kernel where they are not the canonical ones.
pub(in crate::dataplane) type Aliases = BTreeMap<(ServiceKey, DestinationKey), u16>;

/// All services and destinations of a namespace.
#[derive(Debug, Default)]
pub(in crate::dataplane) struct Table {
    pub(in crate::dataplane) services: BTreeMap<ServiceKey, Service>,
    pub(super) counters: BTreeMap<ServiceKey, Counters>,
    pub(super) destination_counters: BTreeMap<(ServiceKey, DestinationKey), DestinationCounters>,
    pub(super) aliases: Aliases,
}

impl Table {
    /// Reads until the services were the same before and after their destinations were read.
    pub(in crate::dataplane) fn read(client: &mut Client) -> Result<Self, Error> {
        until_settled(
            client,
            read_services,
            |client, services| Self::read_behind(client, services),
            |before, after| same_services(before, after),
        )
    }

    fn read_behind(client: &mut Client, services: &[ServiceEntry]) -> Result<Self, Error> {
        let mut table = Self::default();
        for entry in services {
            let Some(key) = convert::service_key(&entry.id) else {
                continue;
            };
            let destinations = read_destinations(client, entry)?;
            table.add_service(key, entry);
            table.add_destinations(key, &destinations);
        }
        Ok(table)
    }

    fn add_service(&mut self, key: ServiceKey, entry: &ServiceEntry) {
        let service = Service::without_destinations(convert::attributes(entry));
        self.services.insert(key, service);
        self.counters.insert(key, convert::counters(&entry.stats));
    }

    /// First those whose key is the kernel's own, then those that get another port: where two
    /// destinations differ only in a port that the kernel ignores, both stay visible.
    fn add_destinations(&mut self, service: ServiceKey, entries: &[DestinationEntry]) {
        let is_canonical = |entry: &&DestinationEntry| canonical(&service, entry) == own(entry);
        for entry in entries.iter().filter(is_canonical) {
            self.add_destination(service, own(entry), entry);
        }
        for entry in entries.iter().filter(|entry| !is_canonical(entry)) {
            let key = canonical(&service, entry);
            let taken = self
                .services
                .get(&service)
                .is_some_and(|service| service.destinations.contains_key(&key));
            if taken {
                self.add_destination(service, own(entry), entry);
            } else {
                self.aliases.insert((service, key), entry.port);
                self.add_destination(service, key, entry);
            }
        }
    }

    fn add_destination(
        &mut self,
        service: ServiceKey,
        key: DestinationKey,
        entry: &DestinationEntry,
    ) {
        if let Some(service) = self.services.get_mut(&service) {
            let value = convert::destination_value(entry);
            service.destinations.insert(key, value);
        }
        let counters = convert::destination_counters(entry);
        self.destination_counters.insert((service, key), counters);
    }
}

/// Reads a list, what is behind it, and the list again, until the list was the same before and
/// after.
fn until_settled<S, L, T>(
    source: &mut S,
    list: impl Fn(&mut S) -> Result<L, Error>,
    behind: impl Fn(&mut S, &L) -> Result<T, Error>,
    same: impl Fn(&L, &L) -> bool,
) -> Result<T, Error> {
    let mut before = list(source)?;
    for _ in 0..ATTEMPTS {
        let read = behind(source, &before)?;
        let after = list(source)?;
        if same(&before, &after) {
            return Ok(read);
        }
        before = after;
    }
    Err(Error::Io {
        what: "read the IPVS table".to_owned(),
        reason: format!(
            "it changed during each of {ATTEMPTS} readings; another program writes to it without \
             pause: find it and stop it, then try again"
        ),
    })
}

fn own(entry: &DestinationEntry) -> DestinationKey {
    DestinationKey {
        address: entry.address,
        port: entry.port,
    }
}

fn canonical(service: &ServiceKey, entry: &DestinationEntry) -> DestinationKey {
    let forwarding = convert::destination_value(entry).forwarding;
    DestinationKey {
        port: if convert::ignores_port(forwarding) {
            service.port()
        } else {
            entry.port
        },
        ..own(entry)
    }
}

fn same_services(before: &[ServiceEntry], after: &[ServiceEntry]) -> bool {
    let written = |entries: &[ServiceEntry]| {
        let mut written: Vec<_> = entries.iter().map(netlink::ipvs::Service::from).collect();
        written.sort();
        written
    };
    written(before) == written(after)
}

fn same_destinations(before: &[DestinationEntry], after: &[DestinationEntry]) -> bool {
    let written = |entries: &[DestinationEntry]| {
        let mut written: Vec<_> = entries
            .iter()
            .map(netlink::ipvs::Destination::from)
            .collect();
        written.sort();
        written
    };
    written(before) == written(after)
}

fn read_services(client: &mut Client) -> Result<Vec<ServiceEntry>, Error> {
    steady(|| client.services()).map_err(|error| unreadable("the IPVS table", &error))
}

fn read_destinations(
    client: &mut Client,
    service: &ServiceEntry,
) -> Result<Vec<DestinationEntry>, Error> {
    let mut read = || {
        steady(|| client.destinations(&service.id))
            .map_err(|error| unreadable("the IPVS table", &error))
    };
    let mut before = read()?;
    if before.len() <= FITS_ONE_PIECE {
        return Ok(before);
    }
    for _ in 0..ATTEMPTS {
        let after = read()?;
        if same_destinations(&before, &after) {
            return Ok(after);
        }
        before = after;
    }
    // A writer that never rests shows in the list of services or in the next reading too.
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table whose list of services reads as told, the last for ever; how often it was read.
    struct Script(Vec<&'static [u8]>, usize);

    impl Script {
        fn list(&mut self) -> Vec<u8> {
            let place = self.1.min(self.0.len() - 1);
            self.1 += 1;
            self.0[place].to_vec()
        }

        fn read(&mut self) -> Result<Vec<u8>, Error> {
            until_settled(
                self,
                |script| Ok(script.list()),
                |_, list| Ok(list.clone()),
                |before, after| before == after,
            )
        }
    }

    #[test]
    fn a_table_that_rests_is_read_once() {
        let mut script = Script(vec![&[1, 2]], 0);
        assert_eq!(script.read(), Ok(vec![1, 2]));
        assert_eq!(script.1, 2);
    }

    #[test]
    fn a_table_that_changed_meanwhile_is_read_again_from_what_it_became() {
        let mut script = Script(vec![&[1, 2], &[1], &[1, 3]], 0);
        assert_eq!(script.read(), Ok(vec![1, 3]));
        assert_eq!(script.1, 4);
    }

    #[test]
    fn a_table_that_never_rests_is_an_error_that_says_what_to_look_for() {
        let restless: [&[u8]; 7] = [&[1], &[2], &[1], &[2], &[1], &[2], &[1]];
        let error = Script(restless.to_vec(), 0).read().unwrap_err();
        assert!(error.to_string().contains("another program"), "{error}");
    }

    #[test]
    fn what_was_interrupted_or_lost_is_read_again_and_a_refusal_is_not() {
        let mut answers = vec![
            Ok(7),
            Err(netlink::Error::Overrun),
            Err(netlink::Error::Interrupted),
        ];
        assert_eq!(steady(|| answers.pop().unwrap()).unwrap(), 7);
        let mut asked = 0;
        let refused: netlink::Result<()> = steady(|| {
            asked += 1;
            Err(netlink::Error::FamilyMissing { name: "IPVS" })
        });
        assert!(refused.is_err());
        assert_eq!(asked, 1);
    }
}
