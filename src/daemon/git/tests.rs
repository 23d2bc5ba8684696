//! A real repository, real signatures.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::spec::{FilePath, Signed, Unsigned};

/// A repository with a file, and the keys of two people.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(place.path("repository")).unwrap();
        place.git(&["init", "--quiet", "-b", "main"]);
        for name in ["alice", "mallory"] {
            let key = place.path(name);
            place.program(
                "ssh-keygen",
                &["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", &key],
            );
        }
        let public = fs::read_to_string(place.path("alice.pub")).unwrap();
        let line = format!("alice@example.org namespaces=\"git\" {public}");
        fs::write(place.path("signers"), line).unwrap();
        place
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn git(&self, words: &[&str]) {
        self.program("git", words);
    }

    #[expect(clippy::disallowed_methods, reason = "the test makes a repository")]
    fn program(&self, program: &str, words: &[&str]) {
        let output = Command::new(program)
            .current_dir(self.path("repository"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args(words)
            .output()
            .unwrap();
        assert!(output.status.success(), "{program} {words:?}: {output:?}");
    }

    /// Commits a text, signed by somebody or nobody.
    fn commit(&self, text: &str, signed_by: Option<&str>) {
        fs::write(Path::new(&self.path("repository")).join("farm.yaml"), text).unwrap();
        self.git(&["add", "farm.yaml"]);
        let key = signed_by.map(|name| format!("user.signingkey={}", self.path(name)));
        let mut words = vec![
            "-c",
            "user.name=Alice",
            "-c",
            "user.email=alice@example.org",
        ];
        words.extend(["-c", "gpg.format=ssh"]);
        if let Some(key) = &key {
            words.extend(["-c", key]);
        }
        words.extend(["commit", "--quiet", "-m", "edit"]);
        if key.is_some() {
            words.push("-S");
        }
        self.git(&words);
    }

    fn source(&self, signed: bool) -> GitSource {
        GitSource {
            repository: self.path("repository"),
            reference: None,
            path: None,
            poll: None,
            signed: signed.then(|| Signed {
                allowed_signers_file: Some(FilePath::new_unchecked(&self.path("signers"))),
                gpg_home: None,
            }),
            unsigned: (!signed).then_some(Unsigned::WithoutPrograms),
            ssh_key_file: None,
            known_hosts_file: None,
            credentials_file: None,
        }
    }

    fn fetch(&self, signed: bool) -> Result<Fetched, Error> {
        let repository = Repository::new(self.source(signed), self.folder.path());
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(repository.fetch())
    }
}

#[test]
fn the_file_of_the_newest_revision_is_fetched_with_who_made_it() {
    let place = Place::new();
    place.commit("version: 1\n", None);
    let first = place.fetch(false).unwrap();
    assert_eq!(first.bytes, b"version: 1\n");
    assert_eq!(first.commit.author, "Alice <alice@example.org>");
    assert_eq!(first.commit.signed_by, None);
    place.commit("version: 1\nfarm: shop\n", None);
    let second = place.fetch(false).unwrap();
    assert_eq!(second.bytes, b"version: 1\nfarm: shop\n");
    assert_ne!(first.commit.id, second.commit.id);
}

#[test]
fn a_history_that_was_rewritten_is_fetched_too() {
    let place = Place::new();
    place.commit("version: 1\n", None);
    place.commit("version: 1\nfarm: shop\n", None);
    place.fetch(false).unwrap();
    place.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    place.commit("version: 1\nfarm: other\n", None);
    assert_eq!(
        place.fetch(false).unwrap().bytes,
        b"version: 1\nfarm: other\n"
    );
}

#[test]
fn a_revision_is_used_only_where_somebody_signed_it_whom_the_source_trusts() {
    let place = Place::new();
    place.commit("version: 1\n", Some("alice"));
    let fetched = place.fetch(true).unwrap();
    assert_eq!(
        fetched.commit.signed_by.as_deref(),
        Some("alice@example.org")
    );
    place.commit("version: 1\nfarm: unsigned\n", None);
    let error = place.fetch(true).unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error}");
    place.commit("version: 1\nfarm: stolen\n", Some("mallory"));
    let error = place.fetch(true).unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error}");
}

#[test]
fn nothing_that_the_repository_brings_is_executed() {
    let place = Place::new();
    let canary = place.path("canary");
    let hook = Path::new(&place.path("repository")).join(".git/hooks/post-checkout");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, format!("#!/bin/sh\ntouch {canary}\n")).unwrap();
    place.git(&["config", "core.fsmonitor", &format!("touch {canary}")]);
    fs::write(
        Path::new(&place.path("repository")).join(".gitattributes"),
        "farm.yaml filter=evil\n",
    )
    .unwrap();
    place.git(&["-c", "core.fsmonitor=false", "add", ".gitattributes"]);
    place.git(&["config", "--unset", "core.fsmonitor"]);
    place.commit("version: 1\n", None);
    place.git(&["config", "filter.evil.smudge", &format!("touch {canary}")]);
    place.git(&["config", "core.fsmonitor", &format!("touch {canary}")]);
    let _before = fs::remove_file(&canary);
    place.fetch(false).unwrap();
    assert!(!Path::new(&canary).exists());
}

#[test]
fn a_branch_a_file_or_a_repository_that_is_missing_is_a_reason_and_no_file() {
    let place = Place::new();
    let error = place.fetch(false).unwrap_err();
    assert!(error.to_string().contains("git fetch failed"), "{error}");
    place.commit("version: 1\n", None);
    place.git(&["mv", "farm.yaml", "moved.yaml"]);
    place.git(&[
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@b",
        "commit",
        "-qm",
        "moved",
    ]);
    let error = place.fetch(false).unwrap_err();
    assert!(error.to_string().contains("farm.yaml"), "{error}");
}
