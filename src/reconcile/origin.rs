//! Which boot of which kernel, and which network namespace: kernel objects live no longer than
//! either.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

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
}
