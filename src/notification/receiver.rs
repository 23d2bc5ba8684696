//! Who is told, of what, by which way and how often.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::event::Event;
use crate::spec::{EffectiveDaemon, EffectiveNotification, Farm, Rate, Receiver as Way};

/// One receiver of the file with nothing left out. Two that are equal are the same receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Its name in the file.
    pub name: String,
    /// How it is told.
    pub way: Way,
    /// Where programs that may be run are.
    pub directories: Vec<PathBuf>,
    /// What it is told, and how often.
    pub wishes: Wishes,
}

/// What a receiver is told, and how often: all that its engine has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// The words of the severities and kinds that it is told.
    pub on: BTreeSet<&'static str>,
    /// What happens within this time after the first event comes in one message.
    pub group: Duration,
    /// What lasts is told again after this time; none where it is told once.
    pub repeat: Option<Duration>,
    /// So many messages at most.
    pub limit: Rate,
}

impl Wishes {
    /// Whether the receiver is told of such an event.
    pub fn want(&self, event: &Event) -> bool {
        self.on.contains(event.severity.word()) || self.on.contains(event.kind.word())
    }
}

/// The receivers of a file, in the order of their names.
pub fn receivers(farm: &Farm) -> Vec<Receiver> {
    let directories = EffectiveDaemon::of(farm).exec_dirs;
    let directories: Vec<PathBuf> = directories
        .iter()
        .map(|path| path.as_path().to_owned())
        .collect();
    let each = farm.notifications.iter().filter_map(|(name, written)| {
        let effective = EffectiveNotification::of(written)?;
        Some(Receiver {
            name: name.to_string(),
            way: effective.receiver,
            directories: directories.clone(),
            wishes: Wishes {
                on: effective.on.iter().map(|word| word.as_str()).collect(),
                group: effective.group,
                repeat: effective.repeat,
                limit: effective.limit,
            },
        })
    });
    each.collect()
}
