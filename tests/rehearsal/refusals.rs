//! What can't be rehearsed is told, with what to do, and ends with 2.

use super::play::{Play, User};

const PAIR: &str = "version: 1
nodes:
  lb1: { address: 192.0.2.11/24, interface: eth0 }
  lb2: { address: 192.0.2.12/24, interface: eth0 }
  web1: { address: 192.0.2.21/24 }
directors: { members: [lb1, lb2] }
vips: { www: { addresses: [192.0.2.10/24], ownership: none } }
services: { http: { vip: www, port: 80, real_servers: [{ node: web1 }] } }
";

fn refused(play: &Play) -> String {
    let played = play.play();
    assert_eq!(
        (played.code, played.out.as_str()),
        (Some(2), ""),
        "{played:?}"
    );
    played.err
}

#[test]
fn several_directors_need_the_daemon() {
    let said = refused(&Play::of_text(PAIR));
    assert!(
        said.contains("has 2 directors") && said.contains("`directors.members`"),
        "{said}"
    );
}

#[test]
fn ip_vs_needs_root() {
    let play = Play::of("farm.yaml").by(User::Ordinary).argued(&["-v"]);
    let play = play.instead("nftables", "ipvs");
    let said = refused(&play);
    assert!(
        said.contains("as root, or on the other data plane with --dataplane nftables"),
        "{said}"
    );
}

#[test]
fn a_scenario_that_is_wrong_is_told_before_anything_is_built() {
    let said = refused(&Play::of("farm.yaml").with("version: 1\nduration: 1s\nstep: []\n"));
    assert!(said.contains("scenario.yaml:3"), "{said}");
}

#[test]
fn a_file_that_a_step_applies_must_be_there_and_valid() {
    let scenario = "version: 1\nduration: 2s\nsteps: [{ at: 1s, apply: later.yaml }]\n";
    let play = Play::of("farm.yaml").with(scenario);
    assert!(refused(&play).contains("later.yaml can't be read"));
    play.write("later.yaml", "version: 2\n");
    assert!(refused(&play).contains("version"));
}

#[test]
fn a_farm_without_services_has_nothing_to_rehearse() {
    let said = refused(&Play::of_text("version: 1\n"));
    assert!(said.contains("the file has no service"), "{said}");
}
