//! validate, diff, apply and status on nftables, with real connections through what they make.

use std::thread;
use std::time::Duration;

use farmctl::dataplane::nftables::content;
use farmctl::netlink::nft::{Author, Client, Heard, Monitor, Operation};

use super::{Live, Method, Run, Site, Text};
use crate::bed::{Download, Family};
use crate::site::assert_by_weights;

const METHODS: [Method; 2] = [Method::Nat, Method::DirectRouting];

#[test]
fn a_farm_converges_and_spreads_connections_by_weight() {
    for method in METHODS {
        let site = Site::new(method);
        let text = Text::new(method);
        site.farmctl.converge(&text.to_string(), &[]);
        for family in Family::BOTH {
            assert_by_weights(site.spread(family, 120), [1, 2, 3]);
        }
    }
}

#[test]
fn exact_turns_can_be_asked_for() {
    let text = Text::new(Method::Nat).with_scheduler("{ wrr: { exact: true } }");
    let site = Site::serving(&text);
    for family in Family::BOTH {
        assert_eq!(site.spread(family, 60), [10, 20, 30]);
    }
}

#[test]
fn an_apply_of_many_changes_is_one_transaction() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let other = text.with_servers(&[(2, 5), (3, 1)]).with_scheduler("mh");
    let heard = site.farm.director.run(|| {
        let tables = [content::inet(), content::netdev()];
        let mut us = Client::open().unwrap();
        let mut monitor = Monitor::open(&tables, &[us.port()]).unwrap();
        site.farmctl.apply(&other.to_string(), &[]).exits(0);
        // The end of what is counted.
        let gone = Operation::DeleteTable(content::inet());
        assert_eq!(us.commit(&[gone]).unwrap(), Vec::new());
        std::iter::from_fn(|| Some(monitor.wait(Duration::from_secs(10)).unwrap()))
            .flatten()
            .take_while(|heard| !matches!(heard, Heard::Changed { by: Author::Us, .. }))
            .count()
    });
    assert_eq!(heard, 1);
}

#[test]
fn an_edit_keeps_every_connection() {
    for method in METHODS {
        let text = Text::new(method);
        let site = Site::serving(&text);
        let mut live = Live::start(&site, 12);
        let other = text.with_servers(&[(1, 3), (2, 2), (3, 1)]);
        site.farmctl.converge(&other.to_string(), &[]);
        live.is_whole();
        let less = text.with_servers(&[(1, 0), (2, 2)]);
        site.farmctl
            .converge(&less.to_string(), &["--allow-shrink"]);
        live.finish();
    }
}

#[test]
fn a_removal_says_that_connections_go_on() {
    let text = Text::new(Method::Nat).with_scheduler("{ rr: { exact: true } }");
    let site = Site::serving(&text);
    let live = Live::start(&site, 6);
    let less = text.with_servers(&[(2, 2), (3, 3)]);
    apply(&site, &less, &[])
        .exits(0)
        .says("which go on until they end");
    live.finish();
}

#[test]
fn what_removed_servers_still_have_is_reset_where_that_is_asked_for() {
    let text = Text::new(Method::Nat).with_scheduler("{ rr: { exact: true } }");
    let site = Site::serving(&text);
    let mut live = Live::start(&site, 6);
    let theirs = live.part_with("rs1");
    assert_eq!(theirs.len(), 4);
    let less = text.with_servers(&[(2, 2), (3, 3)]);
    apply(&site, &less, &["--reset-remaining"])
        .exits(0)
        .says("each as soon as its client sends something");
    for mut connection in theirs {
        let reset = connection.get().unwrap_err();
        assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    }
}

#[test]
fn a_drain_waits_until_the_last_connection_has_ended() {
    for method in METHODS {
        let text = Text::new(method).with_servers(&[(1, 1)]);
        let site = Site::serving(&text);
        let mut download = start_download(&site);
        let other = text.with_servers(&[(2, 1)]);
        let flags = ["--drain-timeout", "60s", "--allow-shrink"];
        let ended = thread::scope(|scope| {
            let apply = scope.spawn(|| apply(&site, &other, &flags));
            site.wait_until(|kernel| {
                let mut all = kernel
                    .services
                    .values()
                    .flat_map(|(_, servers)| servers.values());
                all.any(|server| server.weight == 0)
            });
            download.wait_for_more();
            assert_eq!(download.finish().unwrap(), 400);
            apply.join().unwrap()
        });
        let run = ended.exits(0);
        assert!(!run.stderr.contains("live connections"), "{run}");
    }
}

/// An apply that says in sentences what it does.
fn apply(site: &Site, text: &Text, flags: &[&str]) -> Run {
    site.farmctl.write(&text.to_string());
    site.farmctl.run(&[&["apply"], flags].concat())
}

fn start_download(site: &Site) -> Download {
    let door = site.service(Family::V4);
    let mut download = site.farm.client.download(door, 400).unwrap();
    download.wait_for(2);
    download
}

#[test]
fn status_counts_the_connections_of_each_server() {
    let text = Text::new(Method::Nat).with_scheduler("{ rr: { exact: true } }");
    let site = Site::serving(&text);
    let live = Live::start(&site, 6);
    let run = site.farmctl.run(&["status", "-o", "json"]).exits(0);
    let json = run.json().to_string();
    assert!(json.contains("\"nftables\""), "{run}");
    assert!(json.contains("\"active\":2"), "{run}");
    live.finish();
}

#[test]
fn a_hand_in_the_tables_shows_in_diff_and_is_mended_by_apply() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let whole = site.farmctl.kernel();
    for damage in [
        Operation::FlushChain(content::inet(), "choose_4".to_owned()),
        Operation::DeleteTable(content::inet()),
    ] {
        site.farm.director.run(|| {
            let refused = Client::open().unwrap().commit(&[damage]).unwrap();
            assert!(refused.is_empty(), "{refused:?}");
        });
        site.farmctl.diff(&text.to_string(), &[]).exits(1);
        site.farmctl.apply(&text.to_string(), &["--adopt"]).exits(0);
        assert_eq!(site.farmctl.kernel(), whole);
    }
}

#[test]
fn an_unconfirmed_change_is_undone() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let before = site.farmctl.kernel();
    let other = text.with_servers(&[(1, 9), (2, 2), (3, 3)]);
    let flags = ["--confirm-timeout", "1s"];
    site.farmctl.apply(&other.to_string(), &flags).exits(0);
    assert_ne!(site.farmctl.kernel(), before);
    site.wait_until(|kernel| *kernel == before);
}
