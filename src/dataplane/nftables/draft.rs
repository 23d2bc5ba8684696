//! From the changes of a plan to the one edit of the tables that carries them out.
//!
//! Only the services that the changes name, or that follow from a mark or an address that they
//! name, are looked at. Pure; called by [`super::Nftables`].

use std::collections::{BTreeMap, BTreeSet};

use nix::errno::Errno;

use super::content::{self, Content, Context, Edit, Tables};
use super::counters::Place;
use super::fields;
use super::schema::{SetId, SetKind};
use super::terrain::Terrain;
use crate::dataplane::{Error, Failure};
use crate::netlink::nft::model::TableFamily;
use crate::netlink::nft::{ElementKey, Operation};
use crate::state::{
    Change, Forwarding, MarkRule, Misfit, Service, ServiceKey, Setting, State, Subject,
};

/// What is known of the tables and of the machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    /// What the tables hold, and the addresses of the machine.
    pub(super) state: &'a State,
    /// What carries it out.
    pub(super) content: &'a Content,
    /// Whose connections are reset now.
    pub(super) killed: &'a BTreeSet<Place>,
    /// The machine once the changes are done.
    pub(super) terrain: &'a Terrain,
}

/// An edit, and which change asked for what.
#[derive(Debug)]
pub(super) struct Draft {
    /// What the tables become.
    pub(super) edit: Edit,
    /// What belongs to it beside.
    pub(super) pardons: Vec<Operation>,
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
            killed: killed(changes, ground),
        };
        Ok(Some(Self {
            edit,
            pardons: pardons(changes, ground),
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
    match (asked, ground.content.seed()) {
        (Some(seed), _) => Tables::Seeded(seed),
        (None, None) => Tables::Seeded(0),
        (None, Some(_)) => Tables::Keep,
    }
}

/// Whose connections are reset from now on, where that changes: when nobody is left, the rules go.
fn killed(changes: &[Change], ground: Ground<'_>) -> Option<BTreeSet<Place>> {
    let back = back(changes, ground.killed);
    let left: BTreeSet<Place> = ground.killed.difference(&back).copied().collect();
    let is_over = left.is_empty() && !ground.content.killing.is_empty();
    (is_over || !back.is_empty()).then_some(left)
}

/// The destinations that come back while their connections are reset.
fn back(changes: &[Change], killed: &BTreeSet<Place>) -> BTreeSet<Place> {
    let added = changes.iter().filter_map(added);
    added.filter(|place| killed.contains(place)).collect()
}

/// What takes those out of the set that come back, where others stay in it.
fn pardons(changes: &[Change], ground: Ground<'_>) -> Vec<Operation> {
    let back = back(changes, ground.killed);
    let pardon = |(service, server): &Place| {
        let family = service.family();
        let mut left = ground.killed.difference(&back);
        let id = SetId {
            table: TableFamily::Inet,
            kind: SetKind::Killed,
            family,
        };
        left.any(|(other, _)| other.family() == family)
            .then(|| Operation::DeleteElements {
                table: content::inet(),
                set: id.name(),
                keys: vec![ElementKey {
                    key: [fields::service(*service), fields::translated(*server)].concat(),
                    key_end: None,
                }],
            })
    };
    back.iter().filter_map(pardon).collect()
}

fn added(change: &Change) -> Option<Place> {
    if let Change::AddDestination { service, key, .. } = change {
        Some((*service, *key))
    } else {
        None
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{
        Address, AddressKey, Destination, DestinationKey, Protocol, SchedulerFlags,
        ServiceAttributes, plan,
    };

    fn key(port: u16) -> ServiceKey {
        ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: [192, 0, 2, 10].into(),
            port,
        }
    }

    fn service(forwarding: Forwarding, weight: u32) -> Service {
        let mut service = Service::without_destinations(ServiceAttributes {
            scheduler: "wrr".to_owned(),
            scheduler_flags: SchedulerFlags::default(),
            persistence: None,
            one_packet: false,
        });
        let server = DestinationKey {
            address: [10, 0, 0, 21].into(),
            port: 80,
        };
        let destination = Destination {
            forwarding,
            weight,
            upper_threshold: 0,
            lower_threshold: 0,
        };
        service.destinations.insert(server, destination);
        service
    }

    fn state(services: &[(u16, Service)]) -> State {
        let mut state = State::default();
        state.settings.insert(Setting::HashSeed, 7);
        let services = services.iter().cloned();
        state.services = services
            .map(|(port, service)| (key(port), service))
            .collect();
        state
    }

    fn nat(weight: u32) -> Service {
        service(Forwarding::Masquerade, weight)
    }

    fn draft(from: &State, changes: &[Change]) -> Result<Option<Draft>, Vec<Failure>> {
        let seed = from.settings.get(&Setting::HashSeed);
        let seed = seed.and_then(|seed| u32::try_from(*seed).ok());
        let content = Content {
            seed,
            ..Content::default()
        };
        let ground = Ground {
            state: from,
            content: &content,
            killed: &BTreeSet::new(),
            terrain: &Terrain::default(),
        };
        Draft::of(changes, ground)
    }

    fn between(from: &State, to: &State) -> Draft {
        let changes = plan(from, to).changes;
        draft(from, &changes).unwrap().unwrap()
    }

    #[test]
    fn an_edit_names_the_services_of_its_changes_and_no_other_one() {
        let from = state(&[(80, nat(1)), (81, nat(1)), (82, nat(1))]);
        let to = state(&[(80, nat(2)), (81, nat(1)), (83, nat(1))]);
        let draft = between(&from, &to);
        let named: Vec<_> = draft.edit.services.keys().copied().collect();
        assert_eq!(named, [key(80), key(82), key(83)]);
        assert_eq!(draft.edit.services[&key(82)], None);
        assert_eq!(draft.edit.tables, Tables::Keep);
    }

    #[test]
    fn the_first_service_brings_the_tables_and_the_last_one_takes_them_along() {
        let (none, one) = (State::default(), state(&[(80, nat(1))]));
        assert_eq!(between(&none, &one).edit.tables, Tables::Seeded(7));
        assert_eq!(between(&one, &none).edit.tables, Tables::Gone);
        let other = state(&[(81, nat(1))]);
        assert_eq!(between(&one, &other).edit.tables, Tables::Keep);
    }

    #[test]
    fn another_seed_makes_the_tables_anew() {
        let from = state(&[(80, nat(1))]);
        let mut to = from.clone();
        to.settings.insert(Setting::HashSeed, 8);
        let draft = between(&from, &to);
        assert_eq!(draft.edit.tables, Tables::Seeded(8));
        assert!(draft.edit.services.is_empty());
    }

    #[test]
    fn changes_of_the_machine_alone_need_no_transaction() {
        let from = state(&[(80, nat(1))]);
        let mut to = from.clone();
        to.settings.insert(Setting::ForwardV4, 1);
        to.addresses.insert(
            AddressKey {
                interface: "eth0".to_owned(),
                address: [192, 0, 2, 10].into(),
            },
            Address {
                prefix: 32,
                no_prefix_route: false,
            },
        );
        let changes = plan(&from, &to).changes;
        assert_eq!(changes.len(), 2);
        assert!(draft(&from, &changes).unwrap().is_none());
    }

    #[test]
    fn a_refused_service_is_blamed_on_the_first_change_that_names_it() {
        let from = state(&[(80, nat(1))]);
        let to = state(&[(80, nat(2)), (81, nat(1))]);
        let changes = plan(&from, &to).changes;
        let draft = draft(&from, &changes).unwrap().unwrap();
        let blamed = |service| changes[draft.cause(service)].subject();
        assert_eq!(blamed(Some(key(81))), Subject::Service(key(81)));
        assert!(matches!(blamed(Some(key(80))), Subject::Destination(it, _) if it == key(80)));
        assert_eq!(draft.cause(None), 0);
    }

    #[test]
    fn a_change_that_does_not_fit_what_is_known_is_told_with_its_place() {
        let from = state(&[(80, nat(1))]);
        let changes = plan(&State::default(), &from).changes;
        let failures = draft(&from, &changes).unwrap_err();
        assert_eq!(failures[0].index, 1, "after the seed");
        assert!(failures[0].error.to_string().contains("another program"));
    }
}
