//! The clients' sockets: never blocking, bound to a client's address, with few system calls.
//!
//! Each is made in the network namespace of the calling thread and stays there. Called by the
//! engine only.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage, bind, connect, recv, send,
    setsockopt, socket, sockopt,
};

use super::super::protocol::Speech;
use super::super::record::Loss;

/// A socket on its way to a server.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

/// Whether a socket can be written to at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is connected.
    Ready,
    /// The kernel tells when it is.
    Pending,
}

/// What a read gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// So many bytes.
    Bytes(usize),
    /// The other side has closed.
    End,
    /// Nothing yet.
    Nothing,
}

impl Socket {
    /// Begins to connect.
    pub(super) fn open(
        speech: Speech,
        source: Option<IpAddr>,
        to: SocketAddr,
    ) -> Result<(Self, Progress), Loss> {
        let family = if to.is_ipv4() {
            AddressFamily::Inet
        } else {
            AddressFamily::Inet6
        };
        let kind = match speech {
            Speech::Http | Speech::TcpEcho => SockType::Stream,
            Speech::UdpEcho => SockType::Datagram,
        };
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let made = socket(family, kind, flags, None).map_err(|_| Loss::Unsent)?;
        if let Some(source) = source {
            bound(&made, source)?;
        }
        match connect(made.as_raw_fd(), &SockaddrStorage::from(to)) {
            Ok(()) => Ok((Self(made), Progress::Ready)),
            Err(Errno::EINPROGRESS) => Ok((Self(made), Progress::Pending)),
            Err(error) => Err(loss(error)),
        }
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.0
    }

    /// Sends a request, which is always short enough for an empty buffer. While the socket is
    /// connecting it says so, or why it could not.
    pub(super) fn send(&self, bytes: &[u8]) -> Result<Progress, Loss> {
        match send(self.0.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
            Ok(_) => Ok(Progress::Ready),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Progress::Pending),
            Err(error) => Err(loss(error)),
        }
    }

    /// Reads what is there.
    pub(super) fn read(&self, buffer: &mut [u8], speech: Speech) -> Result<Read, Loss> {
        match recv(self.0.as_raw_fd(), buffer, MsgFlags::empty()) {
            Ok(0) if speech != Speech::UdpEcho => Ok(Read::End),
            Ok(length) => Ok(Read::Bytes(length)),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Read::Nothing),
            Err(error) => Err(loss(error)),
        }
    }
}

/// Binds to an address only; the port is chosen when the other end is known, so that each pair of
/// ends has ports of its own (ip(7), `IP_BIND_ADDRESS_NO_PORT`).
fn bound(socket: &OwnedFd, source: IpAddr) -> Result<(), Loss> {
    // Without it there are fewer ports, nothing else.
    let _ = setsockopt(socket, sockopt::IpBindAddressNoPort, &true);
    let address = SockaddrStorage::from(SocketAddr::new(source, 0));
    bind(socket.as_raw_fd(), &address).map_err(|_| Loss::Unsent)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kernel's error numbers are many"
)]
fn loss(error: Errno) -> Loss {
    match error {
        Errno::ECONNREFUSED => Loss::Refused,
        Errno::ENETUNREACH | Errno::EHOSTUNREACH | Errno::EACCES | Errno::ENETDOWN => {
            Loss::Unreachable
        }
        Errno::ETIMEDOUT => Loss::TimedOut,
        Errno::EADDRNOTAVAIL
        | Errno::EAGAIN
        | Errno::EADDRINUSE
        | Errno::ENOBUFS
        | Errno::ENOMEM
        | Errno::EPERM
        | Errno::EINVAL => Loss::Unsent,
        _ => Loss::Reset,
    }
}

/// Allows as many open files as this process may have: during an outage every request waits.
pub(super) fn allow_many_files() -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}
