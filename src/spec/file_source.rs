//! Where a daemon takes its file from, where it is not the file on the machine itself.
//!
//! Pure values; `daemon` fetches. Secrets are files, never values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, FilePath};

/// Where the farm's file comes from. The file that a daemon is started with may hold nothing but
/// this; what it says here holds for as long as the daemon runs, whatever a fetched file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A repository of git, read with the program `git`.
    pub git: GitSource,
}

/// A farm.yaml in a repository of git. It says either what signs its revisions (`signed`) or
/// plainly that nothing must (`unsigned`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitSource {
    /// The repository: `https://…`, `ssh://…`, `git@host:path`, or a path on this machine. Without
    /// a password: that is in `credentials_file`.
    pub repository: String,
    /// The branch or tag that is followed. Left out, `main`.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The file in the repository. Left out, `farm.yaml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How often it is looked for a new revision; a request to the API does it at once. Left out,
    /// 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<Duration>,
    /// A revision is used only where its commit (or tag) has a good signature of one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
    /// Revisions without a signature are used too; or write `signed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsigned: Option<Unsigned>,
    /// A file with the private key for ssh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_key_file: Option<FilePath>,
    /// A file with the host keys that ssh trusts. Left out, the ones that the system knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_hosts_file: Option<FilePath>,
    /// A file with user and password for https, as git's credential store writes it:
    /// `https://user:password@host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_file: Option<FilePath>,
}

/// Whose signatures are good; exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// Signatures by ssh keys: a file with those that are good (ssh-keygen(1), ALLOWED SIGNERS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_signers_file: Option<FilePath>,
    /// Signatures by OpenPGP keys: the home directory of gpg that holds those that are good, and
    /// no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpg_home: Option<FilePath>,
}

/// What a revision without a signature may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Unsigned {
    /// It is used, except where it runs a program (a check or notification `exec`): then it is
    /// refused, and the last revision goes on.
    WithoutPrograms,
    /// It is used, and its programs are run as root: whoever can push to the repository can do
    /// everything on this machine.
    Accepted,
}

/// How revisions must be signed, with nothing left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust<'a> {
    /// By one of the ssh keys in this file.
    Ssh(&'a FilePath),
    /// By one of the OpenPGP keys in this directory.
    Gpg(&'a FilePath),
    /// Not at all, but then no programs.
    WithoutPrograms,
    /// Not at all.
    Anybody,
}

impl GitSource {
    /// How often it is looked for a new revision, where nothing is written.
    pub const POLL: std::time::Duration = std::time::Duration::from_secs(30);

    /// The branch or tag that is followed.
    pub fn reference(&self) -> &str {
        self.reference.as_deref().unwrap_or("main")
    }

    /// The file in the repository.
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or("farm.yaml")
    }

    /// How often it is looked for a new revision.
    pub fn poll(&self) -> std::time::Duration {
        self.poll.map_or(Self::POLL, |time| time.0)
    }

    /// How revisions must be signed; where a file that is not valid says nothing, no program runs.
    pub fn trust(&self) -> Trust<'_> {
        let signed = self.signed.as_ref();
        let ssh = signed.and_then(|signed| signed.allowed_signers_file.as_ref());
        let gpg = signed.and_then(|signed| signed.gpg_home.as_ref());
        match (ssh, gpg, self.unsigned) {
            (Some(file), _, _) => Trust::Ssh(file),
            (None, Some(home), _) => Trust::Gpg(home),
            (None, None, Some(Unsigned::Accepted)) if signed.is_none() => Trust::Anybody,
            (None, None, _) => Trust::WithoutPrograms,
        }
    }
}
