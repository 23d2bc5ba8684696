//! Which boot of which kernel, and which network namespace: kernel objects live no longer than
//! either.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Error;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const NAMESPACE: &str = "/proc/thread-self/ns/net";

/// Where a record is true: elsewhere it says nothing about the kernel's objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The kernel's boot id.
    pub boot_id: String,
    /// The network namespace: device and inode number of its file.
    pub namespace: String,
}

impl Origin {
    /// Where the calling thread is.
    pub fn here() -> Result<Self, Error> {
        let boot_id = fs::read_to_string(BOOT_ID).map_err(|source| Error::Origin {
            path: BOOT_ID,
            source,
        })?;
        let namespace = fs::metadata(NAMESPACE).map_err(|source| Error::Origin {
            path: NAMESPACE,
            source,
        })?;
        Ok(Self {
            boot_id: boot_id.trim().to_owned(),
            namespace: format!("{}:{}", namespace.dev(), namespace.ino()),
        })
    }

    /// Refuses a state directory in which a file is of this origin, where that is a network
    /// namespace beside `here` that still lives: to write there would make it forget its objects.
    /// What is of an earlier boot, or of a namespace that is gone, is void and in nobody's way.
    pub(super) fn make_way(&self, here: &Self, directory: &Path) -> Result<(), Error> {
        if self == here || self.boot_id != here.boot_id {
            return Ok(());
        }
        match self.sign_of_life() {
            Some(sign) => Err(Error::OtherNamespace {
                path: directory.to_owned(),
                sign,
            }),
            None => Ok(()),
        }
    }

    /// What keeps the namespace alive, as far as it can be seen from here: a mount (`ip netns`) or
    /// a process.
    fn sign_of_life(&self) -> Option<String> {
        let (_, inode) = self.namespace.split_once(':')?;
        let called = format!("net:[{inode}]");
        mounted(&called).or_else(|| inhabitant(&called))
    }
}

/// Where the namespace is mounted: the fourth field of a line is the namespace, the fifth the place
/// (proc_pid_mountinfo(5)).
fn mounted(called: &str) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(3);
        (fields.next()? == called).then(|| fields.next().map(str::to_owned))?
    })
}

/// A process that is in the namespace with one of its threads, or holds it open.
fn inhabitant(called: &str) -> Option<String> {
    // The links are read and not followed: what stands behind one of another process may hang.
    let is_it = |path: &Path| fs::read_link(path).is_ok_and(|is| is.as_os_str() == called);
    let holds = |process: &Path| {
        let threads = entries(&process.join("task"));
        let mut places = threads.into_iter().map(|thread| thread.join("ns/net"));
        places.any(|place| is_it(&place))
            || entries(&process.join("fd")).iter().any(|open| is_it(open))
    };
    let process = entries(Path::new("/proc"))
        .into_iter()
        .find(|it| holds(it))?;
    let command = fs::read_to_string(process.join("comm")).unwrap_or_default();
    let number = process.file_name()?.to_string_lossy();
    Some(format!("process {number} {}", command.trim()))
}

/// What is in a directory of `/proc` that may be gone at any time.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(directory).into_iter().flatten().flatten();
    found.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_looks_from_one_namespace_agree() {
        let origin = Origin::here().unwrap();
        assert_eq!(origin, Origin::here().unwrap());
        assert_eq!(origin.boot_id.len(), 36);
        assert!(origin.namespace.contains(':'));
    }

    #[test]
    fn a_directory_of_a_namespace_that_lives_is_refused_and_of_a_dead_one_free() {
        let living = Origin::here().unwrap();
        let beside = |namespace: &str| Origin {
            namespace: namespace.to_owned(),
            ..living.clone()
        };
        let directory = Path::new("/var/lib/farmctl");
        let error = living.make_way(&beside("4:1"), directory).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("(process "), "{said}");
        assert!(said.contains("--state-dir"), "{said}");
        beside("4:1").make_way(&living, directory).unwrap();
        living.make_way(&living, directory).unwrap();
    }

    #[test]
    fn what_an_earlier_boot_left_is_in_nobodys_way() {
        let living = Origin::here().unwrap();
        let after = Origin {
            boot_id: "the next boot".to_owned(),
            namespace: "4:1".to_owned(),
        };
        living.make_way(&after, Path::new("/")).unwrap();
    }
}
