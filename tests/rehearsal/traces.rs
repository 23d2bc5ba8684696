//! What of a rehearsal can be seen from outside: processes, namespaces, mounts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::play::Play;

/// The processes and namespaces of one rehearsal.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Traces {
    /// Numbers of processes that have a word in their command line.
    pub(crate) processes: BTreeSet<i32>,
    /// The namespaces that they and their threads are in and the test is not, such as
    /// `net:[4026532]`.
    pub(crate) namespaces: BTreeSet<String>,
}

impl Traces {
    /// Those of a play, by its state directory, which is in the command lines of its processes; and
    /// everything that is in the same namespaces.
    pub(crate) fn of(play: &Play) -> Self {
        let word = play.state().to_str().unwrap().to_owned();
        let own = namespaces_of(Path::new("/proc/self"));
        let mut traces = Self::default();
        for process in processes() {
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&line)
                .split('\0')
                .any(|one| one == word)
            {
                traces.processes.insert(number(&process));
                traces.namespaces.extend(namespaces_of(&process));
            }
        }
        traces.namespaces.retain(|one| !own.contains(one));
        traces
    }

    /// The network namespaces of what sleeps in the play's pid namespace.
    fn sleepers(&self) -> BTreeSet<String> {
        let sleeping = processes().into_iter().filter(|process| {
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            line.starts_with(b"sleep\0")
        });
        let inside = sleeping.map(|process| namespaces_of(&process));
        let of_play = |one: &BTreeSet<String>| {
            let mut pids = one.iter().filter(|name| name.starts_with("pid:"));
            pids.any(|name| self.namespaces.contains(name))
        };
        inside.filter(of_play).flatten().collect()
    }

    fn has_a_sleeper(&self) -> bool {
        !self.sleepers().is_empty()
    }

    /// What of them is still there: processes, and processes that are in one of the namespaces.
    pub(crate) fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        for process in processes() {
            let inside = namespaces_of(&process);
            let shared: Vec<&String> = self.namespaces.intersection(&inside).collect();
            if self.processes.contains(&number(&process)) || !shared.is_empty() {
                let status = fs::read_to_string(process.join("status")).unwrap_or_default();
                let name = status.lines().next().unwrap_or_default().to_owned();
                left.push(format!("{} {name} {shared:?}", process.display()));
            }
            let mounts = fs::read_to_string(process.join("mountinfo")).unwrap_or_default();
            let held = self
                .namespaces
                .iter()
                .filter(|one| mounts.contains(one.as_str()));
            left.extend(held.map(|one| format!("{one} is mounted for {}", process.display())));
        }
        left
    }

    /// Waits until nothing is left.
    ///
    /// # Panics
    /// If something still is after some seconds.
    pub(crate) fn vanish(&self) {
        assert!(
            !self.processes.is_empty() && self.namespaces.len() > 5,
            "{self:?}"
        );
        until(|| self.left().is_empty(), &|| format!("{:#?}", self.left()));
    }
}

/// Waits until a step of a play runs `sleep`, and so the load is on.
pub(crate) fn wait_for_sleep(play: &Play) -> Traces {
    until(|| Traces::of(play).has_a_sleeper(), &|| {
        format!("{:?}", Traces::of(play))
    });
    let mut traces = Traces::of(play);
    traces.namespaces.extend(traces.sleepers());
    let own = namespaces_of(Path::new("/proc/self"));
    traces.namespaces.retain(|one| !own.contains(one));
    traces
}

/// Waits for something, at most some seconds.
pub(crate) fn until(is_so: impl Fn() -> bool, told: &dyn Fn() -> String) {
    for _ in 0..400 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("still not so: {}", told());
}

fn processes() -> Vec<PathBuf> {
    let all = fs::read_dir("/proc").unwrap();
    let paths = all.map(|entry| entry.unwrap().path());
    paths.filter(|path| number(path) > 0).collect()
}

fn number(process: &Path) -> i32 {
    let name = process.file_name().unwrap().to_string_lossy();
    name.parse().unwrap_or(0)
}

/// The namespaces of a process and its threads.
fn namespaces_of(process: &Path) -> BTreeSet<String> {
    let tasks = fs::read_dir(process.join("task"))
        .into_iter()
        .flatten()
        .flatten();
    let spaces = tasks.flat_map(|task| fs::read_dir(task.path().join("ns")).into_iter().flatten());
    let links = spaces
        .flatten()
        .filter_map(|space| fs::read_link(space.path()).ok());
    links
        .map(|link| link.to_string_lossy().into_owned())
        .collect()
}
