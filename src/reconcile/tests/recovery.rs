//! Runs that are killed, at every place, and the run after.

use proptest::prelude::*;

use super::super::testing::{
    Bench, Blow, any_state, merged, moved, service_key, state_of_ports, state_of_weights, target,
};
use super::super::*;
use crate::state::State;

/// Guards are tested elsewhere; here farms come and go as they like.
fn free() -> Request {
    Request {
        shrink: Shrink::Allowed,
        ..Request::default()
    }
}

/// Where a run is killed.
#[derive(Debug, Clone, Copy)]
enum Place {
    Change(usize),
    Write(usize),
}

/// Applies `first`, is killed at the place while applying `second`. False where the run ended
/// before the place.
fn killed(bench: &Bench, first: &State, second: &State, place: Place) -> bool {
    assert_eq!(
        bench
            .apply(&free(), &target(first.clone()))
            .unwrap()
            .exit_code(),
        0
    );
    let kill = match place {
        Place::Change(change) => Some(change),
        Place::Write(write) => {
            bench.store.fuse.set(Blow::Kill(write));
            None
        }
    };
    let end = bench.apply_mortal(&free(), &target(second.clone()), kill);
    bench.store.fuse.set(Blow::Never);
    end.is_none()
}

/// The next run with the same file goes on to the end.
fn goes_on(foreign: &State, first: &State, second: &State, place: Place) -> bool {
    let bench = Bench::holding(foreign.clone());
    let died = killed(&bench, first, second, place);
    let outcome = bench.apply(&free(), &target(second.clone())).unwrap();
    assert_eq!(outcome.exit_code(), 0, "{place:?}: {outcome}");
    assert_whole(&bench, foreign, second, place);
    died
}

fn assert_whole(bench: &Bench, foreign: &State, wanted: &State, place: Place) {
    let settings = bench.state().settings;
    let mut expected = merged(foreign, wanted);
    expected.settings.clone_from(&settings);
    for (setting, value) in &wanted.settings {
        assert_eq!(settings.get(setting), Some(value), "{place:?}");
    }
    assert_eq!(bench.state(), expected, "{place:?}");
    let done = Key::all_of(wanted)
        .into_iter()
        .map(|key| (key, Standing::Done));
    assert_eq!(bench.record().keys, done.collect(), "{place:?}");
    assert_eq!(Journal::load(&bench.store).unwrap(), None);
    bench.store.fuse.set(Blow::Never);
    let writes = bench.kernel.memory.borrow_mut().clone();
    let again = bench.apply(&free(), &target(wanted.clone())).unwrap();
    assert!(again.to_string().starts_with("Nothing to do"), "{again}");
    assert_eq!(bench.store.fuse.burnt(), 0);
    assert_eq!(*bench.kernel.memory.borrow().state(), *writes.state());
}

/// The next run with the earlier file leaves nothing behind that it does not name aloud.
fn goes_back(foreign: &State, first: &State, second: &State, place: Place) -> bool {
    let bench = Bench::holding(foreign.clone());
    let died = killed(&bench, first, second, place);
    let outcome = bench.apply(&free(), &target(first.clone())).unwrap();
    let Outcome::Converged(report) = &outcome else {
        panic!("{place:?}: {outcome}")
    };
    let there = bench.state();
    for key in Key::all_of(&there) {
        let accounted = key.is_in(foreign) || key.is_in(first) || report.unfinished.contains(&key);
        assert!(accounted, "{place:?}: {key} was leaked");
    }
    for key in Key::all_of(foreign) {
        assert!(key.is_in(&there), "{place:?}: {key} was not ours to delete");
    }
    let adopting = Request {
        adopt: Adopt::Yes,
        ..free()
    };
    bench.apply(&adopting, &target(first.clone())).unwrap();
    assert_whole(&bench, foreign, first, place);
    died
}

fn farm() -> State {
    let mut state = state_of_weights(&[5, 6]);
    state
        .services
        .extend(state_of_ports(&[79, 81, 82]).services);
    state
}

fn everywhere(check: impl Fn(Place) -> bool) {
    let changes = (0..99).take_while(|at| check(Place::Change(*at))).count();
    let writes = (0..99).take_while(|at| check(Place::Write(*at))).count();
    assert!(
        changes > 6 && writes > 3,
        "{changes} changes and {writes} writes were tried"
    );
}

#[test]
fn a_run_killed_anywhere_is_finished_by_the_next() {
    let foreign = state_of_ports(&[9000]);
    let first = state_of_ports(&[78, 80]);
    everywhere(|place| goes_on(&foreign, &first, &farm(), place));
}

#[test]
fn after_a_run_killed_anywhere_the_earlier_file_leaks_nothing_in_silence() {
    let foreign = state_of_ports(&[9000]);
    let first = state_of_ports(&[78, 80]);
    everywhere(|place| goes_back(&foreign, &first, &farm(), place));
}

#[test]
fn the_next_run_says_what_it_found() {
    let bench = Bench::holding(State::default());
    killed(
        &bench,
        &State::default(),
        &state_of_ports(&[80, 81]),
        Place::Change(3),
    );
    let outcome = bench
        .apply(&free(), &target(state_of_ports(&[80])))
        .unwrap();
    let said = outcome.to_string();
    assert!(
        said.contains("was interrupted; its 4 steps are taken over"),
        "{said}"
    );
    assert!(said.contains("Left alone"), "{said}");
    assert!(said.contains("service tcp 192.0.2.10:81"), "{said}");
    let standing = bench.record().standing(&Key::Service(service_key(81)));
    assert_eq!(standing, Some(Standing::Intent));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_is_killed_wherever_converges_and_touches_nothing_foreign(
        foreign in any_state().prop_map(moved),
        first in any_state(),
        second in any_state(),
        at in 0..20_usize,
        kernel: bool,
    ) {
        let place = if kernel { Place::Change(at) } else { Place::Write(at % 6) };
        goes_on(&foreign, &first, &second, place);
        goes_back(&foreign, &first, &second, place);
    }
}
