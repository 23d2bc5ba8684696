//! What is ordered, and what a refusal looks like.

use farmctl::api::{DrainOrder, Order, Remaining, Then};

use crate::client::{get, post};
use crate::house::House;

fn ordered(house: &House) -> Vec<Order> {
    let orders = house.orders.lock().unwrap();
    orders.iter().map(|(order, _)| order.clone()).collect()
}

#[test]
fn an_order_arrives_with_whoever_gave_it() {
    let house = House::open();
    let body = r#"{"server":"web1","timeout":"30s","reason":"new kernel"}"#;
    let answer = post(&house.socket, "/v1/drain", body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["overrides"][0], 3);
    let orders = house.orders.lock().unwrap();
    let (order, peer) = &orders[0];
    let expected = DrainOrder {
        server: "web1".into(),
        service: None,
        timeout: Some("30s".parse().unwrap()),
        then: Then::Remove,
        remaining: Remaining::Leave,
        reason: Some("new kernel".into()),
        expires: None,
    };
    assert_eq!(*order, Order::Drain(expected));
    let peer = peer.unwrap();
    assert_eq!(peer.uid, nix::unistd::geteuid().as_raw());
    assert_eq!(peer.pid, i32::try_from(std::process::id()).ok());
}

#[test]
fn a_refusal_of_the_daemon_arrives_with_its_help() {
    let house = House::open();
    let answer = post(&house.socket, "/v1/drain", r#"{"server":"web9"}"#);
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.json()["error"],
        "The file has no real server called web9."
    );
    assert_eq!(answer.json()["help"], "It has web1, web2.");
}

#[test]
fn what_is_no_order_is_refused_before_the_daemon_hears_of_it() {
    let house = House::open();
    let bodies = [
        "",
        "{",
        "[]",
        r#"{"server":7}"#,
        r#"{"server":"web1","timeout":"30"}"#,
        r#"{"server":"web1","timeuot":"30s"}"#,
    ];
    for body in bodies {
        let answer = post(&house.socket, "/v1/drain", body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(
            answer.json()["error"].as_str().unwrap().contains("JSON"),
            "{body}"
        );
    }
    assert_eq!(ordered(&house), []);
}

#[test]
fn a_file_of_many_megabytes_is_an_order_and_a_larger_one_is_refused() {
    let house = House::open();
    let body = |length: usize| {
        let text = "x".repeat(length);
        format!(r#"{{"path":"/etc/farmctl/farm.yaml","text":"{text}"}}"#)
    };
    let answer = post(&house.socket, "/v1/apply", &body(8 << 20));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["outcome"], "converged");
    let answer = post(&house.socket, "/v1/apply", &body(33 << 20));
    assert_eq!(answer.status, 413);
    assert_eq!(ordered(&house).len(), 1);
}

#[test]
fn a_diff_is_asked_of_the_daemon_with_the_overlay_or_without_it() {
    let house = House::open();
    assert_eq!(get(&house.socket, "/v1/diff").json()["farm"], "shop");
    assert_eq!(get(&house.socket, "/v1/diff?raw=true").status, 200);
    assert_eq!(get(&house.socket, "/v1/diff?raw=maybe").status, 400);
    assert_eq!(ordered(&house), [Order::Diff, Order::RawDiff]);
}
