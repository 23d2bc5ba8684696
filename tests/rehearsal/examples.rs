//! The farm at the top and every example, by nftables.

use std::fs;
use std::path::PathBuf;

use super::play::{Play, User, top};

/// Two seconds of everything; nothing may be lost.
const SCENARIO: &str = "version: 1
duration: 2s
load: { rate: 50/s, keep_alive: 4, downloads: 2, udp: 20/s }
expect: ['lost: 0', 'errors: 0', 'kept: all']
";

/// Files that nftables can't do, with what it says of each.
const REFUSED: [(&str, &str); 2] = [
    ("examples/mixed.yaml", "nftables can't do"),
    ("examples/tunnel.yaml", "nftables can't do"),
];

fn files() -> Vec<String> {
    let entries = fs::read_dir(top().join("examples")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<String> = yaml
        .map(|path| format!("examples/{}", name(path)))
        .collect();
    files.push("farm.yaml".to_owned());
    files.sort();
    files
}

fn loses_nothing(file: &str, user: User) {
    let played = Play::of(file).with(SCENARIO).by(user).play();
    let refused = REFUSED.iter().find(|(name, _)| *name == file);
    match refused {
        None => assert_eq!(
            played.code,
            Some(0),
            "{file}: {}\n{}",
            played.out,
            played.err
        ),
        Some((_, words)) => {
            assert_eq!((played.code, played.out.as_str()), (Some(2), ""), "{file}");
            assert!(played.err.contains(words), "{}", played.err);
        }
    }
}

#[test]
fn every_example_is_rehearsed_without_a_loss_or_refused_with_the_reason() {
    let files = files();
    assert!(files.len() > REFUSED.len() + 5, "{files:?}");
    for file in files {
        loses_nothing(&file, User::Own);
    }
}

#[test]
fn an_ordinary_user_can_rehearse() {
    for file in [
        "farm.yaml",
        "examples/direct-routing.yaml",
        "examples/dns.yaml",
    ] {
        loses_nothing(file, User::Ordinary);
    }
}

#[test]
fn the_report_tells_who_answered() {
    let report = Play::of("farm.yaml").with(SCENARIO).report();
    assert_eq!(report["outcome"], "held", "{report}");
    let servers = report["services"][0]["servers"].as_array().unwrap().clone();
    let names: Vec<&str> = servers
        .iter()
        .map(|one| one["server"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["web1", "web2", "web3"]);
}
