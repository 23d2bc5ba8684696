//! The part of the status that is about the daemon itself and its file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The process.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DaemonStatus {
    /// The version of farmctl.
    pub version: String,
    /// The process id.
    pub pid: u32,
    /// When it started.
    pub started: u64,
    /// Whether the kernel has held what is wanted since it started: what `/readyz` says.
    pub converged: bool,
    /// Answers of real servers a second, of late.
    pub probes_per_second: f64,
    /// How late the latest hundredth of the probes is sent, in milliseconds.
    pub lateness_p99_ms: f64,
}

/// A version of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct FileRevision {
    /// The file's path; the path inside the repository where git is the source.
    pub file: String,
    /// The digest of its text: twelve hexadecimal digits or more, which tell versions apart.
    pub hash: String,
    /// The commit; null where git is not the source.
    pub commit: Option<String>,
    /// Who signed the commit; null where nothing is signed.
    pub signed_by: Option<String>,
    /// Since when it is known.
    pub since: u64,
    /// Whether it was taken from the state directory, because the file itself can't be read or is
    /// bad.
    pub from_memory: bool,
}

/// A file that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct RefusedFile {
    /// Which.
    pub revision: FileRevision,
    /// Why, in a full sentence.
    pub message: String,
    /// What is wrong with it, each with its place.
    pub problems: Vec<FileProblem>,
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct FileProblem {
    /// The kind; docs/problems.md lists them.
    pub code: String,
    /// What is wrong, one sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The file's name.
    pub file: String,
    /// The path in the file, such as `services.http.port`.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// A good file that is not used yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct WaitingFile {
    /// Which.
    pub revision: FileRevision,
    /// Why it waits: full sentences.
    pub because: Vec<String>,
    /// Whether `farmctl approve` is asked for; else it goes on by itself.
    pub needs_approval: bool,
    /// When it goes on by itself; null where it does not.
    pub until: Option<u64>,
}

/// How the kernel was changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ApplyStatus {
    /// When.
    pub at: u64,
    /// Whether the kernel held what was wanted afterwards.
    pub converged: bool,
    /// How many changes were made.
    pub changes: usize,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What came of it: full sentences.
    pub messages: Vec<String>,
    /// When it is tried again; null where it is not.
    pub retry_at: Option<u64>,
}

/// What others changed of what is ours.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DriftStatus {
    /// What is done about it.
    pub policy: DriftPolicy,
    /// What differs now: a step that would put it right each.
    pub differences: Vec<String>,
    /// Since when something differs; null where nothing does.
    pub since: Option<u64>,
    /// Why it is no longer put right although the policy says so: another controller changes the
    /// same things again and again.
    pub fight: Option<String>,
}

/// What is done about drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftPolicy {
    /// It is put right.
    #[default]
    Correct,
    /// It is told.
    Report,
    /// Nothing is looked at.
    Pause,
}
