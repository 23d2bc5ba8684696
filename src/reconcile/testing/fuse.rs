//! Ends a run, or fills its disk, before a chosen write of the state directory.

use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::Error;

/// What happens at the chosen write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) enum Blow {
    /// Nothing ever.
    #[default]
    Never,
    /// The process is killed before it.
    Kill(usize),
    /// It and all later ones find the disk full.
    Full(usize),
}

/// Thrown where a run is killed.
#[derive(Debug)]
pub(in super::super) struct Killed;

/// Counts the writes and blows at the chosen one.
#[derive(Debug, Default)]
pub(in super::super) struct Fuse(Mutex<Setting>);

#[derive(Debug, Default)]
struct Setting {
    blow: Blow,
    burnt: usize,
}

impl Fuse {
    /// Chooses the write, counted from 0 from now on.
    pub(in super::super) fn set(&self, blow: Blow) {
        *self.setting() = Setting { blow, burnt: 0 };
    }

    /// How many writes there were since it was set.
    pub(in super::super) fn burnt(&self) -> usize {
        self.setting().burnt
    }

    fn setting(&self) -> MutexGuard<'_, Setting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One write is about to be made.
    pub(in super::super) fn burn(&self, path: &Path) -> Result<(), Error> {
        let mut setting = self.setting();
        let place = setting.burnt;
        match setting.blow {
            Blow::Kill(at) if at == place => resume_unwind(Box::new(Killed)),
            Blow::Full(at) if at <= place => Err(Error::Write {
                path: path.to_owned(),
                source: io::ErrorKind::StorageFull.into(),
            }),
            Blow::Never | Blow::Kill(_) | Blow::Full(_) => {
                setting.burnt = place + 1;
                Ok(())
            }
        }
    }
}
