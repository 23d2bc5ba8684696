//! The last file that was made true, and the files whose confirmation did not come.

use serde::{Deserialize, Serialize};

use super::store::Document;
use super::{Digest, Error, Footprint, Store, Target};
use crate::state::State;

/// The last accepted file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The farm's name.
    pub farm: String,
    /// When, in seconds since 1970.
    pub when: u64,
    /// The digest of the text.
    pub digest: Digest,
    /// What the file asked for.
    pub footprint: Footprint,
    /// The whole text.
    pub text: String,
}

impl Accepted {
    /// A target that is accepted at a time, in seconds since 1970. `effective` is what the kernel
    /// holds of it.
    pub(super) fn of(target: &Target, effective: &State, when: u64) -> Self {
        Self {
            farm: target.farm.clone(),
            when,
            digest: Digest::of(target.text.as_bytes()),
            footprint: target.footprint(effective),
            text: target.text.clone(),
        }
    }

    /// The last accepted file; none before the first.
    pub fn load(store: &Store) -> Result<Option<Self>, Error> {
        store.load(Document::Accepted)
    }

    /// Keeps this one, unless one that differs in nothing but its time is there already.
    pub fn save(&self, store: &Store) -> Result<(), Error> {
        let stored = Self::load(store)?;
        let same = stored.is_some_and(|stored| {
            (&stored.farm, &stored.text, &stored.footprint)
                == (&self.farm, &self.text, &self.footprint)
        });
        if same {
            return Ok(());
        }
        store.save(Document::Accepted, self)
    }
}

/// Files that were undone because their confirmation did not come: not applied again until they
/// change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rejected {
    /// Their digests, the latest last.
    files: Vec<Digest>,
}

/// How many rejected files are remembered.
const REMEMBERED: usize = 64;

impl Rejected {
    /// The rejected files.
    pub fn load(store: &Store) -> Result<Self, Error> {
        Ok(store.load(Document::Rejected)?.unwrap_or_default())
    }

    /// Whether a file is one of them.
    pub fn contains(&self, file: &Digest) -> bool {
        self.files.contains(file)
    }

    /// Remembers one more.
    pub fn add(store: &Store, file: &Digest) -> Result<(), Error> {
        let mut rejected = Self::load(store)?;
        if rejected.contains(file) {
            return Ok(());
        }
        rejected.files.push(file.clone());
        let surplus = rejected.files.len().saturating_sub(REMEMBERED);
        rejected.files.drain(..surplus);
        store.save(Document::Rejected, &rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(text: &str, when: u64) -> Accepted {
        Accepted {
            farm: "shop".to_owned(),
            when,
            digest: Digest::of(text.as_bytes()),
            footprint: Footprint::default(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn the_same_file_is_not_written_again() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::at(place.path());
        accepted("a", 1).save(&store).unwrap();
        accepted("a", 2).save(&store).unwrap();
        assert_eq!(Accepted::load(&store).unwrap(), Some(accepted("a", 1)));
        accepted("b", 3).save(&store).unwrap();
        assert_eq!(Accepted::load(&store).unwrap(), Some(accepted("b", 3)));
    }

    #[test]
    fn a_rejected_file_stays_rejected_and_another_is_not() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::at(place.path());
        Rejected::add(&store, &Digest::of(b"a")).unwrap();
        let rejected = Rejected::load(&store).unwrap();
        assert!(rejected.contains(&Digest::of(b"a")));
        assert!(!rejected.contains(&Digest::of(b"a changed")));
    }
}
