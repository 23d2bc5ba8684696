//! `apply --confirm-timeout`: undone by a process of its own, unless somebody confirms.

use std::process::Child;
use std::thread;
use std::time::Duration;

use super::killed::kill_at;
use super::{Kernel, Method, Run, Site, Text};

/// An accepted farm, and a file that is to be confirmed.
struct Trial {
    site: Site,
    accepted: String,
    before: Kernel,
    tried: String,
}

impl Trial {
    fn new() -> Self {
        let text = Text::new(Method::Nat);
        let site = Site::serving(&text);
        let tried = text.with_servers(&[(1, 9), (2, 9)]).with_scheduler("rr");
        Self {
            before: site.farmctl.kernel(),
            accepted: text.to_string(),
            tried: tried.to_string(),
            site,
        }
    }

    fn is_undone(&self) {
        self.site.wait_until(|kernel| *kernel == self.before);
    }

    fn starts(&self) -> Child {
        let farmctl = &self.site.farmctl;
        farmctl.write(&self.tried);
        let arguments = ["apply", "-o", "json", "--confirm-timeout", "20s"];
        farmctl
            .node()
            .run(|| farmctl.command(&arguments).spawn().unwrap())
    }
}

#[test]
fn what_nobody_confirms_is_undone() {
    let trial = Trial::new();
    let farmctl = &trial.site.farmctl;
    farmctl
        .apply(&trial.tried, &["--confirm-timeout", "2s"])
        .exits(0);
    assert_ne!(farmctl.kernel(), trial.before);
    trial.is_undone();
    assert_eq!(
        farmctl.run(&["confirm"]).code,
        Some(1),
        "there is nothing left to confirm"
    );
}

#[test]
fn what_is_confirmed_stays() {
    let trial = Trial::new();
    let farmctl = &trial.site.farmctl;
    farmctl
        .apply(&trial.tried, &["--confirm-timeout", "20s"])
        .exits(0);
    farmctl.run(&["confirm"]).exits(0);
    let made = farmctl.kernel();
    thread::sleep(Duration::from_secs(60));
    assert_eq!(farmctl.kernel(), made);
    farmctl.apply(&trial.tried, &[]).exits(0).did_nothing();
}

#[test]
fn it_is_undone_also_when_the_apply_was_killed() {
    let trial = Trial::new();
    let mut apply = trial.starts();
    trial.site.wait_until(|kernel| *kernel != trial.before);
    apply.kill().unwrap();
    apply.wait().unwrap();
    trial.is_undone();
    trial.site.farmctl.diff(&trial.accepted, &[]).exits(0);
}

#[test]
fn a_file_that_was_undone_is_not_applied_again_until_it_changes() {
    let trial = Trial::new();
    let farmctl = &trial.site.farmctl;
    farmctl
        .apply(&trial.tried, &["--confirm-timeout", "2s"])
        .exits(0);
    trial.is_undone();
    wait_for_end(&trial);
    let again = farmctl.apply(&trial.tried, &[]);
    assert_ne!(again.code, Some(0), "{again}");
    assert_eq!(farmctl.kernel(), trial.before);
    let changed = format!("{}# looked at again\n", trial.tried);
    farmctl.apply(&changed, &[]).exits(0);
    assert_ne!(farmctl.kernel(), trial.before);
}

/// Waits until the guard has written down what it did.
fn wait_for_end(trial: &Trial) {
    let pending = trial.site.farmctl.state("pending.json");
    for _ in 0..100 {
        if !pending.exists() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("{} is still there", pending.display());
}

#[test]
fn another_apply_waits_for_the_confirmation_of_the_first() {
    let trial = Trial::new();
    let farmctl = &trial.site.farmctl;
    farmctl
        .apply(&trial.tried, &["--confirm-timeout", "1h"])
        .exits(0);
    let tried = farmctl.kernel();
    let other: Run = farmctl.apply(&trial.accepted, &[]);
    assert_ne!(other.code, Some(0), "{other}");
    other.says("farmctl confirm");
    assert_eq!(farmctl.kernel(), tried);
    farmctl.run(&["confirm"]).exits(0);
    farmctl.apply(&trial.accepted, &["--allow-shrink"]).exits(0);
    assert_eq!(farmctl.kernel(), trial.before);
}

#[test]
fn whenever_the_apply_is_killed_everything_is_as_before_when_the_time_is_over() {
    let trial = Trial::new();
    let farmctl = &trial.site.farmctl;
    for call in 1.. {
        // A file that was undone is not applied again: each is another one.
        let text = format!("{}# {call}\n", trial.tried);
        let killed = kill_at(&trial.site, &text, &["--confirm-timeout", "5s"], call);
        thread::sleep(Duration::from_secs(10));
        assert_eq!(farmctl.kernel(), trial.before, "call {call}");
        farmctl.diff(&trial.accepted, &[]).exits(0);
        farmctl.apply(&trial.accepted, &[]).exits(0).did_nothing();
        if !killed {
            assert!(call > 6, "{call}");
            return;
        }
    }
}
