//! Memory that is there before it is touched.
//!
//! A process that touches its memory page by page pays for a page fault each time. On bare metal
//! that is a fraction of a microsecond; in a virtual machine it is more, and in a user-mode Linux
//! more than all else that an apply of a large farm does (docs/benchmarks.md). With `MCL_FUTURE`
//! (mlockall(2)) the kernel maps in one go what the process asks for. It also keeps a director that
//! is short of memory from swapping an apply out in the middle of its steps. Called once, by `run`.

use nix::sys::mman::{MlockAllFlags, mlockall};

/// CAP_IPC_LOCK (`include/uapi/linux/capability.h`).
const IPC_LOCK: u32 = 14;

/// Asks the kernel to map memory as soon as it is handed out, where that can't hurt.
pub(super) fn map_ahead() {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    if may_lock(&read("/proc/self/status"), &read("/proc/self/uid_map")) {
        // Without it everything works as well, only slower.
        let _slower = mlockall(MlockAllFlags::MCL_FUTURE);
    }
}

/// Whether locked memory has no limit. Where it has one, an allocation beyond it would end the
/// process: so the capability must be there, and be the initial user namespace's, because the
/// kernel does not count another's.
fn may_lock(status: &str, uid_map: &str) -> bool {
    let capabilities = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    let initial: Vec<&str> = uid_map.split_whitespace().collect();
    capabilities.is_some_and(|set| set >> IPC_LOCK & 1 == 1) && initial == ["0", "0", "4294967295"]
}

#[cfg(test)]
mod tests {
    use super::*;

    const INITIAL: &str = "         0          0 4294967295\n";

    #[test]
    fn root_of_the_machine_may_lock_memory() {
        assert!(may_lock(
            "Name:\tfarmctl\nCapEff:\t000001ffffffffff\n",
            INITIAL
        ));
    }

    #[test]
    fn without_the_capability_memory_is_left_alone() {
        assert!(!may_lock("CapEff:\t0000000000000000\n", INITIAL));
        assert!(!may_lock("CapEff:\t000001ffffffbfff\n", INITIAL));
    }

    #[test]
    fn root_of_a_user_namespace_is_not_enough() {
        assert!(!may_lock(
            "CapEff:\t000001ffffffffff\n",
            "         0       1000          1\n"
        ));
    }

    #[test]
    fn what_cannot_be_read_is_a_no() {
        assert!(!may_lock("", ""));
        assert!(!may_lock("CapEff:\tzzz\n", INITIAL));
    }
}
