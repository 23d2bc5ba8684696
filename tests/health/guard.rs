//! The guard against mass failure.

use farmctl::event::Kind;
use farmctl::health::Health;
use farmctl::state::Share;

use super::files::{seconds, server, simple};
use super::world::{Behaviour, WELL, World};

const HOLD: &str = "mass_failure: { share: 60%, within: 3s, then: hold }";

fn world(servers: u32, guard: &str) -> World {
    let mut world = World::new(31, &simple(servers, 1, guard, "interval: 1s"));
    world.run(seconds(2.0));
    world
}

fn be(world: &mut World, servers: impl IntoIterator<Item = u8>, behaviour: Behaviour) {
    for number in servers {
        world.be(server(number), behaviour);
    }
}

#[test]
fn many_silent_servers_are_kept_and_an_alarm_is_given_once() {
    let mut world = world(10, HOLD);
    be(&mut world, 1..=7, Behaviour::Silent);
    world.run(seconds(30.0));
    for number in 1..=7 {
        assert_eq!(world.overlaid("http", server(number)), None, "{number}");
        assert_eq!(world.standing("http", server(number)).health, Health::Down);
    }
    assert_eq!(world.count_told(Kind::MassFailure), 1);
    assert_eq!(world.engine.view(world.now)[0].held, 7);
}

#[test]
fn a_server_that_refuses_is_never_kept() {
    let mut world = world(10, HOLD);
    be(&mut world, 1..=6, Behaviour::Silent);
    be(&mut world, 7..=8, Behaviour::Refuses);
    world.run(seconds(10.0));
    assert_eq!(world.overlaid("http", server(1)), None);
    assert_eq!(world.share("http", server(7)), Share::Out);
    world.be(server(2), Behaviour::Refuses);
    world.run(seconds(2.0));
    assert_eq!(world.share("http", server(2)), Share::Out, "it refuses now");
}

#[test]
fn once_most_are_back_the_rest_goes() {
    let mut world = world(10, HOLD);
    be(&mut world, 1..=6, Behaviour::Silent);
    world.run(seconds(10.0));
    be(&mut world, 1..=4, WELL);
    world.run(seconds(5.0));
    assert_eq!(world.count_told(Kind::MassFailureOver), 1);
    assert_eq!(world.share("http", server(1)), Share::Weight(1));
    assert_eq!(world.share("http", server(5)), Share::Out);
    assert_eq!(world.share("http", server(6)), Share::Out);
}

#[test]
fn a_server_that_dies_later_goes_out_while_others_are_kept() {
    let mut world = world(10, HOLD);
    be(&mut world, 1..=6, Behaviour::Silent);
    world.run(seconds(60.0));
    world.be(server(9), Behaviour::Silent);
    world.run(seconds(10.0));
    assert_eq!(world.share("http", server(9)), Share::Out);
    assert_eq!(world.overlaid("http", server(1)), None);
}

#[test]
fn three_servers_are_not_held() {
    let mut world = world(3, HOLD);
    be(&mut world, 1..=3, Behaviour::Silent);
    world.run(seconds(10.0));
    assert_eq!(world.engine.overlay().servers.len(), 3);
    assert_eq!(world.count_told(Kind::MassFailure), 0);
}

#[test]
fn an_alarm_only_tells() {
    let mut world = world(10, "mass_failure: { share: 60%, within: 3s, then: alarm }");
    be(&mut world, 1..=8, Behaviour::Silent);
    world.run(seconds(10.0));
    assert_eq!(world.engine.overlay().servers.len(), 8);
    assert_eq!(world.count_told(Kind::MassFailure), 1);
}

#[test]
fn servers_that_fail_one_after_the_other_are_no_mass_failure() {
    let mut world = world(10, HOLD);
    for number in 1..=8 {
        world.be(server(number), Behaviour::Silent);
        world.run(seconds(5.0));
    }
    assert_eq!(world.count_told(Kind::MassFailure), 0);
    assert_eq!(world.engine.overlay().servers.len(), 8);
}

#[test]
fn a_file_without_the_guard_ends_it() {
    let mut world = world(10, HOLD);
    be(&mut world, 1..=7, Behaviour::Silent);
    world.run(seconds(10.0));
    world.configure(&simple(10, 1, "", "interval: 1s"));
    assert_eq!(world.engine.overlay().servers.len(), 7);
}

#[test]
fn a_restart_keeps_holding() {
    let mut world = world(10, HOLD);
    be(&mut world, 1..=7, Behaviour::Silent);
    world.run(seconds(10.0));
    world.restart(seconds(2.0));
    assert_eq!(world.engine.overlay().servers.len(), 0);
    world.run(seconds(10.0));
    assert_eq!(world.engine.overlay().servers.len(), 0);
    be(&mut world, 1..=7, WELL);
    world.run(seconds(10.0));
    assert_eq!(world.count_told(Kind::MassFailureOver), 1);
}
