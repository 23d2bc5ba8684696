//! What else an operator does: several at once, snapshots, pruning, another network namespace.

use std::fs;

use super::{Method, Run, Site, Text};
use crate::bed::Family;

#[test]
fn while_one_apply_drains_another_is_refused_and_looking_goes_on() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let farmctl = &site.farmctl;
    let mut kept = site.farm.client.connect(site.service(Family::V4)).unwrap();
    let server = kept.get().unwrap().server;
    let left: Vec<_> = (1..=3)
        .filter(|number| format!("rs{number}") != server)
        .collect();
    let without = text.with_servers(&[(left[0], 3), (left[1], 3)]).to_string();
    farmctl.write(&without);
    let arguments = ["apply", "-o", "json", "--drain-timeout", "1h"];
    let first = farmctl
        .node()
        .run(|| farmctl.command(&arguments).spawn().unwrap());
    site.wait_until(|kernel| {
        let mut servers = kernel
            .services
            .values()
            .flat_map(|(_, servers)| servers.values());
        servers.any(|server| server.weight == 0)
    });
    let draining = farmctl.kernel();
    let second = farmctl.apply(&text.to_string(), &[]).exits(2);
    second.says(&format!("process {}", first.id()));
    assert_eq!(farmctl.kernel(), draining);
    farmctl.diff(&text.to_string(), &[]).exits(1);
    farmctl.run(&["status"]).exits(0);
    kept.reset();
    Run::of(&first.wait_with_output().unwrap()).exits(0);
    farmctl.diff(&without, &[]).exits(0);
}

#[test]
fn a_snapshot_is_compared_in_place_of_the_kernel() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let farmctl = &site.farmctl;
    let snapshot = farmctl.run(&["snapshot"]).exits(0).stdout;
    let path = farmctl
        .write(&text.to_string())
        .with_file_name("before.json");
    fs::write(&path, snapshot).unwrap();
    let against = ["--snapshot", path.to_str().unwrap()];
    farmctl.diff(&text.to_string(), &against).exits(0);
    let edited = text.with_servers(&[(1, 1), (2, 2), (3, 9)]).to_string();
    let announced = farmctl.diff(&edited, &against).exits(1).json();
    let live = farmctl.diff(&edited, &[]).exits(1).json();
    assert_eq!(announced["changes"], live["changes"]);
    farmctl.apply(&edited, &[]).exits(0);
    farmctl.diff(&text.to_string(), &against).exits(0);
}

#[test]
fn without_pruning_what_the_file_no_longer_names_stays_until_it_is_pruned() {
    let (a, b) = (
        "  a: { vip: www, port: 80, real_servers: [{ node: rs1, port: 8080 }] }\n",
        "  b: { vip: www, port: 81, real_servers: [{ node: rs2, port: 8080 }] }\n",
    );
    let both = Text::of_services(Method::Nat, &format!("{b}{a}"));
    let one = Text::of_services(Method::Nat, a);
    let site = Site::new(Method::Nat);
    let farmctl = &site.farmctl;
    farmctl.converge(&both, &[]);
    let made = farmctl.kernel();
    farmctl
        .apply(&one, &["--prune", "none"])
        .exits(0)
        .did_nothing();
    assert_eq!(farmctl.kernel(), made);
    farmctl.diff(&one, &["--prune", "none"]).exits(0);
    farmctl.diff(&one, &[]).exits(1);
    farmctl.converge(&one, &[]);
    assert_eq!(farmctl.kernel().services.len(), 2);
    for family in Family::BOTH {
        site.farm.client.ask(site.service(family)).unwrap();
    }
}

#[test]
fn a_state_directory_that_a_living_namespace_uses_is_refused_in_another() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let made = site.farmctl.kernel();
    // The same machine's other namespace, with services that are called the same.
    let other = Site::serving(&text);
    let state = site.farmctl.state("");
    let file = other.farmctl.write(&text.to_string());
    let command = |name| {
        let mut command = site.farmctl.command(&[name, "-o", "json"]);
        command.arg(&file);
        Run::of(&other.farm.director.run(|| command.output().unwrap()))
    };
    assert!(state.join("record.json").exists());
    for name in ["diff", "apply", "status"] {
        let run = command(name).exits(2);
        run.says("belongs to another network namespace")
            .says("--state-dir");
    }
    assert_eq!(other.farmctl.kernel(), made, "nothing was changed there");
    site.farmctl
        .apply(&text.to_string(), &[])
        .exits(0)
        .did_nothing();
}

#[test]
fn where_the_state_directory_is_damaged_nothing_is_applied() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let made = site.farmctl.kernel();
    fs::write(site.farmctl.state("journal.json"), "{").unwrap();
    let edited = text.with_servers(&[(1, 1), (2, 2), (3, 9)]).to_string();
    let run = site.farmctl.apply(&edited, &[]).exits(2);
    run.says("nothing was applied: ").says("is damaged");
    site.farmctl.run(&["diff"]).exits(1).says("is damaged");
    assert_eq!(site.farmctl.kernel(), made);
}
