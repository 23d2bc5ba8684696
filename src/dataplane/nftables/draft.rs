//! From the changes of a plan to the one edit of the tables that carries them out.
//!
//! Only the services that the changes name, or that follow from a mark or an address that they
//! name, are looked at. Pure; called by [`super::Nftables`].

use std::collections::{BTreeMap, BTreeSet};

use nix::errno::Errno;

use super::content::{self, Context, Edit, Tables};
use super::terrain::Terrain;
use crate::dataplane::{Error, Failure};
use crate::state::{
    Change, Forwarding, MarkRule, Misfit, Service, ServiceKey, Setting, State, Subject,
};

/// What is known of the tables and of the machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    /// What the tables hold, and the addresses of the machine.
    pub(super) state: &'a State,
    /// Whether there are tables, and with which seed.
    pub(super) seed: Option<u32>,
    /// The machine once the changes are done.
    pub(super) terrain: &'a Terrain,
}

/// An edit, and which change asked for what.
#[derive(Debug)]
pub(super) struct Draft {
    /// What the tables become.
    pub(super) edit: Edit,
    /// For each service the place of the change that touches it first.
    causes: BTreeMap<ServiceKey, usize>,
    /// The place of the first change of the tables.
    first: usize,
}

impl Draft {
    /// The change that is to blame when the kernel refuses something of a service, or of the
    /// tables.
    pub(super) fn cause(&self, service: Option<ServiceKey>) -> usize {
        let place = service.and_then(|service| self.causes.get(&service));
        place.copied().unwrap_or(self.first)
    }

    /// The edit for these changes; those of them that are not about the tables do not matter.
    /// None where no change is about the tables. The failures are those of changes that the tables
    /// can't carry out.
    pub(super) fn of(changes: &[Change], ground: Ground<'_>) -> Result<Option<Self>, Vec<Failure>> {
        let causes = causes(changes, ground.state);
        let places = changes.iter().enumerate();
        let first = places
            .filter(|(_, change)| is_of_tables(change))
            .map(|(place, _)| place)
            .chain(causes.values().copied())
            .min();
        let Some(first) = first else {
            return Ok(None);
        };
        let after = after(changes, ground.state, &causes)?;
        let marks = changes.iter().rev().find_map(marks_of).cloned();
        let context = Context {
            marks: marks.as_ref().unwrap_or(&ground.state.marks),
            terrain: ground.terrain,
        };
        let edit = Edit {
            tables: tables(changes, ground, &after, context.marks),
            services: compiled(changes, &after, &causes, &context)?,
            marks,
            killed: None,
        };
        Ok(Some(Self {
            edit,
            causes,
            first,
        }))
    }
}

/// Whether the transaction carries the change out.
pub(super) fn is_of_tables(change: &Change) -> bool {
    seed_of(change).is_some() || change.is_of_table() || matches!(change, Change::SetMarks { .. })
}

fn marks_of(change: &Change) -> Option<&BTreeSet<MarkRule>> {
    if let Change::SetMarks { to, .. } = change {
        Some(to)
    } else {
        None
    }
}

/// The services that are compiled anew, each with the place of the first change that is why.
fn causes(changes: &[Change], state: &State) -> BTreeMap<ServiceKey, usize> {
    let mut causes = BTreeMap::new();
    for (place, change) in changes.iter().enumerate() {
        for service in touched(change, state) {
            causes.entry(service).or_insert(place);
        }
    }
    causes
}

fn touched(change: &Change, state: &State) -> Vec<ServiceKey> {
    match change {
        Change::AddService { service, .. }
        | Change::SetService { service, .. }
        | Change::DeleteService { service, .. }
        | Change::AddDestination { service, .. }
        | Change::SetDestination { service, .. }
        | Change::DeleteDestination { service, .. } => vec![*service],
        Change::SetMarks { to, .. } => content::services_of_marks(&state.marks, to)
            .into_iter()
            .filter(|service| state.services.contains_key(service))
            .collect(),
        // Frames for an address are taken where the address is.
        Change::AddAddress { .. } | Change::SetAddress { .. } | Change::DeleteAddress { .. } => {
            let routed = state.services.iter().filter(|(_, service)| routes(service));
            routed.map(|(key, _)| *key).collect()
        }
        Change::SetSetting { .. } | Change::StartSync { .. } | Change::StopSync { .. } => {
            Vec::new()
        }
    }
}

fn routes(service: &Service) -> bool {
    let mut all = service.destinations.values();
    all.any(|destination| destination.forwarding == Forwarding::Route)
}

/// The services that are touched, as they will be.
fn after(
    changes: &[Change],
    before: &State,
    causes: &BTreeMap<ServiceKey, usize>,
) -> Result<BTreeMap<ServiceKey, Service>, Vec<Failure>> {
    let known = causes
        .keys()
        .filter_map(|key| Some((*key, before.services.get(key)?.clone())));
    let mut after = State {
        services: known.collect(),
        ..State::default()
    };
    let mut failures = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        if !change.is_of_table() {
            continue;
        }
        if let Err(misfit) = after.apply(change) {
            let error = misfits(change, &misfit);
            failures.push(Failure { index, error });
        }
    }
    if failures.is_empty() {
        Ok(after.services)
    } else {
        Err(failures)
    }
}

fn misfits(change: &Change, misfit: &Misfit) -> Error {
    let errno = match misfit {
        Misfit::Exists(_) => Errno::EEXIST,
        Misfit::Missing(_) => Errno::ENOENT,
    };
    Error::Refused {
        what: change.to_string(),
        reason: format!(
            "{misfit}; another program changed the tables meanwhile: run farmctl again"
        ),
        errno: errno as i32,
    }
}

fn compiled(
    changes: &[Change],
    after: &BTreeMap<ServiceKey, Service>,
    causes: &BTreeMap<ServiceKey, usize>,
    context: &Context<'_>,
) -> Result<BTreeMap<ServiceKey, Option<content::ServiceContent>>, Vec<Failure>> {
    let mut all = BTreeMap::new();
    let mut failures = Vec::new();
    for (key, place) in causes {
        let compiled = after
            .get(key)
            .map(|service| content::compile(*key, service, context))
            .transpose();
        match compiled {
            Ok(elements) => {
                all.insert(*key, elements);
            }
            Err(unfit) => failures.push(Failure {
                index: *place,
                error: Error::Refused {
                    what: what(&changes[*place], *key),
                    reason: unfit.to_string(),
                    errno: Errno::EOPNOTSUPP as i32,
                },
            }),
        }
    }
    failures.sort_by_key(|failure| failure.index);
    if failures.is_empty() {
        Ok(all)
    } else {
        Err(failures)
    }
}

/// The change in words, and the service where the change does not name it.
fn what(change: &Change, service: ServiceKey) -> String {
    match change.subject() {
        Subject::Service(_) | Subject::Destination(..) => change.to_string(),
        Subject::Setting(_) | Subject::Address(_) | Subject::Marks | Subject::Sync(_) => {
            format!("{change} for the service {service}")
        }
    }
}

fn tables(
    changes: &[Change],
    ground: Ground<'_>,
    after: &BTreeMap<ServiceKey, Service>,
    marks: &BTreeSet<MarkRule>,
) -> Tables {
    let asked = changes.iter().rev().find_map(seed_of);
    if after.is_empty() && marks.is_empty() && is_last(changes, ground.state) {
        return Tables::Gone;
    }
    match (asked, ground.seed) {
        (Some(seed), _) => Tables::Seeded(seed),
        (None, None) => Tables::Seeded(0),
        (None, Some(_)) => Tables::Keep,
    }
}

/// Whether the changes remove every service that there was.
fn is_last(changes: &[Change], before: &State) -> bool {
    let gone: BTreeSet<ServiceKey> = changes.iter().filter_map(removed).collect();
    before.services.len() <= gone.len() && before.services.keys().all(|key| gone.contains(key))
}

fn removed(change: &Change) -> Option<ServiceKey> {
    if let Change::DeleteService { service, .. } = change {
        Some(*service)
    } else {
        None
    }
}

fn seed_of(change: &Change) -> Option<u32> {
    if let Change::SetSetting {
        setting: Setting::HashSeed,
        to,
        ..
    } = change
    {
        u32::try_from(*to).ok()
    } else {
        None
    }
}
