//! What users of other control planes complain of, as tests. The numbers are issues of
//! acassen/keepalived where nothing else is said.

use std::collections::{BTreeMap, BTreeSet};

use farmctl::event::Kind;
use farmctl::health::{Bend, Event, Health, Stance};
use farmctl::spec::DataplaneKind;
use farmctl::state::{HostFacts, Share, desired_with};

use super::files::{farm, member, seconds, server, simple};
use super::world::{Behaviour, WELL, World};

const SORRY: &str = "sorry_server: { address: 192.168.0.99, port: 80 }";

// #381 #608 #373 #362 #1163 #1165 #1720: the state of checks was lost by a reload, and servers
// that were down came back, or never did.
#[test]
fn a_reload_keeps_the_state_of_every_check() {
    let mut world = World::new(51, &simple(4, 1, "", "rise: 3"));
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Silent);
    world.run(seconds(20.0));
    world.be(server(1), WELL);
    world.run(seconds(1.1));
    let (overlay, told) = (world.engine.overlay().clone(), world.told.len());
    let before = world.standing("http", server(1));
    for servers in [5, 4, 6, 4] {
        world.configure(&simple(servers, 1, "", "rise: 3"));
        assert_eq!(world.standing("http", server(1)).passes, before.passes);
    }
    assert_eq!(*world.engine.overlay(), overlay);
    assert_eq!(world.told.len(), told);
    world.run(seconds(3.0));
    assert_eq!(world.overlaid("http", server(1)), None, "and it comes back");
}

// The same, where the check itself is another one: a server stays as it is until the new question
// has decided.
#[test]
fn a_server_whose_question_changes_keeps_its_state() {
    let mut world = World::new(52, &simple(2, 1, "", ""));
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Silent);
    world.run(seconds(5.0));
    world.configure(&simple(2, 1, "", "timeout: 300ms"));
    assert_eq!(world.share("http", server(1)), Share::Out);
    assert_eq!(world.share("http", server(2)), Share::Weight(1));
    world.run(seconds(0.3));
    assert_eq!(world.share("http", server(2)), Share::Weight(1));
}

// #490: the sorry server was forgotten by a reload. #1816: quorum and sorry server at once.
#[test]
fn a_reload_keeps_the_sorry_server_and_the_quorum() {
    let service = format!("{SORRY}\n    quorum: {{ minimum: 2, hysteresis: 1 }}");
    let mut world = World::new(53, &simple(3, 1, &service, ""));
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Refuses);
    world.be(server(2), Behaviour::Refuses);
    world.run(seconds(5.0));
    assert!(world.is_sorry("http"));
    world.be(server(1), WELL);
    world.run(seconds(5.0));
    assert!(world.is_sorry("http"), "two are below the hysteresis");
    let told = world.told.len();
    world.configure(&simple(3, 1, &service, ""));
    assert!(world.is_sorry("http"));
    world.configure(&simple(4, 1, &service, ""));
    assert!(world.is_sorry("http"));
    world.restart(seconds(1.0));
    assert!(world.is_sorry("http"), "nor does a restart forget it");
    assert_eq!(world.told.len(), told);
}

// #1370: a moment with no server at all, between the last real server and the sorry server.
#[test]
fn at_no_moment_is_a_service_without_any_server() {
    let text = simple(3, 2, SORRY, "fall: 1, rise: 1");
    let farm = farm(&text);
    let mut world = World::new(54, &text);
    let mut chance = fastrand::Rng::with_seed(54);
    let mut seen = BTreeSet::new();
    for _ in 0..400 {
        let number = chance.u8(1..=3);
        let well = chance.bool();
        world.be(server(number), if well { WELL } else { Behaviour::Refuses });
        let changes = world.changes;
        world.run_until(seconds(0.7), |world| world.changes > changes);
        let host = HostFacts::default();
        let overlay = world.engine.overlay();
        let desired = desired_with(&farm, None, &host, DataplaneKind::Ipvs, overlay);
        for service in desired.state.services.values() {
            assert!(service.is_usable(), "nobody serves: {overlay:?}");
            seen.insert(service.destinations.len());
        }
    }
    assert_eq!(seen, BTreeSet::from([1, 2, 3]), "all came to pass");
}

// #2064: all real servers get traffic before the first check.
#[test]
fn no_server_gets_a_connection_before_its_first_pass() {
    let mut world = World::new(55, &simple(20, 1, "", ""));
    world.all_be(Behaviour::Silent);
    world.run(seconds(30.0));
    for number in 1..=20 {
        assert_eq!(world.share("http", server(number)), Share::Out);
    }
    world.be(server(3), WELL);
    world.run(seconds(4.0));
    assert_eq!(world.overlaid("http", server(3)), None);
}

// #2358 #2111: one probe for each (VIP, real server): 500 probes a period.
#[test]
fn services_that_ask_the_same_of_a_server_share_one_probe() {
    let mut text = simple(3, 1, "", "");
    for number in 0..50 {
        let service = text.clone();
        let (_, body) = service.split_once("  http:\n").expect("a service");
        let body: Vec<&str> = body.lines().take(7).collect();
        let body = body.join("\n");
        text.push_str(&format!("  s{number}:\n{body}\n"));
    }
    let mut world = World::new(56, &text);
    world.run(seconds(2.0));
    assert_eq!(world.layout.groups.len(), 51);
    world.forget_notes();
    world.run(seconds(20.0));
    let questions: usize = world.asked.values().map(Vec::len).sum();
    assert!((114..=126).contains(&questions), "{questions} questions");
    world.be(server(1), Behaviour::Refuses);
    world.run(seconds(3.0));
    assert_eq!(
        world.engine.overlay().servers.len(),
        51,
        "and all hear the answer"
    );
}

// #1637 #1680: checks that can't fail when the local link or address is gone. They say so, and
// count for nothing.
#[test]
fn a_check_that_cannot_be_asked_says_so_and_counts_for_nothing() {
    let mut world = World::new(57, &simple(2, 1, "", ""));
    world.run(seconds(2.0));
    world.all_be(Behaviour::Unasked);
    world.run(seconds(60.0));
    assert!(world.engine.overlay().servers.is_empty(), "as they were");
    assert_eq!(world.count_told(Kind::CannotAsk), 2, "each once");
    let last = world.standing("http", server(1)).last.expect("an answer");
    assert!(format!("{last:?}").contains("no route from here"));
    world.all_be(WELL);
    world.run(seconds(2.0));
    assert_eq!(world.count_told(Kind::AsksAgain), 2);
}

// #2523 #1773 #189 #2363: checkers that froze, or were lost, in silence.
#[test]
fn a_probe_that_never_comes_back_is_given_up_and_told_of() {
    let mut world = World::new(58, &simple(1, 1, "", ""));
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Lost);
    world.run(seconds(60.0));
    assert!(world.forgotten >= 8, "{}", world.forgotten);
    assert_eq!(world.count_told(Kind::CannotAsk), 1);
    assert_eq!(world.outstanding(), 1);
    world.be(server(1), Behaviour::Refuses);
    world.run(seconds(9.0));
    assert_eq!(
        world.share("http", server(1)),
        Share::Out,
        "it is asked again"
    );
}

// #666, ClusterLabs/resource-agents#251: 130,000 false mails.
#[test]
fn nothing_is_told_when_a_director_starts_and_all_is_well() {
    for text in [
        simple(50, 1, SORRY, ""),
        simple(50, 1, "quorum: { minimum: 40 }", ""),
    ] {
        let mut world = World::new(59, &text);
        world.run(seconds(60.0));
        assert_eq!(world.told, []);
    }
}

// The same: a server that flutters below `fall` is no news at all.
#[test]
fn a_server_that_flutters_is_told_of_only_when_it_turns() {
    let mut world = World::new(60, &simple(2, 1, "", "fall: 2, rise: 2"));
    world.run(seconds(2.0));
    let mut chance = fastrand::Rng::with_seed(60);
    for _ in 0..500 {
        world.be(
            server(1),
            if chance.bool() {
                WELL
            } else {
                Behaviour::Wrong
            },
        );
        world.run(seconds(0.4));
    }
    let (downs, ups) = (
        world.count_told(Kind::ServerDown),
        world.count_told(Kind::ServerUp),
    );
    assert!(downs.abs_diff(ups) <= 1, "{downs} downs, {ups} ups");
    assert!(downs > 5, "it did turn");
}

// kubernetes#92019 #108319: the list of drains was only in memory, and a weight stuck at 0.
#[test]
fn a_drain_outlives_reload_and_restart_and_its_end_gives_the_weight_back() {
    let mut world = World::new(61, &simple(2, 6, "", ""));
    world.run(seconds(2.0));
    let drain = Bend {
        stance: Stance::Drains,
        ..Bend::default()
    };
    let bends = BTreeMap::from([(member("http", server(1)), drain)]);
    world.event(Event::Bent(bends.clone()));
    world.configure(&simple(3, 6, "", ""));
    assert_eq!(world.share("http", server(1)), Share::Weight(0));
    world.restart(seconds(1.0));
    world.event(Event::Bent(bends));
    assert_eq!(world.share("http", server(1)), Share::Weight(0));
    world.event(Event::Bent(BTreeMap::new()));
    assert_eq!(world.overlaid("http", server(1)), None);
}

// #492 #596: an inhibited server that was removed from the file stayed.
#[test]
fn a_server_that_is_gone_from_the_file_is_forgotten_whatever_it_was() {
    let service = "on_failure: inhibit";
    let mut world = World::new(62, &simple(3, 1, service, ""));
    world.run(seconds(2.0));
    world.be(server(3), Behaviour::Silent);
    world.run(seconds(5.0));
    assert_eq!(world.overlaid("http", server(3)), Some(Share::Weight(0)));
    world.run_until(seconds(2.0), |world| world.outstanding() > 0);
    world.configure(&simple(2, 1, service, ""));
    assert!(world.engine.overlay().servers.is_empty());
    world.forget_notes();
    world.run(seconds(5.0));
    assert!(
        !world.asked_servers().contains(&server(3)),
        "nor is it asked"
    );
}

// #1354: weights were not updated by a reload.
#[test]
fn a_reload_changes_weights_of_servers_in_any_state() {
    let mut world = World::new(63, &simple(2, 4, "on_failure: inhibit", ""));
    world.run(seconds(2.0));
    world.be(server(1), Behaviour::Refuses);
    world.run(seconds(4.0));
    world.configure(&simple(2, 9, "on_failure: inhibit", ""));
    assert_eq!(world.share("http", server(1)), Share::Weight(0));
    assert_eq!(world.share("http", server(2)), Share::Weight(9));
    world.be(server(1), WELL);
    world.run(seconds(4.0));
    assert_eq!(world.standing("http", server(1)).health, Health::Up);
    assert_eq!(world.overlaid("http", server(1)), None);
}
