//! What a real server's answers do to its share, one behaviour at a time.

use std::collections::BTreeMap;

use farmctl::event::{Kind, Severity};
use farmctl::health::{Bend, Cause, Event, Expiry, Health, Serving, Stance};
use farmctl::state::Share;

use super::files::{member, seconds, server, simple};
use super::world::{Behaviour, WELL, World};

/// Every moment of the next seconds, by the engine's own wakings: whether something always holds.
fn always(world: &mut World, length: f64, holds: impl Fn(&World) -> bool) -> bool {
    let broken = world.run_until(seconds(length), |world| !holds(world));
    broken.is_none()
}

#[test]
fn a_server_that_is_well_comes_in_with_its_first_pass_and_stays() {
    let mut world = World::new(1, &simple(3, 10, "", ""));
    assert_eq!(world.overlaid("http", server(1)), Some(Share::Out));
    world.run(seconds(1.1));
    assert!(world.engine.overlay().servers.is_empty());
    let changes = world.changes;
    world.run(seconds(60.0));
    assert_eq!(world.changes, changes, "nothing changes while all is well");
    assert_eq!(world.told, [], "and nothing is told");
}

#[test]
fn a_closed_listener_is_out_in_less_than_a_second_at_default_settings() {
    for seed in 0..50_u32 {
        let mut world = World::new(u64::from(seed), &simple(3, 1, "", ""));
        world.run(seconds(3.0 + f64::from(seed) / 37.0));
        world.be(server(2), Behaviour::Refuses);
        let out = |world: &World| world.overlaid("http", server(2)) == Some(Share::Out);
        // The next question comes within an interval and its jitter; from there two quick ones.
        let took = world.run_until(seconds(5.0), out).expect("it goes out");
        assert!(took < seconds(1.1 + 0.501), "seed {seed}: {took:?}");
        let asked = &world.asked[&(server(2), 80)];
        let first = asked[asked.len() - 3];
        assert!(world.now.since(first) < seconds(0.51), "seed {seed}");
    }
}

#[test]
fn two_failures_of_three_take_nobody_out() {
    let mut world = World::new(7, &simple(2, 1, "", ""));
    world.run(seconds(2.0));
    for _ in 0..40 {
        let before = world.asked[&(server(1), 80)].len();
        world.be(server(1), Behaviour::Wrong);
        let asked = |number| move |w: &World| w.asked[&(server(1), 80)].len() >= number;
        world.run_until(seconds(3.0), asked(before + 2));
        world.run(seconds(0.001));
        world.be(server(1), WELL);
        world.run(seconds(1.7));
        assert_eq!(world.share("http", server(1)), Share::Weight(1));
    }
    assert_eq!(world.count_told(Kind::ServerDown), 0);
}

#[test]
fn a_server_comes_back_after_rise_passes() {
    let mut world = World::new(3, &simple(2, 1, "", "rise: 3"));
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Refuses);
    world.run(seconds(3.0));
    world.be(server(1), WELL);
    let asked = world.asked[&(server(1), 80)].len();
    world.run_until(seconds(9.0), |world| {
        world.share("http", server(1)) == Share::Weight(1)
    });
    assert_eq!(world.asked[&(server(1), 80)].len() - asked, 3);
    let kinds = world.kinds_since(0);
    let server_kinds = [Kind::ServerDown, Kind::ServerUp];
    let told: Vec<Kind> = kinds
        .into_iter()
        .filter(|k| server_kinds.contains(k))
        .collect();
    assert_eq!(told, server_kinds);
}

#[test]
fn a_late_answer_is_silence() {
    let mut world = World::new(4, &simple(2, 1, "", "timeout: 200ms"));
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Well(seconds(0.199)));
    world.run(seconds(10.0));
    assert_eq!(world.share("http", server(1)), Share::Weight(1));
    world.be(server(1), Behaviour::Well(seconds(0.201)));
    world.run(seconds(4.0));
    assert_eq!(world.share("http", server(1)), Share::Out);
}

#[test]
fn inhibit_keeps_a_server_with_weight_nothing() {
    let mut world = World::new(5, &simple(2, 9, "on_failure: inhibit", ""));
    assert_eq!(world.share("http", server(1)), Share::Weight(0));
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Silent);
    world.run(seconds(5.0));
    assert_eq!(world.share("http", server(1)), Share::Weight(0));
    assert_eq!(world.standing("http", server(1)).health, Health::Down);
}

#[test]
fn a_server_that_comes_back_grows_to_its_weight() {
    let mut world = World::new(6, &simple(2, 100, "slow_start: 60s", ""));
    world.run(seconds(2.0));
    assert_eq!(
        world.share("http", server(1)),
        Share::Weight(100),
        "not at the first start"
    );
    world.be(server(1), Behaviour::Refuses);
    world.run(seconds(3.0));
    world.be(server(1), WELL);
    world.run_until(seconds(5.0), |w| {
        w.standing("http", server(1)).health == Health::Up
    });
    let changes = world.changes;
    assert_eq!(world.share("http", server(1)), Share::Weight(1));
    world.run(seconds(30.0));
    assert_eq!(world.share("http", server(1)), Share::Weight(50));
    let standing = world.standing("http", server(1));
    assert_eq!(standing.reasons[0].cause, Cause::SlowStart(50));
    assert_eq!(standing.ramp.map(|ramp| ramp.percent), Some(50));
    world.run(seconds(30.0));
    assert_eq!(world.overlaid("http", server(1)), None);
    assert!(
        world.changes - changes <= 20,
        "{} changes",
        world.changes - changes
    );
    assert_eq!(world.standing("http", server(1)).ramp, None);
}

#[test]
fn the_only_server_that_comes_back_takes_all_at_once() {
    let mut world = World::new(6, &simple(1, 100, "slow_start: 60s", ""));
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Refuses);
    world.run(seconds(3.0));
    world.be(server(1), WELL);
    world.run(seconds(3.0));
    assert_eq!(world.share("http", server(1)), Share::Weight(100));
}

const SORRY: &str = "sorry_server: { address: 192.168.0.99, port: 80 }";

#[test]
fn the_sorry_server_serves_below_the_quorum_and_until_the_hysteresis_is_reached() {
    let text = simple(
        5,
        1,
        &format!("{SORRY}\n    quorum: {{ minimum: 2, hysteresis: 2 }}"),
        "",
    );
    let mut world = World::new(8, &text);
    world.run(seconds(2.0));
    let before = world.told.len();
    for (down, is_sorry) in [(1, false), (2, false), (3, false), (4, true), (5, true)] {
        world.be(server(down), Behaviour::Refuses);
        world.run(seconds(4.0));
        assert_eq!(world.is_sorry("http"), is_sorry, "{down} are down");
    }
    for (up, is_sorry) in [(1, true), (2, true), (3, true), (4, false)] {
        world.be(server(up), WELL);
        world.run(seconds(4.0));
        assert_eq!(world.is_sorry("http"), is_sorry, "{up} are up again");
    }
    let group = [
        Kind::RedundancyLost,
        Kind::QuorumLost,
        Kind::SorryServerOn,
        Kind::SorryServerOff,
        Kind::QuorumReached,
        Kind::RedundancyRestored,
    ];
    let kinds = world.kinds_since(before).into_iter();
    let kinds: Vec<Kind> = kinds.filter(|kind| group.contains(kind)).collect();
    assert_eq!(kinds, group, "each told once, in this order");
}

#[test]
fn a_quorum_by_weight_counts_weights() {
    let servers = "    real_servers:\n      - { address: 192.168.0.1, port: 80, weight: 70 }\n      \
                   - { address: 192.168.0.2, port: 80, weight: 30 }\n";
    let text = simple(
        0,
        0,
        &format!("{SORRY}\n    quorum: {{ minimum: 50, count: weight }}"),
        "",
    );
    let text = text.replace("    real_servers:\n", servers);
    let mut world = World::new(9, &text);
    world.run(seconds(2.0));
    world.be(server(2), Behaviour::Refuses);
    world.run(seconds(4.0));
    assert!(!world.is_sorry("http"));
    world.be(server(2), WELL);
    world.be(server(1), Behaviour::Refuses);
    world.run(seconds(6.0));
    assert!(world.is_sorry("http"), "30 of 100 are too few");
    let view = world.engine.view(world.now);
    assert_eq!(view[0].serving, Serving::SorryServer);
    assert_eq!(world.share("http", server(2)), Share::Weight(0));
}

#[test]
fn without_a_sorry_server_what_is_left_goes_on_below_the_quorum() {
    let mut world = World::new(8, &simple(3, 1, "quorum: { minimum: 2 }", ""));
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Refuses);
    world.be(server(2), Behaviour::Refuses);
    world.run(seconds(4.0));
    assert_eq!(world.count_told(Kind::QuorumLost), 1);
    assert!(!world.is_sorry("http"));
    assert_eq!(world.share("http", server(3)), Share::Weight(1));
}

#[test]
fn redundancy_lost_is_told_once_and_so_is_its_return() {
    let mut world = World::new(8, &simple(3, 1, "", ""));
    world.run(seconds(2.0));
    for _ in 0..3 {
        world.be(server(1), Behaviour::Refuses);
        world.run(seconds(4.0));
        assert_eq!(world.engine.view(world.now)[0].spare, 1);
    }
    assert_eq!(world.count_told(Kind::RedundancyLost), 0);
    world.be(server(2), Behaviour::Refuses);
    world.run(seconds(30.0));
    assert_eq!(world.engine.view(world.now)[0].spare, 0);
    assert_eq!(world.count_told(Kind::RedundancyLost), 1);
    world.be(server(1), WELL);
    world.run(seconds(30.0));
    assert_eq!(world.count_told(Kind::RedundancyRestored), 1);
}

#[test]
fn a_service_of_one_server_never_had_redundancy_to_lose() {
    let mut world = World::new(8, &simple(1, 1, "", ""));
    world.run(seconds(10.0));
    assert_eq!(world.told, []);
}

#[test]
fn an_operator_bends_and_takes_it_back() {
    let mut world = World::new(10, &simple(3, 8, "slow_start: 8s", ""));
    world.run(seconds(2.0));
    let bend = |weight, stance| Bend {
        weight,
        stance,
        words: "new disk".to_owned(),
    };
    let bends = BTreeMap::from([
        (member("http", server(1)), bend(Some(3), Stance::Serves)),
        (member("http", server(2)), bend(None, Stance::Drains)),
        (member("http", server(3)), bend(None, Stance::Out)),
        (member("gone", server(3)), bend(None, Stance::Out)),
    ]);
    world.event(Event::Bent(bends));
    assert_eq!(world.share("http", server(1)), Share::Weight(3));
    assert_eq!(world.share("http", server(2)), Share::Weight(0));
    assert_eq!(world.share("http", server(3)), Share::Out);
    let reasons = world.standing("http", server(2)).reasons;
    assert_eq!(
        reasons[0].to_string(),
        "weight 0: an operator drains it: new disk"
    );
    world.event(Event::Bent(BTreeMap::new()));
    assert_eq!(world.share("http", server(1)), Share::Weight(8));
    assert_eq!(
        world.share("http", server(2)),
        Share::Weight(8),
        "it never was out"
    );
    assert_eq!(world.share("http", server(3)), Share::Weight(1), "it grows");
    world.run(seconds(8.0));
    assert!(world.engine.overlay().servers.is_empty());
}

#[test]
fn the_last_server_that_is_drained_leaves_the_sorry_server() {
    let mut world = World::new(10, &simple(1, 8, SORRY, ""));
    world.run(seconds(2.0));
    let drain = Bend {
        stance: Stance::Drains,
        ..Bend::default()
    };
    let bends = BTreeMap::from([(member("http", server(1)), drain)]);
    world.event(Event::Bent(bends));
    assert!(world.is_sorry("http"));
}

#[test]
fn a_server_that_is_not_checked_is_taken_to_be_well() {
    let text = simple(2, 5, "", "").replace("check: { tcp: {},  }", "check: none");
    let mut world = World::new(11, &text);
    world.run(seconds(9.0));
    assert!(world.engine.overlay().servers.is_empty());
    assert!(world.asked.is_empty());
}

#[test]
fn a_certificate_is_warned_of_once_and_once_more_when_it_is_over() {
    let day = 86_400_u32;
    let mut world = World::new(12, &simple(1, 1, "", ""));
    world.event(Event::Dated(seconds(1_000.0 * f64::from(day))));
    world
        .certificates
        .insert(server(1), Expiry(u64::from(1_030 * day)));
    world.run(seconds(3.0 * 3600.0));
    assert_eq!(world.count_told(Kind::CertificateExpires), 0);
    world.event(Event::Dated(seconds(1_020.0 * f64::from(day))));
    world.run(seconds(3600.0));
    assert_eq!(world.count_told(Kind::CertificateExpires), 1);
    world.event(Event::Dated(seconds(1_031.0 * f64::from(day))));
    world.run(seconds(3600.0));
    let severities: Vec<Severity> = world.told.iter().map(|(_, told)| told.severity).collect();
    assert_eq!(severities, [Severity::Warning, Severity::Alarm]);
    world
        .certificates
        .insert(server(1), Expiry(u64::from(2_000 * day)));
    world.run(seconds(3600.0));
    assert_eq!(world.count_told(Kind::CertificateRenewed), 1);
}

#[test]
fn questions_are_spread_and_their_mean_rate_is_one_an_interval() {
    let mut world = World::new(13, &simple(200, 1, "", "interval: 2s"));
    world.run(seconds(202.0));
    for (place, asked) in &world.asked {
        let regular = asked
            .iter()
            .filter(|at| **at > super::files::at(3.0))
            .count();
        assert!(
            (98..=102).contains(&regular),
            "{place:?}: {regular} in 200 s"
        );
    }
    let mut slots = [0_u32; 20];
    for at in world
        .asked
        .values()
        .flatten()
        .filter(|at| **at > super::files::at(3.0))
    {
        let phase = at.as_since_boot().as_millis() % 2_000 / 100;
        slots[usize::try_from(phase).expect("a small number")] += 1;
    }
    let (least, most) = (slots.iter().min(), slots.iter().max());
    assert!(least > Some(&400) && most < Some(&2_000), "{slots:?}");
}

#[test]
fn no_more_questions_are_out_than_may_be_and_the_late_ones_are_seen() {
    let text = simple(100, 1, "", "timeout: 1s") + "daemon: { concurrency: 10 }\n";
    let mut world = World::new(14, &text);
    world.run(seconds(3.0));
    assert_eq!(world.engine.lateness().quantile(999), Some(seconds(0.001)));
    world.all_be(Behaviour::Silent);
    world.run(seconds(20.0));
    assert_eq!(world.most_outstanding, 10);
    let lateness = world.engine.lateness();
    assert!(lateness.worst > seconds(1.0), "{lateness:?}");
    assert!(lateness.waiting > 50, "{lateness:?}");
    assert_eq!(world.asked_servers().len(), 100, "each has its turn");
    world.all_be(WELL);
    world.run(seconds(20.0));
    assert_eq!(world.engine.overlay().servers.len(), 0, "all are back");
}

#[test]
fn status_knows_why_since_when_and_what_was_seen() {
    let mut world = World::new(15, &simple(2, 6, "", ""));
    world.run(seconds(10.0));
    world.be(server(1), Behaviour::Refuses);
    world.run_until(seconds(5.0), |w| w.share("http", server(1)) == Share::Out);
    world.run(seconds(5.0));
    let standing = world.standing("http", server(1));
    assert_eq!(standing.lasting, seconds(5.0));
    assert_eq!(standing.file_weight, 6);
    assert_eq!(
        standing.reasons[0].cause,
        Cause::Down("connection refused".to_owned())
    );
    assert!(standing.failures >= 3 && standing.passes == 0);
    assert!(standing.last.is_some_and(|last| last.ago < seconds(1.1)));
    assert_eq!(standing.agent, None);
    let other = world.standing("http", server(2));
    assert_eq!((other.reasons.len(), other.failures), (0, 0));
    assert!(other.lasting > seconds(13.0));
    assert!(always(&mut world, 3.0, |world| world.outstanding() <= 2));
}
