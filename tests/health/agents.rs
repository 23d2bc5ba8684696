//! Agents on real servers (HAProxy's agent-check), beside a check and alone.

use farmctl::event::Kind;
use farmctl::health::{Advice, Freshness, Health, Welcome};
use farmctl::state::Share;

use super::files::{seconds, server, simple};
use super::world::{Behaviour, WELL, World};

const AGENT: &str = "agent: { interval: 5s, stale_after: 30s }";

fn percent(percent: u16) -> Advice {
    Advice {
        percent: Some(percent),
        ..Advice::default()
    }
}

/// Two servers of weight 100 with agents.
fn world() -> World {
    let mut world = World::new(21, &simple(2, 100, "", AGENT));
    world.run(seconds(6.0));
    world
}

#[test]
fn an_agents_percent_is_part_of_the_files_weight() {
    let mut world = world();
    world.advice.insert(server(1), percent(40));
    world.run(seconds(6.0));
    assert_eq!(world.share("http", server(1)), Share::Weight(40));
    assert_eq!(world.share("http", server(2)), Share::Weight(100));
    assert_eq!(world.count_told(Kind::AgentChanged), 1);
    world.advice.insert(server(1), percent(80));
    world.run(seconds(5.2));
    assert_eq!(
        world.share("http", server(1)),
        Share::Weight(60),
        "half of the way"
    );
    world.run(seconds(60.0));
    assert_eq!(world.share("http", server(1)), Share::Weight(80));
}

// haproxy #1176: an agent that said `up` put a server back whose check failed.
#[test]
fn an_agent_that_says_up_does_not_beat_a_failed_check() {
    let mut world = world();
    let up = Advice {
        up: Some(true),
        welcome: Some(Welcome::Ready),
        percent: Some(100),
    };
    world.advice.insert(server(1), up);
    world.run(seconds(10.0));
    // The check fails; the agent is another port of the same server and goes on saying `up`.
    let mut downs = 0;
    for _ in 0..200 {
        world.be(server(1), Behaviour::Wrong);
        world.run(seconds(0.9));
        downs += usize::from(world.share("http", server(1)) == Share::Out);
    }
    assert!(downs > 190, "{downs}");
    assert_eq!(world.count_told(Kind::ServerUp), 0);
}

#[test]
fn an_agent_that_says_down_counts_at_once_and_until_it_says_up() {
    let mut world = world();
    let down = Advice {
        up: Some(false),
        ..Advice::default()
    };
    world.advice.insert(server(1), down);
    world.run(seconds(5.6));
    assert_eq!(world.share("http", server(1)), Share::Out);
    assert_eq!(world.standing("http", server(1)).health, Health::Down);
    assert_eq!(world.count_told(Kind::ServerDown), 1);
    world.advice.insert(server(1), percent(100));
    world.run(seconds(11.0));
    assert_eq!(
        world.share("http", server(1)),
        Share::Out,
        "it has not said `up`"
    );
    let up = Advice {
        up: Some(true),
        ..Advice::default()
    };
    world.advice.insert(server(1), up);
    world.run(seconds(5.6));
    assert_eq!(world.overlaid("http", server(1)), None);
    assert_eq!(world.count_told(Kind::ServerUp), 1);
}

#[test]
fn drain_and_maintenance_take_no_new_connections_and_ready_takes_them_again() {
    let mut world = world();
    for welcome in [Welcome::Drain, Welcome::Maintenance] {
        let wish = |welcome| Advice {
            welcome: Some(welcome),
            ..Advice::default()
        };
        world.advice.insert(server(1), wish(welcome));
        world.run(seconds(5.6));
        assert_eq!(world.share("http", server(1)), Share::Weight(0));
        world.advice.insert(server(1), wish(Welcome::Ready));
        world.run(seconds(5.6));
        assert_eq!(world.overlaid("http", server(1)), None);
    }
}

// HAProxy's documentation: the last word of an agent that vanished holds for ever.
#[test]
fn a_vanished_agent_gives_the_files_weight_back() {
    let text = simple(2, 100, "", AGENT);
    let mut world = World::new(22, &text);
    world.run(seconds(6.0));
    world.advice.insert(server(1), percent(5));
    world.run(seconds(5.6));
    assert_eq!(world.share("http", server(1)), Share::Weight(5));
    world.advice.remove(&server(1));
    world.run(seconds(24.0));
    assert_eq!(world.share("http", server(1)), Share::Weight(5), "not yet");
    world.run(seconds(6.5));
    assert_eq!(world.overlaid("http", server(1)), None);
    let agent = world.standing("http", server(1)).agent;
    assert_eq!(agent.map(|agent| agent.freshness), Some(Freshness::Stale));
    let told = world.told.last().map(|(_, told)| told.message.clone());
    assert!(told.is_some_and(|told| told.contains("has said nothing for 30s")));
}

#[test]
fn an_agent_that_cannot_be_reached_is_no_failure_of_the_server() {
    let only_agent = simple(2, 100, "", AGENT).replace("tcp: {}, ", "");
    let mut world = World::new(23, &only_agent);
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Refuses);
    world.run(seconds(60.0));
    assert_eq!(world.overlaid("http", server(1)), None);
    assert_eq!(world.told, []);
    world.be(server(1), WELL);
    world.advice.insert(server(1), percent(50));
    world.run(seconds(6.0));
    assert_eq!(world.share("http", server(1)), Share::Weight(50));
}

// keepalived #2720: weights of 667 were seen where 253 was the limit.
#[test]
fn no_agent_makes_a_weight_larger_than_the_files() {
    let mut world = World::new(24, &simple(1, 100, "", "agent: { interval: 1s }"));
    let mut chance = fastrand::Rng::with_seed(24);
    for _ in 0..300 {
        world.advice.insert(server(1), percent(chance.u16(..)));
        world.be(
            server(1),
            if chance.u8(..) < 20 {
                Behaviour::Silent
            } else {
                WELL
            },
        );
        world.run(seconds(1.0));
        let weight = match world.share("http", server(1)) {
            Share::Weight(weight) => weight,
            Share::Out => 0,
        };
        assert!(weight <= 100, "{weight}");
    }
}

#[test]
fn a_nervous_agent_changes_a_weight_at_most_every_two_seconds() {
    let mut world = World::new(25, &simple(2, 1_000, "", "agent: { interval: 100ms }"));
    world.run(seconds(3.0));
    let changes = world.changes;
    for round in 0..600_u16 {
        world
            .advice
            .insert(server(1), percent(20 + round * 37 % 80));
        world.run(seconds(0.1));
    }
    let changes = world.changes - changes;
    assert!(
        (10..=31).contains(&changes),
        "{changes} changes in a minute"
    );
}
