//! keepalived's side: its checker with one TCP_CHECK for each real server, every second.
//!
//! The checker ends at once on a kernel without ip_vs. There it is told that the kernel took its
//! table, by a small library in front of the C library's (`LD_PRELOAD`); everything else of it is
//! as it comes from Debian. The table is not what is measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use farmctl::clock::{Clock as _, SystemClock};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::process::{self, Process, Taken, program};
use crate::{PORT, SERVERS, WARM_UP, address};

/// Real servers of each virtual server.
const EACH: u16 = 10;

/// IP_VS_BASE_CTL and what is above it (linux/ip_vs.h).
const PRETENCE: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static int table(int level, int name)
{
	return level == IPPROTO_IP && name >= 1152 && name < 1184;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	static int (*next)(int, int, int, const void *, socklen_t);

	if (table(level, name))
		return 0;
	if (!next)
		next = dlsym(RTLD_NEXT, "setsockopt");
	return next(fd, level, name, value, length);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	static int (*next)(int, int, int, void *, socklen_t *);

	if (table(level, name)) {
		memset(value, 0, *length);
		return 0;
	}
	if (!next)
		next = dlsym(RTLD_NEXT, "getsockopt");
	return next(fd, level, name, value, length);
}
"#;

/// One round.
pub(crate) fn measure(server: &Process) -> Taken {
    let keepalived = Keepalived::start();
    SystemClock.sleep(WARM_UP);
    process::measure(keepalived.checker(), server)
}

struct Keepalived {
    parent: Process,
    directory: PathBuf,
}

impl Keepalived {
    fn start() -> Self {
        let directory = std::env::temp_dir().join(format!("farmctl-checks.{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("keepalived.conf"), configuration()).unwrap();
        let mut command = program(Path::new("keepalived"));
        command
            .args(["--check", "--dont-fork", "--no-syslog", "--use-file"])
            .arg(directory.join("keepalived.conf"))
            .arg("--pid")
            .arg(directory.join("pid"))
            .arg("--checkers_pid")
            .arg(directory.join("checkers"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if !Path::new("/proc/net/ip_vs").exists() {
            command.env("LD_PRELOAD", pretence(&directory));
        }
        let parent = Process::start(&mut command);
        Self { parent, directory }
    }

    /// The process that checks. It must be there: else nothing would be measured.
    fn checker(&self) -> Pid {
        let text = fs::read_to_string(self.directory.join("checkers")).unwrap();
        Pid::from_raw(text.trim().parse().unwrap())
    }
}

impl Drop for Keepalived {
    /// The parent is held first: else it would start another checker for the one that is killed.
    fn drop(&mut self) {
        let checker = self.checker();
        let _held = kill(self.parent.pid(), Signal::SIGSTOP);
        let _killed = kill(checker, Signal::SIGKILL);
        let _removed = fs::remove_dir_all(&self.directory);
    }
}

fn pretence(directory: &Path) -> PathBuf {
    let source = directory.join("pretence.c");
    fs::write(&source, PRETENCE).unwrap();
    let library = directory.join("pretence.so");
    let built = program(Path::new("gcc"))
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(&library)
        .arg(&source)
        .status();
    assert!(built.unwrap().success());
    library
}

fn configuration() -> String {
    let mut text = String::new();
    for number in 0..SERVERS {
        if number % EACH == 0 {
            let port = 10_000 + number / EACH;
            text += &format!(
                "virtual_server 192.0.2.1 {port} {{\n delay_loop 1\n lvs_sched wlc\n \
                 lvs_method NAT\n protocol TCP\n"
            );
        }
        text += &format!(
            " real_server {} {PORT} {{\n  TCP_CHECK {{\n   connect_timeout 1\n  }}\n }}\n",
            address(number)
        );
        if number % EACH == EACH - 1 {
            text += "}\n";
        }
    }
    text
}
