//! Which data plane farmctl works with, and what becomes of a file that asks for more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::{Farmctl, Run};
use crate::bed::Node;

/// A machine with the interfaces and addresses that the examples give to `lb1`.
fn lb1() -> Farmctl {
    let director = Node::new("lb1");
    for (interface, addresses) in [
        ("eth0", ["192.0.2.11/24", "2001:db8::11/64"]),
        ("eth1", ["10.0.0.11/24", "fd00::11/64"]),
    ] {
        director.cable(interface, &director, &format!("{interface}-far"));
        for address in addresses {
            director.add_address(interface, address);
        }
    }
    Farmctl::on(&director)
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn example(name: &str) -> String {
    fs::read_to_string(top().join("examples").join(name)).unwrap()
}

/// Every file that is for both data planes.
fn portable() -> Vec<PathBuf> {
    let entries = fs::read_dir(top().join("examples")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let only_on_ip_vs = ["tunnel.yaml", "mixed.yaml"];
    paths.retain(|path| path.is_file() && !only_on_ip_vs.iter().any(|name| path.ends_with(name)));
    paths.push(top().join("farm.yaml"));
    paths.sort();
    paths
}

/// A file that names this data plane.
fn naming(dataplane: &str, text: &str) -> String {
    let named = format!("members: [lb1], dataplane: {dataplane}");
    if text.contains("\ndirectors:\n  members: [lb1]\n") {
        return text.replace(
            "members: [lb1]\n",
            &format!("members: [lb1]\n  dataplane: {dataplane}\n"),
        );
    }
    let here = "nodes: { lb1: { address: 192.0.2.11/24, interface: eth0 } }\n";
    let more = format!("version: 1\n{here}directors: {{ {named} }}\n");
    text.replacen("version: 1\n", &more, 1)
}

/// A machine on which nftables forwards for the smallest example.
fn on_nftables() -> Farmctl {
    let farmctl = lb1();
    let text = naming("nftables", &example("smallest.yaml"));
    farmctl.apply(&text, &[]).exits(0);
    farmctl
}

#[test]
fn every_example_for_both_data_planes_applies_as_it_stands() {
    let all = portable();
    assert_eq!(all.len(), 12);
    for path in &all {
        println!("{}", path.display());
        let farmctl = lb1();
        let before = farmctl.kernel();
        let text = naming("nftables", &fs::read_to_string(path).unwrap());
        farmctl.diff(&text, &[]).exits(1);
        assert_eq!(farmctl.kernel(), before, "looking changes nothing");
        farmctl.converge(&text, &[]);
        let services = farmctl.kernel().services;
        assert!(!services.is_empty());
        assert!(services.values().all(|(_, servers)| !servers.is_empty()));
        let nothing = naming("nftables", "version: 1\n");
        farmctl.apply(&nothing, &["--allow-shrink"]).exits(0);
        assert_eq!(farmctl.kernel(), before, "nothing is left behind");
    }
}

#[test]
fn services_stay_on_nftables_where_the_file_leaves_the_choice() {
    let farmctl = on_nftables();
    let run = farmctl.diff(&example("smallest.yaml"), &[]).exits(0);
    assert_eq!(run.json()["dataplane"], "nftables");
    let run = farmctl.run(&["status", "-o", "json"]).exits(0);
    assert_eq!(run.json()["dataplane"], "nftables");
    farmctl
        .run(&["status"])
        .exits(0)
        .says("\ndataplane: nftables\n");
    let run = farmctl.run(&["snapshot"]).exits(0);
    assert_eq!(run.json()["dataplane"], "nftables");
    farmctl
        .apply(&example("smallest.yaml"), &[])
        .exits(0)
        .did_nothing();
}

#[test]
fn a_file_that_names_another_data_plane_is_refused_while_there_are_services() {
    let farmctl = on_nftables();
    let before = farmctl.kernel();
    let text = naming("ipvs", &example("smallest.yaml"));
    for run in [farmctl.diff(&text, &[]), farmctl.apply(&text, &[])] {
        run.exits(2)
            .says("services here are on the data plane nftables")
            .says("--allow-shrink");
    }
    assert_eq!(farmctl.kernel(), before);
}

#[test]
fn a_file_that_leaves_the_choice_and_asks_for_more_is_refused_with_the_places() {
    let farmctl = on_nftables();
    let before = farmctl.kernel();
    let text = example("mixed.yaml");
    for run in [farmctl.diff(&text, &[]), farmctl.apply(&text, &[])] {
        run.exits(2)
            .says("farmctl's services are on it, and stay there")
            .says("farm.yaml:62:47")
            .says("not on nftables")
            .says("`directors: { dataplane: ipvs }`")
            .says("asks for 2 things that nftables can't do");
    }
    let status = farmctl.run(&["status", "--check"]).exits(3);
    status.says("FARM UNKNOWN: ").says("asks for 2 things");
    assert_eq!(farmctl.kernel(), before);
}

#[test]
fn a_change_that_nobody_confirms_is_undone_on_nftables_whatever_the_file_says_then() {
    let farmctl = on_nftables();
    let before = farmctl.kernel();
    let more = naming("nftables", &example("nat.yaml"));
    let flags = ["--confirm-timeout", "1s", "--allow-shrink"];
    farmctl.apply(&more, &flags).exits(0);
    assert_ne!(farmctl.kernel(), before);
    farmctl.write(&naming("ipvs", &example("smallest.yaml")));
    while farmctl.state("pending.json").exists() {
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(farmctl.kernel(), before);
}

/// farmctl as root without the right to look at nftables.
fn without_the_right(farmctl: &Farmctl, arguments: &[&str]) -> Run {
    let program = farmctl.command(arguments);
    #[expect(
        clippy::disallowed_methods,
        reason = "the test is of the program itself"
    )]
    let mut command = Command::new("setpriv");
    command
        .args(["--bounding-set", "-net_admin", "--inh-caps", "-net_admin"])
        .arg(program.get_program())
        .args(program.get_args())
        .stdin(Stdio::null());
    if let Some(place) = program.get_current_dir() {
        command.current_dir(place);
    }
    Run::of(&farmctl.node().run(|| command.output().unwrap()))
}

#[test]
fn without_the_right_it_is_said_that_nftables_shows_nothing() {
    let farmctl = on_nftables();
    for arguments in [["diff"].as_slice(), &["status"], &["snapshot"]] {
        without_the_right(&farmctl, arguments)
            .exits(2)
            .says("nftables shows its tables only to who may change them")
            .says("CAP_NET_ADMIN");
    }
}
