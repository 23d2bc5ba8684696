//! The real daemon of a director: a child process inside the director's namespace, which a
//! scenario may kill, freeze and start again.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::Interrupt;
use super::directors::{HOME, SELF, program};
use super::error::{Error, Result};
use super::lay::Site;
use crate::clock::{Clock, SystemClock};
use crate::rehearsal::scenario::Fate;
use crate::rehearsal::topology::Director;
use crate::spec::DataplaneKind;

/// How long a daemon may take until it is ready, or ended.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the first questions may take.
const ASKED: Duration = Duration::from_secs(5);
/// How often it looks.
const GLANCE: Duration = Duration::from_millis(10);
/// How much of what it said is told when something is wrong.
const TOLD: usize = 2_000;

/// A director's daemon.
#[derive(Debug)]
pub(super) struct Daemon {
    director: Director,
    dataplane: DataplaneKind,
    home: PathBuf,
    child: Option<Child>,
}

impl Daemon {
    /// A daemon that does not run yet, with its file and a state directory of its own.
    pub(super) fn new(director: &Director, dataplane: DataplaneKind) -> Result<Self> {
        let home = PathBuf::from(HOME).join(&director.machine);
        let state = home.join("state");
        let told = format!("{} can't be made", state.display());
        fs::create_dir_all(&state).map_err(Error::system(told))?;
        Ok(Self {
            director: director.clone(),
            dataplane,
            home,
            child: None,
        })
    }

    /// Writes its file as an editor does: beside it, then renamed.
    pub(super) fn write(&self, text: &str) -> Result<()> {
        let (beside, file) = (self.home.join(".farm.yaml"), self.home.join("farm.yaml"));
        let told = format!("{} can't be written", file.display());
        let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, &file));
        written.map_err(Error::system(told))
    }

    /// Starts it and waits until it is ready: the kernel holds what the file asks for. In the
    /// beginning also until every real server was asked: a director that starts gives nothing to
    /// servers that it does not know.
    pub(super) fn start(&mut self, site: &Site, interrupt: &Interrupt) -> Result<()> {
        let mut command = program(SELF);
        command.args(["daemon", "farm.yaml", "--color", "never", "--rehearsed"]);
        command.args(["--dataplane", &self.dataplane.to_string()]);
        command.arg("--state-dir").arg(self.home.join("state"));
        if let Some(node) = &self.director.node {
            command.args(["--node", node]);
        }
        command.current_dir(&self.home).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(self.log()?);
        let spawned = site.space(&self.director.machine)?.run(|| {
            let told = "the daemon can't be started";
            command.spawn().map_err(Error::system(told))
        });
        self.child = Some(spawned?);
        self.wait_until_ready(interrupt)
    }

    fn log(&self) -> Result<File> {
        let options = File::options()
            .create(true)
            .append(true)
            .open(self.log_path());
        options.map_err(Error::system("the daemon's log can't be written"))
    }

    fn log_path(&self) -> PathBuf {
        self.home.join("daemon.log")
    }

    fn wait_until_ready(&mut self, interrupt: &Interrupt) -> Result<()> {
        let end = SystemClock.now() + PATIENCE;
        while SystemClock.now() < end {
            if is_ready(&self.socket()) || interrupt.wait(GLANCE) {
                self.wait_until_full(interrupt);
                return Ok(());
            }
            if let Some(status) = self.ended()? {
                return Err(self.complaint(&format!("ended: {status}")));
            }
        }
        Err(self.complaint(&format!("was not ready after {PATIENCE:?}")))
    }

    fn socket(&self) -> PathBuf {
        self.home.join("state/api.sock")
    }

    /// Gives up where something is really missing: the load shows what.
    fn wait_until_full(&self, interrupt: &Interrupt) {
        let end = SystemClock.now() + ASKED;
        while SystemClock.now() < end && !is_full(&self.socket()) {
            if interrupt.wait(GLANCE) {
                return;
            }
        }
    }

    fn ended(&mut self) -> Result<Option<std::process::ExitStatus>> {
        let Some(child) = &mut self.child else {
            return Ok(None);
        };
        let ended = child.try_wait();
        ended.map_err(Error::system("a daemon is lost"))
    }

    fn complaint(&self, how: &str) -> Error {
        let log = fs::read(self.log_path()).unwrap_or_default();
        let last = log.get(log.len().saturating_sub(TOLD)..).unwrap_or(&log);
        let said = String::from_utf8_lossy(last);
        let machine = &self.director.machine;
        Error::Refused(format!(
            "farmctl daemon on {machine} {how}:\n{}",
            said.trim_end()
        ))
    }

    /// Lets something befall it.
    pub(super) fn suffer(&mut self, fate: Fate, site: &Site, interrupt: &Interrupt) -> Result<()> {
        match fate {
            Fate::Killed => self.end(Signal::SIGKILL, interrupt),
            Fate::Frozen => self.signal(Signal::SIGSTOP),
            Fate::Thawed => self.signal(Signal::SIGCONT),
            Fate::Restarted => {
                if self.child.is_some() {
                    self.end(Signal::SIGTERM, interrupt)?;
                }
                self.start(site, interrupt)
            }
        }
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let machine = &self.director.machine;
        let id = self
            .child
            .as_ref()
            .and_then(|child| i32::try_from(child.id()).ok());
        let id = id.ok_or_else(|| {
            Error::Refused(format!(
                "no daemon runs on {machine}; `restart_director` starts it"
            ))
        })?;
        kill(Pid::from_raw(id), signal).map_err(|errno| {
            Error::system(format!("the daemon on {machine} can't be told"))(errno.into())
        })
    }

    /// Ends it and waits for its end.
    fn end(&mut self, signal: Signal, interrupt: &Interrupt) -> Result<()> {
        self.signal(signal)?;
        let end = SystemClock.now() + PATIENCE;
        while self.ended()?.is_none() {
            if SystemClock.now() >= end {
                return Err(self.complaint("did not end when it was told to"));
            }
            if interrupt.wait(GLANCE) {
                return Ok(());
            }
        }
        self.child = None;
        Ok(())
    }
}

/// Whether a daemon answers at a socket that it is ready.
fn is_ready(socket: &Path) -> bool {
    let asked = ask(socket, "/readyz");
    asked.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// Whether a daemon says that everything that the file wants is there.
fn is_full(socket: &Path) -> bool {
    let answer = ask(socket, "/v1/status").unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
    let status: Option<Value> = body.and_then(|body| serde_json::from_str(body).ok());
    status.is_some_and(|status| status["health"] == "full")
}

/// What a daemon answers to a GET; none where nobody does in time.
fn ask(socket: &Path, path: &str) -> Option<String> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: farmctl\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
