//! What keeps a run from starting. Where one of these is returned, the kernel was not changed.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::dataplane;
use crate::spec::DataplaneKind;

/// Why nothing was done.
#[derive(Debug, Error)]
pub enum Error {
    /// The state directory can't be made or written.
    #[error(
        "the state directory {} can't be used: {source}. \
         Without it farmctl can't write down what it makes. \
         Run as root, or name another place with --state-dir",
        path.display()
    )]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file of the state directory can't be read.
    #[error("could not read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file of the state directory can't be written.
    #[error("could not write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file of the state directory is not what farmctl writes.
    #[error("{} ({what}) is damaged: {reason}. {help}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the file is for.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        help: &'static str,
    },
    /// A file of the state directory is of a later farmctl.
    #[error(
        "{} ({what}) has format version {found}; this farmctl writes and reads version {known}. \
         It was written by a later farmctl: use that one",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// What the file is for.
        what: &'static str,
        /// The version in the file.
        found: u64,
        /// The version that this program knows.
        known: u64,
    },
    /// The boot or the namespace can't be told.
    #[error("could not tell this boot and network namespace apart from others: {path}: {source}")]
    Origin {
        /// What was read.
        path: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The state directory is another living namespace's.
    #[error(
        "the state directory {} belongs to another network namespace of this machine, which still \
         lives ({sign}). If both wrote there, each would forget what it made. Give this one a \
         directory of its own with --state-dir",
        path.display()
    )]
    OtherNamespace {
        /// The directory.
        path: PathBuf,
        /// What keeps the namespace alive.
        sign: String,
    },
    /// The services are on another data plane.
    #[error(
        "farmctl's services here are on the data plane {holder}, and {asked} is asked for. They \
         are not moved while they are there, because every connection would break. Keep \
         `dataplane: {holder}`; or take the services away first: with `dataplane: {holder}` apply \
         the file without its services (`farmctl apply --allow-shrink`), then write \
         `dataplane: {asked}` and apply the whole file"
    )]
    OtherDataplane {
        /// The data plane that has them.
        holder: DataplaneKind,
        /// The data plane that is asked for.
        asked: DataplaneKind,
    },
    /// Another process has the right to write.
    #[error(transparent)]
    Busy(#[from] super::Busy),
    /// The thread that keeps the machine converged could not be started.
    #[error("the keeper's thread did not start: {0}")]
    Thread(io::Error),
    /// The data plane can't be read.
    #[error(transparent)]
    Dataplane(#[from] dataplane::Error),
    /// Not everything can be seen, so what is there can't be compared with what is wanted.
    #[error("not everything can be seen, so what is there can't be compared: {0} Run as root")]
    Blind(String),
    /// The process that undoes an unconfirmed change could not be started.
    #[error("the guard that undoes an unconfirmed change did not start: {0}")]
    Guard(String),
}
