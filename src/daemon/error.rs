//! Why a daemon can't run at all. A bad farm file is no such reason.

use std::io;

use thiserror::Error;

use crate::{api, dataplane, log, reconcile};

/// The daemon could not start, or had to end. The text says what to do.
#[derive(Debug, Error)]
pub enum Error {
    /// Another farmctl has the right to write, or it can't be taken.
    #[error(transparent)]
    Busy(#[from] reconcile::Busy),
    /// The state directory.
    #[error(transparent)]
    State(#[from] reconcile::Error),
    /// The data plane.
    #[error(transparent)]
    Dataplane(#[from] dataplane::Error),
    /// The API.
    #[error(transparent)]
    Api(#[from] api::BindError),
    /// The daemon that runs does not let go (`--replace`).
    #[error("the running daemon does not let go: {0}")]
    NotLetGo(String),
    /// Not everything that farmctl made could be removed.
    #[error("not everything that farmctl made could be removed: {0}")]
    Release(String),
    /// The thread that owns the kernel has ended.
    #[error(
        "the thread that writes to the kernel has ended, so the daemon ends too; services, \
         connections and addresses stay. Start it again, and please report what the log says"
    )]
    KeeperGone,
    /// The log.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// Something of the system that the daemon can't do without.
    #[error("the daemon could not {what}: {source}")]
    System {
        /// What it tried.
        what: &'static str,
        /// The system's words.
        source: io::Error,
    },
}
