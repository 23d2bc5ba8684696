//! The contestants: farmctl's data plane, `farmctl apply`, and the `nft` program.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use farmctl::clock::{Clock, SystemClock};
use farmctl::dataplane::{Dataplane, Nftables};
use farmctl::state::{Change, State};
use nix::sched::{CloneFlags, unshare};
use tempfile::TempDir;

use crate::{farm, ruleset};

/// A farm of one size in every contestant's words.
pub(crate) struct Contest {
    state: State,
    changes: Vec<Change>,
    place: TempDir,
}

impl Contest {
    /// Writes the files. The ruleset for `nft` is what farmctl's own table is listed as.
    pub(crate) fn new(services: usize) -> Self {
        let place = tempfile::tempdir().unwrap();
        let text = farm::text(services);
        let state = farm::state(&text);
        std::fs::write(place.path().join("farm.yaml"), text).unwrap();
        let contest = Self {
            changes: farm::changes(&state),
            state,
            place,
        };
        contest.write_rulesets();
        contest
    }

    fn write_rulesets(&self) {
        let (before, after) = apart(|| {
            let mut plane = self.loaded();
            let before = listed();
            execute(&mut plane, &[farm::edit(&self.state, 0)]);
            (before, listed())
        });
        let files = [
            ("edit0.nft", ruleset::difference(&before, &after)),
            ("edit1.nft", ruleset::difference(&after, &before)),
            ("rules.nft", ruleset::without_rules(&before)),
        ];
        for (name, text) in files {
            std::fs::write(self.place.path().join(name), text).unwrap();
        }
    }

    fn loaded(&self) -> Nftables {
        let mut plane = Nftables::open().unwrap();
        plane.observe().unwrap();
        execute(&mut plane, &self.changes);
        plane
    }

    /// The data plane writes everything.
    pub(crate) fn load(&self) -> Duration {
        apart(|| {
            let mut plane = Nftables::open().unwrap();
            plane.observe().unwrap();
            execute(&mut plane, &self.changes)
        })
    }

    /// All of `farmctl apply`.
    pub(crate) fn apply(&self) -> Duration {
        let state = tempfile::tempdir().unwrap();
        let mut farmctl = program(env!("CARGO_BIN_EXE_farmctl"));
        farmctl
            .arg("apply")
            .arg(self.place.path().join("farm.yaml"));
        farmctl.arg("--state-dir").arg(state.path());
        apart(|| timed(&mut farmctl))
    }

    /// `nft -f` writes everything.
    pub(crate) fn nft(&self) -> Duration {
        apart(|| timed(&mut self.nft_of("rules.nft")))
    }

    /// One weight, there and back, by both in turn.
    pub(crate) fn edits(&self, times: usize) -> (Vec<Duration>, Vec<Duration>) {
        apart(|| {
            let mut plane = self.loaded();
            let ours = (0..times).map(|turn| execute(&mut plane, &[farm::edit(&self.state, turn)]));
            let ours = ours.collect();
            let theirs = (0..times.min(6)).map(|turn| {
                let name = format!("edit{}.nft", turn % 2);
                timed(&mut self.nft_of(&name))
            });
            (ours, theirs.collect())
        })
    }

    fn nft_of(&self, name: &str) -> Command {
        let mut nft = program("nft");
        nft.arg("-f").arg(self.place.path().join(name));
        nft
    }
}

fn execute(plane: &mut Nftables, changes: &[Change]) -> Duration {
    let began = SystemClock.now();
    let refused = plane.execute(changes).unwrap();
    let took = SystemClock.now() - began;
    assert!(refused.is_empty(), "{refused:?}");
    took
}

/// The kernel's whole ruleset in nft's words.
fn listed() -> String {
    let output = program("nft").args(["list", "ruleset"]).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn timed(command: &mut Command) -> Duration {
    let began = SystemClock.now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let took = SystemClock.now() - began;
    assert!(status.unwrap().success(), "{command:?}");
    took
}

/// In a network namespace that is gone afterwards, with `lo` up.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let apart = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            raise_loopback();
            work()
        });
        apart.join().unwrap()
    })
}

fn raise_loopback() {
    let mut client = farmctl::netlink::route::Client::open().unwrap();
    for link in client.links().unwrap() {
        client.set_link_up(link.index).unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "the contestants are programs")]
fn program(name: impl AsRef<Path>) -> Command {
    Command::new(name.as_ref())
}
