//! The three programs, each through its part of a round. Every duration is of a whole process or,
//! with keepalived, until the kernel shows what was asked for.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use farmctl::clock::{Clock, SystemClock};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Result;
use crate::files::{EDITED, ENTRIES, Files, NEW_WEIGHT, REAL_SERVERS, SERVICES};
use crate::host::program;
use crate::memory;
use crate::stage::{Table, on_checked_stage, on_stage};

/// How often the kernel is looked at while keepalived works.
const LOOK: Duration = Duration::from_millis(2);
/// How long checks go on before a file is edited.
const SETTLED: Duration = Duration::from_secs(5);
/// When keepalived is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What farmctl took in one round.
pub(crate) struct Farmctl {
    pub(crate) load: Duration,
    pub(crate) diff: Duration,
    pub(crate) nothing: Duration,
    pub(crate) weight: Duration,
    pub(crate) removal: Duration,
    pub(crate) left: usize,
}

/// What ipvsadm took in one round.
pub(crate) struct Ipvsadm {
    pub(crate) load: Duration,
    pub(crate) list: Duration,
}

/// What keepalived took in one round.
pub(crate) struct Keepalived {
    pub(crate) start: Duration,
    pub(crate) reload: Duration,
    pub(crate) stop: Duration,
    pub(crate) left: usize,
}

/// farmctl: load, compare, apply again, change one weight, remove everything.
pub(crate) fn farmctl(files: &Files, state: &Path) -> Result<Farmctl> {
    on_stage(|table| {
        let run = |command: &str, file: &Path, options: &[&str]| {
            let mut farmctl = farmctl_command(state);
            farmctl.arg(command).arg(file).args(options);
            timed(&mut farmctl)
        };
        let load = run("apply", &files.farm, &[])?;
        full(table)?;
        let diff = run("diff", &files.farm, &[])?;
        let nothing = run("apply", &files.farm, &[])?;
        let weight = run("apply", &files.farm_edited, &[])?;
        if !is_edited(table)? {
            return Err("farmctl left the old weight".into());
        }
        let removal = run("apply", &files.farm_empty, &["--allow-shrink"])?;
        Ok(Farmctl {
            load,
            diff,
            nothing,
            weight,
            removal,
            left: table.entries()?,
        })
    })
}

/// The farmctl that was built with this bench, with a state directory of its own.
pub(crate) fn farmctl_command(state: &Path) -> Command {
    let mut farmctl = program(Path::new(env!("CARGO_BIN_EXE_farmctl")));
    farmctl.arg("--state-dir").arg(state);
    farmctl
}

/// ipvsadm: load the rules, list them.
pub(crate) fn ipvsadm(files: &Files) -> Result<Ipvsadm> {
    on_stage(|table| {
        let mut restore = program(Path::new("ipvsadm"));
        restore.arg("-R").stdin(File::open(&files.rules)?);
        let load = timed_with_input(&mut restore)?;
        full(table)?;
        let list = timed(program(Path::new("ipvsadm")).arg("-Sn"))?;
        Ok(Ipvsadm { load, list })
    })
}

/// keepalived, its IPVS part alone and without checks: start, reload, stop.
pub(crate) fn keepalived(files: &Files, scratch: &Path) -> Result<Keepalived> {
    fs::write(&files.keepalived, &files.keepalived_whole)?;
    on_stage(|table| {
        let began = SystemClock.now();
        let mut daemon = Daemon::start(files, scratch)?;
        until("the whole table", || {
            Ok(table.weights(SERVICES - 1)?.len() == REAL_SERVERS)
        })?;
        let start = SystemClock.now() - began;
        full(table)?;

        fs::write(&files.keepalived, &files.keepalived_edited)?;
        let began = SystemClock.now();
        daemon.signal(Signal::SIGHUP)?;
        until("the new weight", || is_edited(table))?;
        let reload = SystemClock.now() - began;

        let began = SystemClock.now();
        daemon.signal(Signal::SIGTERM)?;
        until("keepalived's end", || {
            Ok(daemon.parent.try_wait()?.is_some())
        })?;
        let stop = SystemClock.now() - began;
        Ok(Keepalived {
            start,
            reload,
            stop,
            left: table.entries()?,
        })
    })
}

/// What a daemon that checks every real server took in one round.
pub(crate) struct Checked {
    pub(crate) start: Duration,
    pub(crate) reload: Duration,
    /// Resident memory of all its processes, in MiB.
    pub(crate) memory: u64,
}

/// farmctl's daemon: start, one weight of its file edited.
pub(crate) fn farmctl_checked(files: &Files, scratch: &Path, round: usize) -> Result<Checked> {
    let home = scratch.join(format!("daemon{round}"));
    fs::create_dir(&home)?;
    let file = home.join("farm.yaml");
    on_checked_stage(|table| {
        write_as_editors_do(&file, &files.farm_checked)?;
        let began = SystemClock.now();
        let mut daemon = farmctl_command(&home.join("state"))
            .arg("daemon")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(home.join("log"))?)
            .spawn()?;
        let played = checked(table, began, daemon.id(), || {
            write_as_editors_do(&file, &files.farm_checked_edited)
        });
        daemon.kill()?;
        daemon.wait()?;
        played
    })
}

/// keepalived with a connection to each real server every second: start, reload.
pub(crate) fn keepalived_checked(files: &Files, scratch: &Path) -> Result<Checked> {
    fs::write(&files.keepalived, &files.keepalived_checked)?;
    on_checked_stage(|table| {
        let began = SystemClock.now();
        let daemon = Daemon::start(files, scratch)?;
        checked(table, began, daemon.parent.id(), || {
            fs::write(&files.keepalived, &files.keepalived_checked_edited)?;
            daemon.signal(Signal::SIGHUP)
        })
    })
}

fn checked(
    table: &mut Table,
    began: std::time::Instant,
    process: u32,
    edit: impl FnOnce() -> Result<()>,
) -> Result<Checked> {
    until("the whole table", || Ok(table.entries()? == ENTRIES))?;
    let start = SystemClock.now() - began;
    // Checks go their way before the file is edited.
    SystemClock.sleep(SETTLED);
    let memory = memory::resident(process)?;
    let began = SystemClock.now();
    edit()?;
    until("the new weight", || is_edited(table))?;
    let reload = SystemClock.now() - began;
    full(table)?;
    Ok(Checked {
        start,
        reload,
        memory,
    })
}

fn write_as_editors_do(file: &Path, text: &str) -> Result<()> {
    let beside = file.with_extension("new");
    fs::write(&beside, text)?;
    Ok(fs::rename(beside, file)?)
}

/// A running keepalived: the parent and the process that it started.
struct Daemon {
    parent: Child,
    child: PathBuf,
}

impl Daemon {
    fn start(files: &Files, scratch: &Path) -> Result<Self> {
        let child = scratch.join("checkers.pid");
        let parent = program(Path::new("keepalived"))
            .args(["--check", "--dont-fork", "--no-syslog", "--use-file"])
            .arg(&files.keepalived)
            .arg("--pid")
            .arg(scratch.join("keepalived.pid"))
            .arg("--checkers_pid")
            .arg(&child)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { parent, child })
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(pid(self.parent.id())?, signal)?)
    }
}

impl Drop for Daemon {
    /// The parent is held first: else it would start another child for the one that is killed.
    fn drop(&mut self) {
        if !matches!(self.parent.try_wait(), Ok(None)) {
            return;
        }
        let _held = self.signal(Signal::SIGSTOP);
        let child = fs::read_to_string(&self.child).unwrap_or_default();
        if let Ok(Ok(child)) = child.trim().parse().map(pid) {
            let _killed = kill(child, Signal::SIGKILL);
        }
        let _killed = self.parent.kill();
        let _reaped = self.parent.wait();
    }
}

fn pid(number: u32) -> Result<Pid> {
    Ok(Pid::from_raw(i32::try_from(number)?))
}

fn timed(command: &mut Command) -> Result<Duration> {
    timed_with_input(command.stdin(Stdio::null()))
}

/// From the start of the process to its exit, which has to be 0.
fn timed_with_input(command: &mut Command) -> Result<Duration> {
    let began = SystemClock.now();
    let status = command.stdout(Stdio::null()).status()?;
    let took = SystemClock.now() - began;
    if status.success() {
        Ok(took)
    } else {
        Err(format!("{command:?} ended with {status}").into())
    }
}

fn until(what: &str, mut so: impl FnMut() -> Result<bool>) -> Result<()> {
    let began = SystemClock.now();
    while !so()? {
        if SystemClock.now() - began > PATIENCE {
            return Err(format!("{what} did not come within {PATIENCE:?}").into());
        }
        SystemClock.sleep(LOOK);
    }
    Ok(())
}

fn full(table: &mut Table) -> Result<()> {
    match table.entries()? {
        ENTRIES => Ok(()),
        other => Err(format!("the table has {other} entries instead of {ENTRIES}").into()),
    }
}

fn is_edited(table: &mut Table) -> Result<bool> {
    Ok(table.weights(EDITED)?.contains(&NEW_WEIGHT))
}
