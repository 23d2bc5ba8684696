//! A farmctl that is killed at any moment leaves the tables before or the tables after.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use farmctl::dataplane::{Dataplane, Nftables};
use farmctl::state::{State, plan};

use crate::bed::Node;
use crate::site::observe;
use crate::wish::{Way, Wish, at};

/// Set in the process that is killed.
const RESTLESS: &str = "FARMCTL_TEST_RESTLESS";

/// Forty services, so that a transaction takes a while.
fn many(weights: [u32; 3]) -> State {
    let mut wish = Wish::balanced(Way::Nat, "wrr", weights);
    for port in 1000..1040 {
        for family in crate::bed::Family::BOTH {
            let key = at(farmctl::state::Protocol::Tcp, Way::Nat.vip(family), port);
            wish = wish.serving(key, Way::Nat.service(family, port, "wrr", &weights));
        }
    }
    wish.0.addresses.clear();
    wish.0
        .settings
        .retain(|it, _| *it == farmctl::state::Setting::HashSeed);
    wish.0
}

/// From one state to the other and back for ever.
fn be_restless() -> ! {
    let mut plane = Nftables::open().unwrap();
    loop {
        for wanted in [many([1, 2, 3]), many([3, 2, 1])] {
            let mut seen = plane.observe().unwrap().state;
            seen.addresses.clear();
            seen.settings
                .retain(|setting, _| wanted.settings.contains_key(setting));
            let changes = plan(&seen, &wanted).changes;
            assert_eq!(plane.execute(&changes).unwrap(), Vec::new());
        }
    }
}

fn start(node: &Node) -> Child {
    let this_test = "killed::a_run_that_is_killed_at_any_moment_leaves_one_state_or_the_other";
    let this_program = std::env::current_exe().unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "only a process of its own can be killed"
    )]
    let mut restless = Command::new(this_program);
    restless
        .args(["--exact", this_test])
        .env(RESTLESS, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    node.run(|| restless.spawn().unwrap())
}

#[test]
fn a_run_that_is_killed_at_any_moment_leaves_one_state_or_the_other() {
    if std::env::var_os(RESTLESS).is_some() {
        be_restless();
    }
    let node = Node::new("director");
    let states = [many([1, 2, 3]), many([3, 2, 1])].map(|state| state.services);
    let mut met = [false; 2];
    for length in 0..40 {
        let mut child = start(&node);
        // Not a wait for anything: the moments only have to be different ones.
        thread::sleep(Duration::from_millis(20 + 7 * length));
        child.kill().unwrap();
        child.wait().unwrap();
        let left = observe(&node).unwrap().state.services;
        let which = states.iter().position(|state| *state == left);
        match which {
            Some(which) => met[which] = true,
            None => assert!(left.is_empty(), "neither state: {left:?}"),
        }
    }
    assert_eq!(met, [true; 2], "it was at work when it was killed");
}
