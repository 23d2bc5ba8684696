//! The peak of resident memory of one process. It has a process of its own to be measured from,
//! because the kernel tells the peak of all children together.

use std::path::Path;
use std::process::Stdio;

use nix::sys::resource::{UsageWho, getrusage};

use crate::Result;
use crate::host::program;

/// Runs the command and prints its peak in KiB.
pub(crate) fn measure(command: &str, arguments: &[&str]) -> Result<()> {
    let status = program(Path::new(command))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("{command} ended with {status}").into());
    }
    println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss());
    Ok(())
}

/// The peak of a command in MiB, measured through [`measure`].
pub(crate) fn of(command: &[&str]) -> Result<u64> {
    let own = std::env::current_exe()?;
    let output = program(&own).arg("memory").args(command).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.trim().parse::<u64>()?.div_ceil(1024))
}

/// What a process and its children have in memory now, in MiB (`VmRSS` of proc(5)).
pub(crate) fn resident(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kilobytes: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .ok_or("the process has no memory any more")?;
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"))
        .unwrap_or_default();
    let mut all = kilobytes.div_ceil(1024);
    for child in children.split_whitespace() {
        all += resident(child.parse()?)?;
    }
    Ok(all)
}
