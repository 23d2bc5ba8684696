//! A rehearsal of a plan on the real kernel, in a network namespace that nobody else sees.
//!
//! IPVS knows no dry run, no transaction and no error texts. But its table belongs to a network
//! namespace: so the live services that the plan names are loaded into an empty one, the plan is
//! carried out there, and what came of it is compared with what was wanted. Only services and
//! destinations are rehearsed.
//! The live table is not touched, and the namespace is gone with the thread that made it. Called
//! by `reconcile` before the first write.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::thread;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};

use super::explain::{self, Loopback};
use super::ipvs::{Aliases, Table, send};
use super::{Error, Failure};
use crate::netlink;
use crate::netlink::ipvs::Client;
use crate::netlink::route::{self, NewAddress};
use crate::state::{Change, HostFacts, ServiceKey, State, Subject, plan};

/// What came of a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preflight {
    /// The kernel took every change and holds what was wanted.
    Passed,
    /// The kernel refused some changes.
    Refused {
        /// Which (by their place in what was rehearsed) and why.
        failures: Vec<Failure>,
    },
    /// The kernel took every change and holds something else.
    Different {
        /// What would still have to be done: never empty.
        remaining: Vec<Change>,
    },
    /// It could not be rehearsed here. That is no judgement of the plan.
    Skipped {
        /// Why, as part of a sentence.
        reason: String,
    },
}

/// Carries the changes out on a copy of the live services that they name, in a namespace of its own.
///
/// `live` is everything observed, foreign services included; `host` says which addresses are this
/// machine's own, because the kernel treats real servers on them in another way.
#[must_use]
pub fn rehearse(live: &State, host: &HostFacts, changes: &[Change]) -> Preflight {
    let rehearsed = thread::scope(|scope| {
        let stage = thread::Builder::new().name("preflight".to_owned());
        stage
            .spawn_scoped(scope, || on_stage(live, host, changes))
            .map(thread::ScopedJoinHandle::join)
    });
    match rehearsed {
        Ok(Ok(Ok(preflight))) => preflight,
        Ok(Ok(Err(Unfit(reason)))) => Preflight::Skipped { reason },
        Ok(Err(_)) => Preflight::Skipped {
            reason: "the rehearsal broke off; please report this as a fault of farmctl".to_owned(),
        },
        Err(error) => Preflight::Skipped {
            reason: format!("no thread could be started for it: {error}"),
        },
    }
}

/// Why there is no stage to rehearse on.
struct Unfit(String);

impl From<Error> for Unfit {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

fn on_stage(live: &State, host: &HostFacts, changes: &[Change]) -> Result<Preflight, Unfit> {
    enter_empty_namespace()?;
    make_local(host).map_err(|error| Unfit(format!("its namespace cannot be set up: {error}")))?;
    let mut client = Client::open().map_err(|error| Unfit(error.to_string()))?;
    let (places, rehearsed) = services_only(changes);
    let mut wanted = touched(live, &rehearsed);
    load(&mut client, &wanted)?;
    let refused = send(&mut client, &rehearsed, &mut Aliases::new())?;
    if !refused.is_empty() {
        let failure = |(index, errno): (usize, Errno)| Failure {
            index: places[index],
            error: explain::refused(&rehearsed[index], errno, Loopback::Up),
        };
        let failures = refused.into_iter().map(failure).collect();
        return Ok(Preflight::Refused { failures });
    }
    for change in &rehearsed {
        wanted.apply(change).map_err(|misfit| {
            Unfit(format!(
                "the plan does not fit what was observed: {misfit}; compare again"
            ))
        })?;
    }
    compare(&mut client, &wanted)
}

fn enter_empty_namespace() -> Result<(), Unfit> {
    match unshare(CloneFlags::CLONE_NEWNET) {
        Ok(()) => Ok(()),
        Err(Errno::EPERM) => Err(Unfit(
            "making a network namespace needs root, or CAP_SYS_ADMIN".to_owned(),
        )),
        Err(errno) => Err(Unfit(format!(
            "no network namespace could be made: {errno}"
        ))),
    }
}

/// Raises `lo` and gives it all addresses of the machine.
fn make_local(host: &HostFacts) -> netlink::Result<()> {
    let mut route = route::Client::open()?;
    let Some(lo) = route.links()?.into_iter().find(|link| link.loopback) else {
        return Ok(());
    };
    route.set_link_up(lo.index)?;
    let addresses = host
        .interfaces
        .values()
        .flat_map(|interface| &interface.addresses);
    let own: BTreeMap<IpAddr, u8> = addresses
        .map(|(address, _)| (*address, if address.is_ipv4() { 32 } else { 128 }))
        .collect();
    for (address, prefix) in own {
        let mut local = NewAddress::new(lo.index, address, prefix);
        local.no_dad = true;
        match route.add_address(&local) {
            Err(error) if error.errno() != Some(Errno::EEXIST) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The live services that the changes name. The kernel judges a change by its own service alone,
/// so the others would only take time.
fn touched(live: &State, changes: &[Change]) -> State {
    let keys: BTreeSet<ServiceKey> = changes.iter().filter_map(service_of).collect();
    let services = keys
        .into_iter()
        .filter_map(|key| Some((key, live.services.get(&key)?.clone())));
    State {
        services: services.collect(),
        ..State::default()
    }
}

fn service_of(change: &Change) -> Option<ServiceKey> {
    match change.subject() {
        Subject::Service(key) | Subject::Destination(key, _) => Some(key),
        Subject::Setting(_) | Subject::Address(_) | Subject::Marks | Subject::Sync(_) => None,
    }
}

fn load(client: &mut Client, live: &State) -> Result<(), Unfit> {
    let changes = plan(&State::default(), live).changes;
    let refused = send(client, &changes, &mut Aliases::new())?;
    match refused.first() {
        None => Ok(()),
        Some((index, errno)) => {
            let error = explain::refused(&changes[*index], *errno, Loopback::Up);
            Err(Unfit(format!("the live table cannot be copied: {error}")))
        }
    }
}

/// The changes that are rehearsed, and their places among all.
fn services_only(changes: &[Change]) -> (Vec<usize>, Vec<Change>) {
    changes
        .iter()
        .enumerate()
        .filter(|(_, change)| change.is_of_table())
        .map(|(place, change)| (place, change.clone()))
        .unzip()
}

fn compare(client: &mut Client, wanted: &State) -> Result<Preflight, Unfit> {
    let observed = State {
        services: Table::read(client)?.services,
        ..State::default()
    };
    let remaining = plan(&observed, wanted).changes;
    if remaining.is_empty() {
        Ok(Preflight::Passed)
    } else {
        Ok(Preflight::Different { remaining })
    }
}
