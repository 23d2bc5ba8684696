//! The real program on each director: a child process inside the director's namespace, with a
//! state directory of its own.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use super::Applied;
use super::error::Result;
use super::lay::Site;
use crate::clock::{Clock, SystemClock};
use crate::rehearsal::topology::Director;

/// Where the directors' files are: a file system that only the rehearsal has.
pub(super) const HOME: &str = "/run/farmctl-rehearsal";
/// The program that runs, whatever its path is by now.
pub(super) const SELF: &str = "/proc/self/exe";

/// Runs farmctl on every director, with these words. Returns each run; the last is the first that
/// did not end well.
pub(super) fn farmctl(site: &Site, directors: &[Director], words: &[&str]) -> Result<Vec<Applied>> {
    let mut runs = Vec::new();
    for director in directors {
        let applied = farmctl_on(site, director, words)?;
        let well = applied.code == Some(0);
        runs.push(applied);
        if !well {
            break;
        }
    }
    Ok(runs)
}

fn farmctl_on(site: &Site, director: &Director, words: &[&str]) -> Result<Applied> {
    let home = PathBuf::from(HOME).join(&director.machine);
    let mut command = program(SELF);
    command
        .args(words)
        .args(["--output", "json", "--color", "never"]);
    command.arg("--state-dir").arg(home.join("state"));
    if let Some(node) = &director.node {
        command.args(["--node", node]);
    }
    command.current_dir(&home);
    let begun = SystemClock.now();
    let output = site.space(&director.machine)?.command(command)?;
    let took = SystemClock.now().saturating_duration_since(begun);
    let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    Ok(applied(director, words, took, &output))
}

fn applied(director: &Director, words: &[&str], took: u64, output: &Output) -> Applied {
    Applied {
        words: words.join(" "),
        director: director.machine.clone(),
        took,
        code: output.status.code(),
        report: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        messages: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Applied {
    /// Why the run did not do what was asked, in a sentence; none where it did.
    pub(super) fn complaint(&self) -> Option<String> {
        let (director, words) = (&self.director, &self.words);
        let how = match self.code {
            Some(0) => return None,
            Some(code) => format!("ended with {code}"),
            None => "was killed".to_owned(),
        };
        let mut said = vec![self.messages.trim_end()];
        let told = self.report.get("messages").and_then(Value::as_array);
        said.extend(told.into_iter().flatten().filter_map(Value::as_str));
        let said = said.join("\n");
        Some(format!("farmctl {words} on {director} {how}:\n{said}"))
    }
}

/// A program to run inside the rehearsal, without what steers farmctl from outside.
#[expect(
    clippy::disallowed_methods,
    reason = "the real program is what is rehearsed, and `run` is a step of scenarios"
)]
pub(super) fn program(path: &str) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FARMCTL_") {
            command.env_remove(name);
        }
    }
    command
}
