//! The files of the state directory, each written as a whole or not at all.
//!
//! A file is written beside its place, flushed to the disk, renamed, and the directory is flushed
//! too: after a crash there is the old text or the new one, never a part. Each carries
//! `format_version`; a file that can't be understood is an error, never taken for an absent one.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Error;

/// The version of every file format here.
const FORMAT_VERSION: u64 = 1;

/// The state directory.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
    #[cfg(test)]
    pub(super) fuse: std::sync::Arc<super::testing::Fuse>,
}

/// What is kept there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// What farmctl made.
    Record,
    /// The last accepted file.
    Accepted,
    /// Files whose confirmation did not come.
    Rejected,
    /// The apply that is running.
    Journal,
    /// The apply that waits for its confirmation.
    Pending,
    /// What drains because the file no longer has it.
    Drains,
    /// What was known of the real servers' health.
    Health,
    /// The operator's overrides.
    Overrides,
}

/// The one field that is read before anything else.
#[derive(Deserialize)]
struct Header {
    format_version: u64,
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    format_version: u64,
    #[serde(flatten)]
    body: &'a T,
}

impl Document {
    fn file_name(self) -> &'static str {
        match self {
            Self::Record => "record.json",
            Self::Accepted => "accepted.json",
            Self::Rejected => "rejected.json",
            Self::Journal => "journal.json",
            Self::Pending => "pending.json",
            Self::Drains => "drains.json",
            Self::Health => "health.json",
            Self::Overrides => "overrides.json",
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Record => "the record of what farmctl made",
            Self::Accepted => "the last accepted file",
            Self::Rejected => "the list of rejected files",
            Self::Journal => "the journal of a running apply",
            Self::Pending => "the change that waits for `farmctl confirm`",
            Self::Drains => "the list of servers that drain",
            Self::Health => "what was known of the real servers' health",
            Self::Overrides => "the operator's overrides",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Record => {
                "Without it farmctl does not know what it made. Bring the file back from \
                 a backup; or move it away and run `farmctl apply --adopt`, which takes everything \
                 that the farm file names as its own and leaves the rest as foreign"
            }
            Self::Accepted => {
                "Without it a truncated farm file can't be told from a whole one. Check the farm \
                 file by eye, move the damaged file away and apply again"
            }
            Self::Rejected => "Move the file away and apply again",
            Self::Journal => {
                "Move the file away, look at `farmctl diff` and apply again: \
                 the record still says what is farmctl's"
            }
            Self::Pending => {
                "The unconfirmed change can't be undone by itself any more. Look at `farmctl diff`, move the file away and apply the file that you want"
            }
            Self::Drains => {
                "Move the file away: servers that drained get their whole time once more"
            }
            Self::Health => "Move the file away: every real server is asked anew",
            Self::Overrides => {
                "Move the file away and say the drains, maintenance and weights again that you want"
            }
        }
    }
}

impl Store {
    /// The state directory at a place. Nothing is read or made yet.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            #[cfg(test)]
            fuse: std::sync::Arc::default(),
        }
    }

    /// Where the directory is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes the directory where it is missing, for its owner alone, and sees that it can be
    /// written, before anything else is done.
    pub fn prepare(&self) -> Result<(), Error> {
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory);
        made.and_then(|()| {
            let wanted = AccessFlags::R_OK | AccessFlags::W_OK | AccessFlags::X_OK;
            access(&self.directory, wanted).map_err(io::Error::from)
        })
        .map_err(|source| Error::Directory {
            path: self.directory.clone(),
            source,
        })
    }

    /// Reads a document; none where it was never written or was removed.
    pub fn load<T: DeserializeOwned>(&self, document: Document) -> Result<Option<T>, Error> {
        let path = self.path(document);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Read { path, source }),
        };
        let header: Header = parse(document, &path, &bytes)?;
        if header.format_version != FORMAT_VERSION {
            return Err(Error::Version {
                path,
                what: document.what(),
                found: header.format_version,
                known: FORMAT_VERSION,
            });
        }
        parse(document, &path, &bytes).map(Some)
    }

    /// Writes a document, all or nothing. When this returns the disk has it.
    pub fn save<T: Serialize>(&self, document: Document, body: &T) -> Result<(), Error> {
        let path = self.path(document);
        #[cfg(test)]
        self.fuse.burn(&path)?;
        let text = serde_json::to_vec(&Versioned {
            format_version: FORMAT_VERSION,
            body,
        });
        text.map_err(io::Error::from)
            .and_then(|text| self.replace(&path, &text))
            .map_err(|source| Error::Write { path, source })
    }

    /// Removes a document. When this returns the disk has forgotten it.
    pub fn remove(&self, document: Document) -> Result<(), Error> {
        let path = self.path(document);
        #[cfg(test)]
        self.fuse.burn(&path)?;
        match fs::remove_file(&path).and_then(|()| self.flush()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(|source| Error::Write { path, source }),
        }
    }

    fn path(&self, document: Document) -> PathBuf {
        self.directory.join(document.file_name())
    }

    fn replace(&self, path: &Path, text: &[u8]) -> io::Result<()> {
        let beside = path.with_extension("json.new");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        self.flush()
    }

    fn flush(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }
}

fn parse<T: DeserializeOwned>(document: Document, path: &Path, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Damaged {
        path: path.to_owned(),
        what: document.what(),
        reason: error.to_string(),
        help: document.help(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn store() -> (tempfile::TempDir, Store) {
        let place = tempfile::tempdir().unwrap();
        let store = Store::at(place.path().join("state"));
        store.prepare().unwrap();
        (place, store)
    }

    #[test]
    fn the_directory_is_for_its_owner_alone() {
        let (_place, store) = store();
        let mode = fs::metadata(store.directory())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn what_was_saved_is_loaded_and_what_was_removed_is_absent() {
        let (_place, store) = store();
        assert!(store.load::<Body>(Document::Journal).unwrap().is_none());
        store.save(Document::Journal, &Body { word: 7 }).unwrap();
        assert_eq!(
            store.load::<Body>(Document::Journal).unwrap(),
            Some(Body { word: 7 })
        );
        store.remove(Document::Journal).unwrap();
        store.remove(Document::Journal).unwrap();
        assert!(store.load::<Body>(Document::Journal).unwrap().is_none());
    }

    #[test]
    fn a_file_cut_anywhere_is_damaged_and_never_taken_for_an_absent_one() {
        let (_place, store) = store();
        store.save(Document::Record, &Body { word: 7 }).unwrap();
        let path = store.path(Document::Record);
        let whole = fs::read(&path).unwrap();
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let error = store.load::<Body>(Document::Record).unwrap_err();
            assert!(
                matches!(error, Error::Damaged { .. }),
                "cut at {end}: {error}"
            );
            assert!(error.to_string().contains("apply --adopt"), "{error}");
        }
    }

    #[test]
    fn a_file_of_a_later_farmctl_is_refused_by_its_version() {
        let (_place, store) = store();
        fs::write(store.path(Document::Record), r#"{"format_version":2}"#).unwrap();
        let error = store.load::<Body>(Document::Record).unwrap_err();
        assert!(matches!(error, Error::Version { found: 2, .. }), "{error}");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_an_error_before_anything_is_done() {
        let (_place, store) = store();
        store.save(Document::Record, &Body { word: 7 }).unwrap();
        let below_a_file = Store::at(store.path(Document::Record).join("state"));
        let error = below_a_file.prepare().unwrap_err();
        assert!(error.to_string().contains("--state-dir"), "{error}");
    }

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Body {
        word: u32,
    }
}
