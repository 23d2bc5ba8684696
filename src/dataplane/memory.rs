//! A data plane that only remembers: the twin of the kernel for tests.
//!
//! It is as strict as the kernel (nothing is added twice, nothing missing is edited) and fails on
//! demand: one change is refused, or the process "dies" before one. It never touches the machine.
//! Called by the tests of `reconcile` and `cli`.

use std::collections::BTreeMap;

use super::{Atomicity, Dataplane, DestinationCounters, Error, Failure, Observation, Removal};
use crate::spec::DataplaneKind;
use crate::state::{AddressKey, Change, DestinationKey, HostFacts, Misfit, ServiceKey, State};

/// A data plane in memory.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    observation: Observation,
    refusals: BTreeMap<usize, Error>,
    death: Option<usize>,
    executed: usize,
    announced: Vec<AddressKey>,
    mute: bool,
    atomicity: Option<Atomicity>,
    kind: Option<DataplaneKind>,
    objection: Option<Error>,
    batches: usize,
    reset: Vec<(ServiceKey, DestinationKey)>,
}

impl Memory {
    /// A machine that holds this already, of whoever made it.
    pub fn holding(state: State) -> Self {
        let mut memory = Self::default();
        memory.observation.state = state;
        memory
    }

    /// The same, on a machine with these interfaces.
    #[must_use]
    pub fn on(mut self, host: HostFacts) -> Self {
        self.observation.host = host;
        self
    }

    /// The same as a data plane that does everything or nothing.
    #[must_use]
    pub fn in_transactions(mut self) -> Self {
        self.atomicity = Some(Atomicity::Whole);
        self
    }

    /// The same in the place of this data plane.
    #[must_use]
    pub fn playing(mut self, kind: DataplaneKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// How often changes were handed over.
    pub fn batches(&self) -> usize {
        self.batches
    }

    /// What it holds now.
    pub fn state(&self) -> &State {
        &self.observation.state
    }

    /// What it holds now, to play the hand of another program.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.observation.state
    }

    /// Says that a destination has live connections.
    pub fn set_counters(
        &mut self,
        service: ServiceKey,
        destination: DestinationKey,
        counters: DestinationCounters,
    ) {
        let key = (service, destination);
        self.observation.destinations.insert(key, counters);
    }

    /// Refuses the change at this place, counted from 0 over all that is executed from now on.
    pub fn refuse(&mut self, place: usize, error: Error) {
        self.refusals.insert(self.executed + place, error);
    }

    /// Says of the first change of every plan that it can't carry it out.
    pub fn object(&mut self, error: Error) {
        self.objection = Some(error);
    }

    /// Dies before the change at this place, counted from 0 over all that is executed from now on:
    /// that change and all later ones are not done, and every call fails until [`Memory::revive`].
    pub fn die_at(&mut self, place: usize) {
        self.death = Some(self.executed + place);
    }

    /// From now on nobody hears its announcements: each fails.
    pub fn mute(&mut self) {
        self.mute = true;
    }

    /// Which addresses were announced, in order.
    pub fn announced(&self) -> &[AddressKey] {
        &self.announced
    }

    /// Whose connections were to be reset, in order.
    pub fn was_reset(&self) -> &[(ServiceKey, DestinationKey)] {
        &self.reset
    }

    /// Works again after a death. What was done stays done.
    pub fn revive(&mut self) {
        self.death = None;
    }

    fn is_dead(&self) -> bool {
        self.death.is_some_and(|place| self.executed >= place)
    }

    fn carry_out(&mut self, change: &Change) -> Result<(), Error> {
        let place = self.executed;
        self.executed += 1;
        if let Some(error) = self.refusals.remove(&place) {
            return Err(error);
        }
        let applied = self.observation.state.apply(change);
        applied.map_err(|misfit| refused(change, &misfit))
    }

    /// Live numbers of what is gone are gone too.
    fn forget_counters(&mut self) {
        let services = &self.observation.state.services;
        self.observation.destinations.retain(|(service, key), _| {
            services
                .get(service)
                .is_some_and(|service| service.destinations.contains_key(key))
        });
    }
}

/// What a transaction reports that was refused because of these.
fn all_undone(changes: &[Change], causes: Vec<Failure>) -> Vec<Failure> {
    let mut causes = causes.into_iter().peekable();
    let all = changes.iter().enumerate().map(|(index, change)| {
        let cause = causes.next_if(|cause| cause.index == index);
        cause.unwrap_or_else(|| Failure::not_done(index, change))
    });
    all.collect()
}

fn refused(change: &Change, misfit: &Misfit) -> Error {
    Error::Refused {
        what: change.to_string(),
        reason: misfit.to_string(),
        errno: match misfit {
            Misfit::Exists(_) => nix::libc::EEXIST,
            Misfit::Missing(_) => nix::libc::ENOENT,
        },
    }
}

fn dead() -> Error {
    Error::Io {
        what: "reach the data plane".to_owned(),
        reason: "the test ended it here".to_owned(),
    }
}

impl Dataplane for Memory {
    fn kind(&self) -> DataplaneKind {
        self.kind.unwrap_or(DataplaneKind::Ipvs)
    }

    fn announce(&mut self, address: &AddressKey) -> Result<(), Error> {
        if self.mute {
            return Err(Error::Permission {
                what: "announce an address".to_owned(),
                help: "nobody hears it".to_owned(),
            });
        }
        self.announced.push(address.clone());
        Ok(())
    }

    fn observe(&mut self) -> Result<Observation, Error> {
        if self.is_dead() {
            return Err(dead());
        }
        Ok(self.observation.clone())
    }

    fn objections(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error> {
        let first = self.objection.iter().take(changes.len());
        Ok(first
            .map(|error| Failure {
                index: 0,
                error: error.clone(),
            })
            .collect())
    }

    fn atomicity(&self) -> Atomicity {
        self.atomicity.unwrap_or(Atomicity::Steps)
    }

    fn removal(&self) -> Removal {
        match self.kind() {
            DataplaneKind::Ipvs => Removal::Cuts,
            DataplaneKind::Nftables => Removal::LetsFinish,
        }
    }

    fn reset(&mut self, gone: &[(ServiceKey, DestinationKey)]) -> Result<(), Error> {
        if self.removal() == Removal::Cuts {
            return Err(Error::NoReset);
        }
        self.reset.extend(gone);
        Ok(())
    }

    fn execute(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error> {
        self.batches += 1;
        let before = self.observation.state.clone();
        let mut failures = Vec::new();
        for (index, change) in changes.iter().enumerate() {
            if self.is_dead() {
                return Err(dead());
            }
            if let Err(error) = self.carry_out(change) {
                failures.push(Failure { index, error });
            }
        }
        if self.atomicity() == Atomicity::Whole && !failures.is_empty() {
            self.observation.state = before;
            failures = all_undone(changes, failures);
        }
        self.forget_counters();
        Ok(failures)
    }

    fn writes(&self) -> u64 {
        self.executed as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Setting, plan};

    fn forwarding() -> State {
        let mut state = State::default();
        state.settings.insert(Setting::ForwardV4, 1);
        state.settings.insert(Setting::TimeoutTcp, 900);
        state
    }

    fn changes() -> Vec<Change> {
        plan(&State::default(), &forwarding()).changes
    }

    fn refusal() -> Error {
        Error::Refused {
            what: "x".to_owned(),
            reason: "y".to_owned(),
            errno: 1,
        }
    }

    #[test]
    fn executing_a_plan_gives_the_desired_state() {
        let mut memory = Memory::default();
        assert_eq!(memory.execute(&changes()), Ok(Vec::new()));
        assert_eq!(memory.observe().unwrap().state, forwarding());
        assert_eq!(memory.writes(), 2);
    }

    #[test]
    fn a_refused_change_does_not_stop_those_after_it() {
        let mut memory = Memory::default();
        memory.refuse(0, refusal());
        let failures = memory.execute(&changes()).unwrap();
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].index, 0);
        assert_eq!(memory.state().settings.len(), 1);
    }

    #[test]
    fn a_transaction_with_a_refused_change_leaves_everything_as_it_was() {
        let mut memory = Memory::default().in_transactions();
        memory.refuse(1, refusal());
        let failures = memory.execute(&changes()).unwrap();
        let causes = failures.iter().map(Failure::is_cause);
        assert_eq!(causes.collect::<Vec<_>>(), [false, true]);
        assert!(memory.state().is_empty());
    }

    #[test]
    fn death_leaves_what_was_done_and_nothing_more() {
        let mut memory = Memory::default();
        memory.die_at(1);
        assert!(memory.execute(&changes()).is_err());
        assert!(memory.observe().is_err());
        memory.revive();
        assert_eq!(memory.observe().unwrap().state.settings.len(), 1);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_kernels_number() {
        let mut memory = Memory::default();
        let change = Change::StopSync {
            role: crate::state::SyncRole::Master,
            was: crate::state::SyncDaemon {
                interface: "eth0".to_owned(),
                id: 1,
                max_length: 0,
                group: [224, 0, 0, 81].into(),
                port: 8848,
                ttl: 1,
            },
        };
        let failures = memory.execute(&[change]).unwrap();
        let Error::Refused { errno, .. } = &failures[0].error else {
            panic!("{failures:?}")
        };
        assert_eq!(*errno, nix::libc::ENOENT);
    }
}
