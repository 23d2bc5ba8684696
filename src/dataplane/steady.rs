//! Reading that goes on where the kernel could not tell everything at once.
//!
//! Called by everything of the data plane that reads a list from the kernel.

use crate::netlink;

/// How often a reading is tried.
const ATTEMPTS: usize = 6;

/// Reads again what was interrupted or lost.
pub(super) fn steady<T>(mut read: impl FnMut() -> netlink::Result<T>) -> netlink::Result<T> {
    for _ in 1..ATTEMPTS {
        match read() {
            Err(netlink::Error::Interrupted | netlink::Error::Overrun) => {}
            other => return other,
        }
    }
    read()
}
