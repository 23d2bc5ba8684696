//! What the service manager is told: ready, reloading, stopping, how it goes, and that every loop
//! still turns.
//!
//! The protocol is sd_notify(3): one datagram of `KEY=value` lines to the socket that
//! `NOTIFY_SOCKET` names. Without that variable nothing is sent and nothing fails. It never decides
//! how the daemon is: `daemon` says so, and [`Watchdog`] judges by the beats of the loops.

mod guard;
mod watchdog;

pub use guard::Guard;
pub use watchdog::{Frozen, Pulse, Watchdog};

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::SystemClock;

/// The text of `STATUS=` is cut to so many characters.
const LONGEST_STATUS: usize = 512;

/// The way to the service manager; leads nowhere where none started us. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Notifier(Option<Arc<Way>>);

#[derive(Debug)]
struct Way {
    socket: UnixDatagram,
    to: SocketAddr,
}

impl Notifier {
    /// The socket that `NOTIFY_SOCKET` names: a path, or `@name` in the abstract namespace.
    pub fn from_environment() -> Self {
        std::env::var_os("NOTIFY_SOCKET").map_or_else(Self::default, |name| Self::to(&name))
    }

    /// The socket of this name, as `NOTIFY_SOCKET` writes it; leads nowhere where it names none.
    pub fn to(name: &OsString) -> Self {
        match Way::to(name) {
            Ok(way) => Self(Some(Arc::new(way))),
            Err(error) => {
                tracing::warn!(
                    socket = %name.display(),
                    "The service manager is not told how the daemon is: NOTIFY_SOCKET can't be used: {error}"
                );
                Self(None)
            }
        }
    }

    /// Whether somebody listens.
    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// The start, or a reload, is over: the daemon does what it is for.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// A reload begins; [`Notifier::ready`] says that it is over.
    pub fn reloading(&self) {
        let now = SystemClock.monotonic().as_micros();
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={now}"));
    }

    /// The daemon ends.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// One line that `systemctl status` shows.
    pub fn status(&self, line: &str) {
        self.send(&format!("STATUS={}", one_line(line)));
    }

    /// The daemon is alive.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// Sends one datagram. It never waits: a manager that reads nothing misses it.
    fn send(&self, lines: &str) {
        let Some(way) = &self.0 else { return };
        if let Err(error) = way.socket.send_to_addr(lines.as_bytes(), &way.to) {
            tracing::debug!("The service manager could not be told {lines:?}: {error}");
        }
    }
}

impl Way {
    fn to(name: &OsString) -> std::io::Result<Self> {
        let to = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            _ => return Err(std::io::Error::other("neither a path nor @name")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, to })
    }
}

/// The text without what would end the line, and not too long.
fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).take(LONGEST_STATUS).collect()
}

/// How often the service manager wants to hear that the daemon is alive; none where it does not.
///
/// `WATCHDOG_USEC` in microseconds, meant for the process `WATCHDOG_PID` (sd_watchdog_enabled(3)).
pub fn watchdog_interval() -> Option<Duration> {
    let variable = |name| std::env::var(name).ok();
    interval_of(
        variable("WATCHDOG_USEC"),
        variable("WATCHDOG_PID"),
        std::process::id(),
    )
}

fn interval_of(micros: Option<String>, pid: Option<String>, own: u32) -> Option<Duration> {
    let meant = pid.is_none_or(|pid| pid.parse() == Ok(own));
    let micros: u64 = micros?.parse().ok()?;
    (meant && micros > 0).then(|| Duration::from_micros(micros))
}

#[cfg(test)]
mod tests;
