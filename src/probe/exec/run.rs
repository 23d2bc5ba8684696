//! Runs one program and always sees it end.
//!
//! Each run has a thread of its own that starts the program, waits for it and reaps it: no signal
//! of the process is used, and no run depends on whether anybody still waits for its answer
//! (keepalived #2363: a checker that was lost). The program has a process group of its own. When it ends, whatever
//! is left of its group is killed; when nobody waits any more (a time-out, a reload), the group
//! gets TERM, and KILL [`GRACE`] later. A process that leaves the group by setsid(2) is not found
//! again: it is not waited for, its output goes nowhere, and the service manager's cgroup is what
//! ends it with the daemon. Used by [`super`].

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, join, select};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::program::{Program, Trust};
use crate::probe::{Failure, socket};

/// From TERM to KILL.
pub const GRACE: Duration = Duration::from_millis(200);

/// So much of each of the two outputs is kept, in bytes; the rest is read and thrown away.
pub const KEPT: usize = 4096;

/// When the program has ended, what it wrote before is there already; this is for a process that
/// left the group and holds the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The program's whole path.
    pub program: PathBuf,
    /// The directories under which it must be.
    pub directories: Vec<PathBuf>,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The network namespace to run it in: a name in `/run/netns`.
    pub namespace: Option<String>,
    /// What it finds on its standard input.
    pub input: Vec<u8>,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// How its standard output begins.
    pub output: Vec<u8>,
    /// How its standard error begins.
    pub complaint: Vec<u8>,
}

/// Runs a program to its end. Dropped, it ends the program. `place` is held until the program is
/// gone.
pub async fn run(order: Order, place: impl Send + 'static) -> Result<Ended, Failure> {
    let (tell_start, started) = oneshot::channel();
    let (tell_end, ended) = oneshot::channel();
    std::thread::Builder::new()
        .name("probe-exec".to_owned())
        .spawn(move || attend(&order, place, tell_start, tell_end))
        .map_err(|error| Failure::here(format!("no thread for a program: {error}")))?;
    let started = started.await.map_err(|_| lost())??;
    let _leash = Leash(started.group);
    listen(started.output, started.complaint, ended).await
}

/// A program that runs.
struct Started {
    group: Group,
    output: OwnedFd,
    complaint: OwnedFd,
}

/// The thread of one run.
fn attend(
    order: &Order,
    place: impl Send + 'static,
    tell_start: oneshot::Sender<Result<Started, Failure>>,
    tell_end: oneshot::Sender<io::Result<ExitStatus>>,
) {
    // Open until the end: a script's interpreter opens the file again by its number.
    let (program, mut child) = match start(order) {
        Ok(running) => running,
        Err(failure) => return drop(tell_start.send(Err(failure))),
    };
    let group = Group::of(&child);
    match pipes(&mut child) {
        Some((output, complaint)) => {
            let started = Started {
                group: group.clone(),
                output,
                complaint,
            };
            if tell_start.send(Ok(started)).is_err() {
                group.signal(Signal::SIGKILL);
            }
        }
        None => group.signal(Signal::SIGKILL),
    }
    let status = group.reap(&mut child);
    drop((program, place));
    // Nobody waits where the question has timed out.
    drop(tell_end.send(status));
}

fn pipes(child: &mut Child) -> Option<(OwnedFd, OwnedFd)> {
    Some((child.stdout.take()?.into(), child.stderr.take()?.into()))
}

fn start(order: &Order) -> Result<(Program, Child), Failure> {
    if let Some(namespace) = &order.namespace {
        socket::enter(namespace)?;
    }
    let program = Trust::default()
        .program(&order.program, &order.directories)
        .map_err(|refusal| Failure::here(refusal.to_string()))?;
    let child = spawn(&program, order).map_err(|error| {
        Failure::here(format!(
            "{} cannot be run: {error}",
            order.program.display()
        ))
    })?;
    Ok((program, child))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a check of kind exec is a program that the operator wrote"
)]
fn spawn(program: &Program, order: &Order) -> io::Result<Child> {
    std::process::Command::new(program.runnable())
        .arg0(program.path())
        .args(&order.arguments)
        .env_clear()
        .envs(order.environment.iter().cloned())
        .current_dir("/")
        .process_group(0)
        .stdin(input(&order.input)?)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// The input as a file in memory: the program reads it when it likes, and nobody waits for that.
fn input(bytes: &[u8]) -> io::Result<Stdio> {
    if bytes.is_empty() {
        return Ok(Stdio::null());
    }
    let mut file = File::from(memfd_create("input", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// The process group of a program, as long as its number is the program's: until it is reaped.
#[derive(Debug, Clone)]
struct Group(Arc<Mutex<Option<Pid>>>);

impl Group {
    fn of(child: &Child) -> Self {
        let number = i32::try_from(child.id()).ok();
        Self(Arc::new(Mutex::new(number.map(Pid::from_raw))))
    }

    /// Waits for the program to end, kills what is left of its group, and only then reaps it:
    /// until then nobody else can get the number.
    fn reap(&self, child: &mut Child) -> io::Result<ExitStatus> {
        let number = *self.lock();
        if let Some(number) = number {
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            while waitid(Id::Pid(number), flags) == Err(nix::errno::Errno::EINTR) {}
        }
        let mut alive = self.lock();
        kill(*alive, Signal::SIGKILL);
        *alive = None;
        child.wait()
    }

    fn signal(&self, signal: Signal) {
        kill(*self.lock(), signal);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kill(group: Option<Pid>, signal: Signal) {
    // What has ended meanwhile needs no signal.
    let _ = group.map(|group| killpg(group, signal));
}

/// Ends the program when nobody waits for it any more; one that has ended is left alone.
struct Leash(Group);

impl Drop for Leash {
    fn drop(&mut self) {
        self.0.signal(Signal::SIGTERM);
        let last = Kill(self.0.clone());
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                sleep(GRACE).await;
                drop(last);
            });
        }
    }
}

/// Kills when it is dropped: after the grace, or with the runtime.
struct Kill(Group);

impl Drop for Kill {
    fn drop(&mut self) {
        self.0.signal(Signal::SIGKILL);
    }
}

/// Reads both outputs until the program has ended.
async fn listen(
    output: OwnedFd,
    complaint: OwnedFd,
    ended: oneshot::Receiver<io::Result<ExitStatus>>,
) -> Result<Ended, Failure> {
    let (mut kept, mut complained) = (Vec::new(), Vec::new());
    let reading = join(keep(output, &mut kept), keep(complaint, &mut complained));
    let status = match select(ended, Box::pin(reading)).await {
        Either::Left((status, reading)) => {
            // Late words are nothing that an answer should wait for.
            drop(timeout(LAST_WORDS, reading).await);
            status
        }
        Either::Right((_, ended)) => ended.await,
    };
    let status = status.map_err(|_| lost())?;
    Ok(Ended {
        status: status.map_err(|error| Failure::here(format!("waiting for a program: {error}")))?,
        output: kept,
        complaint: complained,
    })
}

/// Reads a pipe to its end and keeps how it begins.
async fn keep(pipe: OwnedFd, kept: &mut Vec<u8>) -> io::Result<()> {
    let mut pipe = Receiver::from_owned_fd(pipe)?;
    let mut chunk = [0; KEPT];
    loop {
        let length = pipe.read(&mut chunk).await?;
        if length == 0 {
            return Ok(());
        }
        let room = KEPT.saturating_sub(kept.len()).min(length);
        kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
}

fn lost() -> Failure {
    Failure::here("the thread of a program was lost")
}
