//! What `systemd-analyze` says of the unit, and what only people can: that each right has a reason.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// systemd-analyze(1) counts from 0 (locked up) to 100 (as root without any limit), and calls up to
/// 29 OK. What is left is what a director is for: the network, its tables, raw packets.
const EXPOSURE: &str = "--threshold=30";

pub(crate) fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/farmctl.service");
    fs::read_to_string(path).expect("dist/farmctl.service")
}

/// The values of a key, one for each time that it is given.
pub(crate) fn values(key: &str) -> Vec<String> {
    let text = text();
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(name, _)| *name == key)
        .map(|(_, value)| value.to_owned())
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "systemd judges its own units")]
fn analyze(arguments: &[&str], unit: &str) -> (tempfile::TempDir, Output) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("farmctl.service");
    fs::write(&path, unit).expect("written");
    let output = Command::new("systemd-analyze")
        .args(arguments)
        .arg(&path)
        .output();
    (
        folder,
        output.expect("systemd-analyze: `make tools` installs it"),
    )
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[test]
fn systemd_understands_every_line() {
    let here = text().replace("/usr/bin/farmctl", env!("CARGO_BIN_EXE_farmctl"));
    let (_folder, output) = analyze(&["verify", "--man=no"], &here);
    let ours: Vec<_> = said(&output)
        .lines()
        .filter(|line| line.contains("farmctl"))
        .map(str::to_owned)
        .collect();
    assert!(
        output.status.success() && ours.is_empty(),
        "{}",
        said(&output)
    );
    let (_folder, output) = analyze(
        &["verify", "--man=no"],
        &here.replace("WatchdogSec", "WatchDog"),
    );
    assert!(
        said(&output).contains("WatchDog"),
        "it would tell a mistake: {}",
        said(&output)
    );
}

#[test]
fn little_is_exposed() {
    let (_folder, output) = analyze(&["security", "--offline=true", EXPOSURE], &text());
    assert!(output.status.success(), "{}", said(&output));
    let naked = text()
        .replace("NoNewPrivileges=yes", "")
        .replace("SystemCallFilter=@system-service", "");
    let (_folder, output) = analyze(&["security", "--offline=true", EXPOSURE], &naked);
    assert!(!output.status.success(), "it would tell: {}", said(&output));
}

#[test]
fn each_capability_has_its_reason() {
    let text = text();
    let kept = values("CapabilityBoundingSet");
    assert_eq!(kept.len(), 1);
    for capability in kept[0].split_whitespace() {
        let reason = text
            .lines()
            .find(|line| line.starts_with(&format!("#   {capability} ")));
        assert!(
            reason.is_some_and(|line| line.len() > 40),
            "{capability} has no reason"
        );
    }
}

#[test]
fn the_daemon_says_when_it_is_ready_and_that_it_lives() {
    assert_eq!(values("Type"), ["notify"]);
    assert_eq!(values("NotifyAccess"), ["main"]);
    assert_eq!(values("Restart"), ["always"]);
    assert_eq!(values("KillMode"), ["mixed"]);
    assert_eq!(values("WatchdogSec").len(), 1);
}
