//! farmctl on a node: its file, its state directory, its runs.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::Kernel;
use crate::bed::Node;

/// farmctl on one node, with a file and a state directory of its own.
pub(super) struct Farmctl {
    node: Node,
    place: TempDir,
}

impl Farmctl {
    /// Nothing was applied on this node yet.
    pub(super) fn on(node: &Node) -> Self {
        Self {
            node: node.share(),
            place: tempfile::tempdir().unwrap(),
        }
    }

    /// The node that it runs on.
    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// Where `text` now stands as the farm's file.
    pub(super) fn write(&self, text: &str) -> PathBuf {
        let path = self.place.path().join("farm.yaml");
        fs::write(&path, text).unwrap();
        path
    }

    /// Where `text` now stands beside the farm's file.
    pub(super) fn write_beside(&self, text: &str) -> PathBuf {
        let path = self.place.path().join("farm.yaml.new");
        fs::write(&path, text).unwrap();
        path
    }

    /// A file of the state directory.
    pub(super) fn state(&self, name: &str) -> PathBuf {
        self.place.path().join("state").join(name)
    }

    /// Runs a command to its end.
    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&self.node.run(|| self.command(arguments).output().unwrap()))
    }

    /// A run that has not been started. Whoever starts it does so inside [`Node::run`].
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        #[expect(
            clippy::disallowed_methods,
            reason = "the test is of the program itself"
        )]
        let mut command = Command::new(env!("CARGO_BIN_EXE_farmctl"));
        command
            .args(arguments)
            .arg("--state-dir")
            .arg(self.state(""));
        command.current_dir(self.place.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `farmctl apply` of this text.
    pub(super) fn apply(&self, text: &str, flags: &[&str]) -> Run {
        self.write(text);
        self.run(&[&["apply", "-o", "json"], flags].concat())
    }

    /// `farmctl diff` of this text.
    pub(super) fn diff(&self, text: &str, flags: &[&str]) -> Run {
        self.write(text);
        self.run(&[&["diff", "-o", "json"], flags].concat())
    }

    /// Applies, and sees that farmctl itself and a second apply find nothing more to do.
    pub(super) fn converge(&self, text: &str, flags: &[&str]) -> Run {
        let run = self.apply(text, flags).exits(0);
        let made = self.kernel();
        self.diff(text, &[]).exits(0);
        self.apply(text, &[]).exits(0).did_nothing();
        assert_eq!(self.kernel(), made, "a second apply changes nothing");
        run
    }

    /// What the kernel holds here.
    pub(super) fn kernel(&self) -> Kernel {
        Kernel::of(&self.node)
    }
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct Run {
    /// The exit code; none if a signal ended it.
    pub(super) code: Option<i32>,
    /// What it printed.
    pub(super) stdout: String,
    /// What it said.
    pub(super) stderr: String,
}

impl Run {
    /// Of a process that has ended.
    pub(super) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same, if this is its exit code.
    #[track_caller]
    pub(super) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The same, if it says this somewhere.
    #[track_caller]
    pub(super) fn says(self, words: &str) -> Self {
        let said = self.stdout.contains(words) || self.stderr.contains(words);
        assert!(said, "it does not say {words:?}: {self}");
        self
    }

    /// What it printed as JSON.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The words of the list with this name in its JSON.
    #[track_caller]
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let json = self.json();
        let list = json[name].as_array();
        let list = list.unwrap_or_else(|| panic!("no list {name}: {self}"));
        list.iter()
            .map(|entry| entry.as_str().map_or(entry.to_string(), str::to_owned))
            .collect()
    }

    /// An apply that found everything as it should be and sent the kernel no write.
    #[track_caller]
    pub(super) fn did_nothing(self) -> Self {
        let json = self.json();
        assert_eq!(json["kernel_writes"], 0, "{self}");
        assert_eq!(json["changes"], Value::Array(Vec::new()), "{self}");
        self
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            code,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "exit {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}
