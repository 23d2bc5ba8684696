//! Runs on a data plane that does everything or nothing.

use std::time::Duration;

use super::super::testing::{
    Bench, destination_key, merged, service_key, state_of_ports, state_of_weights, target,
};
use super::super::*;
use crate::dataplane;
use crate::state::State;

fn refusal() -> dataplane::Error {
    dataplane::Error::Refused {
        what: "add it".to_owned(),
        reason: "the test says no".to_owned(),
        errno: 22,
    }
}

fn bench(ports: &[u16]) -> Bench {
    let bench = Bench::holding(State::default()).in_transactions();
    let file = target(state_of_ports(ports));
    let outcome = bench.apply(&Request::default(), &file).unwrap();
    assert_eq!(outcome.exit_code(), 0);
    bench
}

fn shrinking() -> Request {
    Request {
        shrink: Shrink::Allowed,
        ..Request::default()
    }
}

#[test]
fn a_plan_of_many_phases_is_handed_over_at_once() {
    let bench = bench(&[80, 81]);
    assert_eq!(bench.kernel.memory.borrow().batches(), 1);
    let file = target(state_of_ports(&[81, 82, 83]));
    let outcome = bench.apply(&shrinking(), &file).unwrap();
    assert_eq!(outcome.exit_code(), 0, "{outcome}");
    assert_eq!(bench.kernel.memory.borrow().batches(), 2);
    assert_eq!(bench.state(), state_of_ports(&[81, 82, 83]));
    let said = bench.said.borrow();
    assert!(said.iter().any(|it| it.starts_with("In one transaction")));
}

#[test]
fn a_refused_change_leaves_everything_and_is_told_alone() {
    let bench = bench(&[80]);
    let record = bench.record();
    bench.kernel.memory.borrow_mut().refuse(1, refusal());
    let file = target(state_of_ports(&[80, 81, 82]));
    let outcome = bench.apply(&Request::default(), &file).unwrap();
    assert_eq!(outcome.exit_code(), 1, "{outcome}");
    let told = outcome.to_string();
    assert_eq!(told.matches("A step failed").count(), 1, "{told}");
    assert!(told.contains("the test says no"), "{told}");
    assert_eq!(bench.state(), state_of_ports(&[80]));
    assert_eq!(bench.record(), record);
    assert_eq!(bench.kernel.memory.borrow().batches(), 2, "nothing to undo");
}

#[test]
fn what_another_program_made_meanwhile_is_not_taken_for_ours() {
    let bench = bench(&[80]);
    bench.kernel.memory.borrow_mut().refuse(0, refusal());
    let file = target(state_of_ports(&[80, 81]));
    bench.apply(&Request::default(), &file).unwrap();
    let foreign = state_of_ports(&[81]);
    let both = merged(&bench.state(), &foreign);
    *bench.kernel.memory.borrow_mut().state_mut() = both;
    let outcome = bench.apply(&Request::default(), &file).unwrap();
    assert_eq!(outcome.exit_code(), 4, "{outcome}");
}

#[test]
fn servers_that_drain_take_two_transactions() {
    let bench = bench(&[80, 81]);
    let file = target(state_of_ports(&[80]));
    let request = Request {
        drain: Duration::from_secs(1),
        ..shrinking()
    };
    let outcome = bench.apply(&request, &file).unwrap();
    assert_eq!(outcome.exit_code(), 0, "{outcome}");
    assert_eq!(bench.kernel.memory.borrow().batches(), 3);
    assert_eq!(bench.state(), state_of_ports(&[80]));
}

fn leaving_two_ports(remaining: Remaining) -> (Bench, Outcome) {
    let bench = Bench::holding(State::default()).on_nftables();
    let both = target(state_of_weights(&[2, 1]));
    bench.apply(&Request::default(), &both).unwrap();
    let counters = dataplane::DestinationCounters {
        active: 7,
        ..Default::default()
    };
    bench
        .kernel
        .memory
        .borrow_mut()
        .set_counters(service_key(80), destination_key(2), counters);
    let request = Request {
        remaining,
        ..shrinking()
    };
    let outcome = bench.apply(&request, &target(state_of_weights(&[2])));
    (bench, outcome.unwrap())
}

#[test]
fn connections_of_a_removed_server_go_on_where_the_data_plane_lets_them() {
    let (bench, outcome) = leaving_two_ports(Remaining::Leave);
    let told = outcome.to_string();
    assert!(told.contains("leaves 7 live connections"), "{told}");
    assert!(bench.kernel.memory.borrow().was_reset().is_empty());
}

#[test]
fn connections_of_a_removed_server_are_reset_where_that_is_asked_for() {
    let (bench, outcome) = leaving_two_ports(Remaining::Reset);
    let told = outcome.to_string();
    assert!(told.contains("resets 7 live connections"), "{told}");
    let memory = bench.kernel.memory.borrow();
    assert_eq!(memory.was_reset(), [(service_key(80), destination_key(2))]);
}

#[test]
fn a_data_plane_that_resets_nothing_refuses_before_anything_is_changed() {
    let bench = bench(&[80]);
    let before = bench.kernel.memory.borrow().batches();
    let request = Request {
        remaining: Remaining::Reset,
        ..shrinking()
    };
    let refused = bench.apply(&request, &target(state_of_ports(&[81])));
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("ip_vs can't reset"), "{told}");
    assert_eq!(bench.kernel.memory.borrow().batches(), before);
}
