//! However a rehearsal ends, nothing of it is left: no process, no namespace, no mount.

use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::play::{Play, Played, User};
use super::traces::{Traces, wait_for_sleep};

/// Long, with a command that would go on for ever.
const LONG: &str = "version: 1
duration: 1h
load: { rate: 20/s, keep_alive: 2, downloads: 1 }
steps: [{ at: 200ms, run: { node: web1, command: [sh, -c, 'sleep 7200 & sleep 30'] } }]
";

/// A rehearsal that runs, and what of it can be seen.
struct Running {
    play: Play,
    child: Child,
    traces: Traces,
}

fn running(user: User) -> Running {
    let play = Play::of("farm.yaml").with(LONG).by(user);
    let child = play.start();
    let traces = wait_for_sleep(&play);
    Running {
        play,
        child,
        traces,
    }
}

impl Running {
    fn signal(&self, signal: Signal) {
        kill(self.command(), signal).unwrap();
    }

    /// The command that the user started.
    fn command(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// The processes behind it, the gate first and the stage after it.
    fn behind(&self) -> Vec<Pid> {
        let all = self.traces.processes.iter().map(|one| Pid::from_raw(*one));
        all.filter(|one| *one != self.command()).collect()
    }

    fn end(self) -> Played {
        // What came meanwhile counts, too.
        let played = Played::of(self.child);
        self.traces.vanish();
        assert!(self.play.folder.path().exists());
        played
    }
}

#[test]
fn after_an_interrupt_there_is_a_partial_report_and_nothing_else() {
    for user in User::BOTH {
        let running = running(user);
        running.signal(Signal::SIGINT);
        let played = running.end();
        assert_eq!(played.code, Some(130), "{played:?}");
        assert!(played.out.contains("ended early"), "{played:?}");
        assert!(played.out.contains("web1"), "{played:?}");
    }
}

#[test]
fn after_a_request_to_end_nothing_is_left() {
    let running = running(User::Own);
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().code, Some(143));
}

#[test]
fn after_the_death_of_the_command_nothing_is_left() {
    for user in User::BOTH {
        let running = running(user);
        running.signal(Signal::SIGKILL);
        assert_eq!(running.end().code, None);
    }
}

#[test]
fn after_the_death_of_any_process_behind_it_nothing_is_left_and_the_command_tells() {
    for which in [0, 1] {
        let running = running(User::Own);
        kill(running.behind()[which], Signal::SIGKILL).unwrap();
        let played = running.end();
        assert_eq!(played.code, Some(2), "{played:?}");
        assert!(
            played.err.contains("came to an unexpected end"),
            "{played:?}"
        );
    }
}

#[test]
fn after_a_scenario_that_fails_nothing_is_left() {
    let play = Play::of("farm.yaml").with(
        "version: 1\nduration: 2s\nload: { rate: 20/s }\n\
         steps: [{ at: 1s, run: { node: web1, command: [sh, -c, 'sleep 2; false'] } }]\n\
         expect: ['lost > 99%']\n",
    );
    let child = play.start();
    let traces = wait_for_sleep(&play);
    let played = Played::of(child);
    traces.vanish();
    assert_eq!(played.code, Some(1), "{played:?}");
}
