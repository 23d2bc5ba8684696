//! The gallery of mistakes: each file of `tests/problems/` has one, and a snapshot of what the
//! user is told. The first line of a file says which problems it has, so that a snapshot can't be
//! accepted into nonsense.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic; the lint knows only functions that are tests themselves"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use farmctl::spec::{Problem, Reading, Severity, read, report, validate};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the gallery, in the order of the names.
fn gallery() -> Vec<PathBuf> {
    let directory = repository().join("tests/problems");
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

/// Reads and judges a file, as `farmctl validate` does.
fn judge(name: &str, bytes: &[u8]) -> Reading {
    let reading = read(name, bytes);
    let found = reading
        .value
        .as_ref()
        .map(|farm| validate(farm, &reading.pruned))
        .unwrap_or_default();
    reading.with(found)
}

fn judge_file(path: &Path) -> Reading {
    judge(&format!("{}.yaml", stem(path)), &fs::read(path).unwrap())
}

/// The codes that the first line of a file announces.
fn expected(path: &Path) -> Vec<String> {
    let bytes: Vec<u8> = fs::read(path)
        .unwrap()
        .into_iter()
        .filter(|byte| *byte != 0)
        .collect();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let line = text.lines().next().unwrap();
    let (_, codes) = line
        .split_once("# expect: ")
        .unwrap_or_else(|| panic!("{}: the first line is not `# expect: CODE`", path.display()));
    sorted(codes.split(',').map(|code| code.trim().to_owned()))
}

fn codes(problems: &[Problem]) -> Vec<String> {
    sorted(problems.iter().map(|problem| problem.code.to_owned()))
}

fn sorted(codes: impl Iterator<Item = String>) -> Vec<String> {
    let mut codes: Vec<String> = codes.collect();
    codes.sort();
    codes
}

#[test]
fn each_file_has_exactly_the_problems_that_its_first_line_names() {
    let wrong: Vec<String> = gallery()
        .iter()
        .filter_map(|path| {
            let (expected, found) = (expected(path), codes(&judge_file(path).problems));
            (expected != found)
                .then(|| format!("{}: expected {expected:?}, found {found:?}", stem(path)))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_mistake_is_told_in_words_that_an_operator_understands() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("problems");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let files = gallery();
    assert!(
        files.len() >= 45,
        "the gallery has only {} files",
        files.len()
    );
    settings.bind(|| {
        for path in &files {
            let reading = judge_file(path);
            let report =
                report::render(&reading.problems, &reading.source, report::Style::default());
            insta::assert_snapshot!(stem(path), report);
        }
    });
}

#[test]
fn every_snapshot_belongs_to_a_file() {
    let directory = repository().join("tests/problems");
    let files: BTreeSet<String> = gallery().iter().map(|path| stem(path).to_owned()).collect();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        assert!(
            files.contains(stem(&path)),
            "{} has no .yaml",
            path.display()
        );
    }
}

#[test]
fn every_problem_says_what_to_do_in_half_sentences() {
    let mut wrong = Vec::new();
    for path in gallery() {
        for problem in judge_file(&path).problems {
            let help = problem.help.unwrap_or_default();
            let untidy = |text: &str| text.ends_with('.') || text.contains("  ");
            if help.len() <= 5
                || [&problem.message, &problem.label, &help]
                    .iter()
                    .any(|text| untidy(text))
            {
                wrong.push(format!("{}: {} ({help})", stem(&path), problem.message));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_a_file_in_the_gallery_and_a_line_in_the_documentation() {
    let shown: BTreeSet<String> = gallery().iter().flat_map(|path| expected(path)).collect();
    let documented = documented_codes();
    let elsewhere = BTreeSet::from(["too-many".to_owned()]);
    let known: BTreeSet<String> = shown.union(&elsewhere).cloned().collect();
    assert_eq!(
        documented, known,
        "docs/problems.md (left) and the gallery (right)"
    );
    let used = codes_in_source();
    assert!(
        used.len() > 60,
        "only {} codes found in the source",
        used.len()
    );
    let missing: Vec<_> = used.difference(&known).collect();
    assert!(
        missing.is_empty(),
        "codes without a file in the gallery: {missing:?}"
    );
}

/// The codes of docs/problems.md: the first word of each line of a table, in back-ticks.
fn documented_codes() -> BTreeSet<String> {
    let text = fs::read_to_string(repository().join("docs/problems.md")).unwrap();
    let codes: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(code, _)| code.to_owned())
        .collect();
    let unique: BTreeSet<String> = codes.iter().cloned().collect();
    assert_eq!(unique.len(), codes.len(), "a code is documented twice");
    unique
}

/// What stands first in calls that make a problem, in the code of `src/spec`.
fn codes_in_source() -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for path in sources(&repository().join("src/spec")) {
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for call in ["Problem::error(", "Problem::warning(", "unused(", "code: "] {
            used.extend(code.split(call).skip(1).filter_map(first_literal));
        }
    }
    used
}

fn first_literal(rest: &str) -> Option<String> {
    let (literal, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
    Some(literal.to_owned())
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && stem(&path) != "tests"
        {
            files.push(path);
        }
    }
    files
}

#[test]
fn a_file_with_hundreds_of_mistakes_is_cut_after_the_first_hundred() {
    let members = ["lb1"; 150].join(", ");
    let text = format!("version: 1\nfarm: shop\ndirectors: {{ members: [{members}] }}\n");
    let reading = judge("many.yaml", text.as_bytes());
    let found = codes(&reading.problems);
    assert_eq!(found.iter().filter(|code| *code == "too-many").count(), 1);
    assert_eq!(found.len(), 101);
}

#[test]
fn a_farm_without_mistakes_has_no_problem() {
    for text in [SMALLEST, WHOLE] {
        let reading = judge("good.yaml", text.as_bytes());
        let report = report::render(&reading.problems, &reading.source, report::Style::default());
        assert_eq!(report, "", "{text}");
        assert!(reading.value.is_some());
    }
}

#[test]
fn a_warning_is_told_apart_from_an_error() {
    let path = repository().join("tests/problems/unused.yaml");
    let reading = judge_file(&path);
    let warnings = reading
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Warning);
    assert_eq!(warnings.count(), 3);
}

const SMALLEST: &str = "
version: 1
vips:
  www: { addresses: [192.0.2.10/24], interface: eth0 }
services:
  http:
    vip: www
    port: 80
    real_servers: [{ address: 10.0.0.21 }, { address: 10.0.0.22 }]
";

const WHOLE: &str = r#"
version: 1
farm: shop
nodes:
  lb1:
    networks:
      front: { interface: bond0.100, addresses: [192.0.2.11/24, "2001:db8::11/64"] }
      back: { interface: eth1, addresses: [10.0.0.11/24] }
  web1: { addresses: [10.0.0.21, "2001:db8::21"], interface: eth0 }
  web2: { addresses: [10.0.0.22, "2001:db8::22"] }
directors:
  members: [lb1]
  ipvs:
    timeouts: { tcp: 15m, tcp_fin: 2m, udp: 5m }
    sysctls: { expire_nodest_conn: true, sync_ports: 4, sync_refresh_period: 0s }
vips:
  www:
    addresses: [192.0.2.10/24, "2001:db8::10/64", { address: 10.0.0.1/24, network: back }]
    network: front
defaults:
  service: { persistence: { timeout: 5m, mask4: 24, mask6: 64 }, sorry_server: { port: 8081 } }
  real_server: { upper_threshold: 1000 }
pools:
  web:
    real_servers:
      - { node: web1, port: 8080, weight: 3, lower_threshold: 900 }
      - { node: web2, port: 8080, weight: 2 }
      - { name: rented, address: 203.0.113.9, port: 8080 }
services:
  http: { vip: www, port: 80, pool: web, sorry_server: { address: 10.0.0.99 } }
  everything:
    vip: www
    port: 0
    protocol: udp
    one_packet: true
    forwarding: tunnel
    sorry_server: none
    real_servers: [{ node: web1 }]
  shop:
    vip: www
    ports: [443, 30000-30100]
    together: true
    scheduler: { mh: { fallback: true } }
    sorry_server: none
    pool: web
  marked:
    vip: www
    firewall_mark: 7
    forwarding: { tunnel: { gue: { port: 6080, checksum: remote } } }
    persistence: none
    sorry_server: none
    real_servers: [{ address: 203.0.113.21 }, { address: "2001:db8:9::22" }]
"#;
