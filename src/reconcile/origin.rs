//! Which boot of which kernel, and which network namespace: kernel objects live no longer than
//! either.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

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
        named(inode).or_else(|| inhabitant(&self.namespace))
    }
}

/// Where the namespace is mounted: the fourth field of a line is `net:[INODE]`, the fifth the
/// place (proc_pid_mountinfo(5)).
fn named(inode: &str) -> Option<String> {
    let root = format!("net:[{inode}]");
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(3);
        (fields.next()? == root).then(|| fields.next().map(str::to_owned))?
    })
}

/// A process whose first thread is in the namespace.
fn inhabitant(namespace: &str) -> Option<String> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut inside = processes.filter(|process| {
        fs::metadata(process.path().join("ns/net"))
            .is_ok_and(|found| format!("{}:{}", found.dev(), found.ino()) == namespace)
    });
    let process = inside.next()?;
    let command = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
    let number = process.file_name();
    let number = number.to_string_lossy();
    Some(format!("process {number} {}", command.trim()))
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
