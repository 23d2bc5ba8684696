//! A word from outside that everything which waits on the stage hears.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Whether the performance is to end before its time.
#[derive(Debug, Default)]
pub struct Interrupt {
    said: Mutex<bool>,
    heard: Condvar,
}

impl Interrupt {
    /// Ends the performance: it tells what was seen until now.
    pub fn end(&self) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.heard.notify_all();
    }

    /// Waits so long, or until it is to end; says whether it is.
    pub(super) fn wait(&self, length: Duration) -> bool {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.heard.wait_timeout_while(said, length, |said| !*said);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
