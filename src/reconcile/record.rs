//! The record of what farmctl made: the only thing that tells its objects from others'.
//!
//! It is written before the kernel is changed. Each key is an `intent` until it was read back and
//! is `done` then. An intent may be somebody else's: it never authorises a deletion. After a
//! reboot, or in another network namespace, it says nothing: [`Record::load`] empties it then.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::spec::DataplaneKind;
use crate::state::State;

use super::store::Document;
use super::{Error, Key, Origin, Store};

/// How sure it is that farmctl made an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It was about to make it.
    Intent,
    /// It made it and read it back.
    Done,
}

/// What farmctl made, or was about to make, in one boot and network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct Record {
    /// Where it is true.
    pub origin: Origin,
    /// The data plane that the objects were made on; none before the first, and in records of a
    /// farmctl that had only ip_vs.
    pub dataplane: Option<DataplaneKind>,
    /// Each object with its standing.
    pub keys: BTreeMap<Key, Standing>,
}

/// The record as it stands in its file: JSON maps have no keys but strings.
#[derive(Serialize, Deserialize)]
struct Form {
    #[serde(flatten)]
    origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dataplane: Option<DataplaneKind>,
    objects: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    key: Key,
    standing: Standing,
}

impl From<Form> for Record {
    fn from(form: Form) -> Self {
        let entries = form.objects.into_iter();
        Self {
            origin: form.origin,
            dataplane: form.dataplane,
            keys: entries.map(|entry| (entry.key, entry.standing)).collect(),
        }
    }
}

impl From<Record> for Form {
    fn from(record: Record) -> Self {
        let keys = record.keys.into_iter();
        Self {
            origin: record.origin,
            dataplane: record.dataplane,
            objects: keys
                .map(|(key, standing)| Entry { key, standing })
                .collect(),
        }
    }
}

impl Record {
    /// A record of nothing.
    pub fn empty(origin: Origin) -> Self {
        Self {
            origin,
            dataplane: None,
            keys: BTreeMap::new(),
        }
    }

    /// The record as it holds here: an empty one where none was written, and where the kernel's
    /// objects went with an earlier boot or with another namespace. The record of a namespace that
    /// lives is an error.
    pub fn load(store: &Store, origin: &Origin) -> Result<Self, Error> {
        let Some(stored) = store.load::<Self>(Document::Record)? else {
            return Ok(Self::empty(origin.clone()));
        };
        if stored.origin == *origin {
            return Ok(stored);
        }
        stored.origin.make_way(origin, store.directory())?;
        Ok(Self::empty(origin.clone()))
    }

    /// Writes the record to the disk.
    pub fn save(&self, store: &Store) -> Result<(), Error> {
        store.save(Document::Record, self)
    }

    /// Writes the record to the disk unless `before` is what stands there.
    pub(super) fn save_over(&self, before: &Self, store: &Store) -> Result<(), Error> {
        if self == before {
            return Ok(());
        }
        self.save(store)
    }

    /// The data plane that forwards for farmctl's services here; none while it has no services.
    /// Addresses are of no data plane.
    pub fn holder(&self) -> Option<DataplaneKind> {
        let of_plane = |key: &Key| match key {
            Key::Service(_) | Key::Marks | Key::Sync(_) => true,
            Key::Address(_) => false,
        };
        let holds = self.keys.keys().any(of_plane);
        // A record without the word is of a farmctl that had only one.
        holds.then(|| self.dataplane.unwrap_or(DataplaneKind::Ipvs))
    }

    /// The data plane to work with: the one that has farmctl's services, else the one that is
    /// `asked` for; none where neither says, and the machine decides.
    ///
    /// [`Error::OtherDataplane`] where the two differ: services are never moved from one data
    /// plane to another while connections go through them.
    pub fn choose(&self, asked: Option<DataplaneKind>) -> Result<Option<DataplaneKind>, Error> {
        match (self.holder(), asked) {
            (Some(holder), Some(asked)) if holder != asked => {
                Err(Error::OtherDataplane { holder, asked })
            }
            (holder, asked) => Ok(holder.or(asked)),
        }
    }

    /// This record for work on a data plane; the same error as [`Record::choose`].
    pub(super) fn on(mut self, dataplane: DataplaneKind) -> Result<Self, Error> {
        self.dataplane = self.choose(Some(dataplane))?;
        Ok(self)
    }

    /// What is known of an object.
    pub fn standing(&self, key: &Key) -> Option<Standing> {
        self.keys.get(key).copied()
    }

    /// This record with more intents; what is done stays done.
    #[must_use]
    pub fn with_intents<'a>(&self, keys: impl IntoIterator<Item = &'a Key>) -> Self {
        let mut record = self.clone();
        for key in keys {
            record.keys.entry(key.clone()).or_insert(Standing::Intent);
        }
        record
    }

    /// This record after a run: `done` is what was read back and is ours, `kept` says which other
    /// keys stay with the standing that they have.
    #[must_use]
    pub(super) fn settled(&self, done: &BTreeSet<Key>, kept: impl Fn(&Key) -> bool) -> Self {
        let stays = self.keys.iter().filter(|(key, _)| kept(key));
        let mut keys: BTreeMap<Key, Standing> = stays
            .map(|(key, standing)| (key.clone(), *standing))
            .collect();
        keys.extend(done.iter().map(|key| (key.clone(), Standing::Done)));
        Self {
            origin: self.origin.clone(),
            dataplane: self.dataplane,
            keys,
        }
    }

    /// This record after a rollback that did not get through: `before` is what it was before the
    /// run. What was made and is still there is ours for certain; what is gone is forgotten.
    #[must_use]
    pub(super) fn after_part(&self, before: &Self, made: &BTreeSet<Key>, now: &State) -> Self {
        let there = self.keys.keys().chain(made).filter(|key| key.is_in(now));
        let stand = |key: &Key| match before.standing(key) {
            Some(standing) => standing,
            None if made.contains(key) => Standing::Done,
            None => Standing::Intent,
        };
        Self {
            origin: self.origin.clone(),
            dataplane: self.dataplane,
            keys: there.map(|key| (key.clone(), stand(key))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{origin, service_key};
    use super::*;

    fn stored() -> (tempfile::TempDir, Store, Record) {
        let place = tempfile::tempdir().unwrap();
        let store = Store::at(place.path());
        let mut record = Record::empty(origin("boot one"));
        record
            .keys
            .insert(Key::Service(service_key(80)), Standing::Done);
        record.keys.insert(Key::Marks, Standing::Intent);
        record.save(&store).unwrap();
        (place, store, record)
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let (_place, store, record) = stored();
        assert_eq!(Record::load(&store, &origin("boot one")).unwrap(), record);
    }

    #[test]
    fn after_a_reboot_nothing_is_ours_and_the_file_is_kept() {
        let (_place, store, record) = stored();
        let after = Record::load(&store, &origin("boot two")).unwrap();
        assert_eq!(after, Record::empty(origin("boot two")));
        assert_eq!(Record::load(&store, &origin("boot one")).unwrap(), record);
    }

    #[test]
    fn the_record_of_another_living_namespace_is_never_taken_for_none() {
        let (_place, store, mut record) = stored();
        record.origin = Origin::here().unwrap();
        record.save(&store).unwrap();
        let elsewhere = Origin {
            namespace: "4:1".to_owned(),
            ..record.origin.clone()
        };
        let error = Record::load(&store, &elsewhere).unwrap_err();
        assert!(matches!(error, Error::OtherNamespace { .. }), "{error}");
    }

    #[test]
    fn services_stay_on_the_data_plane_that_has_them() {
        use DataplaneKind::{Ipvs, Nftables};
        let (_place, store, record) = stored();
        let record = record.on(Nftables);
        assert!(
            record.is_err(),
            "a record that names none is of ip_vs: {record:?}"
        );
        let mut record = Record::empty(origin("boot one")).on(Nftables).unwrap();
        assert_eq!(record.choose(None).unwrap(), None);
        assert_eq!(record.choose(Some(Ipvs)).unwrap(), Some(Ipvs));
        let key = Key::Service(service_key(80));
        record.keys.insert(key, Standing::Intent);
        record.save(&store).unwrap();
        let record = Record::load(&store, &origin("boot one")).unwrap();
        assert_eq!(record.choose(None).unwrap(), Some(Nftables));
        assert_eq!(record.choose(Some(Nftables)).unwrap(), Some(Nftables));
        let error = record.choose(Some(Ipvs)).unwrap_err().to_string();
        assert!(error.contains("dataplane: nftables"), "{error}");
    }

    #[test]
    fn an_intent_does_not_take_back_what_is_done() {
        let (_place, _store, record) = stored();
        let key = Key::Service(service_key(80));
        let more = record.with_intents([&key, &Key::Service(service_key(443))]);
        assert_eq!(more.standing(&key), Some(Standing::Done));
        let new = more.standing(&Key::Service(service_key(443)));
        assert_eq!(new, Some(Standing::Intent));
    }
}
