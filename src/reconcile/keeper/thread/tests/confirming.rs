//! Files that are undone unless somebody confirms them, beside a daemon.

use std::time::Duration;

use super::bench::{Stage, bent, farm};
use crate::reconcile::keeper::{Order, Reason, Said, Wish};
use crate::reconcile::{Accepted, Confirmation, FileNews, GuardEnd};
use crate::state::Share;

fn old() -> String {
    farm(&[80], &[(21, 1)])
}

fn new() -> String {
    farm(&[80, 81], &[(21, 1)])
}

/// The new file holds and waits for a minute.
fn waiting() -> Stage {
    let mut stage = Stage::serving(&old());
    let wish = stage.wish_of(&new(), FileNews::New);
    stage.wish(Wish {
        confirm: Some(Duration::from_secs(60)),
        ..wish
    });
    let said = stage.said();
    let waits = said
        .iter()
        .any(|one| matches!(one, Said::Unconfirmed { generation: 2, .. }));
    assert!(waits, "{said:#?}");
    assert_eq!(stage.weight(81, 21), Some(1));
    stage
}

#[test]
fn a_file_that_nobody_confirms_is_undone_and_the_one_before_goes_on() {
    let mut stage = waiting();
    stage.bend(bent(&[(80, 21, Share::Weight(4))]));
    assert_eq!(stage.weight(80, 21), Some(4), "health goes on meanwhile");
    stage.said();
    stage.pass(61);
    let said = stage.said();
    assert!(
        said.iter().any(|one| matches!(
            one,
            Said::Undone {
                end: GuardEnd::Undone { .. }
            }
        )),
        "{said:#?}"
    );
    assert_eq!(stage.weight(81, 21), None);
    let accepted = Accepted::load(&stage.bench.store).unwrap().unwrap();
    assert_eq!(accepted.text, old());
    stage.file(&new());
    let said = stage.said();
    assert!(
        matches!(
            &said[..],
            [Said::Refused {
                reason: Reason::Unconfirmed,
                ..
            }]
        ),
        "a file that was undone is not applied again: {said:#?}"
    );
}

#[test]
fn a_file_that_is_confirmed_stays() {
    let mut stage = waiting();
    stage.order(Order::Confirm);
    let said = stage.said();
    assert!(
        matches!(
            &said[..],
            [Said::Confirmed(Ok(Confirmation::Confirmed { .. }))]
        ),
        "{said:#?}"
    );
    stage.pass(120);
    assert_eq!(stage.weight(81, 21), Some(1));
    let accepted = Accepted::load(&stage.bench.store).unwrap().unwrap();
    assert_eq!(accepted.text, new());
}

#[test]
fn a_keeper_that_was_killed_meanwhile_undoes_it_when_it_starts_too_late() {
    let mut stage = waiting();
    crate::clock::Clock::sleep(&stage.bench.clock, Duration::from_secs(61));
    stage.start();
    let said = stage.said();
    assert!(
        matches!(&said[..], [Said::Undone { .. }, Said::Ready { .. }]),
        "{said:#?}"
    );
    assert_eq!(stage.weight(81, 21), None);
}

#[test]
fn a_keeper_that_was_killed_meanwhile_waits_on_when_it_starts_in_time() {
    let mut stage = waiting();
    stage.start();
    stage.file(&new());
    stage.pass(30);
    assert_eq!(stage.weight(81, 21), Some(1));
    stage.pass(31);
    assert_eq!(stage.weight(81, 21), None);
}

#[test]
fn another_file_waits_until_the_first_is_confirmed_or_undone() {
    let mut stage = waiting();
    stage.file(&farm(&[80, 81, 82], &[(21, 1)]));
    let said = stage.said();
    assert!(
        matches!(
            &said[..],
            [Said::Refused {
                reason: Reason::Unconfirmed,
                ..
            }]
        ),
        "{said:#?}"
    );
    assert_eq!(stage.weight(81, 21), Some(1));
    assert_eq!(stage.weight(82, 21), None);
}

#[test]
fn drift_is_put_right_while_a_file_waits() {
    let mut stage = waiting();
    stage.meddle(|state| {
        state.services.remove(&super::bench::service(81));
    });
    stage.read();
    assert_eq!(stage.weight(81, 21), Some(1));
    stage.pass(61);
    assert_eq!(stage.weight(81, 21), None);
}
