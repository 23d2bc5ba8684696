//! Real server programs from Debian, each started by a test in its own network namespace with a
//! folder of its own, and ended with it.

use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::question::PATIENT;

/// A folder with a certificate, which a program reads and writes.
pub(crate) struct Folder {
    folder: TempDir,
}

impl Folder {
    /// A fresh one, for whoever the program runs as; `cert.pem` and `key.pem` are for these names.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let made = Self { folder };
        let names = vec!["farm.example".to_owned(), "127.0.0.1".to_owned()];
        let made_key = rcgen::generate_simple_self_signed(names).unwrap();
        made.write("cert.pem", &made_key.cert.pem());
        made.write("key.pem", &made_key.signing_key.serialize_pem());
        made
    }

    /// A path in it, as a text.
    pub(crate) fn at(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file; `{folder}` in it stands for this folder. Gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let text = text.replace("{folder}", self.folder.path().to_str().unwrap());
        fs::write(self.folder.path().join(name), text).unwrap();
        self.at(name)
    }

    /// Makes a folder in it that everybody may write.
    pub(crate) fn make(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        self.at(name)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("program.log")
    }
}

/// A program that runs until this is dropped.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it, and waits until it takes connections on this port of 127.0.0.1. `line` are words
    /// with single spaces between; `{folder}` stands for the folder.
    pub(crate) fn start(folder: &Folder, line: &str, port: u16) -> Self {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.log())
            .unwrap();
        let line = line.replace("{folder}", folder.folder.path().to_str().unwrap());
        let child = command(&line)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{line}: {error}: `make tools` installs it"));
        let mut program = Self {
            child,
            log: folder.log(),
        };
        program.wait_for(port);
        program
    }

    /// The number of its process, which is that of its group.
    pub(crate) fn number(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    fn wait_for(&mut self, port: u16) {
        const STEP: Duration = Duration::from_millis(20);
        let mut waited = Duration::ZERO;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended with {status}: {}", self.words());
            }
            assert!(waited < PATIENT, "it does not listen: {}", self.words());
            thread::sleep(STEP);
            waited += STEP;
        }
    }

    fn words(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    /// Its group, so that no worker of it is left.
    fn drop(&mut self) {
        let group = self.number();
        let _told = killpg(group, Signal::SIGTERM);
        for _ in 0..100 {
            if self.child.try_wait().unwrap().is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ended = killpg(group, Signal::SIGKILL);
        let _reaped = self.child.wait();
    }
}

/// A port on which each connection is handed to a program of its own as its input and output, as
/// inetd does. It lives as long as the test's process.
pub(crate) fn served_by(line: &str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let line = line.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let stream = OwnedFd::from(stream);
            let mut child = command(&line)
                .stdin(stream.try_clone().unwrap())
                .stdout(stream)
                .stderr(Stdio::null())
                .spawn()
                .unwrap_or_else(|error| panic!("{line}: {error}: `make tools` installs it"));
            thread::spawn(move || child.wait());
        }
    });
    address
}

/// A program in a user namespace in which it is this user and nobody else is anybody: some will
/// not run as root, and with the rights of a test's user namespace they cannot be another user.
pub(crate) fn as_user(number: u32, line: &str) -> String {
    format!("unshare --user --map-user={number} --map-group={number} {line}")
}

/// `nobody` of every Debian.
pub(crate) const NOBODY: u32 = 65534;

#[expect(
    clippy::disallowed_methods,
    reason = "the real server program is the point of these tests"
)]
fn command(line: &str) -> Command {
    let mut words = line.split(' ');
    let name = words.next().unwrap();
    let path = ["/usr/sbin", "/usr/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(name));
    let path = path.into_iter().find(|path| path.exists());
    let mut command = Command::new(path.unwrap_or_else(|| PathBuf::from(name)));
    command.args(words).env("LC_ALL", "C");
    command
}

/// How much memory this process has used at most so far, in KiB (`VmHWM`, proc(5)).
pub(crate) fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
