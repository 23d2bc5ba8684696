//! Processes of a contest, and what they take.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use farmctl::clock::{Clock as _, SystemClock};
use farmctl::netlink::route;
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Pid, SysconfVar, sysconf};

/// Moves this process, and those that it starts, into a network namespace with `lo` up. As root,
/// or else in a user namespace.
pub(crate) fn enter_namespace() {
    unshare(CloneFlags::CLONE_NEWNET)
        .or_else(|_| unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET))
        .unwrap();
    let mut client = route::Client::open().unwrap();
    for link in client.links().unwrap() {
        if link.loopback {
            client.set_link_up(link.index).unwrap();
        }
    }
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
}

#[expect(
    clippy::disallowed_methods,
    reason = "the measured thing is a whole process"
)]
pub(crate) fn program(path: &Path) -> Command {
    Command::new(path)
}

/// A process that is ended with its owner.
pub(crate) struct Process(Child);

impl Process {
    /// This very program in another role; it ends when its input does.
    pub(crate) fn own(role: &str) -> Self {
        let mut own = program(&std::env::current_exe().unwrap());
        own.arg(role).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(own.spawn().unwrap())
    }

    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.0.id()).unwrap())
    }

    /// Ends its input, and gives what it has written by its end.
    pub(crate) fn finish(mut self) -> String {
        drop(self.0.stdin.take());
        let mut told = String::new();
        let mut output = self.0.stdout.take().unwrap();
        output.read_to_string(&mut told).unwrap();
        assert!(self.0.wait().unwrap().success());
        told
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// What a process and the server took over [`crate::MEASURED`], after [`crate::WARM_UP`].
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) own: Duration,
    pub(crate) server: Duration,
    /// In bytes.
    pub(crate) memory: u64,
}

pub(crate) fn measure(own: Pid, server: &Process) -> Taken {
    let before = (used(own), used(server.pid()));
    SystemClock.sleep(crate::MEASURED);
    Taken {
        own: used(own).saturating_sub(before.0),
        server: used(server.pid()).saturating_sub(before.1),
        memory: resident(own),
    }
}

/// The time that a process has had on the processors (proc(5), fields 14 and 15 of `stat`).
fn used(pid: Pid) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks: u32 = (fields.split(' ').skip(11).take(2))
        .map(|field| field.parse::<u32>().unwrap())
        .sum();
    let a_second = sysconf(SysconfVar::CLK_TCK).unwrap().unwrap();
    Duration::from_secs(1) * ticks / u32::try_from(a_second).unwrap()
}

fn resident(pid: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}
