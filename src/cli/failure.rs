//! What ends a command early, and the exit code that it becomes.

use thiserror::Error;

/// The exit codes that commands share; the command's own page in the contract gives the others.
pub(super) mod code {
    /// Done; no difference; valid.
    pub(crate) const OK: u8 = 0;
    /// Differences; problems; failed and rolled back.
    pub(crate) const DIFFERENT: u8 = 1;
    /// Usage, an invalid file, or an error before anything was done.
    pub(crate) const ERROR: u8 = 2;
}

/// A command could not do its work. The text is complete: what is wrong and what to do.
#[derive(Debug, Error)]
#[error("{message}")]
pub(super) struct Failure {
    /// The exit code.
    pub code: u8,
    /// What a person reads; empty where everything was said already.
    pub message: String,
}

impl Failure {
    /// Exit code 2.
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self {
            code: code::ERROR,
            message: message.into(),
        }
    }

    /// Exit code 2, in the words of an error that says what to do.
    pub(super) fn of(error: impl std::fmt::Display) -> Self {
        Self::error(error.to_string())
    }

    /// An exit code after everything was said.
    pub(super) fn silent(code: u8) -> Self {
        Self {
            code,
            message: String::new(),
        }
    }
}

impl From<crate::dataplane::Error> for Failure {
    fn from(error: crate::dataplane::Error) -> Self {
        Self::of(error)
    }
}
