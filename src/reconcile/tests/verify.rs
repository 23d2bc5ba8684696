//! Kernels that show something else than what they took.

use std::time::Duration;

use super::super::testing::{Bench, Kernel, service_key, state_of_ports, target};
use super::super::*;
use crate::dataplane::{Dataplane, Error as PlaneError, Failure, Observation};
use crate::state::{Change, State};

/// After each of our writes another program makes the kernel hold what it wants, for a while.
struct Contested {
    kernel: Kernel,
    theirs: State,
    rounds: usize,
}

impl Dataplane for Contested {
    fn observe(&mut self) -> Result<Observation, PlaneError> {
        self.kernel.observe()
    }

    fn execute(&mut self, changes: &[Change]) -> Result<Vec<Failure>, PlaneError> {
        let failures = self.kernel.execute(changes)?;
        if self.rounds > 0 {
            self.rounds -= 1;
            let mut memory = self.kernel.memory.borrow_mut();
            memory.state_mut().clone_from(&self.theirs);
        }
        Ok(failures)
    }

    fn writes(&self) -> u64 {
        self.kernel.writes()
    }
}

fn apply_contested(bench: &Bench, rounds: usize, wait: u64) -> Outcome {
    let mut plane = Contested {
        kernel: bench.kernel.clone(),
        theirs: State::default(),
        rounds,
    };
    let request = Request {
        wait: Duration::from_secs(wait),
        ..Request::default()
    };
    let mut around = Surroundings {
        plane: &mut plane,
        store: &bench.store,
        origin: &bench.origin,
        clock: &bench.clock,
        preflight: &mut |_, _| Preflight::Passed,
        place: &|_| None,
        start_guard: &mut || Ok(()),
        progress: &mut |_| {},
    };
    apply(&request, &target(state_of_ports(&[80])), &mut around).unwrap()
}

#[test]
fn what_another_program_takes_away_once_is_made_again() {
    let bench = Bench::holding(State::default());
    let outcome = apply_contested(&bench, 1, 0);
    assert_eq!(outcome.exit_code(), 0, "{outcome}");
    assert_eq!(bench.state(), state_of_ports(&[80]));
}

#[test]
fn what_another_program_keeps_taking_away_is_not_fought_over() {
    let bench = Bench::holding(State::default());
    let outcome = apply_contested(&bench, usize::MAX, 0);
    let Outcome::NotConverged { remaining, .. } = &outcome else {
        panic!("{outcome}")
    };
    assert_eq!(outcome.exit_code(), 3);
    assert_eq!(remaining.changes.len(), 2);
    assert!(
        outcome.to_string().contains("Does another program"),
        "{outcome}"
    );
    assert_eq!(bench.state(), State::default());
    assert_eq!(Journal::load(&bench.store).unwrap(), None);
    assert_eq!(Accepted::load(&bench.store).unwrap(), None);
    assert_eq!(
        bench.record().standing(&Key::Service(service_key(80))),
        None
    );
}

#[test]
fn with_more_time_it_tries_for_longer() {
    let bench = Bench::holding(State::default());
    assert_eq!(apply_contested(&bench, 6, 0).exit_code(), 3);
    let bench = Bench::holding(State::default());
    assert_eq!(apply_contested(&bench, 6, 10).exit_code(), 0);
}
