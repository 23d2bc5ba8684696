//! farmctl's own commands against a daemon that is played: what an operator sees and the exit code.

use std::path::Path;
use std::sync::Arc;

use assert_cmd::Command;
use farmctl::api::{Health, Order};
use farmctl::event::Kind;

use crate::farm;
use crate::house::House;

fn farmctl(socket: &Path) -> Command {
    let mut command = Command::cargo_bin("farmctl").unwrap();
    command.env_clear().env("FARMCTL_SOCKET", socket);
    command
}

/// The exit code, the result, and what was said besides.
fn run(socket: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = farmctl(socket).args(arguments).output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn the_status_says_of_each_real_server_how_it_is_and_why() {
    let house = House::open();
    let (code, text, said) = run(&house.socket, &["status"]);
    assert_eq!((code, said.as_str()), (0, ""));
    insta::assert_snapshot!("status", text);
}

#[test]
fn all_about_one_real_server_is_told_where_it_is_asked_for() {
    let house = House::open();
    let (code, text, _) = run(&house.socket, &["status", "--why", "web1"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("why", text);
    let (code, _, said) = run(&house.socket, &["status", "--why", "web9"]);
    assert_eq!(code, 2);
    assert!(said.contains("it has: web1, web2"), "{said}");
}

#[test]
fn the_status_as_values_fits_its_schema_and_is_the_daemons() {
    let house = House::open();
    let (_, text, _) = run(&house.socket, &["status", "-o", "json"]);
    let status: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["daemon"]["pid"], 4711);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/status.schema.json");
    let schema = std::fs::read_to_string(path).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert!(jsonschema::draft7::new(&schema).unwrap().is_valid(&status));
}

#[test]
fn a_monitoring_plugin_gets_the_daemons_view() {
    let house = House::open();
    let check = |house: &House| run(&house.socket, &["status", "--check"]);
    let (code, line, _) = check(&house);
    assert_eq!(code, 1);
    assert!(
        line.starts_with("FARM shop DEGRADED: 1 of 1 services"),
        "{line}"
    );
    let mut down = farm::status();
    down.health = Health::Down;
    house.status.send_replace(Arc::new(down));
    assert_eq!(check(&house).0, 2);
    let mut full = farm::status();
    full.health = Health::Full;
    house.status.send_replace(Arc::new(full));
    assert_eq!(check(&house).0, 0);
}

/// chr0nzz/traefik-manager#134, as an operator meets it.
#[test]
fn a_daemon_that_died_is_told_at_once_and_its_last_words_are_not_shown() {
    let house = House::open();
    let (socket, _place) = house.die();
    for arguments in [
        vec!["status", "--watch"],
        vec!["events"],
        vec!["drain", "web1"],
    ] {
        let (code, out, said) = run(&socket, &arguments);
        assert_ne!(code, 0, "{arguments:?}");
        assert_eq!(out, "");
        assert!(said.contains("has ended or died"), "{said}");
    }
}

#[test]
fn without_a_daemon_each_order_says_so_and_what_to_do() {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("api.sock");
    let orders: [&[&str]; 8] = [
        &["drain", "web1"],
        &["undrain", "web1"],
        &["maintenance", "web1"],
        &["weight", "web1", "3"],
        &["approve", "abcdef0"],
        &["reload"],
        &["log", "debug"],
        &["events"],
    ];
    for order in orders {
        let (code, out, said) = run(&socket, order);
        assert!(code == 1 || code == 2, "{order:?}: {code}");
        assert_eq!(out, "");
        assert!(
            said.contains("no daemon runs here") && said.contains("farmctl daemon"),
            "{said}"
        );
    }
}

#[test]
fn events_are_one_json_object_a_line() {
    let house = House::open();
    for _ in 0..300 {
        house.tell(Kind::ServerUp);
    }
    let (code, text, _) = run(&house.socket, &["events", "--since", "298"]);
    assert_eq!(code, 0);
    let sequences: Vec<u64> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| event["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, [299, 300]);
}

#[test]
fn orders_reach_the_daemon_as_they_were_written() {
    let house = House::open();
    let orders: [&[&str]; 7] = [
        &[
            "drain",
            "web1",
            "--service",
            "http",
            "--timeout",
            "30s",
            "--keep",
            "--reason",
            "disk",
        ],
        &["undrain", "web1"],
        &["maintenance", "web1", "--expires", "2h"],
        &["maintenance", "web1", "--end"],
        &["weight", "web1", "1"],
        &["weight", "web1", "file"],
        &["log", "farmctl=debug"],
    ];
    for order in orders {
        let (code, out, said) = run(&house.socket, order);
        assert_eq!(
            (code, out.as_str()),
            (0, "web1 takes no new connections.\n"),
            "{said}"
        );
    }
    let got = house.orders.lock().unwrap();
    let got: Vec<String> = got.iter().map(|(order, _)| format!("{order:?}")).collect();
    insta::assert_snapshot!("orders", got.join("\n"));
}

#[test]
fn a_refused_order_is_told_with_its_help_and_is_exit_code_1() {
    let house = House::open();
    let (code, out, said) = run(&house.socket, &["drain", "web9"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        said.contains("no real server called web9. It has web1, web2."),
        "{said}"
    );
}

/// The drain of override 3, as the daemon shows it.
fn show_drain(house: &House, remaining: u64, ended: bool) {
    let mut status = farm::status();
    let drain = status.overrides[0].drain.as_mut().unwrap();
    (drain.remaining, drain.ended) = (remaining, ended);
    house.status.send_replace(Arc::new(status));
}

#[test]
fn a_drain_that_is_waited_for_ends_with_its_last_connection_or_its_time() {
    let house = House::open();
    show_drain(&house, 0, true);
    let (code, _, said) = run(&house.socket, &["drain", "web1", "--wait"]);
    assert_eq!(
        (code, said.as_str()),
        (0, "The last connection has ended.\n")
    );
    show_drain(&house, 12, true);
    let (code, _, said) = run(&house.socket, &["drain", "web1", "--wait"]);
    assert_eq!(
        (code, said.as_str()),
        (1, "The time is up: 12 connections were left.\n")
    );
    show_drain(&house, 12, false);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run(&house.socket, &["drain", "web1", "--wait"]).0);
        while house.orders.lock().unwrap().len() < 3 {
            std::thread::yield_now();
        }
        show_drain(&house, 0, true);
        assert_eq!(waiting.join().unwrap(), 0);
    });
}

#[test]
fn a_daemon_elsewhere_is_read_with_its_token_and_never_ordered() {
    let token = "0123456789abcdef0123456789abcdef";
    let house = House::with_door(Some(farmctl::api::Door::Token(token.into())));
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let url = format!("http://{}", house.address.unwrap());
    let status = |more: &[&str]| {
        let arguments = [&["status", "--check", "--server", &url], more].concat();
        run(&house.socket, &arguments)
    };
    assert_eq!(status(&["--token-file", file.to_str().unwrap()]).0, 1);
    let (code, line, _) = status(&[]);
    assert_eq!(code, 3);
    assert!(line.contains("token is missing or wrong"), "{line}");
}

const FILE: &str = "
version: 1
farm: shop
vips: { www: { addresses: [192.0.2.10/24], interface: eth0 } }
services:
  http: { vip: www, port: 80, real_servers: [
      { name: web1, address: 10.0.0.21, weight: 3 }, { name: web2, address: 10.0.0.22, weight: 2 } ] }
";

#[test]
fn a_file_is_compared_with_what_a_daemon_elsewhere_sees_and_its_overlay_is_no_difference() {
    let house = House::with_door(Some(farmctl::api::Door::Open));
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("farm.yaml");
    std::fs::write(&file, FILE).unwrap();
    let url = format!("http://{}", house.address.unwrap());
    let diff = |more: &[&str]| {
        let arguments = [&["diff", file.to_str().unwrap(), "--server", &url], more].concat();
        run(&house.socket, &arguments)
    };
    let (code, text, said) = diff(&[]);
    assert_eq!(code, 1, "{said}");
    assert!(
        text.contains("10.0.0.21") && !text.contains("+  server web2"),
        "{text}"
    );
    assert!(
        text.contains("override 3: drain web1 of http, by uid 0: new kernel"),
        "{text}"
    );
    assert!(text.contains("web2 of http (10.0.0.22): out"), "{text}");
    let (_, raw, _) = diff(&["--raw"]);
    assert!(!raw.contains("override 3"), "{raw}");
    let orders = house.orders.lock().unwrap();
    assert!(orders.iter().all(|(order, _)| *order == Order::Snapshot));
}
