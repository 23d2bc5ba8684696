//! Changes that wait for a word.

use std::time::Duration;

use super::super::testing::{Bench, Blow, merged, origin, state_of_ports, survive, target};
use super::super::*;
use crate::clock::Clock as _;
use crate::state::State;

fn confirmed_within(seconds: u64) -> Request {
    Request {
        confirm: Some(Duration::from_secs(seconds)),
        shrink: Shrink::Allowed,
        ..Request::default()
    }
}

/// A machine with one applied file, and foreign objects.
fn bench() -> Bench {
    let bench = Bench::holding(state_of_ports(&[9000]));
    let outcome = bench.apply(&Request::default(), &target(state_of_ports(&[79, 80])));
    assert_eq!(outcome.unwrap().exit_code(), 0);
    bench
}

fn before() -> State {
    state_of_ports(&[79, 80, 9000])
}

fn after() -> Target {
    target(state_of_ports(&[80, 81, 82]))
}

fn run_guard(bench: &Bench) -> GuardEnd {
    let mut kernel = bench.kernel.clone();
    guard(
        &bench.store,
        &bench.origin,
        &bench.clock,
        &mut kernel,
        &mut || Ok(()),
    )
    .unwrap()
}

#[test]
fn what_nobody_confirms_is_undone_and_the_file_is_not_applied_again() {
    let bench = bench();
    let record = bench.record();
    let outcome = bench.apply(&confirmed_within(60), &after()).unwrap();
    assert_eq!(outcome.exit_code(), 0, "{outcome}");
    let said = outcome.to_string();
    assert!(
        said.contains("undone in 60 s unless `farmctl confirm`"),
        "{said}"
    );
    assert_eq!(bench.guards_started.get(), 1);
    assert!(matches!(run_guard(&bench), GuardEnd::Undone { .. }));
    assert_eq!(bench.state(), before());
    assert_eq!(bench.record(), record);
    let outcome = bench.apply(&Request::default(), &after()).unwrap();
    assert_eq!(outcome.exit_code(), 5);
    assert!(
        outcome.to_string().contains("nobody confirmed"),
        "{outcome}"
    );
    let mut mended = after();
    mended.text.push_str("# mended\n");
    assert_eq!(
        bench
            .apply(&Request::default(), &mended)
            .unwrap()
            .exit_code(),
        0
    );
}

#[test]
fn what_is_confirmed_stays_and_is_the_accepted_file() {
    let bench = bench();
    bench.apply(&confirmed_within(60), &after()).unwrap();
    let accepted = || Accepted::load(&bench.store).unwrap().unwrap().text;
    assert_ne!(accepted(), after().text);
    let confirmation = confirm(&bench.store, &bench.origin).unwrap();
    assert_eq!(
        confirmation,
        Confirmation::Confirmed {
            farm: "shop".to_owned()
        }
    );
    assert_eq!(accepted(), after().text);
    bench.clock.sleep(Duration::from_secs(3600));
    assert_eq!(run_guard(&bench), GuardEnd::Disarmed);
    assert_eq!(
        bench.state(),
        merged(&state_of_ports(&[9000]), &after().state)
    );
    let again = confirm(&bench.store, &bench.origin).unwrap();
    assert_eq!(again, Confirmation::NothingPending);
}

#[test]
fn those_who_look_are_told_of_a_change_that_waits_and_of_one_that_is_overdue() {
    let bench = bench();
    let told = || unsettled(&bench.store, &bench.origin, &bench.clock).unwrap();
    assert_eq!(told(), [""; 0]);
    bench.apply(&confirmed_within(60), &after()).unwrap();
    let waits = "A change of farm shop waits for `farmctl confirm` and is undone in 60 s.";
    assert_eq!(told(), [waits]);
    bench.clock.sleep(Duration::from_secs(61));
    assert!(
        told()[0].ends_with("the next apply undoes it first."),
        "{told:?}",
        told = told()
    );
    let after_reboot = origin("the next boot");
    assert_eq!(
        unsettled(&bench.store, &after_reboot, &bench.clock).unwrap(),
        [""; 0]
    );
}

#[test]
fn another_run_is_refused_while_a_change_waits() {
    let bench = bench();
    bench.apply(&confirmed_within(60), &after()).unwrap();
    let outcome = bench
        .apply(&Request::default(), &target(state_of_ports(&[80])))
        .unwrap();
    assert_eq!(outcome.exit_code(), 5);
    assert!(
        outcome
            .to_string()
            .contains("undone in 60 s. Say `farmctl confirm`"),
        "{outcome}"
    );
}

#[test]
fn the_next_run_undoes_what_is_due_where_the_guard_died() {
    let bench = bench();
    bench.apply(&confirmed_within(60), &after()).unwrap();
    bench.clock.sleep(Duration::from_secs(61));
    let outcome = bench
        .apply(&Request::default(), &target(state_of_ports(&[79, 80])))
        .unwrap();
    assert!(
        outcome.to_string().starts_with("Nothing to do"),
        "{outcome}"
    );
    assert_eq!(bench.state(), before());
}

#[test]
fn the_death_of_apply_anywhere_does_not_disarm_the_guard() {
    let mut died = 0;
    for place in 0.. {
        let bench = bench();
        let end = bench.apply_mortal(&confirmed_within(60), &after(), Some(place));
        assert!(
            matches!(run_guard(&bench), GuardEnd::Undone { .. }),
            "change {place}"
        );
        assert_eq!(bench.state(), before(), "change {place}");
        let again = target(state_of_ports(&[79, 80]));
        let outcome = bench.apply(&Request::default(), &again).unwrap();
        assert!(
            outcome.to_string().starts_with("Nothing to do"),
            "{outcome}"
        );
        if end.is_some() {
            break;
        }
        died += 1;
    }
    assert_eq!(died, 5);
}

#[test]
fn a_guard_that_dies_anywhere_is_followed_by_the_next_run() {
    for place in 0.. {
        let bench = bench();
        bench.apply(&confirmed_within(60), &after()).unwrap();
        bench.store.fuse.set(Blow::Kill(place));
        let end = survive(|| run_guard(&bench));
        bench.store.fuse.set(Blow::Never);
        let again = target(state_of_ports(&[79, 80]));
        assert_eq!(
            bench
                .apply(&Request::default(), &again)
                .unwrap()
                .exit_code(),
            0
        );
        assert_eq!(bench.state(), before(), "write {place}");
        if end.is_some() {
            assert!(place > 3, "only {place} writes were tried");
            return;
        }
    }
}

#[test]
fn a_full_disk_does_not_keep_the_kernel_from_being_put_right() {
    let bench = bench();
    bench.apply(&confirmed_within(60), &after()).unwrap();
    bench.store.fuse.set(Blow::Full(0));
    let mut kernel = bench.kernel.clone();
    let end = guard(
        &bench.store,
        &bench.origin,
        &bench.clock,
        &mut kernel,
        &mut || Ok(()),
    );
    assert!(matches!(end, Err(Error::Write { .. })), "{end:?}");
    assert_eq!(bench.state(), before());
    bench.store.fuse.set(Blow::Never);
    assert!(matches!(run_guard(&bench), GuardEnd::Undone { steps: 0 }));
    assert_eq!(Pending::load(&bench.store).unwrap(), None);
}

#[test]
fn a_reboot_voids_what_waits() {
    let mut bench = bench();
    bench.apply(&confirmed_within(60), &after()).unwrap();
    bench.origin.boot_id = "the next boot".to_owned();
    *bench.kernel.memory.borrow_mut().state_mut() = State::default();
    assert_eq!(run_guard(&bench), GuardEnd::Disarmed);
    assert_eq!(bench.state(), State::default());
    assert_eq!(Pending::load(&bench.store).unwrap(), None);
}

#[test]
fn a_change_that_fails_leaves_nothing_to_confirm() {
    let bench = bench();
    let error = crate::dataplane::Error::Io {
        what: "add it".to_owned(),
        reason: "the test says no".to_owned(),
    };
    bench.kernel.memory.borrow_mut().refuse(1, error);
    let outcome = bench.apply(&confirmed_within(60), &after()).unwrap();
    assert_eq!(outcome.exit_code(), 1);
    assert_eq!(Pending::load(&bench.store).unwrap(), None);
    assert_eq!(run_guard(&bench), GuardEnd::Disarmed);
    assert_eq!(bench.state(), before());
}
