//! One writer per network namespace.
//!
//! The lock is an abstract unix socket: abstract names belong to the network namespace, as the
//! ip_vs table does, and the kernel takes the name back when the holder dies, however it dies.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, socket, sockopt,
};
use thiserror::Error;

/// The name of the socket.
const NAME: &str = "farmctl-writer";

/// The right to write, as long as the value lives.
#[derive(Debug)]
pub struct WriterLock {
    _listener: UnixListener,
}

/// The right to write can't be had.
#[derive(Debug, Error)]
pub enum Busy {
    /// Another process has it.
    #[error(
        "another farmctl writes to this network namespace{}. Nothing was done: wait until it is \
         finished, or stop it",
        holder.as_ref().map_or_else(String::new, |holder| format!(" ({holder})"))
    )]
    Held {
        /// Who, where it can be told: `apply, process 4711`.
        holder: Option<String>,
    },
    /// The socket could not be made.
    #[error("could not take the right to write to this network namespace: {0}")]
    Io(#[from] io::Error),
}

impl WriterLock {
    /// Takes the right to write to the network namespace of the calling thread, at once or not.
    pub fn take() -> Result<Self, Busy> {
        Self::take_named(NAME)
    }

    fn take_named(name: &str) -> Result<Self, Busy> {
        let address = SocketAddr::from_abstract_name(name)?;
        match UnixListener::bind_addr(&address) {
            Ok(listener) => Ok(Self {
                _listener: listener,
            }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Busy::Held {
                holder: holder(name),
            }),
            Err(error) => Err(error.into()),
        }
    }
}

/// Who holds the name, as the kernel tells those who connect (`SO_PEERCRED`, unix(7)).
fn holder(name: &str) -> Option<String> {
    let pid = peer(name).ok()?;
    // In another process namespace the number is 0 and says nothing.
    let command = (pid > 0).then(|| fs::read_to_string(format!("/proc/{pid}/comm")))?;
    let command = command.unwrap_or_default();
    Some(
        format!("process {pid} {}", command.trim())
            .trim()
            .to_owned(),
    )
}

/// Connects without waiting: a holder that accepts nobody must not hold us up.
fn peer(name: &str) -> nix::Result<i32> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket: OwnedFd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    connect(
        socket.as_raw_fd(),
        &UnixAddr::new_abstract(name.as_bytes())?,
    )?;
    Ok(getsockopt(&socket, sockopt::PeerCredentials)?.pid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(test: &str) -> String {
        format!("farmctl-test-{test}-{}", std::process::id())
    }

    #[test]
    fn a_second_writer_is_told_who_the_first_is() {
        let first = WriterLock::take_named(&name("second")).unwrap();
        let busy = WriterLock::take_named(&name("second")).unwrap_err();
        let pid = format!("process {}", std::process::id());
        assert!(busy.to_string().contains(&pid), "{busy}");
        drop(first);
        WriterLock::take_named(&name("second")).unwrap();
    }

    #[test]
    fn many_that_ask_in_vain_neither_hang_nor_free_it() {
        let _first = WriterLock::take_named(&name("many")).unwrap();
        for _ in 0..5000 {
            WriterLock::take_named(&name("many")).unwrap_err();
        }
    }
}
