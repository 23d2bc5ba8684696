//! How much memory something takes at its height.

use std::fs;

/// By how much this process's memory grew at the most while `work` ran, in bytes (proc(5),
/// `VmHWM`).
pub(crate) fn peak_growth(work: impl FnOnce()) -> usize {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak();
    work();
    peak().saturating_sub(before)
}

fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kilobytes: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}
