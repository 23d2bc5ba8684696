//! Neighbours are told of new addresses.

use super::super::testing::{Bench, address_key, target, vip, with_address};
use super::super::*;
use crate::state::State;

#[test]
fn a_new_address_is_announced_once_and_not_again() {
    let bench = Bench::holding(State::default());
    let key = address_key("eth0", vip(10));
    let file = target(with_address(State::default(), &key));
    bench.apply(&Request::default(), &file).unwrap();
    bench.apply(&Request::default(), &file).unwrap();
    assert_eq!(bench.kernel.memory.borrow().announced(), [key]);
}

#[test]
fn an_announcement_that_fails_is_told_and_undoes_nothing() {
    let bench = Bench::holding(State::default());
    bench.kernel.memory.borrow_mut().mute();
    let key = address_key("eth0", vip(10));
    let file = target(with_address(State::default(), &key));
    let outcome = bench.apply(&Request::default(), &file).unwrap();
    assert_eq!(outcome.exit_code(), 0);
    assert!(
        outcome.to_string().contains("neighbours were not told"),
        "{outcome}"
    );
    assert!(bench.state().addresses.contains_key(&key));
}
