//! An apply that is killed (SIGKILL) at any step: the next one converges, and what another tool
//! made is untouched.
//!
//! The run is traced and killed where a system call begins that changes something; each run is
//! killed at a later one, until a run gets to its end. Between two such calls nothing outside of the
//! process changes, so these are all the states that a kill can leave.

use std::io::Write;
use std::process::{Child, Stdio};

use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::{Kernel, Method, Site, Text, foreign};

/// The system calls of x86-64 by which one file takes another's place, or goes: rename, unlink, and
/// their like with a directory.
const FILES: [u64; 5] = [82, 87, 263, 264, 316];
/// Those by which the kernel is told something: write, sendto, sendmsg.
const TELLING: [u64; 3] = [1, 44, 46];

/// Whether a system call changes something. Until there is a journal farmctl only asks the kernel.
fn is_changing(site: &Site, call: u64) -> bool {
    FILES.contains(&call) || TELLING.contains(&call) && site.farmctl.state("journal.json").exists()
}

/// Kills an apply of `text` where the system call with this number among those that change something
/// begins. Says whether it came so far.
pub(super) fn kill_at(site: &Site, text: &str, flags: &[&str], call: usize) -> bool {
    let arguments = [&["apply", "-o", "json", "--allow-shrink", "-"], flags].concat();
    // A tracer is a thread: it must start, follow and bury the run.
    site.farm.director.run(|| {
        let mut command = site.farmctl.command(&arguments);
        // It waits for its file until it is followed.
        let mut apply = command.stdin(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_raw(apply.id().try_into().unwrap());
        ptrace::seize(pid, ptrace::Options::PTRACE_O_TRACESYSGOOD).unwrap();
        ptrace::interrupt(pid).unwrap();
        hand_over(&mut apply, text);
        let killed = follow(site, pid, call);
        if killed {
            apply.kill().unwrap();
            apply.wait().unwrap();
        }
        killed
    })
}

fn hand_over(apply: &mut Child, text: &str) {
    let mut stdin = apply.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
}

/// Lets a run go on until this call begins; false if it ended before.
fn follow(site: &Site, pid: Pid, wanted: usize) -> bool {
    let (mut calls, mut inside) = (0, false);
    loop {
        match waitpid(pid, None).unwrap() {
            WaitStatus::PtraceSyscall(_) => {
                let call = ptrace::getregs(pid).unwrap().orig_rax;
                // Each call stops the run where it begins and where it ends.
                inside = !inside && is_changing(site, call);
                calls += usize::from(inside);
                if calls == wanted {
                    return true;
                }
                ptrace::syscall(pid, None).unwrap();
            }
            WaitStatus::Stopped(_, Signal::SIGTRAP) | WaitStatus::PtraceEvent(..) => {
                ptrace::syscall(pid, None).unwrap();
            }
            WaitStatus::Stopped(_, signal) => ptrace::syscall(pid, signal).unwrap(),
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => return false,
            WaitStatus::Continued(_) | WaitStatus::StillAlive => {}
        }
    }
}

/// What a killed run may leave: each address and service as it was before or as it is wanted, or
/// on its way with some of its servers.
fn is_between(now: &Kernel, before: &Kernel, after: &Kernel) {
    for (id, (_, servers)) in &now.services {
        let known = [before, after].map(|kernel| kernel.services.get(id));
        assert!(
            known.iter().any(Option::is_some),
            "{id:?} comes from nowhere"
        );
        for server in servers.keys() {
            let mut both = known.iter().flatten();
            assert!(both.any(|(_, all)| all.contains_key(server)), "{server:?}");
        }
    }
}

/// A file, and what the kernel holds when it was applied.
struct Version {
    text: String,
    kernel: Kernel,
}

/// Two versions of a farm, beside objects of another tool.
struct Change {
    site: Site,
    foreign: Kernel,
    versions: [Version; 2],
}

impl Change {
    fn between(from: &str, to: &str) -> Self {
        let site = Site::new(Method::Nat);
        let foreign = foreign::settle(&site);
        let [to, from] = [to, from].map(|text| {
            site.farmctl.apply(text, &["--allow-shrink"]).exits(0);
            Version {
                text: text.to_owned(),
                kernel: site.farmctl.kernel(),
            }
        });
        Self {
            site,
            foreign,
            versions: [from, to],
        }
    }

    /// Goes there and back again and again, and kills each run one call later than the one before
    /// in its direction, until a run of each direction was not killed.
    fn survives_kills(&self) {
        let [from, to] = &self.versions;
        let mut interrupted = [0, 0];
        for call in 1.. {
            let there = self.survives(from, to, call, &mut interrupted[0]);
            let back = self.survives(to, from, call, &mut interrupted[1]);
            if !there && !back {
                break;
            }
        }
        println!("interrupted in the middle: {interrupted:?}");
        assert!(
            interrupted.iter().all(|times| *times > 1),
            "{interrupted:?}"
        );
    }

    fn survives(&self, from: &Version, to: &Version, call: usize, interrupted: &mut usize) -> bool {
        let farmctl = &self.site.farmctl;
        let killed = kill_at(&self.site, &to.text, &[], call);
        let left = farmctl.kernel();
        assert!(left.has_unchanged(&self.foreign), "call {call}");
        is_between(&left, &from.kernel, &to.kernel);
        *interrupted += usize::from(farmctl.state("journal.json").exists());
        farmctl.apply(&to.text, &["--allow-shrink"]).exits(0);
        assert_eq!(farmctl.kernel(), to.kernel, "call {call}");
        assert!(!farmctl.state("journal.json").exists());
        killed
    }
}

#[test]
fn an_apply_that_is_killed_while_it_makes_or_removes_a_farm_is_finished_by_the_next() {
    let text = Text::new(Method::Nat).to_string();
    Change::between("version: 1\nfarm: test\n", &text).survives_kills();
}

#[test]
fn an_apply_that_is_killed_while_it_edits_a_farm_is_finished_by_the_next() {
    let text = Text::new(Method::Nat);
    let other = text.with_servers(&[(2, 5)]).with_scheduler("rr");
    Change::between(&text.to_string(), &other.to_string()).survives_kills();
}

#[test]
fn after_a_kill_going_back_to_the_old_file_converges_too() {
    let text = Text::new(Method::Nat);
    let other = text.with_servers(&[(2, 5)]).with_scheduler("rr");
    let change = Change::between(&text.to_string(), &other.to_string());
    let [from, to] = &change.versions;
    for call in (1..).step_by(2) {
        if !kill_at(&change.site, &to.text, &[], call) {
            assert!(call > 6, "{call}");
            return;
        }
        change
            .site
            .farmctl
            .apply(&from.text, &["--allow-shrink"])
            .exits(0);
        assert_eq!(change.site.farmctl.kernel(), from.kernel, "call {call}");
    }
}
