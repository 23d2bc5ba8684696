//! The three programs: how each is told what the farm is, started, told again, and killed.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::bed::Node;

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Keepalived,
    Ldirectord,
    Farmctl,
}

impl Kind {
    /// All of them, in the order of the table.
    pub(crate) const ALL: [Self; 3] = [Self::Keepalived, Self::Ldirectord, Self::Farmctl];

    /// What the table calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Keepalived => "keepalived",
            Self::Ldirectord => "ldirectord",
            Self::Farmctl => "farmctl",
        }
    }
}

/// What the farm is to be: real servers by their host numbers, each with its weight.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) servers: Vec<(u8, u32)>,
    pub(crate) sorry: Option<u8>,
}

impl Wish {
    /// Real servers of weight 1.
    pub(crate) fn of(servers: &[u8]) -> Self {
        Self {
            servers: servers.iter().map(|host| (*host, 1)).collect(),
            sorry: None,
        }
    }
}

/// A program with its configuration.
pub(crate) struct Contestant {
    kind: Kind,
    place: tempfile::TempDir,
    running: Option<Child>,
}

impl Contestant {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            place: tempfile::tempdir().unwrap(),
            running: None,
        }
    }

    fn file(&self) -> PathBuf {
        self.place.path().join(match self.kind {
            Kind::Keepalived => "keepalived.conf",
            Kind::Ldirectord => "ldirectord.cf",
            Kind::Farmctl => "farm.yaml",
        })
    }

    /// The configuration for a farm.
    pub(crate) fn text(&self, wish: &Wish) -> String {
        match self.kind {
            Kind::Keepalived => keepalived(wish),
            Kind::Ldirectord => ldirectord(wish),
            Kind::Farmctl => farmctl(wish),
        }
    }

    pub(crate) fn write(&self, text: &str) {
        fs::write(self.file(), text).unwrap();
    }

    /// Starts the program in the director's namespace.
    pub(crate) fn start(&mut self, director: &Node) {
        let log = self.place.path().join("log");
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = self.command();
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap());
        command.stderr(log).process_group(0);
        self.running = Some(director.run(|| command.spawn().unwrap()));
    }

    fn command(&self) -> Command {
        let place = self.place.path();
        match self.kind {
            Kind::Keepalived => {
                let mut command = Command::new("keepalived");
                command.args(["--check", "--dont-fork", "--log-console", "--use-file"]);
                command.arg(self.file()).arg("--pid").arg(place.join("pid"));
                command.arg("--checkers_pid").arg(place.join("checkers"));
                command
            }
            Kind::Ldirectord => {
                let mut command = Command::new("ldirectord");
                command.arg("-d").arg(self.file()).arg("start");
                command
            }
            Kind::Farmctl => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_farmctl"));
                command.arg("daemon").arg(self.file());
                command.arg("--state-dir").arg(place.join("state"));
                command
            }
        }
    }

    /// Has it read its configuration again, as its manual says.
    pub(crate) fn reload(&self) {
        match self.kind {
            Kind::Keepalived => self.signal(Signal::SIGHUP),
            // Both watch the file.
            Kind::Ldirectord | Kind::Farmctl => {}
        }
    }

    fn signal(&self, signal: Signal) {
        let child = self.running.as_ref().expect("it runs");
        kill(pid(child), signal).unwrap();
    }

    /// The whole program at once, without a word.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _gone = killpg(pid(&child), Signal::SIGKILL);
            let _reaped = child.wait();
        }
    }

    /// What it said, for messages.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.place.path().join("log")).unwrap_or_default();
        let last = log.get(log.len().saturating_sub(1500)..).unwrap_or(&log);
        String::from_utf8_lossy(last).into_owned()
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        let child = self.running.as_mut();
        child.is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        self.kill();
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

fn keepalived(wish: &Wish) -> String {
    let mut text = String::from(
        "virtual_server 10.8.0.100 80 {\n  delay_loop 1\n  lb_algo rr\n  lb_kind NAT\n  protocol TCP\n",
    );
    if let Some(host) = wish.sorry {
        text.push_str(&format!("  sorry_server 10.1.0.{host} 9090\n"));
    }
    for (host, weight) in &wish.servers {
        text.push_str(&format!(
            "  real_server 10.1.0.{host} 8080 {{\n    weight {weight}\n    TCP_CHECK {{\n      \
             connect_timeout 1\n      retry 2\n      delay_before_retry 1\n    }}\n  }}\n"
        ));
    }
    text + "}\n"
}

fn ldirectord(wish: &Wish) -> String {
    let mut text = String::from(
        "checktimeout=1\ncheckinterval=1\nfailurecount=3\nautoreload=yes\nquiescent=no\n\n\
         virtual=10.8.0.100:80\n",
    );
    for (host, weight) in &wish.servers {
        text.push_str(&format!("\treal=10.1.0.{host}:8080 masq {weight}\n"));
    }
    if let Some(host) = wish.sorry {
        text.push_str(&format!("\tfallback=10.1.0.{host}:9090 masq\n"));
    }
    text + "\tservice=http\n\tchecktype=connect\n\tscheduler=rr\n\tprotocol=tcp\n"
}

fn farmctl(wish: &Wish) -> String {
    let mut text = String::from(
        "version: 1\nfarm: compared\nnodes:\n  lb1: { interface: uplink, address: 10.8.0.2/24 }\n\
         directors: { members: [lb1], dataplane: ipvs }\n\
         vips:\n  www: { addresses: [10.8.0.100/24], interface: uplink }\n\
         services:\n  http:\n    vip: www\n    port: 80\n    scheduler: rr\n    forwarding: nat\n\
         \x20   check: { tcp: {}, interval: 1s, timeout: 1s, fall: 3 }\n",
    );
    if let Some(host) = wish.sorry {
        text.push_str(&format!(
            "    sorry_server: {{ address: 10.1.0.{host}, port: 9090 }}\n"
        ));
    }
    text.push_str("    real_servers:\n");
    for (host, weight) in &wish.servers {
        text.push_str(&format!(
            "      - {{ address: 10.1.0.{host}, port: 8080, weight: {weight} }}\n"
        ));
    }
    text
}
