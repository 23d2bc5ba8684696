//! The farm's file out of a repository of git, by the program `git`.
//!
//! A bare mirror of our own is kept in the state directory. Nothing of the repository is ever
//! executed or checked out: no hooks, no filters, no configuration of its own, none of the
//! machine's. Where signatures are asked for, a revision is verified before a byte of its file is
//! looked at. Called by the shell; it decides nothing about the farm.

mod program;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::judge::Commit;
use crate::spec::GitSource;
use program::Git;

/// Fetching takes no longer than this.
const FETCH: Duration = Duration::from_secs(60);
/// Everything that needs no network.
const LOCAL: Duration = Duration::from_secs(20);
/// A larger file is no farm.
const LARGEST: u64 = 64 << 20;
/// Where the mirror keeps what was fetched.
const FETCHED: &str = "refs/farmctl/fetched";

/// A file and the revision that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The revision.
    pub commit: Commit,
    /// The file's bytes.
    pub bytes: Vec<u8>,
}

/// Why there is no file. Each is half a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// The program is missing or can't be run.
    #[error("git can't be run: {0}")]
    Program(String),
    /// It took too long; it and what it started were killed.
    #[error("git {step} took longer than {} s", limit.as_secs())]
    TooLong {
        /// What it did.
        step: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// It failed.
    #[error("git {step} failed: {reason}")]
    Failed {
        /// What it did.
        step: &'static str,
        /// Its last words.
        reason: String,
    },
    /// The revision is not signed as the source asks for.
    #[error("commit {commit} has no good signature of a key that `source` trusts: {reason}")]
    Untrusted {
        /// The commit.
        commit: String,
        /// Why.
        reason: String,
    },
    /// The file is too large.
    #[error("{path} of commit {commit} has {size} bytes; a farm has at most 64 MiB")]
    TooLarge {
        /// The file.
        path: String,
        /// The commit.
        commit: String,
        /// Its size.
        size: u64,
    },
}

/// A repository and our mirror of it.
#[derive(Debug, Clone)]
pub struct Repository {
    source: GitSource,
    mirror: PathBuf,
}

impl Repository {
    /// The repository of a source; the mirror is in the state directory.
    pub fn new(source: GitSource, state_dir: &Path) -> Self {
        Self {
            source,
            mirror: state_dir.join("source.git"),
        }
    }

    /// What the source says.
    pub fn source(&self) -> &GitSource {
        &self.source
    }

    /// Fetches the newest revision, verifies it, and reads the file. Needs a tokio runtime.
    pub async fn fetch(&self) -> Result<Fetched, Error> {
        let git = Git::new(&self.source, &self.mirror);
        if !self.mirror.join("HEAD").exists() {
            git.init().await?;
        }
        git.fetch(&self.source, FETCHED).await?;
        let id = git
            .line(
                "rev-parse",
                &["rev-parse", "--verify", &format!("{FETCHED}^{{commit}}")],
            )
            .await?;
        let signed_by = verify::verify(&git, &self.source, FETCHED, &id).await?;
        let author = git
            .line("log", &["log", "-1", "--format=%an <%ae>", &id, "--"])
            .await?;
        let bytes = self.file(&git, &id).await?;
        Ok(Fetched {
            commit: Commit {
                id,
                author,
                signed_by,
            },
            bytes,
        })
    }

    async fn file(&self, git: &Git<'_>, id: &str) -> Result<Vec<u8>, Error> {
        let path = self.source.path();
        let object = format!("{id}:{path}");
        let size = git.line("cat-file", &["cat-file", "-s", &object]).await?;
        let size: u64 = size.parse().unwrap_or(u64::MAX);
        if size > LARGEST {
            return Err(Error::TooLarge {
                path: path.to_owned(),
                commit: short(id).to_owned(),
                size,
            });
        }
        let output = git
            .run("cat-file", LOCAL, &["cat-file", "blob", &object])
            .await?;
        Ok(output.stdout)
    }
}

/// Enough of a commit's id for a person.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests;
