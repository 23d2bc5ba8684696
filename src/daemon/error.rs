//! Why a daemon can't run at all. A bad farm file is no such reason.

use std::io;

use thiserror::Error;

use crate::{dataplane, reconcile};

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
    /// Something of the system that the daemon can't do without.
    #[error("the daemon could not {what}: {source}")]
    System {
        /// What it tried.
        what: &'static str,
        /// The system's words.
        source: io::Error,
    },
}
