//! Kernels that show something else than what they took.

use std::time::Duration;

use super::super::testing::{Bench, Kernel, service_key, state_of_ports, target};
use super::super::*;
use crate::dataplane::{Dataplane, Error as PlaneError, Failure, Observation};
use crate::spec::DataplaneKind;
use crate::state::{Change, State};

/// After each of our writes another program makes the kernel hold what it wants, for a while.
struct Contested {
    kernel: Kernel,
    theirs: State,
    rounds: usize,
}

impl Dataplane for Contested {
    fn kind(&self) -> DataplaneKind {
        self.kernel.kind()
    }

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

/// At the first look after the run another program shows a service without its destination, and
/// takes the service away before the destination is put back.
struct Vanishing {
    kernel: Kernel,
    theirs: State,
    looks: usize,
}

impl Dataplane for Vanishing {
    fn kind(&self) -> DataplaneKind {
        self.kernel.kind()
    }

    fn observe(&mut self) -> Result<Observation, PlaneError> {
        self.looks += 1;
        let seen = self.kernel.observe()?;
        if self.looks != 2 {
            return Ok(seen);
        }
        let mut memory = self.kernel.memory.borrow_mut();
        *memory.state_mut() = State::default();
        Ok(Observation {
            state: self.theirs.clone(),
            ..seen
        })
    }

    fn execute(&mut self, changes: &[Change]) -> Result<Vec<Failure>, PlaneError> {
        self.kernel.execute(changes)
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
    contested(bench, &mut plane, wait)
}

fn contested(bench: &Bench, plane: &mut dyn Dataplane, wait: u64) -> Outcome {
    let request = Request {
        wait: Duration::from_secs(wait),
        ..Request::default()
    };
    let mut around = Surroundings {
        plane,
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

fn assert_nothing_is_left(bench: &Bench) {
    assert_eq!(bench.state(), State::default());
    assert_eq!(Journal::load(&bench.store).unwrap(), None);
    assert_eq!(Accepted::load(&bench.store).unwrap(), None);
    let key = Key::Service(service_key(80));
    assert_eq!(bench.record().standing(&key), None);
}

#[test]
fn what_another_program_keeps_taking_away_is_rolled_back() {
    let bench = Bench::holding(State::default());
    let outcome = apply_contested(&bench, usize::MAX, 0);
    let Outcome::RolledBack { cause, .. } = &outcome else {
        panic!("{outcome}")
    };
    assert_eq!(outcome.exit_code(), 1);
    assert!(cause.contains("Does another program"), "{cause}");
    assert!(cause.contains("add service tcp"), "{cause}");
    assert_nothing_is_left(&bench);
}

#[test]
fn with_wait_it_ends_with_what_remains_and_does_not_go_back() {
    let bench = Bench::holding(State::default());
    let outcome = apply_contested(&bench, usize::MAX, 5);
    let Outcome::NotConverged { remaining, cause } = &outcome else {
        panic!("{outcome}")
    };
    assert_eq!(outcome.exit_code(), 3);
    assert_eq!(remaining.changes.len(), 2);
    assert!(cause.contains("after 5 s"), "{cause}");
    assert_nothing_is_left(&bench);
}

#[test]
fn with_more_time_it_tries_for_longer() {
    let bench = Bench::holding(State::default());
    assert_eq!(apply_contested(&bench, 6, 0).exit_code(), 1);
    let bench = Bench::holding(State::default());
    assert_eq!(apply_contested(&bench, 6, 10).exit_code(), 0);
}

/// The kernel gives away the service while its destination is put back.
#[test]
fn with_wait_a_refusal_while_it_mends_is_tried_again() {
    let mut theirs = state_of_ports(&[80]);
    for service in theirs.services.values_mut() {
        service.destinations.clear();
    }
    let refused = |wait| {
        let bench = Bench::holding(State::default());
        let mut plane = Vanishing {
            kernel: bench.kernel.clone(),
            theirs: theirs.clone(),
            looks: 0,
        };
        contested(&bench, &mut plane, wait).exit_code()
    };
    assert_eq!(refused(0), 1);
    assert_eq!(refused(10), 0);
}
