//! `farmctl daemon`: keeps this machine what the file says, day and night.
//!
//! ```text
//! watch, git -> Core <-> health::Engine            state machines without input or output
//! probes -> answers -> Core -> overlay -> keeper (a thread) -> kernel
//!                      Core -> status, events, notifications;   API commands -> Core
//! ```
//!
//! [`core::Core`] decides; [`run`] is the shell around it: it reads files, asks real servers, saves
//! documents, and hands wishes to the keeper. The shell decides nothing. Called by `cli`.

mod client;
pub mod core;
mod error;
pub mod files;
pub mod git;
pub mod judge;
pub mod now;
pub mod overrides;
pub mod roster;
mod shell;
pub mod watch;

use std::path::PathBuf;

use crate::spec::DataplaneKind;

pub use client::request;
pub use error::Error;

/// How a daemon is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The farm's file, an absolute path.
    pub file: PathBuf,
    /// The node that this machine is, where `--node` says so.
    pub node: Option<String>,
    /// The state directory, an absolute path.
    pub state_dir: PathBuf,
    /// Where the API answers, an absolute path.
    pub socket: PathBuf,
    /// How to begin.
    pub start: Start,
    /// The data plane that is used instead of the one that the file asks for.
    pub dataplane: Option<DataplaneKind>,
    /// What becomes of everything that reaches beyond the network.
    pub programs: Programs,
}

/// What becomes of checks by program, notifications and fetches from git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Programs {
    /// They are run and sent.
    #[default]
    Run,
    /// They are not: a rehearsal only logs that they would be. A check by program passes.
    Logged,
}

/// How to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// As the only daemon.
    Run,
    /// In the place of the daemon that runs (`--replace`).
    Replace,
    /// Not at all: the daemon that runs is stopped, and what farmctl made is removed (`--release`).
    Release,
}

/// Runs until a signal ends it; services, connections and addresses stay then.
pub fn run(options: &Options, log: &crate::log::Handle) -> Result<(), Error> {
    shell::run(options, log)
}
