//! The farm's file comes from a repository of git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Daemon, Site, all_serve, checked, holds, weights};

/// A repository with the farm's file.
struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.git(&["init", "--quiet", "-b", "main"]);
        repository
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    #[expect(clippy::disallowed_methods, reason = "the test makes a repository")]
    fn git(&self, words: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args([
                "-c",
                "user.name=Alice",
                "-c",
                "user.email=alice@example.org",
            ])
            .args(words)
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits a text; the commit's id.
    fn commit(&self, text: &str) -> String {
        fs::write(self.path().join("farm.yaml"), text).unwrap();
        self.git(&["add", "farm.yaml"]);
        self.git(&["commit", "--quiet", "-m", "edit"]);
        self.git(&["rev-parse", "HEAD"])
    }
}

/// The file that the daemon is started with: it names the repository and nothing else.
fn pointer(repository: &Path) -> String {
    let place: PathBuf = repository.to_owned();
    format!(
        "version: 1\nfarm: test\nsource:\n  git:\n    repository: {}\n    poll: 1h\n    \
         unsigned: without_programs\n",
        place.display()
    )
}

fn commit_of(status: &Value) -> &str {
    status["revision"]["commit"].as_str().unwrap_or_default()
}

#[test]
fn what_is_pushed_runs_what_is_bad_is_told_and_what_runs_is_shown() {
    let site = Site::new(super::Method::Nat);
    let repository = Repository::new();
    let first = repository.commit(&checked().to_string());
    site.farmctl.write(&pointer(repository.path()));
    let daemon = Daemon::again(&site, &[]);
    daemon.wait_for("all serve", |status| {
        all_serve(status) && commit_of(status) == first
    });
    holds(&site, [Some(1), Some(2), Some(3)]);
    let second = repository.commit(
        &checked()
            .with_servers(&[(1, 3), (2, 2), (3, 1)])
            .to_string(),
    );
    daemon.order("/v1/reload", &json!({}));
    daemon.wait_for("the second commit", |status| {
        commit_of(status) == second && weights(status) == [Some(3), Some(2), Some(1)]
    });
    let bad = repository.commit(&checked().to_string().replace("wrr", "wrx"));
    daemon.order("/v1/reload", &json!({}));
    let status = daemon.wait_for("it is refused", |status| !status["refused"].is_null());
    assert_eq!(status["refused"]["revision"]["commit"], *bad);
    assert_eq!(commit_of(&status), second, "the old one goes on");
    holds(&site, [Some(3), Some(2), Some(1)]);
}

#[test]
fn a_repository_that_is_gone_leaves_the_farm_as_it_is_also_over_a_restart() {
    let site = Site::new(super::Method::Nat);
    let repository = Repository::new();
    repository.commit(&checked().to_string());
    site.farmctl.write(&pointer(repository.path()));
    let daemon = Daemon::again(&site, &[]);
    daemon.wait_for("all serve", all_serve);
    holds(&site, [Some(1), Some(2), Some(3)]);
    drop(repository);
    daemon.order("/v1/reload", &json!({}));
    daemon.wait_for("it is missed", |status| {
        status["reasons"].to_string().contains("git fetch")
    });
    daemon.end(nix::sys::signal::Signal::SIGKILL);
    let daemon = Daemon::again(&site, &[]).converged();
    let status = daemon.wait_for("it is missed", |status| {
        status["reasons"].to_string().contains("git fetch")
    });
    assert_eq!(status["revision"]["from_memory"], true);
    holds(&site, [Some(1), Some(2), Some(3)]);
}
