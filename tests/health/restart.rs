//! Restarts: also after `kill -9`, when the last thing written down is all there is.

use std::collections::BTreeMap;

use farmctl::event::Kind;
use farmctl::health::{Event, Health, Memory};
use farmctl::state::Share;

use super::files::{member, seconds, server, simple};
use super::world::{Behaviour, WELL, World};

#[test]
fn after_a_restart_the_overlay_is_the_one_from_before() {
    let mut world = World::new(41, &simple(5, 3, "quorum: { minimum: 2 }", "rise: 3"));
    world.run(seconds(2.0));
    world.be(server(2), Behaviour::Refuses);
    world.run(seconds(60.0));
    let before = world.engine.overlay().clone();
    let told = world.told.len();
    world.restart(seconds(3.0));
    assert_eq!(*world.engine.overlay(), before);
    let standing = world.standing("http", server(1));
    assert_eq!(standing.health, Health::Up);
    assert!(standing.lasting > seconds(62.0), "{:?}", standing.lasting);
    let changes = world.changes;
    world.run(seconds(60.0));
    assert_eq!(world.changes, changes, "and nothing comes of it");
    assert_eq!(world.told.len(), told, "nor is anything told");
}

#[test]
fn a_slow_start_goes_on_where_it_was() {
    let mut world = World::new(42, &simple(2, 100, "slow_start: 60s", ""));
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Refuses);
    world.run(seconds(3.0));
    world.be(server(1), WELL);
    world.run_until(seconds(60.0), |w| {
        w.share("http", server(1)) == Share::Weight(50)
    });
    world.restart(seconds(6.0));
    assert_eq!(world.share("http", server(1)), Share::Weight(60));
}

#[test]
fn servers_that_the_kernel_holds_are_up_until_they_are_asked() {
    let mut world = World::empty(43);
    world.configure(&simple(3, 4, "", ""));
    let held = [(1, 4), (2, 0)].map(|(number, weight)| (member("http", server(number)), weight));
    world.event(Event::Adopted(BTreeMap::from(held)));
    assert_eq!(world.overlaid("http", server(1)), None);
    assert_eq!(world.share("http", server(2)), Share::Out);
    assert_eq!(world.share("http", server(3)), Share::Out);
    world.be(server(1), Behaviour::Refuses);
    world.run(seconds(5.0));
    assert_eq!(
        world.share("http", server(1)),
        Share::Out,
        "it was not well"
    );
    assert_eq!(world.share("http", server(3)), Share::Weight(4));
}

#[test]
fn what_is_remembered_beats_what_the_kernel_holds() {
    let mut world = World::new(44, &simple(2, 1, "", ""));
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Refuses);
    world.run(seconds(5.0));
    world.restart(seconds(1.0));
    let held = BTreeMap::from([(member("http", server(1)), 1)]);
    world.event(Event::Adopted(held));
    assert_eq!(world.share("http", server(1)), Share::Out);
}

#[test]
fn a_memory_that_is_too_old_or_of_another_version_counts_as_none() {
    let mut world = World::new(45, &simple(2, 1, "", ""));
    world.run(seconds(5.0));
    let memory = world.engine.memory(world.now);
    let later = Memory {
        format_version: memory.format_version + 1,
        ..memory.clone()
    };
    for (memory, age) in [(memory, 601.0), (later, 1.0)] {
        let mut world = World::empty(46);
        world.engine.restore(world.now, memory, seconds(age));
        world.configure(&simple(2, 1, "", ""));
        assert_eq!(world.engine.overlay().servers.len(), 2, "not asked yet");
    }
}

#[test]
fn the_first_questions_after_a_restart_come_soon_and_are_spread() {
    let mut world = World::new(47, &simple(100, 1, "", "interval: 30s, warm_up: 2s"));
    world.run(seconds(60.0));
    world.forget_notes();
    world.restart(seconds(1.0));
    let begin = world.now;
    world.run(seconds(2.0));
    assert_eq!(world.asked_servers().len(), 100, "all within the warm-up");
    let asked = world.asked.values().flatten();
    let first_half = asked.filter(|at| at.since(begin) < seconds(1.0)).count();
    assert!(
        (25..=75).contains(&first_half),
        "{first_half} in the first half"
    );
}

#[test]
fn a_memory_of_ten_thousand_servers_is_small() {
    let mut world = World::new(48, &simple(200, 1, "", ""));
    world.run(seconds(5.0));
    let memory = world.engine.memory(world.now);
    let text = serde_json::to_string(&memory).expect("JSON");
    assert!(text.len() < 200 * 120, "{} bytes for 200", text.len());
    assert_eq!(world.count_told(Kind::ServerUp), 0);
}
