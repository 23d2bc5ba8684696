//! Runs that nobody kills.

use std::time::Duration;

use super::super::testing::{
    Bench, Blow, Kernel, destination_key, merged, service_key, state_of_ports, state_of_weights,
    target, with_node_address,
};
use super::super::*;
use crate::dataplane;
use crate::state::{Setting, State};

fn refusal() -> dataplane::Error {
    dataplane::Error::Refused {
        what: "add it".to_owned(),
        reason: "the test says no".to_owned(),
        errno: 22,
    }
}

fn adopting() -> Request {
    Request {
        adopt: Adopt::Yes,
        ..Request::default()
    }
}

#[test]
fn a_first_run_makes_what_the_file_asks_for_and_records_it() {
    let bench = Bench::holding(with_node_address(state_of_ports(&[9000])));
    let wanted = state_of_ports(&[80, 81]);
    let outcome = bench
        .apply(&Request::default(), &target(wanted.clone()))
        .unwrap();
    assert_eq!(outcome.exit_code(), 0);
    assert_eq!(outcome.to_string(), "4 changes made and read back.");
    let foreign = with_node_address(state_of_ports(&[9000]));
    assert_eq!(bench.state(), merged(&foreign, &wanted));
    let done = Key::all_of(&wanted)
        .into_iter()
        .map(|key| (key, Standing::Done));
    assert_eq!(bench.record().keys, done.collect());
    assert_eq!(Journal::load(&bench.store).unwrap(), None);
}

#[test]
fn a_second_run_writes_neither_to_the_kernel_nor_to_the_disk() {
    let bench = Bench::holding(State::default());
    let file = target(state_of_ports(&[80, 81]));
    bench.apply(&Request::default(), &file).unwrap();
    bench.store.fuse.set(Blow::Never);
    let outcome = bench.apply(&Request::default(), &file).unwrap();
    let Outcome::Converged(report) = &outcome else {
        panic!("{outcome}")
    };
    assert_eq!(report.writes, 0);
    assert_eq!(bench.store.fuse.burnt(), 0);
    assert!(
        outcome.to_string().starts_with("Nothing to do"),
        "{outcome}"
    );
}

#[test]
fn a_dry_run_touches_nothing_at_all() {
    let bench = Bench::holding(State::default());
    let request = Request {
        mode: Mode::DryRun,
        ..Request::default()
    };
    let outcome = bench
        .apply(&request, &target(state_of_ports(&[80])))
        .unwrap();
    assert_eq!(outcome.to_string(), "2 changes would be made.");
    assert_eq!(bench.state(), State::default());
    assert_eq!(bench.store.fuse.burnt(), 0);
}

#[test]
fn what_others_made_is_a_conflict_until_it_is_adopted() {
    let bench = Bench::holding(state_of_ports(&[80, 9000]));
    let file = target(state_of_ports(&[80, 81]));
    let outcome = bench.apply(&Request::default(), &file).unwrap();
    assert_eq!(
        outcome,
        Outcome::Conflict(vec![Key::Service(service_key(80))])
    );
    assert_eq!(outcome.exit_code(), 4);
    assert_eq!(bench.state(), state_of_ports(&[80, 9000]));
    let outcome = bench.apply(&adopting(), &file).unwrap();
    assert_eq!(outcome.exit_code(), 0);
    assert_eq!(bench.state(), state_of_ports(&[80, 81, 9000]));
}

#[test]
fn a_hand_edit_of_a_service_of_ours_is_put_right_and_is_no_shrinking() {
    let bench = Bench::holding(State::default());
    let file = target(state_of_weights(&[1, 2]));
    bench.apply(&Request::default(), &file).unwrap();
    *bench.kernel.memory.borrow_mut().state_mut() = state_of_weights(&[50, 2, 100]);
    let outcome = bench.apply(&Request::default(), &file).unwrap();
    assert_eq!(outcome.exit_code(), 0, "{outcome}");
    assert_eq!(bench.state(), state_of_weights(&[1, 2]));
}

#[test]
fn what_the_file_no_longer_names_goes_or_stays_as_asked() {
    let bench = Bench::holding(State::default());
    let both = target(state_of_ports(&[80, 81]));
    bench.apply(&Request::default(), &both).unwrap();
    let keeping = Request {
        prune: Prune::None,
        ..Request::default()
    };
    bench
        .apply(&keeping, &target(state_of_ports(&[80])))
        .unwrap();
    assert_eq!(bench.state(), state_of_ports(&[80, 81]));
    let outcome = bench
        .apply(&Request::default(), &target(state_of_ports(&[80])))
        .unwrap();
    assert_eq!(outcome.exit_code(), 0, "{outcome}");
    assert_eq!(bench.state(), state_of_ports(&[80]));
}

#[test]
fn a_file_that_shrinks_the_farm_is_refused_once_and_passed_when_allowed() {
    let bench = Bench::holding(State::default());
    bench
        .apply(&Request::default(), &target(state_of_ports(&[80, 81, 82])))
        .unwrap();
    let small = target(state_of_ports(&[80]));
    let outcome = bench.apply(&Request::default(), &small).unwrap();
    assert_eq!(outcome.exit_code(), 5);
    assert_eq!(bench.state(), state_of_ports(&[80, 81, 82]));
    let allowed = Request {
        shrink: Shrink::Allowed,
        ..Request::default()
    };
    assert_eq!(bench.apply(&allowed, &small).unwrap().exit_code(), 0);
    assert_eq!(bench.state(), state_of_ports(&[80]));
    assert_eq!(
        bench
            .apply(&Request::default(), &small)
            .unwrap()
            .exit_code(),
        0
    );
}

#[test]
fn a_file_cut_short_is_refused_even_after_a_reboot() {
    let mut bench = Bench::holding(State::default());
    let mut file = target(state_of_ports(&[80]));
    file.text = "version: 1\nservices: {}\n# the end\n".to_owned();
    bench.apply(&Request::default(), &file).unwrap();
    bench.origin.boot_id = "the next boot".to_owned();
    *bench.kernel.memory.borrow_mut().state_mut() = State::default();
    file.text.truncate(15);
    let outcome = bench.apply(&Request::default(), &file).unwrap();
    assert_eq!(outcome.exit_code(), 5, "{outcome}");
}

#[test]
fn after_a_reboot_everything_is_made_again() {
    let mut bench = Bench::holding(State::default());
    let file = target(state_of_ports(&[80]));
    bench.apply(&Request::default(), &file).unwrap();
    bench.origin.boot_id = "the next boot".to_owned();
    *bench.kernel.memory.borrow_mut().state_mut() = State::default();
    bench.apply(&Request::default(), &file).unwrap();
    assert_eq!(bench.state(), state_of_ports(&[80]));
}

#[test]
fn a_step_that_fails_undoes_everything_wherever_it_is() {
    let before = state_of_ports(&[79, 80]);
    let mut after = state_of_weights(&[5, 6]);
    after
        .services
        .extend(state_of_ports(&[79, 81, 82]).services);
    after.settings.insert(Setting::ForwardV4, 1);
    for place in 0.. {
        let mut foreign = state_of_ports(&[9000]);
        foreign.settings.insert(Setting::ForwardV4, 0);
        let bench = Bench::holding(foreign.clone());
        bench
            .apply(&Request::default(), &target(before.clone()))
            .unwrap();
        let record = bench.record();
        bench.kernel.memory.borrow_mut().refuse(place, refusal());
        let outcome = bench
            .apply(&Request::default(), &target(after.clone()))
            .unwrap();
        if outcome.exit_code() == 0 {
            assert!(place > 8, "only {place} steps were tried");
            return;
        }
        assert_eq!(outcome.exit_code(), 1, "step {place}: {outcome}");
        assert!(
            outcome
                .to_string()
                .contains("the test says no (where the file has "),
            "{outcome}"
        );
        assert_eq!(bench.state(), merged(&foreign, &before), "step {place}");
        assert_eq!(bench.record(), record, "step {place}");
        assert_eq!(Journal::load(&bench.store).unwrap(), None);
    }
}

#[test]
fn a_rollback_says_what_it_undid_and_does_not_flood_the_terminal() {
    let undone = |count: u16| {
        let bench = Bench::holding(State::default());
        let ports: Vec<u16> = (1..=count).collect();
        bench
            .kernel
            .memory
            .borrow_mut()
            .refuse(usize::from(count) * 2 - 1, refusal());
        let outcome = bench.apply(&Request::default(), &target(state_of_ports(&ports)));
        let outcome = outcome.unwrap();
        assert_eq!(outcome.exit_code(), 1, "{outcome}");
        outcome.to_string()
    };
    let one = undone(1);
    assert!(
        one.contains("1 step undone:\n  remove service tcp"),
        "{one}"
    );
    let many = undone(30);
    assert!(many.contains("30 steps undone:"), "{many}");
    assert!(many.ends_with("\n  and 10 more"), "{many}");
}

#[test]
fn what_cannot_be_undone_is_listed_and_stays_ours() {
    let bench = Bench::holding(State::default());
    for place in 3..40 {
        bench.kernel.memory.borrow_mut().refuse(place, refusal());
    }
    let file = target(state_of_ports(&[80, 81]));
    let outcome = bench.apply(&Request::default(), &file).unwrap();
    let Outcome::RolledBackInPart { left, .. } = &outcome else {
        panic!("{outcome}")
    };
    assert_eq!(outcome.exit_code(), 6);
    assert!(
        left[0].contains("remove service tcp 192.0.2.10:80"),
        "{left:?}"
    );
    let standing = bench.record().standing(&Key::Service(service_key(80)));
    assert_eq!(standing, Some(Standing::Done));
}

#[test]
fn a_service_that_somebody_makes_in_between_is_not_removed_by_the_rollback() {
    let bench = Bench::holding(State::default());
    let theirs = state_of_weights(&[7]);
    let kernel = bench.kernel.clone();
    let mut plane = Intruder(kernel, Some(theirs.clone()));
    let file = target(state_of_ports(&[80, 81]));
    let outcome = apply(
        &Request::default(),
        &file,
        &mut Surroundings {
            plane: &mut plane,
            store: &bench.store,
            origin: &bench.origin,
            clock: &bench.clock,
            preflight: &mut |_, _| Preflight::Passed,
            place: &|_| None,
            start_guard: &mut || Ok(()),
            progress: &mut |_| {},
        },
    );
    assert_eq!(outcome.unwrap().exit_code(), 1);
    assert_eq!(bench.state(), theirs);
}

/// Somebody else writes just before our first step.
struct Intruder(Kernel, Option<State>);

impl dataplane::Dataplane for Intruder {
    fn kind(&self) -> crate::spec::DataplaneKind {
        self.0.kind()
    }

    fn observe(&mut self) -> Result<dataplane::Observation, dataplane::Error> {
        self.0.observe()
    }

    fn execute(
        &mut self,
        changes: &[crate::state::Change],
    ) -> Result<Vec<dataplane::Failure>, dataplane::Error> {
        if let Some(theirs) = self.1.take() {
            *self.0.memory.borrow_mut().state_mut() = theirs;
        }
        self.0.execute(changes)
    }

    fn writes(&self) -> u64 {
        self.0.writes()
    }
}

#[test]
fn a_failed_trial_changes_nothing_and_a_skipped_one_is_said() {
    let mut bench = Bench::holding(State::default());
    bench.preflight = Preflight::Failed(vec!["The scheduler is unknown.".to_owned()]);
    let file = target(state_of_ports(&[80]));
    let outcome = bench.apply(&Request::default(), &file).unwrap();
    assert_eq!(outcome.exit_code(), 1);
    assert!(outcome.to_string().contains("The scheduler is unknown."));
    assert_eq!(bench.state(), State::default());
    bench.preflight = Preflight::Skipped("No right to make a namespace.".to_owned());
    let outcome = bench.apply(&Request::default(), &file).unwrap();
    assert!(
        outcome
            .to_string()
            .contains("No right to make a namespace.")
    );
}

fn busy(bench: &Bench) {
    let counters = dataplane::DestinationCounters {
        active: 400,
        inactive: 12,
        ..Default::default()
    };
    let mut memory = bench.kernel.memory.borrow_mut();
    memory.set_counters(service_key(80), destination_key(2), counters);
}

#[test]
fn a_removal_without_drain_says_which_connections_it_cuts() {
    let bench = Bench::holding(State::default());
    bench
        .apply(&Request::default(), &target(state_of_weights(&[2, 1])))
        .unwrap();
    busy(&bench);
    let outcome = bench
        .apply(&Request::default(), &target(state_of_weights(&[2])))
        .unwrap();
    assert!(
        outcome.to_string().contains("cuts 412 live connections"),
        "{outcome}"
    );
    assert_eq!(bench.state(), state_of_weights(&[2]));
}

#[test]
fn a_server_drains_at_weight_0_until_the_time_is_over() {
    let bench = Bench::holding(State::default());
    bench
        .apply(&Request::default(), &target(state_of_weights(&[2, 1])))
        .unwrap();
    busy(&bench);
    bench.said.borrow_mut().clear();
    let request = Request {
        drain: Duration::from_secs(3),
        ..Request::default()
    };
    let outcome = bench
        .apply(&request, &target(state_of_weights(&[2])))
        .unwrap();
    assert_eq!(outcome.exit_code(), 0, "{outcome}");
    assert_eq!(bench.state(), state_of_weights(&[2]));
    let said = bench.said.borrow().join("\n");
    let lowering = said.find("Lowering weights").unwrap();
    let draining = said.find("Draining: 412 connections").unwrap();
    assert!(
        lowering < draining && draining < said.find("Removing servers").unwrap(),
        "{said}"
    );
}

#[test]
fn a_disk_that_fills_up_before_the_first_change_stops_the_run() {
    for place in 0..2 {
        let bench = Bench::holding(State::default());
        bench.store.fuse.set(Blow::Full(place));
        let file = target(state_of_ports(&[80]));
        let error = bench.apply(&Request::default(), &file).unwrap_err();
        assert!(matches!(error, Error::Write { .. }), "{error}");
        assert_eq!(bench.state(), State::default(), "write {place}");
    }
}

#[test]
fn a_disk_that_fills_up_after_the_changes_is_told_and_mended_by_the_next_run() {
    for place in 2..5 {
        let bench = Bench::holding(State::default());
        bench.store.fuse.set(Blow::Full(place));
        let file = target(state_of_ports(&[80]));
        let outcome = bench.apply(&Request::default(), &file).unwrap();
        assert_eq!(outcome.exit_code(), 3, "write {place}: {outcome}");
        bench.store.fuse.set(Blow::Never);
        assert_eq!(
            bench.apply(&Request::default(), &file).unwrap().exit_code(),
            0
        );
        let standing = bench.record().standing(&Key::Service(service_key(80)));
        assert_eq!(standing, Some(Standing::Done));
    }
}
