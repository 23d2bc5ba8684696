//! The stage: builds a farm out of namespaces, plays a scenario on it, and tells what it saw.
//!
//! It runs as the first process of namespaces of its own ([`super::isolation`]); what it makes is
//! gone with it. It reads no file of the user's: the [`Script`] has every text. What it says while it
//! plays are [`Message`]s. Called by the hidden command that `rehearse` starts.

mod daemon;
mod directors;
mod error;
mod interrupt;
mod lay;
mod links;
mod play;
mod space;
mod steps;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use error::{Error, Result};
pub use interrupt::Interrupt;
pub use play::perform;

use super::record::Record;
use super::report::{Event, Weights};
use crate::spec::DataplaneKind;

/// Everything that the stage needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The farm's file.
    pub farm: Written,
    /// The scenario; the built-in one where there is none.
    pub scenario: Option<Written>,
    /// The files that the scenario applies, by the path that it names.
    pub files: BTreeMap<PathBuf, Written>,
    /// The data plane of every director.
    pub dataplane: DataplaneKind,
}

/// A file's text, and what messages call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// What messages call it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What the stage says while it plays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Where it is, one line; the next replaces it.
    Progress(String),
    /// A step was done.
    Event(Event),
    /// It is over.
    Done(Box<Performance>),
    /// It could not be played: what is wrong and what to do.
    Failed(String),
}

/// What was played, and what the clients saw of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Performance {
    /// What the clients saw.
    pub record: Record,
    /// What happened.
    pub events: Vec<Event>,
    /// Every run of farmctl on a director.
    pub applied: Vec<Applied>,
    /// What each server's part should have been in the beginning.
    pub weights: Weights,
    /// What an operator should know about how the farm was rehearsed, in full sentences.
    pub notes: Vec<String>,
    /// Whether somebody ended it before its time.
    pub interrupted: bool,
    /// The release of the kernel.
    pub kernel: String,
}

/// One run of farmctl.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// The director.
    pub director: String,
    /// What it was told: `apply farm.yaml`.
    pub words: String,
    /// How long the run took, in microseconds.
    pub took: u64,
    /// Its exit code; none where it was killed.
    pub code: Option<i32>,
    /// What it reported (`schemas/apply.schema.json`); null where it reported nothing.
    pub report: serde_json::Value,
    /// What it said to people.
    pub messages: String,
}
