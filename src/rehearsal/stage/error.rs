//! Why a stage cannot be built, or a step on it cannot be done.

use std::io;

use crate::{netlink, rehearsal::topology};

/// The result of what the stage does.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong on the stage.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error("{what}: {source}")]
    System {
        /// What was tried, as the beginning of a sentence.
        what: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The kernel refused a request about links, addresses or routes.
    #[error("on {machine}: {source}")]
    Kernel {
        /// The machine of the rehearsal.
        machine: String,
        /// The kernel's reason.
        source: netlink::Error,
    },
    /// The farm cannot be laid out.
    #[error(transparent)]
    Topology(#[from] topology::Error),
    /// A device that the farm needs is not in this kernel.
    #[error(
        "this kernel has no {device}, at which {what} end; load the module {module}, or rehearse \
         the file where it is"
    )]
    NoDevice {
        /// The device.
        device: &'static str,
        /// What ends there.
        what: &'static str,
        /// The module that brings it.
        module: &'static str,
    },
    /// A thread of the stage ended in a way that it never should.
    #[error("a part of the rehearsal came to an unexpected end; please report this")]
    Thread,
    /// A step names something that is not there, or that cannot be done with it.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    /// A failed system call; `what` is the beginning of a sentence: "the server can't listen".
    pub fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}

impl From<netlink::Error> for Error {
    /// Where no machine is known; [`Error::on`] names it.
    fn from(source: netlink::Error) -> Self {
        Self::Kernel {
            machine: "the stage".to_owned(),
            source,
        }
    }
}

impl Error {
    /// The same error, of this machine.
    #[must_use]
    pub fn on(self, machine: &str) -> Self {
        match self {
            Self::Kernel { source, .. } => Self::Kernel {
                machine: machine.to_owned(),
                source,
            },
            Self::System { what, source } => Self::System {
                what: format!("on {machine}: {what}"),
                source,
            },
            other @ (Self::Topology(_)
            | Self::NoDevice { .. }
            | Self::Thread
            | Self::Refused(_)) => other,
        }
    }
}
