//! The file is edited, well and badly.

use std::time::Duration;

use super::{Bench, FARM, Manner};
use crate::api::{ApproveOrder, Order};
use crate::event::Kind;
use crate::reconcile::Digest;
use crate::reconcile::keeper::{FileNews, Reason};

fn edited(from: &str, to: &str) -> String {
    assert!(FARM.contains(from));
    FARM.replace(from, to)
}

// keepalived #1707, #365: a bad file took the site down on reload.
#[test]
fn a_bad_file_changes_nothing_and_is_told_once_with_its_place() {
    let mut bench = Bench::serving(FARM);
    let wishes = bench.wishes.len();
    for _ in 0..3 {
        bench.file(&edited("protocol: tcp", "protocol: tcq"));
    }
    assert_eq!(bench.wishes.len(), wishes, "the keeper hears nothing of it");
    assert_eq!(bench.count(Kind::FileRefused), 1);
    let told = &bench.told.last().unwrap().message;
    assert!(told.contains("farm.yaml:10:"), "{told}");
    let refused = bench.status().refused.expect("a refused file");
    assert_eq!(refused.problems[0].line, 10);
    assert!(bench.status().revision.is_some(), "the old one runs");
}

#[test]
fn another_bad_file_is_told_again_and_the_good_one_again_ends_it() {
    let mut bench = Bench::serving(FARM);
    bench.file(&edited("protocol: tcp", "protocol: tcq"));
    bench.file(&edited("port: 80\n", "prt: 80\n"));
    assert_eq!(bench.count(Kind::FileRefused), 2);
    bench.file(FARM);
    assert_eq!(bench.status().refused, None);
    assert_eq!(bench.kinds().last(), Some(&Kind::FileAccepted));
}

// keepalived with a truncated file deleted a service (control-plane.md 2, complaint 3).
#[test]
fn a_file_that_is_cut_anywhere_leaves_the_farm_as_it_is() {
    for end in 0..FARM.len() - 1 {
        let mut bench = Bench::serving(FARM);
        // What the guards of the keeper do with a file that lost something.
        bench.manner = Manner::Refuses(Reason::Guard);
        let asked = bench.asked.len();
        bench.file(&FARM[..end]);
        bench.wait(Duration::from_secs(3), |_| true);
        let last = bench.wishes.last().unwrap();
        assert_eq!(&*last.text, FARM, "cut at {end}");
        assert_eq!(
            bench.weights(),
            [
                ("web1".to_owned(), Some(1)),
                ("web2".to_owned(), Some(2)),
                ("web3".to_owned(), Some(3))
            ],
            "cut at {end}"
        );
        assert!(bench.asked.len() <= asked + 3, "cut at {end}");
    }
}

#[test]
fn a_good_file_is_wished_for_and_runs_once_the_kernel_holds_it() {
    let mut bench = Bench::serving(FARM);
    bench.manner = Manner::Silent;
    let other = edited("weight: 3", "weight: 5");
    bench.file(&other);
    let wish = bench.wishes.last().unwrap();
    assert_eq!(wish.file, FileNews::New);
    assert_eq!(&*wish.text, other);
    assert_eq!(
        bench.count(Kind::FileAccepted),
        1,
        "only the first one so far"
    );
    let said = super::converged(bench.wishes.last().unwrap());
    bench.say(said);
    assert_eq!(bench.count(Kind::FileAccepted), 2);
}

// keepalived #381 #608 #373 #362 #1163 #1165 #1720: check state was lost on reload.
#[test]
fn an_edit_keeps_what_is_known_of_every_server_that_it_does_not_name() {
    let mut bench = Bench::serving(FARM);
    bench.wait(Duration::from_secs(5), |question| {
        question.address.to_string() != "10.0.0.22"
    });
    assert_eq!(bench.weights()[1], ("web2".to_owned(), None), "it is down");
    bench.forgotten.clear();
    bench.file(&edited("weight: 3", "weight: 5"));
    assert_eq!(
        bench.weights(),
        [
            ("web1".to_owned(), Some(1)),
            ("web2".to_owned(), None),
            ("web3".to_owned(), Some(5))
        ]
    );
    assert!(bench.forgotten.is_empty(), "no question began anew");
}

#[test]
fn a_new_server_gets_nothing_before_it_passed_and_the_others_go_on() {
    let mut bench = Bench::serving(FARM);
    let more =
        format!("{FARM}      - {{ name: web4, address: 10.0.0.24, port: 8080, weight: 4 }}\n");
    bench.file(&more);
    assert!(bench.wishes.iter().all(|wish| {
        let out = wish
            .overlay
            .servers
            .keys()
            .any(|member| member.server == "web4");
        wish.farm.services["http"].real_servers.len() == 3 || out
    }));
    bench.pass_all();
    assert_eq!(bench.weights()[3], ("web4".to_owned(), Some(4)));
}

#[test]
fn a_file_that_only_removes_waits_until_it_is_unchanged_for_two_seconds() {
    let mut bench = Bench::serving(FARM);
    let less = edited(
        "      - { name: web3, address: 10.0.0.23, port: 8080, weight: 3 }\n",
        "",
    );
    let wishes = bench.wishes.len();
    bench.file(&less);
    assert_eq!(bench.wishes.len(), wishes);
    assert_eq!(bench.kinds().last(), Some(&Kind::FileWaits));
    assert!(!bench.status().waiting.expect("it waits").needs_approval);
    bench.wait(Duration::from_millis(1_900), |_| true);
    assert_eq!(bench.wishes.len(), wishes);
    bench.wait(Duration::from_millis(200), |_| true);
    assert_eq!(&*bench.wishes.last().unwrap().text, less);
    assert_eq!(bench.status().waiting, None);
}

#[test]
fn a_removal_that_is_taken_back_in_time_never_happened() {
    let mut bench = Bench::serving(FARM);
    let less = edited(
        "      - { name: web3, address: 10.0.0.23, port: 8080, weight: 3 }\n",
        "",
    );
    let wishes = bench.wishes.len();
    bench.file(&less);
    bench.wait(Duration::from_secs(1), |_| true);
    bench.file(FARM);
    bench.wait(Duration::from_secs(5), |_| true);
    assert_eq!(bench.wishes.len(), wishes);
}

#[test]
fn a_guarded_file_waits_for_an_operator_and_disturbs_nothing() {
    let mut bench = Bench::serving(FARM);
    bench.manner = Manner::Refuses(Reason::Guard);
    bench.forgotten.clear();
    let less = edited("weight: 3", "weight: 1").replace("weight: 2", "weight: 1");
    bench.file(&less);
    assert!(bench.forgotten.is_empty(), "no question began anew");
    assert_eq!(
        &*bench.wishes.last().unwrap().text,
        FARM,
        "the old one goes on"
    );
    let waiting = bench.status().waiting.expect("it waits");
    assert!(waiting.needs_approval);
    bench.manner = Manner::Obeys;
    let revision = Digest::of(less.as_bytes()).to_string();
    bench
        .order(Order::Approve(ApproveOrder { revision }))
        .expect("approved");
    assert_eq!(&*bench.wishes.last().unwrap().text, less);
    assert_eq!(bench.status().waiting, None);
}

#[test]
fn only_the_very_revision_that_waits_can_be_approved() {
    let mut bench = Bench::serving(FARM);
    bench.manner = Manner::Refuses(Reason::Guard);
    bench.file(&edited("weight: 3", "weight: 9"));
    for wrong in ["", "0", "00000000", "master"] {
        let revision = wrong.to_owned();
        let refusal = bench
            .order(Order::Approve(ApproveOrder { revision }))
            .unwrap_err();
        assert!(refusal.message.contains("waits"), "{refusal}");
    }
}

#[test]
fn a_file_that_the_kernel_refuses_is_told_and_not_tried_again_until_it_changes() {
    let mut bench = Bench::serving(FARM);
    bench.manner = Manner::Refuses(Reason::Conflict);
    let other = edited("weight: 3", "weight: 9");
    bench.file(&other);
    let wishes = bench.wishes.len();
    bench.file(&other);
    assert_eq!(bench.wishes.len(), wishes);
    assert_eq!(bench.count(Kind::FileRefused), 1);
    assert!(
        bench
            .status()
            .refused
            .expect("refused")
            .message
            .contains("half")
    );
}

#[test]
fn a_file_that_is_gone_changes_nothing_and_is_told_once() {
    let mut bench = Bench::serving(FARM);
    let wishes = bench.wishes.len();
    for _ in 0..3 {
        bench.absent("no such file");
    }
    assert_eq!(bench.wishes.len(), wishes);
    assert_eq!(bench.count(Kind::FileRefused), 1);
    assert!(bench.status().reasons[0].contains("no such file"));
    bench.file(FARM);
    let reasons = bench.status().reasons.join(" ");
    assert!(!reasons.contains("no such file"), "{reasons}");
}
