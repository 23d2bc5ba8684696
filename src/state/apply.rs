//! What a change makes of a state: the reference by which plans are judged, and all that the
//! memory data plane does.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use thiserror::Error;

use super::{Change, Destination, DestinationKey, Service, ServiceKey, State, Subject};

/// A change does not fit the state that it is applied to: somebody else was there in between.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Misfit {
    /// What the change would make exists.
    #[error("{0} exists already")]
    Exists(String),
    /// What the change edits or removes is not there.
    #[error("{0} does not exist")]
    Missing(String),
}

impl State {
    /// Carries one change out. As strict as the kernel: nothing is added twice, nothing that is
    /// not there is edited or removed. After an error the state is as it was.
    pub fn apply(&mut self, change: &Change) -> Result<(), Misfit> {
        let subject = change.subject();
        match change {
            Change::SetSetting { setting, to, .. } => {
                self.settings.insert(setting.clone(), *to);
                Ok(())
            }
            Change::SetMarks { to, .. } => {
                self.marks.clone_from(to);
                Ok(())
            }
            Change::AddService {
                service,
                attributes,
            } => {
                let bare = Service::without_destinations(attributes.clone());
                add(&mut self.services, *service, bare, &subject)
            }
            Change::SetService { service, to, .. } => {
                self.service_mut(service)?.attributes = to.clone();
                Ok(())
            }
            Change::DeleteService { service, .. } => delete(&mut self.services, service, &subject),
            Change::AddDestination {
                service,
                key,
                destination,
            } => add(self.behind(service)?, *key, *destination, &subject),
            Change::SetDestination {
                service, key, to, ..
            } => set(self.behind(service)?, key, *to, &subject),
            Change::DeleteDestination { service, key, .. } => {
                delete(self.behind(service)?, key, &subject)
            }
            Change::AddAddress { key, address } => {
                add(&mut self.addresses, key.clone(), *address, &subject)
            }
            Change::SetAddress { key, to, .. } => set(&mut self.addresses, key, *to, &subject),
            Change::DeleteAddress { key, .. } => delete(&mut self.addresses, key, &subject),
            Change::StartSync { role, daemon } => {
                add(&mut self.sync_daemons, *role, daemon.clone(), &subject)
            }
            Change::StopSync { role, .. } => delete(&mut self.sync_daemons, role, &subject),
        }
    }

    fn behind(
        &mut self,
        service: &ServiceKey,
    ) -> Result<&mut BTreeMap<DestinationKey, Destination>, Misfit> {
        Ok(&mut self.service_mut(service)?.destinations)
    }

    fn service_mut(&mut self, key: &ServiceKey) -> Result<&mut Service, Misfit> {
        self.services
            .get_mut(key)
            .ok_or_else(|| Misfit::Missing(Subject::Service(*key).to_string()))
    }
}

fn add<K: Ord, V>(
    map: &mut BTreeMap<K, V>,
    key: K,
    value: V,
    subject: &Subject,
) -> Result<(), Misfit> {
    match map.entry(key) {
        Entry::Occupied(_) => Err(Misfit::Exists(subject.to_string())),
        Entry::Vacant(place) => {
            place.insert(value);
            Ok(())
        }
    }
}

fn set<K: Ord, V>(
    map: &mut BTreeMap<K, V>,
    key: &K,
    value: V,
    subject: &Subject,
) -> Result<(), Misfit> {
    let place = map
        .get_mut(key)
        .ok_or_else(|| Misfit::Missing(subject.to_string()))?;
    *place = value;
    Ok(())
}

fn delete<K: Ord, V>(map: &mut BTreeMap<K, V>, key: &K, subject: &Subject) -> Result<(), Misfit> {
    map.remove(key)
        .map(drop)
        .ok_or_else(|| Misfit::Missing(subject.to_string()))
}
