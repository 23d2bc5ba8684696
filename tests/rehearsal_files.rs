//! What a rehearsal reads and writes: schemas that are fresh, examples that are valid.
//!
//! `FARMCTL_BLESS=1 cargo test --test rehearsal_files` writes the schemas anew.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic; the lint knows only functions that are tests themselves"
)]

use std::fs;
use std::path::{Path, PathBuf};

use farmctl::rehearsal::report::report_schema;
use farmctl::rehearsal::scenario::{self, scenario_schema};
use farmctl::spec::read;
use serde_json::Value;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a file of the tree with what it is made from; writes it when blessed.
fn is_fresh(path: &str, made: &str) {
    if std::env::var_os("FARMCTL_BLESS").is_some() {
        fs::write(here(path), made).unwrap();
    }
    let kept = fs::read_to_string(here(path)).unwrap_or_default();
    assert!(
        kept == made,
        "{path} is stale: run FARMCTL_BLESS=1 cargo test --test rehearsal_files"
    );
}

/// The scenarios of the examples, by name.
fn scenarios() -> Vec<(String, String)> {
    let entries = fs::read_dir(here("examples/scenarios")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    // In folders there are the files that scenarios write.
    files.retain(|path| path.is_file());
    files.sort();
    files
        .into_iter()
        .map(|path| {
            (
                path.display().to_string(),
                fs::read_to_string(path).unwrap(),
            )
        })
        .collect()
}

#[test]
fn the_schema_of_scenarios_in_the_tree_is_the_one_of_the_types() {
    let made = format!("{:#}\n", scenario_schema());
    is_fresh("schemas/scenario.schema.json", &made);
}

#[test]
fn the_schema_of_reports_in_the_tree_is_the_one_of_the_types() {
    let made = format!("{:#}\n", report_schema());
    is_fresh("schemas/rehearsal.schema.json", &made);
}

#[test]
fn the_schema_and_the_reader_take_every_scenario_of_the_examples() {
    let farm = fs::read(here("farm.yaml")).unwrap();
    let farm = read("farm.yaml", &farm).value.unwrap();
    let validator = jsonschema::draft7::new(&scenario_schema()).unwrap();
    assert!(scenarios().len() >= 3);
    for (name, text) in scenarios() {
        let value: Value = serde_yaml::from_str(&text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
        let reading = scenario::read(&name, text.as_bytes(), &farm);
        assert_eq!(reading.problems, [], "{name}");
        assert!(reading.scenario.is_some(), "{name}");
    }
}

#[test]
fn the_schema_of_scenarios_refuses_a_step_with_two_actions_and_one_with_none() {
    let validator = jsonschema::draft7::new(&scenario_schema()).unwrap();
    for (step, good) in [
        ("{ at: 1s, stop: web1 }", true),
        ("{ at: 1s, stop: web1, start: web2 }", false),
        ("{ at: 1s }", false),
        ("{ stop: web1 }", false),
        ("{ at: 1s, stopp: web1 }", false),
    ] {
        let text = format!("{{ version: 1, steps: [{step}] }}");
        let value: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(validator.is_valid(&value), good, "{step}");
    }
}
