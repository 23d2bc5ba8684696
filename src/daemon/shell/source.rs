//! Looks at the farm's file: when the kernel tells of a change, when somebody says so, and now and
//! then because a network file system tells nothing.
//!
//! A look runs on a thread of its own and is given up after a while: a server that does not answer
//! must not hold anything up.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{ModifyKind, RenameMode};
use notify::{Config, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::{Happened, now};
use crate::daemon::watch::{Arrival, Look, Watch};

/// So often it is looked at although nobody tells of a change.
const POLL: Duration = Duration::from_secs(5);
/// A look takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(10);
/// A larger file is no farm.
const LARGEST: u64 = 64 << 20;
/// A chain of links is no longer than this (the kernel's own limit, path_resolution(7)).
const LINKS: usize = 40;

/// The hand on the task that looks.
#[derive(Debug)]
pub(super) struct Source {
    wakes: UnboundedSender<Wake>,
    task: AbortHandle,
}

/// Why it is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    /// Something happened to it, or near it.
    Touched(Arrival),
    /// Somebody says so.
    Now,
    /// It is not: how long it must be still is another from now on.
    Settle(Duration),
}

impl Source {
    /// Watches a file. What it holds already is not told: `first` is known.
    pub(super) fn watch(path: PathBuf, first: &Look, inbox: UnboundedSender<Happened>) -> Self {
        let (wakes, woken) = unbounded_channel();
        let mut watch = Watch::default();
        watch.at_once(first.clone());
        let lookout = Lookout::new(path, wakes.clone());
        let task = tokio::spawn(turn(watch, lookout, woken, inbox)).abort_handle();
        Self { wakes, task }
    }

    /// Looks at once, and hands on what is there whether it is new or not.
    pub(super) fn look_now(&self) {
        let _ended = self.wakes.send(Wake::Now);
    }

    /// How long a file that is written in place must be still.
    pub(super) fn settle(&self, length: Duration) {
        let _ended = self.wakes.send(Wake::Settle(length));
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn turn(
    mut watch: Watch,
    mut lookout: Lookout,
    mut woken: UnboundedReceiver<Wake>,
    inbox: UnboundedSender<Happened>,
) {
    loop {
        lookout.keep_watching();
        let pause = watch
            .deadline()
            .map_or(POLL, |at| at.since(now().moment).min(POLL));
        let wake = tokio::select! {
            wake = woken.recv() => match wake {
                Some(wake) => wake,
                None => return,
            },
            () = sleep(pause) => Wake::Touched(Arrival::Bits),
        };
        let wake = join(&mut watch, wake, &mut woken);
        let look = look_beside(lookout.path.clone()).await;
        let found = match wake {
            Wake::Now => Some(watch.at_once(look)),
            Wake::Touched(arrival) => {
                watch.look(now().moment, look, arrival);
                watch.settled(now().moment)
            }
            Wake::Settle(_) => {
                watch.look(now().moment, look, Arrival::Bits);
                watch.settled(now().moment)
            }
        };
        if let Some(look) = found
            && inbox.send(Happened::Found(look)).is_err()
        {
            return;
        }
    }
}

/// One wake for all that wait.
fn join(watch: &mut Watch, first: Wake, woken: &mut UnboundedReceiver<Wake>) -> Wake {
    let mut joined = first;
    let mut next = Some(first);
    while let Some(wake) = next {
        joined = match (joined, wake) {
            (_, Wake::Settle(length)) => {
                watch.settle(length);
                joined
            }
            (Wake::Now, _) | (_, Wake::Now) => Wake::Now,
            (Wake::Touched(Arrival::Whole), _) => joined,
            (_, wake) => wake,
        };
        next = woken.try_recv().ok();
    }
    joined
}

async fn look_beside(path: PathBuf) -> Look {
    match timeout(PATIENCE, spawn_blocking(move || look(&path))).await {
        Ok(Ok(look)) => look,
        Ok(Err(_)) => Look::Nothing("farmctl broke while reading it: please report it".to_owned()),
        Err(_) => Look::Nothing(format!("it can't be read within {} s", PATIENCE.as_secs())),
    }
}

/// One look at a file.
pub(super) fn look(path: &Path) -> Look {
    let nothing = |error: std::io::Error| Look::Nothing(format!("{}: {error}", path.display()));
    match fs::metadata(path) {
        Ok(facts) if !facts.is_file() => {
            return Look::Nothing(format!("{} is no file", path.display()));
        }
        Ok(facts) if facts.len() > LARGEST => {
            return Look::Nothing(format!("{} has more than 64 MiB", path.display()));
        }
        Ok(_) => {}
        Err(error) => return nothing(error),
    }
    match fs::read(path) {
        Ok(bytes) => Look::Content(Arc::from(bytes)),
        Err(error) => nothing(error),
    }
}

/// Has the kernel tell of changes in the directory of the file, and of each link on the way to it.
struct Lookout {
    path: PathBuf,
    watcher: Option<RecommendedWatcher>,
    /// The directories that are watched, each with what makes it the one that it is.
    watched: BTreeMap<PathBuf, (u64, u64)>,
}

impl Lookout {
    fn new(path: PathBuf, wakes: UnboundedSender<Wake>) -> Self {
        let tell = move |event: notify::Result<notify::Event>| {
            if let Some(arrival) = event.map_or(Some(Arrival::Bits), |event| arrival(event.kind)) {
                let _ended = wakes.send(Wake::Touched(arrival));
            }
        };
        let watcher = RecommendedWatcher::new(tell, Config::default());
        if let Err(error) = &watcher {
            tracing::warn!("The farm's file is only looked at every 5 s: {error}");
        }
        Self {
            path,
            watcher: watcher.ok(),
            watched: BTreeMap::new(),
        }
    }

    /// Watches what is to be watched now: links may lead elsewhere than before, and a directory
    /// may have been replaced by another one of the same name.
    fn keep_watching(&mut self) {
        let wanted = directories(&self.path);
        if wanted == self.watched {
            return;
        }
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for (path, identity) in &self.watched {
            if wanted.get(path) != Some(identity) {
                // The kernel forgets a directory that is gone by itself.
                let _gone = watcher.unwatch(path);
            }
        }
        let mut kept = BTreeMap::new();
        for (path, identity) in wanted {
            let known = self.watched.get(&path) == Some(&identity);
            if known || watcher.watch(&path, RecursiveMode::NonRecursive).is_ok() {
                kept.insert(path, identity);
            }
        }
        self.watched = kept;
    }
}

/// What an event says of how a content came; none where nothing was changed.
fn arrival(kind: EventKind) -> Option<Arrival> {
    match kind {
        EventKind::Access(_) => None,
        EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both)) => {
            Some(Arrival::Whole)
        }
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => Some(Arrival::Bits),
    }
}

/// The directories in which something can happen to what a path leads to: its own, and those of
/// the links on the way.
fn directories(path: &Path) -> BTreeMap<PathBuf, (u64, u64)> {
    let mut found = BTreeMap::new();
    let mut add = |directory: &Path| {
        if let Ok(facts) = fs::metadata(directory) {
            found.insert(directory.to_owned(), (facts.dev(), facts.ino()));
        }
    };
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        if let Some(parent) = path.parent() {
            add(parent);
        }
        let Some((link, target)) = first_link(&path) else {
            break;
        };
        if let Some(parent) = link.parent() {
            add(parent);
        }
        path = target;
    }
    found
}

/// The first link on the way of a path, and the path with the link followed.
fn first_link(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut walked = PathBuf::new();
    let mut parts = path.components();
    while let Some(part) = parts.next() {
        if part == Component::ParentDir {
            walked.pop();
        } else {
            walked.push(part);
        }
        if let Ok(target) = fs::read_link(&walked) {
            let base = walked.parent().unwrap_or(Path::new("/"));
            let followed = base.join(target).join(parts.as_path());
            return Some((walked, followed));
        }
    }
    None
}

#[cfg(test)]
mod tests;
