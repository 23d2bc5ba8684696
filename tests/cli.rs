//! The command line as its user meets it: texts, exit codes, formats. Nothing here needs a kernel
//! with ip_vs or any privilege; what does is in `tests/kernel/`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

const COMMANDS: [&str; 19] = [
    "validate",
    "diff",
    "apply",
    "confirm",
    "status",
    "events",
    "drain",
    "undrain",
    "maintenance",
    "weight",
    "approve",
    "reload",
    "log",
    "daemon",
    "snapshot",
    "schema",
    "explain",
    "completions",
    "man",
];

/// farmctl in an environment without any of its variables, at a fixed width.
fn farmctl() -> Command {
    let mut command = Command::cargo_bin("farmctl").unwrap();
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("COLUMNS", "100");
    command
}

fn output(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn examples() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.push(root().join("farm.yaml"));
    files.sort();
    files
}

/// Whether a value fits a schema of `schemas/`.
fn assert_fits(schema: &str, value: &Value) {
    let path = root().join("schemas").join(format!("{schema}.schema.json"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

/// A git repository with two versions of a file: the first is committed, the second is not.
fn repository(first: &str, second: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let git = |arguments: &[&str]| {
        let name = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
        Command::new("git")
            .current_dir(&folder)
            .args(name)
            .args(arguments)
            .assert()
            .success();
    };
    git(&["init", "-q"]);
    fs::write(folder.path().join("farm.yaml"), first).unwrap();
    git(&["add", "farm.yaml"]);
    git(&["commit", "-qm", "first"]);
    fs::write(folder.path().join("farm.yaml"), second).unwrap();
    folder
}

fn farm(weight: u32) -> String {
    format!(
        "version: 1\nvips:\n  www: {{ addresses: [192.0.2.10/24], interface: eth0 }}\n\
         services:\n  http:\n    vip: www\n    port: 80\n    real_servers:\n\
         \x20     - {{ name: web1, address: 10.0.0.21, port: 8080, weight: {weight} }}\n\
         \x20     - {{ name: web2, address: 10.0.0.22, port: 8080 }}\n"
    )
}

#[test]
fn the_whole_help_reads_well() {
    let mut text = String::new();
    for command in [None].into_iter().chain(COMMANDS.map(Some)) {
        let (code, out, _) = output(farmctl().args(command).arg("--help"));
        assert_eq!(code, 0);
        text += &format!("## farmctl {}\n\n{out}\n", command.unwrap_or_default());
    }
    insta::assert_snapshot!("help", text);
}

#[test]
fn every_example_is_valid_without_a_warning() {
    for file in examples() {
        let (code, out, err) = output(farmctl().arg("validate").arg(&file));
        assert_eq!((code, err.as_str()), (0, ""), "{}", file.display());
        assert!(out.contains("is valid"), "{out}");
    }
}

#[test]
fn a_mistake_is_exit_1_for_validate_and_exit_2_for_diff() {
    let bad = farm(1).replace("port: 80\n", "prot: 80\n");
    let (code, out, err) = output(farmctl().args(["validate", "-"]).write_stdin(bad.clone()));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("prot") && err.contains("standard input:7:"),
        "{err}"
    );
    let (code, ..) = output(farmctl().args(["diff", "-"]).write_stdin(bad));
    assert_eq!(code, 2);
}

#[test]
fn a_file_that_is_not_there_is_exit_2_and_says_which() {
    for command in ["validate", "diff", "apply", "status"] {
        let (code, _, err) = output(farmctl().args([command, "no-such.yaml"]));
        assert_eq!(code, 2, "{command}");
        assert!(err.contains("no-such.yaml can't be read"), "{err}");
    }
}

#[test]
fn an_unknown_option_is_exit_2() {
    assert_eq!(output(farmctl().args(["diff", "--nonsense"])).0, 2);
}

#[test]
fn validate_as_json_fits_its_schema_and_names_the_place() {
    let bad = farm(1).replace("vip: www", "vip: wwww");
    let (code, out, _) = output(
        farmctl()
            .args(["validate", "-", "-o", "json"])
            .write_stdin(bad),
    );
    assert_eq!(code, 1);
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_fits("validate", &value);
    let problems = value["files"][0]["problems"].as_array().unwrap();
    let problem = problems
        .iter()
        .find(|problem| problem["severity"] == "error")
        .unwrap();
    assert_eq!(problem["path"], "services.http.vip");
    assert_eq!(
        (&problem["line"], &problem["column"]),
        (&6.into(), &10.into())
    );
}

#[test]
fn the_difference_between_two_files_needs_no_kernel() {
    let folder = TempDir::new().unwrap();
    let (old, new) = (
        folder.path().join("old.yaml"),
        folder.path().join("new.yaml"),
    );
    fs::write(&old, farm(1)).unwrap();
    fs::write(&new, farm(3)).unwrap();
    let (code, out, err) = output(
        farmctl()
            .current_dir(&folder)
            .args(["diff", "new.yaml"])
            .args(["--base", "old.yaml"]),
    );
    assert_eq!((code, err.as_str()), (1, ""));
    insta::assert_snapshot!("diff_of_two_files", out);
    fs::write(&old, farm(3)).unwrap();
    let (code, out, _) = output(farmctl().arg("diff").arg(&new).arg("--base").arg(&old));
    assert_eq!(code, 0, "{out}");
}

#[test]
fn the_difference_to_a_git_revision_is_that_to_its_file() {
    let folder = repository(&farm(1), &farm(3));
    let (code, out, err) = output(
        farmctl()
            .current_dir(&folder)
            .args(["diff", "--base", "HEAD", "-o", "ops"]),
    );
    assert_eq!((code, err.as_str()), (1, ""));
    assert_eq!(
        out,
        "edit real server 10.0.0.21:8080 of tcp 192.0.2.10:80: weight 1 -> 3\n"
    );
    let (code, _, err) =
        output(
            farmctl()
                .current_dir(&folder)
                .args(["diff", "--base", "no-such-branch"]),
        );
    assert_eq!(code, 2);
    assert!(
        err.contains("no-such-branch is neither a file nor a git revision"),
        "{err}"
    );
}

#[test]
fn a_difference_as_json_and_yaml_fits_its_schema() {
    let folder = repository(&farm(1), &farm(3));
    let run = |format: &str| {
        let arguments = ["diff", "--base", "HEAD", "-o", format];
        output(farmctl().current_dir(&folder).args(arguments)).1
    };
    let json: Value = serde_json::from_str(&run("json")).unwrap();
    assert_fits("diff", &json);
    assert_eq!(json["summary"]["change"], 1);
    let yaml: Value = serde_yaml::from_str(&run("yaml")).unwrap();
    assert_eq!(yaml, json);
}

#[test]
fn colours_come_when_they_are_asked_for() {
    let folder = repository(&farm(1), &farm(3));
    let colored = |command: &mut Command| {
        let (_, out, _) = output(
            command
                .current_dir(&folder)
                .args(["diff", "--base", "HEAD"]),
        );
        out.contains('\u{1b}')
    };
    assert!(!colored(&mut farmctl()), "no terminal, no colour");
    assert!(colored(farmctl().env("CLICOLOR_FORCE", "1")));
    assert!(colored(
        farmctl()
            .env("FARMCTL_COLOR", "always")
            .env("NO_COLOR", "1")
    ));
    assert!(!colored(
        farmctl().env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")
    ));
    assert!(!colored(
        farmctl()
            .args(["--color", "never"])
            .env("CLICOLOR_FORCE", "1")
    ));
}

#[test]
fn the_committed_schemas_are_the_generated_ones() {
    for of in [
        "farm",
        "diff",
        "apply",
        "confirm",
        "validate",
        "status",
        "event",
        "order",
        "snapshot",
        "scenario",
        "rehearsal",
    ] {
        let (code, generated, _) = output(farmctl().args(["schema", of]));
        assert_eq!(code, 0);
        let path = root().join("schemas").join(format!("{of}.schema.json"));
        if std::env::var_os("FARMCTL_BLESS").is_some() {
            fs::write(&path, &generated).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == generated,
            "{of}: FARMCTL_BLESS=1 cargo test --test cli writes it"
        );
    }
}

#[test]
fn explain_describes_a_part_of_the_file() {
    let (code, out, _) = output(farmctl().args(["explain", "services.persistence"]));
    assert_eq!(code, 0);
    insta::assert_snapshot!("explain_persistence", out);
    let (code, _, err) = output(farmctl().args(["explain", "services.persistence.nonsense"]));
    assert_eq!(code, 2);
    assert!(err.contains("nonsense"), "{err}");
}

#[test]
fn completions_and_the_manual_know_every_command() {
    let (_, man, _) = output(farmctl().arg("man"));
    let (_, bash, _) = output(farmctl().args(["completions", "bash"]));
    for command in COMMANDS {
        assert!(bash.contains(command), "completions lack {command}");
        assert!(man.contains(command), "the manual lacks {command}");
    }
    assert!(!man.contains("guard"), "the guard is no command for people");
    let (code, page, _) = output(farmctl().args(["man", "apply"]));
    assert_eq!(code, 0);
    assert!(page.contains("farmctl\\-apply"), "{page}");
    assert!(
        page.contains("drain\\-timeout") && page.contains("state\\-dir"),
        "{page}"
    );
    let (code, _, err) = output(farmctl().args(["man", "guard"]));
    assert_eq!(code, 2);
    assert!(err.contains("no command guard"), "{err}");
}

#[test]
fn a_flag_is_on_by_its_variable_unless_that_says_no() {
    for (value, code) in [("1", 0), ("yes", 0), ("true", 0), ("0", 1), ("", 1)] {
        let mut command = farmctl();
        command.args(["status", "no-such.yaml"]);
        let (end, out, _) = output(command.env("FARMCTL_CHECK", value));
        let checked = out.contains("FARM UNKNOWN");
        assert_eq!(
            (end, checked),
            if code == 0 { (3, true) } else { (2, false) }
        );
    }
}

#[test]
fn a_check_of_a_file_with_mistakes_says_so_in_its_line() {
    let (code, out, _) = output(
        farmctl()
            .args(["status", "--check", "-"])
            .write_stdin("version: 1\nnonsense: 1\n"),
    );
    assert_eq!(code, 3);
    assert!(
        out.starts_with("FARM UNKNOWN: the file has mistakes"),
        "{out}"
    );
}

#[test]
fn one_unreadable_file_does_not_hide_the_problems_of_the_others() {
    let folder = TempDir::new().unwrap();
    let bad = folder.path().join("bad.yaml");
    fs::write(&bad, farm(1).replace("vip: www", "vip: wwww")).unwrap();
    let (code, _, err) = output(farmctl().args(["validate", "no-such.yaml"]).arg(&bad));
    assert_eq!(code, 2);
    assert!(err.contains("no-such.yaml can't be read"), "{err}");
    assert!(err.contains("wwww"), "{err}");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "assert_cmd does not let go of the streams"
)]
fn a_result_that_a_full_disk_swallows_is_an_error_and_a_closed_pipe_is_none() {
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let program = assert_cmd::cargo::cargo_bin("farmctl");
    let mut command = std::process::Command::new(&program);
    let end = command.arg("schema").stdout(full).output().unwrap();
    assert_eq!(end.status.code(), Some(2));
    let said = String::from_utf8(end.stderr).unwrap();
    assert!(
        said.contains("could not be written: No space left"),
        "{said}"
    );
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = std::process::Command::new(&program);
    let end = command.arg("schema").stdout(writer).output().unwrap();
    assert_eq!((end.status.code(), end.stderr.len()), (Some(0), 0));
}

#[test]
fn an_output_that_a_command_does_not_have_is_refused_by_name() {
    for command in ["validate", "status", "confirm"] {
        let (code, _, err) = output(farmctl().args([command, "-o", "ops"]));
        assert_eq!(code, 2, "{command}");
        assert!(err.contains("text, json and yaml"), "{err}");
    }
}

/// A machine that holds nothing yet, as `farmctl snapshot` tells it.
fn empty_machine(dataplane: &str) -> TempDir {
    let snapshot = serde_json::json!({
        "format_version": 1, "farm": null, "kernel": "6.12", "taken": 1_800_000_000,
        "dataplane": dataplane,
        "record": { "boot_id": "b", "namespace": "4:1", "objects": [] },
        "state": {
            "services": [], "addresses": [], "marks": [], "settings": [], "sync_daemons": {},
        },
        "host": { "interfaces": {} }, "services": [], "destinations": [], "blind_spots": [],
    });
    assert_fits("snapshot", &snapshot);
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("machine.json"), snapshot.to_string()).unwrap();
    folder
}

/// `farmctl diff --snapshot` of a file against a machine that holds nothing yet.
fn diff_with(dataplane: &str, file: &str, more: &[&str]) -> (i32, String, String) {
    let folder = empty_machine(dataplane);
    fs::write(folder.path().join("farm.yaml"), file).unwrap();
    let arguments = ["diff", "--snapshot", "machine.json", "--node", "lb1"];
    output(farmctl().current_dir(&folder).args(arguments).args(more))
}

fn example(name: &str) -> String {
    fs::read_to_string(root().join("examples").join(name)).unwrap()
}

#[test]
fn a_file_that_leaves_the_choice_is_judged_by_the_machines_data_plane() {
    let (code, out, err) = diff_with("nftables", &example("mixed.yaml"), &[]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    insta::assert_snapshot!("mixed_on_nftables", err);
    let (code, _, err) = diff_with("ipvs", &example("mixed.yaml"), &[]);
    assert_eq!(code, 1, "{err}");
}

#[test]
fn a_file_for_ip_vs_is_not_compared_with_a_machine_on_nftables() {
    let (code, out, err) = diff_with("nftables", &example("tunnel.yaml"), &[]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("data plane is nftables"), "{err}");
    assert!(err.contains("farm.yaml asks for ipvs"), "{err}");
}

#[test]
fn a_comparison_says_which_data_plane_it_is_of() {
    for dataplane in ["ipvs", "nftables"] {
        let (code, out, err) = diff_with(dataplane, &example("nat.yaml"), &[]);
        assert_eq!(code, 1, "{err}");
        assert!(
            out.contains(&format!("\ndataplane: {dataplane}\n")),
            "{out}"
        );
        let told = out.contains("options under `directors.ipvs`");
        assert_eq!(told, dataplane == "nftables", "{out}");
        let (_, json, _) = diff_with(dataplane, &example("nat.yaml"), &["-o", "json"]);
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_fits("diff", &json);
        assert_eq!(json["dataplane"], dataplane);
    }
}
