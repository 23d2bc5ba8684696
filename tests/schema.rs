//! The schema says what the reader does, and the files made from it are fresh.
//!
//! `FARMCTL_BLESS=1 cargo test --test schema` writes `schemas/farm.schema.json`,
//! `schemas/openapi.json` and `docs/farm-yaml.md` anew.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic; the lint knows only functions that are tests themselves"
)]

use std::fs;
use std::path::{Path, PathBuf};

use farmctl::event;
use farmctl::spec::schema::{farm_schema, reference_markdown};
use farmctl::spec::{DataplaneKind, EVENT_WORDS, Farm, Place, lacking, read, validate};
use serde_json::Value;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The YAML files of a directory, by name; none where there is no such directory yet.
fn files(directory: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(here(directory))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .filter_map(|path| Some((path.display().to_string(), fs::read_to_string(path).ok()?)))
        .collect();
    files.sort();
    files
}

fn good_files() -> Vec<(String, String)> {
    [files("tests/schema/good"), files("examples")].concat()
}

/// Compares a file of the tree with what it is made from; writes it when blessed.
fn is_fresh(path: &str, made: &str) {
    if std::env::var_os("FARMCTL_BLESS").is_some() {
        let written = fs::write(here(path), made);
        assert!(written.is_ok(), "{path} cannot be written: {written:?}");
    }
    let kept = fs::read_to_string(here(path)).unwrap_or_default();
    assert!(
        kept == made,
        "{path} is stale: run FARMCTL_BLESS=1 cargo test --test schema"
    );
}

#[test]
fn the_schema_in_the_tree_is_the_one_of_the_types() {
    is_fresh(
        "schemas/farm.schema.json",
        &format!("{:#}\n", farm_schema()),
    );
}

#[test]
fn the_description_of_the_api_in_the_tree_is_the_one_of_its_types_and_routes() {
    is_fresh(
        "schemas/openapi.json",
        &format!("{:#}\n", farmctl::api::description()),
    );
}

#[test]
fn the_reference_in_the_tree_is_the_one_of_the_types() {
    is_fresh("docs/farm-yaml.md", &reference_markdown());
}

/// The words of an enumeration's schema.
fn words_of<T: schemars::JsonSchema>() -> Vec<String> {
    let schema = schemars::schema_for!(T).to_value();
    let choices = schema["oneOf"].as_array().cloned().unwrap_or_default();
    choices
        .iter()
        .map(|choice| choice["const"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_notification_can_ask_for_every_severity_and_every_kind_of_event() {
    let words = [words_of::<event::Severity>(), words_of::<event::Kind>()].concat();
    assert!(words.len() > 20, "{words:?}");
    assert_eq!(words, EVENT_WORDS, "event.rs (left) and spec (right)");
}

/// The pieces of YAML in a page.
fn yaml_of(page: &str) -> Vec<&str> {
    let pieces = page.split("```yaml\n").skip(1);
    pieces.filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_pieces_of_files_in_the_chapters_are_read_and_taken_by_the_schema() {
    let validator = jsonschema::draft7::new(&farm_schema()).unwrap();
    let page = reference_markdown();
    assert!(yaml_of(&page).len() >= 7);
    for piece in yaml_of(&page) {
        let text = format!("version: 1\n{piece}");
        assert_eq!(read("piece.yaml", text.as_bytes()).problems, [], "{piece}");
        let value: Value = serde_yaml::from_str(&text).unwrap();
        assert!(validator.is_valid(&value), "{piece}");
    }
}

#[test]
fn the_schema_takes_every_good_file() {
    let validator = jsonschema::draft7::new(&farm_schema()).unwrap();
    assert!(good_files().len() >= 3);
    for (name, text) in good_files() {
        let value: Value = serde_yaml::from_str(&text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_schema_refuses_every_bad_file_and_so_does_the_reader() {
    let validator = jsonschema::draft7::new(&farm_schema()).unwrap();
    assert!(files("tests/schema/bad").len() >= 20);
    for (name, text) in files("tests/schema/bad") {
        let options = serde_yaml::options! { strict_booleans: true };
        let value: Value = serde_yaml::from_str_with_options(&text, options).unwrap();
        assert!(!validator.is_valid(&value), "the schema takes {name}");
        assert_ne!(
            read(&name, text.as_bytes()).problems,
            [],
            "the reader takes {name}"
        );
    }
}

#[test]
fn the_reader_and_the_checks_take_every_good_file() {
    for (name, text) in good_files() {
        let reading = read(&name, text.as_bytes());
        assert_eq!(reading.problems, [], "{name}");
        let problems = validate(&reading.value.unwrap(), &[]);
        let errors: Vec<_> = problems
            .iter()
            .filter(|problem| problem.severity == farmctl::spec::Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[test]
fn another_reader_of_yaml_reads_the_same_farm() {
    for (name, text) in good_files() {
        // The other reader knows no keys that are ignored; here they hold anchors only.
        let mut value: Value = serde_yaml::from_str(&text).unwrap();
        value
            .as_object_mut()
            .unwrap()
            .retain(|key, _| !key.starts_with("x-"));
        let other: Farm = serde_json::from_value(value).unwrap();
        assert_eq!(read(&name, text.as_bytes()).value, Some(other), "{name}");
        if !text.contains("x-") {
            let direct: Farm = serde_yaml::from_str(&text).unwrap();
            assert_eq!(read(&name, text.as_bytes()).value, Some(direct), "{name}");
        }
    }
}

#[test]
fn what_is_written_is_read_as_the_same_farm() {
    for (name, text) in good_files() {
        let farm = read(&name, text.as_bytes()).value.unwrap();
        let written = serde_yaml::to_string(&farm).unwrap();
        let again = read("written", written.as_bytes());
        assert_eq!(again.problems, [], "{name}:\n{written}");
        assert_eq!(again.value, Some(farm), "{name}:\n{written}");
    }
}

/// What a data plane lacks for an example: the codes' places.
fn lacking_for(example: &str, dataplane: DataplaneKind) -> Vec<String> {
    let text = fs::read_to_string(here(example)).unwrap();
    let farm = read(example, text.as_bytes()).value.unwrap();
    let problems = lacking(&farm, dataplane);
    problems
        .into_iter()
        .map(|problem| match problem.place {
            Place::Value(path) | Place::Key(path) => path.to_string(),
            Place::Bytes(range) => format!("{range:?}"),
        })
        .collect()
}

#[test]
fn every_example_is_for_both_data_planes_but_those_that_say_otherwise() {
    let mut examples: Vec<String> = files("examples")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    examples.push("farm.yaml".to_owned());
    let only_on_ip_vs = ["tunnel.yaml", "mixed.yaml"];
    assert_eq!(examples.len(), 14);
    for example in &examples {
        let nothing = Vec::<String>::new();
        assert_eq!(
            lacking_for(example, DataplaneKind::Ipvs),
            nothing,
            "{example}"
        );
        let on_nftables = lacking_for(example, DataplaneKind::Nftables);
        let exempt = only_on_ip_vs.iter().any(|name| example.ends_with(name));
        assert_eq!(
            !on_nftables.is_empty(),
            exempt,
            "{example}: {on_nftables:?}"
        );
    }
}

#[test]
fn the_examples_for_ip_vs_are_refused_on_nftables_by_the_parts_that_it_lacks() {
    let mixed = lacking_for("examples/mixed.yaml", DataplaneKind::Nftables);
    let video = "services.video.real_servers[2].forwarding";
    let limit = "pools.web.real_servers[1].upper_threshold";
    assert_eq!(mixed, [video, limit]);
    let tunnel = fs::read_to_string(here("examples/tunnel.yaml")).unwrap();
    let farm = read("tunnel.yaml", tunnel.as_bytes()).value.unwrap();
    let named = farm.directors.unwrap().dataplane.named();
    assert_eq!(named, Some(DataplaneKind::Ipvs));
    let elsewhere = tunnel.replace("dataplane: ipvs", "dataplane: nftables");
    let farm = read("tunnel.yaml", elsewhere.as_bytes()).value.unwrap();
    let codes: Vec<_> = validate(&farm, &[]).iter().map(|it| it.code).collect();
    assert_eq!(codes, ["dataplane-lacks"; 3]);
}
