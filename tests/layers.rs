//! The direction of dependencies, read from the `use` lines and paths of the source.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom to the top: each may use only what stands before it.
const ORDER: [&str; 15] = [
    "clock",
    "spec",
    "state",
    "event",
    "log",
    "systemd",
    "health",
    "dataplane",
    "reconcile",
    "probe",
    "notification",
    "api",
    "daemon",
    "rehearsal",
    "cli",
];

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Every `crate::MODULE` of a file's code; comments and documentation do not count.
fn used_modules(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|code| code.split("crate::").skip(1))
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        })
        .collect()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every use of one top-level module by another: (user, used, file).
fn uses() -> Vec<(String, String, PathBuf)> {
    let mut files = Vec::new();
    rust_files(&source(), &mut files);
    let mut uses = Vec::new();
    for file in files {
        let inside = file.strip_prefix(source()).expect("a file of src");
        let first = inside
            .iter()
            .next()
            .expect("a component")
            .to_string_lossy()
            .into_owned();
        let module = first.trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&file).expect("a readable file");
        uses.extend(
            used_modules(&text)
                .into_iter()
                .map(|used| (module.clone(), used, file.clone())),
        );
    }
    uses
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|known| *known == module)
}

#[test]
fn each_module_uses_only_what_stands_before_it() {
    let uses = uses();
    assert!(
        uses.len() > 20,
        "the test reads the source: {} uses found",
        uses.len()
    );
    for (user, used, file) in &uses {
        if let (Some(user_rank), Some(used_rank)) = (rank(user), rank(used)) {
            assert!(
                used_rank <= user_rank,
                "{user} uses {used} in {}",
                file.display()
            );
        }
    }
}

#[test]
fn only_drivers_use_netlink_and_netlink_uses_nobody() {
    for (user, used, file) in uses() {
        if used == "netlink" {
            assert!(
                ["netlink", "dataplane", "probe", "rehearsal"].contains(&user.as_str()),
                "{}",
                file.display()
            );
        }
        if user == "netlink" {
            assert_eq!(used, "netlink", "{}", file.display());
        }
    }
}

#[test]
fn what_decides_has_no_socket_no_clock_and_no_file() {
    const FORBIDDEN: [&str; 7] = [
        "tokio",
        "std::fs",
        "std::process",
        "std::thread",
        "UdpSocket",
        "TcpStream",
        "Instant::now",
    ];
    let mut files = Vec::new();
    rust_files(&source().join("spec"), &mut files);
    rust_files(&source().join("state"), &mut files);
    rust_files(&source().join("health"), &mut files);
    assert!(files.len() > 10, "the test reads the source");
    for file in files {
        let text = fs::read_to_string(&file).expect("a readable file");
        for word in FORBIDDEN {
            assert!(!text.contains(word), "{word} in {}", file.display());
        }
    }
}

#[test]
fn no_source_file_is_longer_than_500_lines() {
    let mut files = Vec::new();
    rust_files(&source(), &mut files);
    for file in files {
        let lines = fs::read_to_string(&file)
            .expect("a readable file")
            .lines()
            .count();
        assert!(lines <= 500, "{} has {lines} lines", file.display());
    }
}
