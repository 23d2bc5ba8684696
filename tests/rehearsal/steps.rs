//! Each kind of step does what it says, as clients see it.

use serde_json::Value;

use super::play::{Play, User};

/// The farm at the top, where nobody takes a server out that fails.
fn unchecked() -> String {
    let farm = include_str!("../../farm.yaml");
    let lines = farm.lines().filter(|line| !line.contains("check:"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Plays steps on that farm for some seconds and gives the report.
fn played(seconds: u32, steps: &str, expect: &str) -> Value {
    let scenario = format!(
        "version: 1\nduration: {seconds}s\n\
         load: {{ rate: 50/s, keep_alive: 4, downloads: 1 }}\n\
         steps:\n{steps}expect: [{expect}]\n"
    );
    let play = Play::of_text(&unchecked());
    play.with(&scenario).by(User::Own).report()
}

fn held(report: &Value) {
    assert_eq!(report["outcome"], "held", "{report:#}");
}

/// Why a step failed.
fn failure(report: &Value, step: usize) -> &str {
    report["steps"][step]["failure"]
        .as_str()
        .unwrap_or_default()
}

#[test]
fn a_weight_is_edited_in_the_file_and_applied() {
    let step = "  - { at: 1s, weight: { service: http, server: web3, weight: 0 } }\n";
    held(&played(
        3,
        step,
        "'lost: 0', 'kept: all', 'share web3: 0% ± 0% from 1500ms to 3s'",
    ));
}

#[test]
fn another_file_is_applied() {
    let scenario = "version: 1\nduration: 3s\nload: { rate: 100/s }\n\
        steps: [{ at: 1s, apply: later.yaml }]\n\
        expect: ['lost: 0', 'share web3: 0% ± 0% from 2s']\n";
    let play = Play::of("farm.yaml").with(scenario);
    let farm = include_str!("../../farm.yaml");
    let later = farm
        .replace("web3: {", "web4: {")
        .replace("node: web3", "node: web4");
    play.write(
        "later.yaml",
        &later.replace(".23", ".24").replace("::23", "::24"),
    );
    held(&play.report());
}

#[test]
fn a_server_that_is_stopped_refuses_until_it_is_started() {
    let steps = "  - { at: 1s, stop: web3 }\n  - { at: 2s, start: web3 }\n";
    let expect = "'lost > 20% from 1200ms to 2s', 'lost: 0 from 3s'";
    held(&played(4, steps, expect));
}

#[test]
fn a_slow_server_is_slow() {
    let steps = "  - { at: 0s, slow: { server: web3, by: 60ms } }\n";
    held(&played(2, steps, "'lost: 0', 'p99 > 55ms from 500ms'"));
}

#[test]
fn a_cut_cable_cuts_a_server_off_until_it_is_healed() {
    let steps = "  - { at: 1s, cut: { node: web3, network: main } }\n  - { at: 5s, heal: all }\n";
    let expect = "'lost > 10% from 1500ms to 2500ms', 'lost: 0 from 7s'";
    held(&played(9, steps, expect));
}

#[test]
fn a_split_network_parts_servers_from_their_director() {
    let groups = "[[lb1, web1], [web2, web3]]";
    let split = format!("  - {{ at: 1s, split: {{ network: back, groups: {groups} }} }}\n");
    let steps = split + "  - { at: 5s, heal: all }\n";
    let expect = "'lost > 30% from 1500ms to 2500ms', 'lost: 0 from 7s'";
    held(&played(9, &steps, expect));
}

#[test]
fn connections_go_on_after_the_director_forgot_them() {
    let step = "  - { at: 1s, flush_connections: lb1 }\n";
    held(&played(3, step, "'lost: 0', 'errors: 0', 'kept: all'"));
}

#[test]
fn flows_of_direct_routing_go_on_after_the_director_forgot_them() {
    let scenario = "version: 1\nduration: 3s\n\
        load: { rate: 50/s, keep_alive: 6, downloads: 4, udp: 0/s }\n\
        steps: [{ at: 1s, flush_connections: lb1 }, { at: 2s, flush_connections: lb1 }]\n\
        expect: ['lost: 0', 'errors: 0', 'kept: all']\n";
    held(
        &Play::of("examples/direct-routing.yaml")
            .with(scenario)
            .report(),
    );
}

#[test]
fn a_step_that_cannot_be_done_is_told_and_fails_the_rehearsal() {
    let step =
        "  - { at: 100ms, run: { node: web1, command: [sh, -c, 'echo oh dear >&2; exit 3'] } }\n";
    let report = played(1, step, "'lost: 0'");
    assert_eq!(report["outcome"], "failed");
    assert!(failure(&report, 0).contains("oh dear"), "{report:#}");
}
