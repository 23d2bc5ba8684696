//! Start, checks, death, restart, takeover, end.

use nix::sys::signal::Signal;

use super::{Daemon, Site, all_serve, changes_during, checked, holds, spread, weights};

#[test]
fn it_makes_the_farm_takes_a_dead_server_out_and_back_and_leaves_everything_at_its_end() {
    let mut site = Site::new(super::Method::Nat);
    let daemon = Daemon::start(&site, &checked());
    daemon.wait_for("all serve", all_serve);
    holds(&site, [Some(1), Some(2), Some(3)]);
    assert!(spread(&site).iter().all(|count| *count > 0));
    site.stop_server(1);
    daemon.wait_for("rs2 is out", |status| weights(status)[1].is_none());
    holds(&site, [Some(1), None, Some(3)]);
    assert_eq!(spread(&site)[1], 0);
    site.start_server(1);
    daemon.wait_for("rs2 is back", all_serve);
    holds(&site, [Some(1), Some(2), Some(3)]);
    assert!(spread(&site)[1] > 0);
    let before = site.farmctl.kernel();
    assert_eq!(daemon.end(Signal::SIGTERM).code(), Some(0));
    assert_eq!(site.farmctl.kernel(), before, "services stay");
    assert!(!site.farmctl.state("api.sock").exists());
}

// keepalived #381 and six more; kubernetes #92019: state was lost with the process.
#[test]
fn after_kill_9_it_goes_on_where_it_was_without_a_write() {
    let mut site = Site::new(super::Method::Nat);
    let daemon = Daemon::start(&site, &checked());
    daemon.wait_for("all serve", all_serve);
    holds(&site, [Some(1), Some(2), Some(3)]);
    site.stop_server(1);
    daemon.wait_for("rs2 is out", |status| weights(status)[1].is_none());
    holds(&site, [Some(1), None, Some(3)]);
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    daemon.end(Signal::SIGKILL);
    let heard = changes_during(&site, || {
        let daemon = Daemon::again(&site, &[]).converged();
        let status = daemon.wait_for("it answers", |status| weights(status).len() == 3);
        assert_eq!(weights(&status), [Some(1), None, Some(3)], "{status:#}");
        daemon
    });
    assert_eq!(heard, 0, "the kernel held it already");
    holds(&site, [Some(1), None, Some(3)]);
}

#[test]
fn two_daemons_are_one_too_many_and_the_second_says_who_is_there() {
    let site = Site::new(super::Method::Nat);
    let first = Daemon::start(&site, &checked()).converged();
    let run = site.farmctl.run(&["daemon", "--node", "lb1"]).exits(2);
    run.says("another farmctl writes to this network namespace")
        .says(&format!("process {}", first.child.id()));
    first.wait_for("the first goes on", all_serve);
}

#[test]
fn a_new_process_takes_over_without_a_write() {
    let mut site = Site::new(super::Method::Nat);
    let mut first = Daemon::start(&site, &checked());
    first.wait_for("all serve", all_serve);
    holds(&site, [Some(1), Some(2), Some(3)]);
    site.stop_server(1);
    first.wait_for("rs2 is out", |status| weights(status)[1].is_none());
    holds(&site, [Some(1), None, Some(3)]);
    let heard = changes_during(&site, || {
        let second = Daemon::again(&site, &["--replace"]);
        assert_eq!(
            first.child.wait().unwrap().code(),
            Some(0),
            "{}",
            first.log()
        );
        let pid = u64::from(second.child.id());
        let status = second.wait_for("the second answers", |status| {
            status["daemon"]["pid"] == pid && status["daemon"]["converged"] == true
        });
        assert_eq!(weights(&status), [Some(1), None, Some(3)], "{status:#}");
        second
    });
    assert_eq!(heard, 0);
}

#[test]
fn release_removes_everything_that_it_made() {
    let site = Site::new(super::Method::Nat);
    let before = site.farmctl.kernel();
    let mut daemon = Daemon::start(&site, &checked());
    daemon.wait_for("all serve", all_serve);
    holds(&site, [Some(1), Some(2), Some(3)]);
    site.farmctl.run(&["daemon", "--release"]).exits(0);
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
    assert_eq!(site.farmctl.kernel(), before);
}

// keepalived #2523, #1773: a checker that froze judged by its own clock.
#[test]
fn a_daemon_that_is_stopped_and_goes_on_judges_no_server_by_the_time_it_slept() {
    let site = Site::new(super::Method::Nat);
    let daemon = Daemon::start(&site, &checked());
    daemon.wait_for("all serve", all_serve);
    holds(&site, [Some(1), Some(2), Some(3)]);
    daemon.signal(Signal::SIGSTOP);
    std::thread::sleep(std::time::Duration::from_secs(2));
    daemon.signal(Signal::SIGCONT);
    std::thread::sleep(std::time::Duration::from_secs(1));
    daemon.wait_for("all serve", all_serve);
    holds(&site, [Some(1), Some(2), Some(3)]);
    assert!(!daemon.log().contains("server_down"), "{}", daemon.log());
}
