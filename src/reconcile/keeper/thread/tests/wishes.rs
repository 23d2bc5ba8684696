//! Wishes: what is done at once, what takes a whole run, what is refused.

use super::bench::{Stage, bent, destination, farm, service};
use crate::dataplane;
use crate::reconcile::keeper::{Order, Reason, Said, Way, Wish};
use crate::reconcile::testing::{Blow, state_of_ports};
use crate::reconcile::{Accepted, FileNews, Shrink};
use crate::state::{Overlay, Share, State};

#[test]
fn a_file_is_made_and_the_same_file_once_more_writes_nothing_anywhere() {
    let text = farm(&[80, 81], &[(21, 1), (22, 2)]);
    let mut stage = Stage::new();
    stage.file(&text);
    assert_eq!(stage.expect_way(Way::Full).generation, 1);
    assert_eq!(stage.weight(81, 22), Some(2));
    let writes = stage.writes();
    stage.bench.store.fuse.set(Blow::Never);
    stage.file(&text);
    stage.expect_way(Way::Nothing);
    assert_eq!(stage.writes(), writes);
    assert_eq!(stage.bench.store.fuse.burnt(), 0, "the disk was written");
}

#[test]
fn a_keeper_that_starts_over_what_is_wanted_writes_nothing_anywhere() {
    let text = farm(&[80, 81], &[(21, 1), (22, 2)]);
    let mut stage = Stage::serving(&text);
    stage.bend(bent(&[(80, 21, Share::Weight(0)), (81, 22, Share::Out)]));
    stage.said();
    let (writes, before) = (stage.writes(), stage.state());
    stage.bench.store.fuse.set(Blow::Never);
    stage.start();
    assert!(matches!(&stage.said()[..], [Said::Ready { record, .. }] if record.keys.len() == 3));
    stage.file(&text);
    stage.expect_way(Way::Nothing);
    assert_eq!(stage.writes(), writes);
    assert_eq!(stage.bench.store.fuse.burnt(), 0, "the disk was written");
    assert_eq!(stage.state(), before);
}

/// acassen/keepalived#1772: leftovers kept wrong attributes.
#[test]
fn a_keeper_that_starts_over_leftovers_puts_their_attributes_right() {
    let text = farm(&[80], &[(21, 1), (22, 2)]);
    let mut stage = Stage::serving(&text);
    let right = stage.state();
    stage.meddle(|state| {
        let service = state.services.get_mut(&service(80)).unwrap();
        service.attributes.scheduler = "lc".to_owned();
        let stray = service.destinations[&destination(21)];
        service.destinations.insert(destination(99), stray);
    });
    stage.start();
    stage.said();
    stage.file(&text);
    // The stray drains, and has nothing to finish.
    assert_eq!(stage.weight(80, 99), Some(0));
    stage.connections(80, 99, 0, 0);
    stage.read();
    assert_eq!(stage.state(), right);
}

#[test]
fn health_is_written_at_once_and_nothing_goes_to_the_disk() {
    let mut stage = Stage::serving(&farm(&[80, 81], &[(21, 1), (22, 2)]));
    stage.bench.store.fuse.set(Blow::Never);
    let writes = stage.writes();
    stage.bend(bent(&[(80, 21, Share::Out)]));
    let converged = stage.expect_way(Way::Fast);
    assert_eq!(converged.report.plan.changes.len(), 1);
    assert_eq!(stage.weight(80, 21), None);
    assert_eq!(stage.weight(81, 21), Some(1));
    stage.bend(Overlay::default());
    assert_eq!(stage.weight(80, 21), Some(1));
    assert_eq!(stage.writes(), writes + 2);
    assert_eq!(stage.bench.store.fuse.burnt(), 0, "the disk was written");
}

/// acassen/keepalived#1354: weights were not updated by a reload.
#[test]
fn a_new_weight_in_the_file_is_written_at_once_and_the_file_is_kept() {
    let mut stage = Stage::serving(&farm(&[80], &[(21, 1), (22, 2)]));
    let text = farm(&[80], &[(21, 3), (22, 2)]);
    stage.file(&text);
    stage.expect_way(Way::Fast);
    assert_eq!(stage.weight(80, 21), Some(3));
    let accepted = Accepted::load(&stage.bench.store).unwrap().unwrap();
    assert_eq!(accepted.text, text);
}

#[test]
fn the_newest_wish_wins_and_a_file_stays_new_until_it_was_worked_on() {
    let (old, new) = (farm(&[80], &[(21, 1)]), farm(&[80, 81], &[(21, 1)]));
    let mut stage = Stage::serving(&old);
    let file = stage.wish_of(&new, FileNews::New);
    stage.overlay = bent(&[(81, 21, Share::Weight(7))]);
    let bent = stage.wish_of(&new, FileNews::Same);
    stage.wish_at_once(vec![file, bent]);
    assert_eq!(stage.expect_way(Way::Full).generation, 3);
    assert_eq!(stage.weight(81, 21), Some(7));
    let accepted = Accepted::load(&stage.bench.store).unwrap().unwrap();
    assert_eq!(accepted.text, new);
}

/// acassen/keepalived#1707, #365: a truncated file deleted the site.
#[test]
fn a_file_that_shrinks_the_farm_is_refused_and_the_old_one_goes_on() {
    let whole = farm(&[80, 81, 82, 83], &[(21, 1), (22, 2)]);
    let mut stage = Stage::serving(&whole);
    let before = stage.state();
    stage.file(&farm(&[80], &[(21, 1), (22, 2)]));
    let said = stage.said();
    assert!(
        matches!(&said[..], [Said::Refused { generation: 2, reason: Reason::Guard, why }]
            if why.concat().contains("3 of 4 services")),
        "{said:#?}"
    );
    assert_eq!(stage.state(), before);
    // Health of the old file still counts.
    stage.overlay = Overlay::default();
    let wish = stage.wish_of(&whole, FileNews::Same);
    stage.wish(wish);
    assert_eq!(stage.state(), before);
    stage.said();
    let small = stage.wish_of(&farm(&[80], &[(21, 1), (22, 2)]), FileNews::New);
    stage.wish(Wish {
        shrink: Shrink::Allowed,
        ..small
    });
    stage.expect_converged();
}

#[test]
fn a_file_that_loses_weight_on_existing_servers_is_refused_on_the_quick_way_too() {
    let mut stage = Stage::serving(&farm(&[80], &[(21, 10), (22, 10)]));
    stage.file(&farm(&[80], &[(21, 1), (22, 1)]));
    let said = stage.said();
    assert!(
        matches!(
            &said[..],
            [Said::Refused {
                reason: Reason::Guard,
                ..
            }]
        ),
        "{said:#?}"
    );
    assert_eq!(stage.weight(80, 21), Some(10));
}

#[test]
fn health_is_never_guarded_and_guards_look_at_what_the_file_says() {
    let all_out = bent(&[
        (80, 21, Share::Out),
        (80, 22, Share::Out),
        (81, 21, Share::Out),
        (81, 22, Share::Out),
    ]);
    let mut stage = Stage::new();
    // The first file comes while nothing is well yet.
    stage.overlay = all_out.clone();
    stage.file(&farm(&[80, 81], &[(21, 5), (22, 5)]));
    stage.expect_converged();
    stage.bend(Overlay::default());
    stage.bend(all_out.clone());
    assert_eq!(stage.weight(80, 21), None);
    stage.said();
    // Another file with as much weight passes while everything is down…
    stage.file(&farm(&[80, 81], &[(21, 5), (22, 6)]));
    stage.expect_converged();
    // … and one that loses most of it is refused, although nothing would change in the kernel.
    stage.file(&farm(&[80, 81], &[(21, 1), (22, 1)]));
    let said = stage.said();
    assert!(
        matches!(
            &said[..],
            [Said::Refused {
                reason: Reason::Guard,
                ..
            }]
        ),
        "{said:#?}"
    );
}

#[test]
fn what_others_made_and_the_file_names_is_a_conflict_until_it_is_adopted() {
    let mut stage = Stage::holding(state_of_ports(&[80]));
    let text = farm(&[80], &[(21, 1)]);
    stage.file(&text);
    let said = stage.said();
    assert!(
        matches!(
            &said[1..],
            [Said::Refused {
                reason: Reason::Conflict,
                ..
            }]
        ),
        "{said:#?}"
    );
    let wish = stage.wish_of(&text, FileNews::New);
    stage.wish(Wish {
        adopt: crate::reconcile::Adopt::Yes,
        ..wish
    });
    stage.expect_converged();
}

#[test]
fn a_step_that_the_kernel_refuses_is_tried_again_later_and_not_sooner() {
    let text = farm(&[80], &[(21, 1), (22, 2)]);
    let mut stage = Stage::serving(&text);
    let refusal = dataplane::Error::Io {
        what: "edit".to_owned(),
        reason: "of the test".to_owned(),
    };
    stage.memory(|memory| memory.refuse(0, refusal));
    stage.bend(bent(&[(80, 21, Share::Weight(9))]));
    let said = stage.said();
    assert!(
        matches!(&said[..], [Said::Failed { generation: 2, cause, .. }]
            if cause.contains("of the test")),
        "{said:#?}"
    );
    assert_eq!(stage.weight(80, 21), Some(1));
    stage.pass(0);
    assert!(stage.said().is_empty());
    stage.pass(1);
    assert_eq!(stage.expect_converged().generation, 2);
    assert_eq!(stage.weight(80, 21), Some(9));
}

#[test]
fn a_whole_run_that_fails_leaves_the_old_state_and_is_tried_again() {
    let mut stage = Stage::serving(&farm(&[80], &[(21, 1)]));
    let before = stage.state();
    let refusal = dataplane::Error::Io {
        what: "make".to_owned(),
        reason: "of the test".to_owned(),
    };
    stage.memory(|memory| memory.refuse(1, refusal));
    stage.file(&farm(&[80, 81], &[(21, 1)]));
    let said = stage.said();
    assert!(matches!(&said[..], [Said::Failed { .. }]), "{said:#?}");
    assert_eq!(stage.state(), before);
    stage.pass(1);
    stage.expect_converged();
    assert_eq!(stage.weight(81, 21), Some(1));
}

/// acassen/keepalived#1173, #1561: rules were left behind on stop.
#[test]
fn release_removes_all_that_farmctl_made_and_nothing_else() {
    let foreign = state_of_ports(&[8000]);
    let mut stage = Stage::holding(foreign.clone());
    stage.file(&farm(&[80, 81], &[(21, 1), (22, 2)]));
    stage.said();
    stage.order(Order::Release);
    let said = stage.said();
    assert!(matches!(&said[..], [Said::Released(Ok(_))]), "{said:#?}");
    let State {
        services,
        addresses,
        ..
    } = stage.state();
    assert_eq!(services, foreign.services);
    assert!(addresses.is_empty());
    assert!(stage.bench.record().keys.is_empty());
    // The accepted file stays: the next start holds it again.
    assert!(Accepted::load(&stage.bench.store).unwrap().is_some());
}
