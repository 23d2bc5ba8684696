//! What is to be done: from a wish and what the kernel holds to the steps.
//!
//! A state machine without input or output: readings, wishes and the time come in, and what to do
//! comes out ([`Step`]). [`super::thread`] does it and tells how it went.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::drains::{Drains, Leaving, News, Place, Terms};
use super::quarrel::Quarrels;
use super::terms::{is_of_the_file, terms_of};
use super::{DriftPolicy, Reason, Wish};
use crate::clock::Moment;
use crate::dataplane::Observation;
use crate::reconcile::{
    Adopt, FileNews, Footprint, Identity, Key, Record, Request, Scope, Standing, Target, identify,
    own_facts,
};
use crate::spec::{DataplaneKind, Name};
use crate::state::{
    Change, Desired, HostFacts, Plan, Setting, State, Subject, desired, desired_with, plan,
};

/// What is known and wanted.
#[derive(Debug)]
pub(super) struct Steward {
    pub(super) kind: DataplaneKind,
    host_name: String,
    pub(super) record: Record,
    /// What the kernel holds: as read last, with what was written since.
    pub(super) known: Observation,
    /// The wish that is worked on.
    pub(super) held: Option<Held>,
    pub(super) drains: Drains,
    pub(super) quarrels: Quarrels,
    /// What somebody else changed and is left alone while nothing else is wished for it.
    reported: BTreeSet<Subject>,
    /// Nothing is written.
    pub(super) paused: bool,
    /// What was wanted last.
    last: Option<Arc<Desired>>,
}

/// A wish, and what its file by itself asks for.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) wish: Wish,
    pub(super) node: Option<Name>,
    /// The state of the file without what bends it.
    filed: Arc<Desired>,
}

/// What is to be done about a wish.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing is wished for, or nothing may be written.
    Rest,
    /// The kernel holds it.
    Holds,
    /// These touch only servers of services that are ours: they can be done at once. With the run
    /// that brings a new file, for what has to be judged and kept of it.
    Fast(Plan, Option<Box<Full>>),
    /// This takes a whole run.
    Full(Box<Full>),
}

/// A whole run.
#[derive(Debug)]
pub(super) struct Full {
    pub(super) request: Request,
    pub(super) target: Target,
}

/// What is to be done, and what is so once it is done.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) step: Step,
    pub(super) news: News,
    /// What is wanted, without what drains.
    pub(super) desired: Arc<Desired>,
    drains: Drains,
    reported: BTreeSet<Subject>,
}

impl Steward {
    pub(super) fn new(
        kind: DataplaneKind,
        host_name: String,
        record: Record,
        known: Observation,
        drains: Drains,
    ) -> Self {
        Self {
            kind,
            host_name,
            record,
            known,
            held: None,
            drains,
            quarrels: Quarrels::default(),
            reported: BTreeSet::new(),
            paused: false,
            last: None,
        }
    }

    /// A wish came: what its file asks for here. It is not held yet.
    pub(super) fn read(&self, wish: Wish) -> Result<Held, (Reason, Vec<String>)> {
        let host = self.own_host();
        let asked = wish.node.as_deref();
        let node = match identify(&wish.farm, asked, &host, &self.host_name) {
            Ok(Identity::Node(name)) => Some(name),
            Ok(Identity::SoleDirector) => None,
            Err(unknown) => return Err((Reason::Node, vec![unknown.to_string()])),
        };
        let known = self
            .held
            .as_ref()
            .filter(|held| wish.file == FileNews::Same && Arc::ptr_eq(&held.wish.farm, &wish.farm));
        let filed = match known {
            Some(held) => Arc::clone(&held.filed),
            None => Arc::new(desired(&wish.farm, node.as_ref(), &host, self.kind)),
        };
        Ok(Held { wish, node, filed })
    }

    /// This wish is worked on from now on, and nothing is done about it.
    pub(super) fn hold(&mut self, held: Held) {
        self.held = Some(held);
    }

    /// What was decided is done: the kernel holds the wish. A new file makes peace, and is new no
    /// more.
    pub(super) fn commit(&mut self, mut held: Held, decision: Decision) -> News {
        if held.wish.file == FileNews::New {
            self.quarrels.make_up();
            self.paused = false;
        }
        held.wish.file = FileNews::Same;
        held.wish.confirm = None;
        held.wish.adopt = Adopt::No;
        self.held = Some(held);
        self.drains = decision.drains;
        self.reported = decision.reported;
        self.last = Some(decision.desired);
        decision.news
    }

    fn own_host(&self) -> HostFacts {
        own_facts(&self.known.host, &self.record)
    }

    /// What to do for a wish now. Nothing changes by deciding.
    pub(super) fn decide(&self, held: &Held, now: Moment) -> Decision {
        let host = self.own_host();
        let wish = &held.wish;
        let bent = desired_with(
            &wish.farm,
            held.node.as_ref(),
            &host,
            self.kind,
            &wish.overlay,
        );
        let desired = Arc::new(bent);
        let ours = self.ours();
        let mut drains = self.drains.clone();
        let news = self.review(&mut drains, held, &ours, &desired, now);
        let mut wanted = desired.state.with_leaving(&drains.staying(&ours));
        let mut reported = BTreeSet::new();
        if wish.file == FileNews::Same {
            reported = self.still_reported(&desired.state);
            for subject in self.quarrels.given_up().iter().chain(&reported) {
                leave(&mut wanted, &ours, subject);
            }
        }
        Decision {
            step: self.step(held, wanted),
            news,
            desired,
            drains,
            reported,
        }
    }

    /// What of the kernel is provably ours.
    fn ours(&self) -> State {
        let done = |key: &Key| self.record.standing(key) == Some(Standing::Done);
        let mut state = super::super::key::only(&self.known.state, done);
        state.settings.clone_from(&self.known.state.settings);
        state
    }

    fn review(
        &self,
        drains: &mut Drains,
        held: &Held,
        ours: &State,
        desired: &Desired,
        now: Moment,
    ) -> News {
        let last = self.last.as_deref();
        let before = self.held.as_ref().map(|held| &*held.wish.farm);
        let terms = |place: &Place| -> Option<(Terms, Option<String>)> {
            if is_of_the_file(&held.filed, place) {
                return None; // What bends the file takes it out: it is dead, or drained already.
            }
            let service = service_name(place, [Some(desired), last]);
            let terms = terms_of(service, [Some(&*held.wish.farm), before]);
            let origin = last.and_then(|last| last.destinations.get(place));
            Some((terms, origin.map(|origin| origin.name.clone())))
        };
        drains.review(
            now,
            &Leaving {
                ours,
                wanted: &desired.state,
                terms: &terms,
            },
        )
    }

    /// What is reported and not wished for otherwise now.
    fn still_reported(&self, wanted: &State) -> BTreeSet<Subject> {
        let mut reported = self.reported.clone();
        if let Some(last) = self.last.as_ref().filter(|_| !reported.is_empty()) {
            for change in plan(&last.state, wanted).changes {
                reported.remove(&change.subject());
            }
        }
        reported
    }

    fn step(&self, held: &Held, wanted: State) -> Step {
        let wish = &held.wish;
        if self.paused && wish.file == FileNews::Same {
            return Step::Rest;
        }
        let scope = Scope::of(&self.known.state, &wanted, &self.record, Adopt::No);
        let steps = plan(&scope.ours, &wanted);
        let is_new = wish.file == FileNews::New;
        let plain = scope.conflicts.is_empty() && wish.confirm.is_none() && self.settled(&wanted);
        if plain && !is_new && steps.is_empty() {
            return Step::Holds;
        }
        let quick = !steps.is_empty() && steps.changes.iter().all(|it| self.is_quick(it));
        let full = Box::new(Self::whole_run(held, wanted));
        if plain && quick {
            return Step::Fast(steps, is_new.then_some(full));
        }
        Step::Full(full)
    }

    /// Whether everything that is wanted is recorded as done.
    fn settled(&self, wanted: &State) -> bool {
        let keys = Key::all_of(wanted).into_iter();
        keys.filter(|key| key.is_in(&self.known.state))
            .all(|key| self.record.standing(&key) == Some(Standing::Done))
    }

    /// Whether a change needs neither intent nor journal: a server of a service of ours.
    fn is_quick(&self, change: &Change) -> bool {
        match change {
            Change::AddDestination { service, .. }
            | Change::SetDestination { service, .. }
            | Change::DeleteDestination { service, .. } => {
                let key = Key::Service(*service);
                self.record.standing(&key) == Some(Standing::Done) && key.is_in(&self.known.state)
            }
            Change::SetSetting { .. }
            | Change::AddService { .. }
            | Change::SetService { .. }
            | Change::DeleteService { .. }
            | Change::AddAddress { .. }
            | Change::SetAddress { .. }
            | Change::DeleteAddress { .. }
            | Change::SetMarks { .. }
            | Change::StartSync { .. }
            | Change::StopSync { .. } => false,
        }
    }

    fn whole_run(held: &Held, wanted: State) -> Full {
        let wish = &held.wish;
        let mut target = Target::of(&wish.farm, wish.text.to_string(), wanted);
        target.asks = Some(Footprint::of(&held.filed.state));
        Full {
            request: Request {
                file: wish.file,
                adopt: wish.adopt,
                shrink: wish.shrink,
                confirm: wish.confirm,
                ..Request::default()
            },
            target,
        }
    }

    /// These were carried out. Says whether they fit what was known; where not, all must be read.
    pub(super) fn did(&mut self, changes: &[Change]) -> bool {
        let mut fits = true;
        for change in changes {
            fits &= self.known.state.apply(change).is_ok();
        }
        fits
    }

    /// The kernel was read. `touched` is what we wrote ourselves since the reading began: of that
    /// the reading says nothing. Gives what somebody else changed of ours.
    pub(super) fn observed(&mut self, seen: &Arc<Observation>, touched: &Touched) -> Vec<Change> {
        let known = self.watched(&self.known.state);
        let mut foreign = plan(&known, &self.watched(&seen.state)).changes;
        foreign.retain(|change| !touched.covers(change));
        if touched.is_empty() {
            self.known = Observation::clone(seen);
        } else {
            self.did(&foreign);
            self.known.host = seen.host.clone();
            self.known.destinations.clone_from(&seen.destinations);
            self.known.services.clone_from(&seen.services);
        }
        self.drains.count(seen);
        foreign
    }

    /// What of a state is watched for drift: what is ours, and the settings that are wanted.
    fn watched(&self, state: &State) -> State {
        let done = |key: &Key| self.record.standing(key) == Some(Standing::Done);
        let mut part = super::super::key::only(state, done);
        if let Some(last) = &self.last {
            for setting in last.state.settings.keys() {
                let value = state.settings.get(setting);
                part.settings
                    .extend(value.map(|value| (setting.clone(), *value)));
            }
        }
        part
    }

    /// Somebody else changed these. Gives those that are a fight now.
    pub(super) fn drifted(
        &mut self,
        changes: &[Change],
        policy: DriftPolicy,
        now: Moment,
    ) -> Vec<Subject> {
        let subjects = changes.iter().map(Change::subject);
        match policy {
            DriftPolicy::Correct => return self.quarrels.note(subjects, now),
            DriftPolicy::Report => self.reported.extend(subjects),
            DriftPolicy::Pause => self.paused = true,
        }
        Vec::new()
    }

    /// What is wanted, as it was decided last.
    pub(super) fn desired(&self) -> Option<Arc<Desired>> {
        self.last.clone()
    }

    /// The operator says that everything is to be corrected again.
    pub(super) fn resume(&mut self) {
        self.quarrels.make_up();
        self.reported.clear();
        self.paused = false;
    }
}

/// What was written since a reading began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Touched {
    keys: BTreeSet<Key>,
    settings: BTreeSet<Setting>,
}

impl Touched {
    pub(super) fn add(&mut self, changes: &[Change]) {
        for change in changes {
            if let Change::SetSetting { setting, .. } = change {
                self.settings.insert(setting.clone());
            }
            self.keys.extend(Key::of_change(change));
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.keys.extend(other.keys.iter().cloned());
        self.settings.extend(other.settings.iter().cloned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.settings.is_empty()
    }

    fn covers(&self, change: &Change) -> bool {
        if let Change::SetSetting { setting, .. } = change {
            return self.settings.contains(setting);
        }
        Key::of_change(change).is_some_and(|key| self.keys.contains(&key))
    }
}

/// The service of the file behind a service of the kernel.
fn service_name<'a>((service, _): &Place, known: [Option<&'a Desired>; 2]) -> Option<&'a Name> {
    let mut known = known.into_iter().flatten();
    known.find_map(|desired| desired.services.get(service).map(|origin| &origin.name))
}

/// Makes a wanted state agree with what there is about one thing.
fn leave(wanted: &mut State, ours: &State, subject: &Subject) {
    match subject {
        Subject::Setting(setting) => {
            wanted.settings.remove(setting);
        }
        Subject::Service(key) => match ours.services.get(key) {
            Some(found) => {
                if let Some(service) = wanted.services.get_mut(key) {
                    service.attributes.clone_from(&found.attributes);
                }
            }
            None => {
                wanted.services.remove(key);
            }
        },
        Subject::Destination(service, key) => {
            let found = ours.services.get(service);
            let found = found.and_then(|service| service.destinations.get(key));
            if let Some(service) = wanted.services.get_mut(service) {
                match found {
                    Some(found) => service.destinations.insert(*key, *found),
                    None => service.destinations.remove(key),
                };
            }
        }
        Subject::Address(key) => {
            match ours.addresses.get(key) {
                Some(found) => wanted.addresses.insert(key.clone(), *found),
                None => wanted.addresses.remove(key),
            };
        }
        Subject::Marks => wanted.marks.clone_from(&ours.marks),
        Subject::Sync(role) => {
            match ours.sync_daemons.get(role) {
                Some(found) => wanted.sync_daemons.insert(*role, found.clone()),
                None => wanted.sync_daemons.remove(role),
            };
        }
    }
}
