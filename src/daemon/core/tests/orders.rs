//! Operators' orders.

use std::sync::Arc;
use std::time::Duration;

use super::{Bench, FARM};
use crate::api::{
    ApplyOptions, ApplyOrder, DrainOrder, Order, OutcomeKind, Remaining, Reply, ServerOrder, Then,
    WeightOrder,
};
use crate::dataplane::{DestinationCounters, Observation};
use crate::event::Kind;
use crate::reconcile::keeper::{Order as KeeperOrder, Said};
use crate::state::{DestinationKey, Protocol, ServiceKey};

fn drain(server: &str) -> DrainOrder {
    DrainOrder {
        server: server.to_owned(),
        service: None,
        timeout: Some(crate::spec::Duration(Duration::from_secs(30))),
        then: Then::Remove,
        remaining: Remaining::Leave,
        reason: Some("new disk".to_owned()),
        expires: None,
    }
}

/// The kernel shows so many connections of web1.
fn seen(live: u32) -> Said {
    let service = ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: "192.0.2.10".parse().unwrap(),
        port: 80,
    };
    let server = DestinationKey {
        address: "10.0.0.21".parse().unwrap(),
        port: 8080,
    };
    let counters = DestinationCounters {
        active: live,
        ..DestinationCounters::default()
    };
    let mut observation = Observation::default();
    observation.destinations.insert((service, server), counters);
    Said::Seen(Arc::new(observation))
}

fn weight_of_web1(bench: &Bench) -> Option<u32> {
    bench.weights()[0].1
}

// keepalived #1228, kubernetes #57841: no drain at all.
#[test]
fn a_drained_server_gets_nothing_new_and_leaves_when_its_last_connection_ended() {
    let mut bench = Bench::serving(FARM);
    bench.order(Order::Drain(drain("web1"))).expect("drained");
    assert_eq!(weight_of_web1(&bench), Some(0));
    bench.wait(Duration::from_secs(2), |_| true);
    bench.say(seen(3));
    assert_eq!(weight_of_web1(&bench), Some(0), "its connections go on");
    let status = bench.status();
    assert_eq!(status.overrides[0].drain.as_ref().unwrap().remaining, 3);
    bench.wait(Duration::from_secs(2), |_| true);
    bench.say(seen(0));
    assert_eq!(weight_of_web1(&bench), None);
    assert_eq!(bench.count(Kind::DrainEnded), 1);
    assert!(bench.status().overrides[0].drain.as_ref().unwrap().ended);
}

// kubernetes #84322: a drain without an end breaks NFS.
#[test]
fn a_drain_ends_at_its_deadline_whatever_is_left() {
    let mut bench = Bench::serving(FARM);
    bench.order(Order::Drain(drain("web1"))).expect("drained");
    bench.wait(Duration::from_secs(1), |_| true);
    bench.say(seen(3));
    bench.wait(Duration::from_secs(28), |_| true);
    assert_eq!(weight_of_web1(&bench), Some(0));
    bench.wait(Duration::from_secs(2), |_| true);
    assert_eq!(weight_of_web1(&bench), None);
    let told = bench
        .told
        .iter()
        .find(|event| event.kind == Kind::DrainEnded);
    assert!(told.unwrap().message.contains("3 connections are left"));
}

#[test]
fn what_is_left_at_the_deadline_is_reset_where_that_is_asked_for_and_once_it_is_gone() {
    let mut bench = Bench::serving(FARM);
    let order = DrainOrder {
        remaining: Remaining::Reset,
        ..drain("web1")
    };
    bench.order(Order::Drain(order)).expect("drained");
    bench.wait(Duration::from_secs(2), |_| true);
    bench.say(seen(3));
    let resets = |bench: &Bench| {
        let orders = bench.orders.iter();
        orders
            .filter(|order| matches!(order, KeeperOrder::Reset(places) if places.len() == 1))
            .count()
    };
    assert_eq!(resets(&bench), 0);
    bench.wait(Duration::from_secs(30), |_| true);
    assert_eq!(weight_of_web1(&bench), None);
    assert_eq!(resets(&bench), 1);
}

#[test]
fn a_reading_from_before_the_drain_ends_no_drain() {
    let mut bench = Bench::serving(FARM);
    bench.say(seen(0));
    bench.order(Order::Drain(drain("web1"))).expect("drained");
    bench.say(seen(0));
    assert_eq!(weight_of_web1(&bench), Some(0));
}

#[test]
fn a_server_that_is_undrained_is_served_again_as_it_was() {
    let mut bench = Bench::serving(FARM);
    bench.order(Order::Drain(drain("web1"))).expect("drained");
    let order = ServerOrder {
        server: "web1".to_owned(),
        service: None,
    };
    bench.order(Order::Undrain(order)).expect("undrained");
    assert_eq!(weight_of_web1(&bench), Some(1));
    assert_eq!(bench.count(Kind::OverrideEnded), 1);
}

#[test]
fn an_order_for_a_server_that_is_not_there_names_those_that_are() {
    let mut bench = Bench::serving(FARM);
    let refusal = bench.order(Order::Drain(drain("wbe1"))).unwrap_err();
    assert!(refusal.message.contains("wbe1"), "{refusal:?}");
    assert!(refusal.help.unwrap().contains("web1, web2, web3"));
}

#[test]
fn a_weight_that_an_operator_gives_holds_until_it_expires_and_that_is_told() {
    let mut bench = Bench::serving(FARM);
    let order = WeightOrder {
        server: "web1".to_owned(),
        service: None,
        weight: Some(7),
        reason: None,
        expires: Some(crate::spec::Duration(Duration::from_secs(60))),
    };
    bench.order(Order::Weight(order)).expect("given");
    assert_eq!(weight_of_web1(&bench), Some(7));
    bench.wait(Duration::from_secs(59), |_| true);
    assert_eq!(weight_of_web1(&bench), Some(7));
    bench.wait(Duration::from_secs(2), |_| true);
    assert_eq!(weight_of_web1(&bench), Some(1));
    assert_eq!(bench.count(Kind::OverrideEnded), 1);
    assert!(bench.status().overrides.is_empty());
}

#[test]
fn an_override_without_a_reason_or_a_term_ends_after_a_day() {
    let mut bench = Bench::serving(FARM);
    let order = DrainOrder {
        reason: None,
        ..drain("web1")
    };
    bench.order(Order::Drain(order)).expect("drained");
    let one = bench.status().overrides.remove(0);
    assert_eq!(one.expires.unwrap() - one.since, 24 * 3600 * 1000);
    bench.order(Order::Drain(drain("web2"))).expect("drained");
    assert_eq!(bench.status().overrides[1].expires, None, "it has a reason");
}

#[test]
fn overrides_outlive_the_file_that_still_has_their_server_and_go_with_it() {
    let mut bench = Bench::serving(FARM);
    bench.order(Order::Drain(drain("web1"))).expect("drained");
    bench.file(&FARM.replace("weight: 3", "weight: 5"));
    assert_eq!(bench.status().overrides.len(), 1);
    bench.file(&FARM.replace("name: web1", "name: web9"));
    assert!(bench.status().overrides.is_empty());
    let told = bench
        .told
        .iter()
        .find(|event| event.kind == Kind::OverrideEnded);
    assert!(told.unwrap().message.contains("has it no more"));
}

fn apply(path: &str, text: &str) -> Order {
    Order::Apply(ApplyOrder {
        text: text.to_owned(),
        path: path.to_owned(),
        options: ApplyOptions::default(),
    })
}

#[test]
fn apply_beside_a_daemon_is_done_by_it_and_answered_with_its_end() {
    let mut bench = Bench::serving(FARM);
    let less = FARM.replace(
        "      - { name: web3, address: 10.0.0.23, port: 8080, weight: 3 }\n",
        "",
    );
    let reply = bench
        .order(apply("/etc/farmctl/farm.yaml", &less))
        .expect("applied");
    let Reply::Applied(report) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(
        (report.outcome, report.exit_code),
        (OutcomeKind::Converged, 0)
    );
    assert_eq!(
        &*bench.wishes.last().unwrap().text,
        less,
        "it does not wait"
    );
}

#[test]
fn apply_of_another_file_than_the_daemons_is_refused_and_changes_nothing() {
    let mut bench = Bench::serving(FARM);
    let wishes = bench.wishes.len();
    let refusal = bench.order(apply("/tmp/other.yaml", FARM)).unwrap_err();
    assert!(
        refusal.message.contains("/etc/farmctl/farm.yaml"),
        "{refusal}"
    );
    assert_eq!(bench.wishes.len(), wishes);
}

#[test]
fn apply_of_a_bad_text_is_refused_with_the_place() {
    let mut bench = Bench::serving(FARM);
    let text = FARM.replace("protocol: tcp", "protocol: tcq");
    let refusal = bench
        .order(apply("/etc/farmctl/farm.yaml", &text))
        .unwrap_err();
    assert!(refusal.message.contains(":10:"), "{refusal}");
}
