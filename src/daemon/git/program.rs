//! One run of `git`: in a process group of its own, with an environment of its own, and not for
//! ever.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::time::timeout;

use super::{Error, FETCH, LOCAL};
use crate::spec::{GitSource, Trust};

/// The program, set up for one source.
pub(super) struct Git<'a> {
    mirror: &'a Path,
    options: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
}

/// The group of a run; killed when it is dropped before the run has ended.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It may have ended in this very moment.
            let _ended = killpg(leader, Signal::SIGKILL);
        }
    }
}

impl<'a> Git<'a> {
    /// Git for a source. Nothing that the repository or this machine configures is heeded.
    pub(super) fn new(source: &GitSource, mirror: &'a Path) -> Self {
        Self {
            mirror,
            options: options(source),
            environment: environment(source),
        }
    }

    /// Makes the mirror.
    pub(super) async fn init(&self) -> Result<(), Error> {
        let mirror = self.mirror.as_os_str().to_owned();
        let words = ["init", "--quiet", "--bare", "--template="].map(OsString::from);
        let words = words.into_iter().chain([mirror]).collect();
        self.spawn("init", LOCAL, words).await.map(|_| ())
    }

    /// Fetches the source's branch or tag to a name of the mirror. A history that was rewritten
    /// (a forced push) is fetched like any other: the file is judged, not the history.
    pub(super) async fn fetch(&self, source: &GitSource, name: &str) -> Result<(), Error> {
        let refspec = format!("+{}:{name}", source.reference());
        let words = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--",
            source.repository.as_str(),
            &refspec,
        ];
        self.run("fetch", FETCH, &words).await.map(|_| ())
    }

    /// The first line that a command prints.
    pub(super) async fn line(&self, step: &'static str, words: &[&str]) -> Result<String, Error> {
        let output = self.run(step, LOCAL, words).await?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    }

    /// Runs a command in the mirror; one that fails is an error.
    pub(super) async fn run(
        &self,
        step: &'static str,
        limit: Duration,
        words: &[&str],
    ) -> Result<Output, Error> {
        let output = self.try_run(step, limit, words).await?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let reason = said.lines().rfind(|line| !line.trim().is_empty());
        Err(Error::Failed {
            step,
            reason: reason.unwrap_or("it says nothing").trim().to_owned(),
        })
    }

    /// Runs a command in the mirror, however it ends.
    pub(super) async fn try_run(
        &self,
        step: &'static str,
        limit: Duration,
        words: &[&str],
    ) -> Result<Output, Error> {
        let place = [OsString::from("-C"), self.mirror.as_os_str().to_owned()];
        let options = self.options.iter().cloned();
        let words = words.iter().map(OsString::from);
        let all = place.into_iter().chain(options).chain(words).collect();
        self.spawn(step, limit, all).await
    }

    async fn spawn(
        &self,
        step: &'static str,
        limit: Duration,
        words: Vec<OsString>,
    ) -> Result<Output, Error> {
        let mut command = Command::new("git");
        command.env_clear().envs(self.environment.iter().cloned());
        command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let child = command
            .spawn()
            .map_err(|it| Error::Program(it.to_string()))?;
        let leader = child.id().and_then(|id| i32::try_from(id).ok());
        let mut group = Group(leader.map(Pid::from_raw));
        match timeout(limit, child.wait_with_output()).await {
            Ok(Ok(output)) => {
                group.0 = None;
                Ok(output)
            }
            Ok(Err(error)) => Err(Error::Program(error.to_string())),
            Err(_) => Err(Error::TooLong { step, limit }),
        }
    }
}

fn options(source: &GitSource) -> Vec<OsString> {
    let mut settings = vec![
        "core.hooksPath=/dev/null".to_owned(),
        "core.fsmonitor=false".to_owned(),
        "protocol.ext.allow=never".to_owned(),
        "fetch.fsckObjects=true".to_owned(),
        "safe.directory=*".to_owned(),
        "credential.helper=".to_owned(),
        "gpg.x509.program=false".to_owned(),
    ];
    if let Some(file) = &source.credentials_file {
        settings.push(format!("credential.helper=store --file={}", quoted(file)));
    }
    match source.trust() {
        Trust::Ssh(file) => {
            settings.push(format!("gpg.ssh.allowedSignersFile={file}"));
            settings.push("gpg.program=false".to_owned());
        }
        Trust::Gpg(_) => settings.push("gpg.ssh.program=false".to_owned()),
        Trust::WithoutPrograms | Trust::Anybody => {}
    }
    let pair = |setting: String| [OsString::from("-c"), OsString::from(setting)];
    settings.into_iter().flat_map(pair).collect()
}

fn environment(source: &GitSource) -> Vec<(&'static str, OsString)> {
    let inherited = |name| std::env::var_os(name).map(|value| (name, value));
    let mut environment: Vec<(&'static str, OsString)> = inherited("PATH").into_iter().collect();
    environment.extend([
        ("LC_ALL", "C".into()),
        ("HOME", "/nonexistent".into()),
        ("GIT_CONFIG_NOSYSTEM", "1".into()),
        ("GIT_CONFIG_GLOBAL", "/dev/null".into()),
        ("GIT_TERMINAL_PROMPT", "0".into()),
        ("GIT_ALLOW_PROTOCOL", "https:http:ssh:git:file".into()),
        ("GIT_SSH_COMMAND", ssh(source).into()),
    ]);
    if let Trust::Gpg(home) = source.trust() {
        environment.push(("GNUPGHOME", home.to_string().into()));
    }
    environment
}

/// How ssh is called: it never asks, and trusts no host that it does not know.
fn ssh(source: &GitSource) -> String {
    let mut words = "ssh -F /dev/null -o BatchMode=yes -o ConnectTimeout=10 \
                     -o StrictHostKeyChecking=yes"
        .to_owned();
    if let Some(file) = &source.ssh_key_file {
        words.push_str(&format!(" -o IdentitiesOnly=yes -i {}", quoted(file)));
    }
    if let Some(file) = &source.known_hosts_file {
        words.push_str(&format!(" -o UserKnownHostsFile={}", quoted(file)));
    }
    words
}

/// A path for a shell's eyes.
fn quoted(path: &impl std::fmt::Display) -> String {
    format!("'{}'", path.to_string().replace('\'', r"'\''"))
}
