//! A keeper that is killed at any write, of the kernel or of the disk: the next one converges.

use super::bench::{Stage, farm};
use crate::reconcile::testing::{Blow, state_of_ports};
use crate::state::State;

/// What a file asks for, beside what others made.
fn wanted(foreign: &State, text: &str) -> State {
    let mut stage = Stage::holding(foreign.clone());
    stage.file(text);
    stage.expect_convergence();
    stage.state()
}

/// Goes from one file to another, killed at a place, and starts again. Says whether it was killed.
fn killed_once(from: &str, to: &str, arm: impl FnOnce(&Stage)) -> bool {
    let foreign = state_of_ports(&[8000]);
    let mut stage = Stage::holding(foreign.clone());
    stage.file(from);
    stage.expect_convergence();
    arm(&stage);
    let lived = stage.survives(|stage| {
        stage.shrunk_file(to);
        stage.pass(60);
    });
    stage.bench.store.fuse.set(Blow::Never);
    stage.start();
    stage.shrunk_file(to);
    stage.pass(60);
    stage.pass(60);
    assert_eq!(stage.state(), wanted(&foreign, to));
    let record = stage.bench.record();
    assert!(
        record
            .keys
            .values()
            .all(|it| *it == crate::reconcile::Standing::Done),
        "{record:?}"
    );
    !lived
}

fn at_every_write(from: &str, to: &str) {
    for place in 0.. {
        if !killed_once(from, to, |stage| {
            stage.bench.kernel.kill_before(Some(place));
        }) {
            assert!(place > 0, "it never wrote to the kernel");
            break;
        }
    }
    for place in 0.. {
        if !killed_once(from, to, |stage| {
            stage.bench.store.fuse.set(Blow::Kill(place));
        }) {
            assert!(place > 0, "it never wrote to the disk");
            break;
        }
    }
}

#[test]
fn a_keeper_that_is_killed_while_it_makes_a_farm_is_followed_by_one_that_finishes() {
    at_every_write(
        "version: 1\nfarm: shop\n",
        &farm(&[80, 81], &[(21, 1), (22, 2)]),
    );
}

#[test]
fn a_keeper_that_is_killed_while_servers_drain_is_followed_by_one_that_finishes() {
    at_every_write(
        &farm(&[80, 81], &[(21, 1), (22, 2)]),
        &farm(&[80], &[(22, 3), (23, 1)]),
    );
}
