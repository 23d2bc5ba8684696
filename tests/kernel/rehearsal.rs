//! Rehearsals on real ip_vs: the farm at the top and every example, which all lose nothing there.
//! The same on nftables, and everything else about rehearsals, is in `tests/rehearsal/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

/// Some seconds of everything, which cost no time in a guest's virtual time.
const SCENARIO: &str = "version: 1
duration: 5s
load: { rate: 50/s, keep_alive: 4, downloads: 2, udp: 20/s }
expect: ['lost: 0', 'errors: 0', 'kept: all', 'shares: by weight']
";

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(top().join("examples")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    files.push(top().join("farm.yaml"));
    files.sort();
    files
}

/// Rehearses a file on ip_vs by a scenario of this text.
fn rehearse(file: &Path, scenario: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scenario.yaml");
    fs::write(&path, scenario).unwrap();
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_farmctl"));
    command.args(["rehearse", "--dataplane", "ipvs", "--output", "json"]);
    command.arg(file).arg("--scenario").arg(path);
    command.output().unwrap()
}

/// The report of a rehearsal that held.
fn held(file: &Path, scenario: &str) -> Value {
    let output = rehearse(file, scenario);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}: {out}\n{err}",
        file.display()
    );
    serde_json::from_str(&out).unwrap()
}

/// Where real servers are checked, the daemon bends the weights of the file: slow starts, agents.
fn scenario_for(file: &Path) -> String {
    let checked = fs::read_to_string(file).unwrap().contains("check:");
    if checked {
        SCENARIO.replace(", 'shares: by weight'", "")
    } else {
        SCENARIO.to_owned()
    }
}

#[test]
fn every_example_loses_nothing_on_ip_vs() {
    let files = files();
    assert!(files.len() >= 9, "{files:?}");
    for file in files {
        let report = held(&file, &scenario_for(&file));
        assert_eq!(report["dataplane"], "ipvs");
        let services = report["services"].as_array().unwrap();
        let answered = |one: &Value| one["answered"].as_u64().unwrap();
        assert!(services.iter().all(|one| answered(one) > 50), "{report:#}");
    }
}

#[test]
fn a_real_server_dies_and_is_drained_and_comes_back() {
    let scenario = fs::read_to_string(top().join("examples/scenarios/kill-and-drain.yaml"));
    held(&top().join("farm.yaml"), &scenario.unwrap());
}

#[test]
fn a_network_is_late_where_the_kernel_has_netem() {
    let scenario = "version: 1
duration: 4s
load: { rate: 20/s, keep_alive: 2, downloads: 0 }
steps:
  - { at: 1s, delay: { node: web1, network: main, by: 50ms } }
  - { at: 2s, heal: all }
expect: ['lost: 0', 'p99 < 40ms to 1s', 'p99 > 49ms from 1s to 2s', 'p99 < 40ms from 2500ms']
";
    held(&top().join("farm.yaml"), scenario);
}

#[test]
fn what_ip_vs_cannot_do_fails_the_step() {
    let scenario = "version: 1
duration: 1s
load: { rate: 20/s, keep_alive: 0, downloads: 0 }
steps: [{ at: 0s, flush_connections: lb1 }]
";
    let output = rehearse(&top().join("farm.yaml"), scenario);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let reason = report["steps"][0]["failure"].as_str().unwrap();
    assert!(
        reason.contains("rehearse this step on nftables"),
        "{reason}"
    );
}
