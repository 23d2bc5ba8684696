//! The part outside: finds a kernel with ip_vs and starts the measurement on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::Uid;

use crate::Result;

/// What the guest may use; the peak is keepalived's and the farm files'.
const MEMORY: &str = "1G";
/// When a guest that hangs is ended, in seconds.
const PATIENCE: &str = "900";

/// Runs the measurement where ip_vs is, and says where the table is.
pub(crate) fn run() -> Result<()> {
    let directory = directory()?;
    let own = std::env::current_exe()?;
    let mut command = if native() {
        program(&own)
    } else {
        let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/run");
        let mut lab = program(&lab);
        lab.args(["-m", MEMORY, "-t", PATIENCE, "-w"]);
        lab.arg(&directory).arg("--").arg(&own);
        // Speed is measured in real time only, and without backtraces (docs/lab.md).
        lab.env_remove("UML_ARGS").env("RUST_BACKTRACE", "0");
        lab
    };
    let status = command.arg("guest").arg(&directory).status()?;
    if !status.success() {
        return Err(format!("the measurement ended early: {status}").into());
    }
    println!("\nAlso in {}/lab.md and lab.json.", directory.display());
    Ok(())
}

/// Whether this kernel has ip_vs and lets us make namespaces; `FARMCTL_LAB` forces the choice.
fn native() -> bool {
    match std::env::var("FARMCTL_LAB").as_deref() {
        Ok("native") => true,
        Ok("uml") => false,
        _ => Uid::effective().is_root() && Path::new("/proc/net/ip_vs").exists(),
    }
}

/// `target/bench`, wherever the target directory is: this program is in `target/PROFILE/deps`.
fn directory() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own
        .ancestors()
        .nth(3)
        .ok_or("this program is not in a target directory")?;
    let directory = target.join("bench");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the measured thing is a whole process"
)]
pub(crate) fn program(path: &Path) -> Command {
    Command::new(path)
}
