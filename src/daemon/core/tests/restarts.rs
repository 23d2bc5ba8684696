//! One daemon after another.

use std::time::Duration;

use super::{Bench, FARM, good, origin, start};
use crate::daemon::core::Kept;
use crate::event::Kind;
use crate::health::Memory;
use crate::reconcile::keeper::FileNews;

fn accepted(memory: Option<(Memory, Duration)>) -> Kept {
    Kept {
        accepted: Some(good(FARM)),
        health: memory,
        ..Kept::default()
    }
}

/// What a daemon of the farm kept in which web2 is down.
fn kept() -> Memory {
    let mut before = Bench::serving(FARM);
    before.wait(Duration::from_secs(5), |question| {
        question.address.to_string() != "10.0.0.22"
    });
    let document = before.core.health_document(before.now);
    let (memory, _) = document
        .here(&origin(), before.now.moment)
        .expect("it holds");
    memory
}

#[test]
fn a_daemon_without_a_usable_file_runs_the_last_accepted_one_and_says_so() {
    for broken in [None, Some("version: [\n")] {
        let mut bench = Bench::kept(accepted(None));
        match broken {
            Some(text) => bench.file(text),
            None => bench.absent("no such file"),
        }
        bench.ready();
        assert_eq!(&*bench.wishes.last().unwrap().text, FARM);
        let revision = bench.status().revision.expect("a file");
        assert!(revision.from_memory);
        assert!(!bench.status().reasons.is_empty());
        bench.file(FARM);
        assert!(!bench.status().revision.expect("a file").from_memory);
    }
}

#[test]
fn a_daemon_without_any_file_waits_for_a_good_one() {
    let mut bench = Bench::new();
    bench.absent("no such file");
    assert!(bench.wishes.is_empty());
    assert!(!bench.core.has_converged());
    assert_eq!(bench.status().revision, None);
    bench.file(FARM);
    assert_eq!(bench.wishes[0].file, FileNews::New);
    assert!(bench.core.has_converged());
}

#[test]
fn at_the_first_start_a_server_gets_nothing_before_it_passed() {
    let mut bench = Bench::new();
    bench.file(FARM);
    assert!(bench.weights().iter().all(|(_, weight)| weight.is_none()));
    bench.pass_all();
    assert!(bench.weights().iter().all(|(_, weight)| weight.is_some()));
}

#[test]
fn after_a_restart_servers_are_as_they_were_and_nothing_is_told() {
    let mut bench = Bench::kept(accepted(Some((kept(), Duration::from_secs(3)))));
    bench.file(FARM);
    bench.ready();
    assert_eq!(
        bench.weights(),
        [
            ("web1".to_owned(), Some(1)),
            ("web2".to_owned(), None),
            ("web3".to_owned(), Some(3))
        ]
    );
    assert_eq!(bench.wishes[0].file, FileNews::Same, "it is not guarded");
    assert_eq!(
        bench.count(Kind::ServerDown) + bench.count(Kind::ServerUp),
        0
    );
}

#[test]
fn what_was_known_is_kept_within_a_second_of_a_change() {
    let mut bench = Bench::serving(FARM);
    bench.kept.clear();
    bench.wait(Duration::from_secs(5), |question| {
        question.address.to_string() != "10.0.0.22"
    });
    assert!(!bench.kept.is_empty());
    let kept = bench.kept.len();
    bench.wait(Duration::from_secs(30), |question| {
        question.address.to_string() != "10.0.0.22"
    });
    assert_eq!(
        bench.kept.len(),
        kept,
        "nothing changes, so nothing is written"
    );
}

#[test]
fn what_was_known_is_void_in_another_boot_or_namespace() {
    let bench = Bench::serving(FARM);
    let document = bench.core.health_document(bench.now);
    let mut other = origin();
    other.boot_id = "another boot".to_owned();
    assert!(document.clone().here(&other, bench.now.moment).is_none());
    assert!(
        document
            .here(&origin(), start().later(Duration::from_secs(60)).moment)
            .is_some()
    );
}

#[test]
fn an_edit_made_while_no_daemon_ran_is_an_edit_like_any_other() {
    let mut bench = Bench::kept(accepted(Some((kept(), Duration::from_secs(3)))));
    let other = FARM.replace("weight: 3", "weight: 5");
    bench.file(&other);
    bench.ready();
    let wish = bench
        .wishes
        .iter()
        .find(|wish| *wish.text == *other)
        .expect("wished for");
    assert_eq!(wish.file, FileNews::New, "it is guarded");
    assert_eq!(
        bench.weights()[1],
        ("web2".to_owned(), None),
        "it is still down"
    );
    assert_eq!(bench.weights()[2], ("web3".to_owned(), Some(5)));
}
