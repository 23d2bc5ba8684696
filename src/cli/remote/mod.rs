//! The client of a daemon's API: what `status`, `events`, `drain` and their like speak with.
//!
//! Called by commands alone. A socket that is not there, and one where nobody answers, are told
//! apart: the second is what a daemon leaves that died.

mod address;
mod http;

use std::path::Path;

use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::args::RemoteArgs;
use super::failure::Failure;
use super::session::Session;
use crate::api::ErrorAnswer;
use address::Address;
pub(super) use http::{Lines, Patience};

/// A daemon, and how it is reached.
#[derive(Debug)]
pub(super) struct Daemon {
    address: Address,
    token: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum Trouble {
    /// There is no socket.
    #[error(
        "no daemon runs here: there is no {0}. Start one with `farmctl daemon FILE`, or name its \
         socket with --socket or --state-dir"
    )]
    Absent(Address),
    /// There is a socket, and nobody behind it.
    #[error(
        "nobody answers at {0}: the daemon has ended or died, and what it knew last is not shown \
         as if it still held. Start it again with `farmctl daemon FILE`"
    )]
    Dead(Address),
    /// This user may not.
    #[error("this user may not speak to the daemon at {0}; do it as root")]
    Denied(Address),
    /// The daemon says no.
    #[error("{}", told(.0))]
    Refused(ErrorAnswer, u16),
    /// Something else.
    #[error("the daemon at {place} could not be asked: {cause}")]
    Broken {
        /// Where.
        place: Address,
        /// Why, in half a sentence.
        cause: String,
    },
}

fn told(answer: &ErrorAnswer) -> String {
    let error = answer.error.trim_end_matches('.');
    match &answer.help {
        Some(help) => format!("{error}. {help}"),
        None => error.to_owned(),
    }
}

impl Trouble {
    /// Whether there is no daemon: a command that can look for itself does so.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Self::Absent(_) | Self::Dead(_))
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::of(trouble)
    }
}

impl Daemon {
    /// The daemon of this machine.
    pub(super) fn here(session: &Session<'_>) -> Self {
        Self {
            address: Address::Unix(session.global.socket()),
            token: None,
        }
    }

    /// The daemon that the arguments name, else that of this machine.
    pub(super) fn asked(session: &Session<'_>, args: &RemoteArgs) -> Result<Self, Failure> {
        let Some(server) = &args.server else {
            return Ok(Self::here(session));
        };
        let address = server.parse::<Address>().map_err(Failure::error)?;
        let token = args.token_file.as_deref().map(token).transpose()?;
        Ok(Self { address, token })
    }

    /// Reads.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        let body = self.text(path)?;
        self.parse(&body)
    }

    /// Reads what is no JSON of ours.
    pub(super) fn text(&self, path: &str) -> Result<Vec<u8>, Trouble> {
        http::exchange(self, Method::GET, path, Vec::new(), Patience::Moment)
    }

    /// Gives an order.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        order: &impl Serialize,
        patience: Patience,
    ) -> Result<T, Trouble> {
        let body = serde_json::to_vec(order).map_err(|error| self.broken(&error))?;
        let body = http::exchange(self, Method::POST, path, body, patience)?;
        self.parse(&body)
    }

    /// Reads line by line, until the daemon or `each` ends it.
    pub(super) fn lines(
        &self,
        path: &str,
        each: &mut dyn FnMut(&str) -> Lines,
    ) -> Result<(), Trouble> {
        http::lines(self, path, each)
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Trouble> {
        serde_json::from_slice(body).map_err(|error| {
            let cause = format!(
                "its answer can't be read ({error}): is it a daemon of the same version? \
                 `farmctl --version`"
            );
            self.broken(&cause)
        })
    }

    fn broken(&self, cause: &dyn std::fmt::Display) -> Trouble {
        Trouble::Broken {
            place: self.address.clone(),
            cause: cause.to_string(),
        }
    }
}

fn token(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| {
        Failure::error(format!(
            "the token can't be read from {}: {error}",
            path.display()
        ))
    })?;
    Ok(text.trim().to_owned())
}
