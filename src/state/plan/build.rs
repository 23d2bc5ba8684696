//! Finds the changes of each kind of thing and puts each into its phase.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{
    Address, AddressKey, Change, MarkRule, Service, ServiceKey, Setting, SyncDaemon, SyncRole,
};
use super::walk::{Side, walk};
use super::{Phase, Plan};

/// The changes found so far, by phase; within a phase in the order of their keys.
#[derive(Default)]
pub(super) struct Builder {
    phases: [Vec<Change>; Phase::ALL.len()],
}

impl Builder {
    pub(super) fn finish(self) -> Plan {
        Plan {
            changes: self.phases.into_iter().flatten().collect(),
        }
    }

    fn push(&mut self, change: Change) {
        self.push_to(Phase::alone(&change), change);
    }

    fn push_to(&mut self, phase: Phase, change: Change) {
        self.phases[phase as usize].push(change);
    }

    pub(super) fn settings(
        mut self,
        observed: &BTreeMap<Setting, u64>,
        desired: &BTreeMap<Setting, u64>,
    ) -> Self {
        for (setting, &to) in desired {
            let from = observed.get(setting).copied();
            if from != Some(to) {
                let setting = setting.clone();
                self.push(Change::SetSetting { setting, from, to });
            }
        }
        self
    }

    pub(super) fn sync_daemons(
        mut self,
        observed: &BTreeMap<SyncRole, SyncDaemon>,
        desired: &BTreeMap<SyncRole, SyncDaemon>,
    ) -> Self {
        for (&role, side) in walk(observed, desired) {
            match side {
                Side::Both(was, daemon) if daemon.is_met_by(was) => {}
                Side::Gone(was) => self.stop(role, was),
                Side::New(daemon) => self.start(role, daemon),
                Side::Both(was, daemon) => {
                    self.stop(role, was);
                    self.start(role, daemon);
                }
            }
        }
        self
    }

    fn stop(&mut self, role: SyncRole, was: &SyncDaemon) {
        let was = was.clone();
        self.push(Change::StopSync { role, was });
    }

    fn start(&mut self, role: SyncRole, daemon: &SyncDaemon) {
        let daemon = daemon.clone();
        self.push(Change::StartSync { role, daemon });
    }

    pub(super) fn services(
        mut self,
        observed: &BTreeMap<ServiceKey, Service>,
        desired: &BTreeMap<ServiceKey, Service>,
    ) -> Self {
        for (&service, side) in walk(observed, desired) {
            match side {
                Side::Gone(was) => self.push(Change::DeleteService {
                    service,
                    was: was.clone(),
                }),
                Side::New(wanted) => self.new_service(service, wanted),
                Side::Both(from, to) => self.edited_service(service, from, to),
            }
        }
        self
    }

    fn new_service(&mut self, service: ServiceKey, wanted: &Service) {
        self.push(Change::AddService {
            service,
            attributes: wanted.attributes.clone(),
        });
        for (&key, &destination) in &wanted.destinations {
            let change = Change::AddDestination {
                service,
                key,
                destination,
            };
            self.push_to(Phase::AddServices, change);
        }
    }

    fn edited_service(&mut self, service: ServiceKey, from: &Service, to: &Service) {
        if from.attributes != to.attributes {
            self.push(Change::SetService {
                service,
                from: from.attributes.clone(),
                to: to.attributes.clone(),
            });
        }
        for (&key, side) in walk(&from.destinations, &to.destinations) {
            match side {
                Side::Both(from, to) if from == to => {}
                Side::Gone(&was) => self.push(Change::DeleteDestination { service, key, was }),
                Side::New(&destination) => self.push(Change::AddDestination {
                    service,
                    key,
                    destination,
                }),
                Side::Both(&from, &to) => self.push(Change::SetDestination {
                    service,
                    key,
                    from,
                    to,
                }),
            }
        }
    }

    pub(super) fn marks(
        mut self,
        observed: &BTreeSet<MarkRule>,
        desired: &BTreeSet<MarkRule>,
    ) -> Self {
        if observed != desired {
            self.push(Change::SetMarks {
                from: observed.clone(),
                to: desired.clone(),
            });
        }
        self
    }

    pub(super) fn addresses(
        mut self,
        observed: &BTreeMap<AddressKey, Address>,
        desired: &BTreeMap<AddressKey, Address>,
    ) -> Self {
        for (key, side) in walk(observed, desired) {
            let key = key.clone();
            match side {
                Side::Both(from, to) if from == to => {}
                Side::Gone(&was) => self.push(Change::DeleteAddress { key, was }),
                Side::New(&address) => self.push(Change::AddAddress { key, address }),
                Side::Both(&from, &to) => self.push(Change::SetAddress { key, from, to }),
            }
        }
        self
    }
}
