//! Where the measurements run: the host's kernel for nftables, one with ip_vs for ip_vs.

use std::path::Path;
use std::process::Command;

use nix::unistd::Uid;

use crate::way::program;

/// When a guest that hangs is ended, in seconds.
const PATIENCE: &str = "900";

/// Both measurements, one after the other.
pub(crate) fn run_both() {
    let own = std::env::current_exe().unwrap();
    println!("## nftables, beside haproxy, nginx and rules by hand: this host's kernel\n");
    run(apart().arg(&own).arg("nftables"));
    if Uid::effective().is_root() && Path::new("/proc/net/ip_vs").exists() {
        println!("\n## ip_vs: this host's kernel\n");
        return run(apart().arg(&own).arg("ipvs"));
    }
    println!("\n## ip_vs: the lab's kernel\n");
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/run");
    let mut guest = program(&lab.to_string_lossy());
    guest
        .args(["-m", "1G", "-t", PATIENCE, "--"])
        .arg(&own)
        .arg("ipvs");
    // Speed is measured in real time only, and without backtraces (docs/lab.md).
    run(guest.env_remove("UML_ARGS").env("RUST_BACKTRACE", "0"));
}

/// In network, mount and process namespaces of its own, so that no rival outlives it; without root
/// in a user namespace, too.
fn apart() -> Command {
    let mut command = program("unshare");
    command.args(["--net", "--mount", "--mount-proc"]);
    command.args(["--pid", "--fork", "--kill-child"]);
    if !Uid::effective().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.arg("--");
    command
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "the measurement ended early: {status}");
}
