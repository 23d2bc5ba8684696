//! Why a question got no good answer, in words for an operator.
//!
//! The one distinction that matters: whether the reason is the server's (or the network's on the
//! way to it), or this machine's. A reason of this machine says nothing about the server, so it
//! must never take one out. Used by every kind of question.

use std::io;
use std::time::Duration;

use nix::errno::Errno;

use crate::health::{Fault, Verdict};

/// Why a question got no good answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The server, or the network on the way to it.
    #[error("{text}")]
    Server {
        /// What kind of failure it is.
        fault: Fault,
        /// What was seen, in half a sentence.
        text: String,
    },
    /// This machine: the server was not asked.
    #[error("{0}")]
    Here(String),
}

impl Failure {
    /// A failure of the server's.
    pub fn server(fault: Fault, text: impl Into<String>) -> Self {
        Self::Server {
            fault,
            text: text.into(),
        }
    }

    /// It answered something else than it should.
    pub fn wrong(text: impl Into<String>) -> Self {
        Self::server(Fault::WrongAnswer, text)
    }

    /// It broke off, or spoke against the protocol.
    pub fn broken(text: impl Into<String>) -> Self {
        Self::server(Fault::Broken, text)
    }

    /// Its time is over; the text says what was waited for, as `the TLS handshake`.
    pub fn timed_out(after: Duration, waiting_for: &str) -> Self {
        let after = crate::spec::Duration(after);
        let text = format!("timed out after {after} waiting for {waiting_for}");
        Self::server(Fault::TimedOut, text)
    }

    /// A reason on this machine: the server was not asked.
    pub fn here(text: impl Into<String>) -> Self {
        Self::Here(text.into())
    }
}

impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Server { fault, text } => Self::Fail { fault, text },
            Failure::Here(text) => Self::Unasked(text),
        }
    }
}

impl From<Errno> for Failure {
    /// What the kernel says of a connection, or of a datagram on its way.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the kernel's error numbers are many"
    )]
    fn from(error: Errno) -> Self {
        match error {
            Errno::ECONNREFUSED => Self::server(Fault::Refused, "connection refused"),
            Errno::ETIMEDOUT => Self::server(Fault::TimedOut, "timed out"),
            Errno::ENETUNREACH => Self::server(Fault::Unreachable, "network unreachable"),
            Errno::EHOSTUNREACH | Errno::EHOSTDOWN => {
                Self::server(Fault::Unreachable, "host unreachable")
            }
            Errno::ENETDOWN => Self::server(Fault::Unreachable, "the network is down"),
            // ICMPv6 "administratively prohibited" (RFC 4443 section 3.1), or such a route here.
            Errno::EACCES => Self::server(Fault::Unreachable, "the network forbids it"),
            Errno::ECONNRESET | Errno::ECONNABORTED | Errno::EPIPE | Errno::ENOTCONN => {
                Self::broken("it reset the connection")
            }
            Errno::EPROTO | Errno::ENOPROTOOPT => {
                Self::server(Fault::Unreachable, "the network refuses the protocol")
            }
            other => Self::Here(on_this_machine(other)),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Self {
        if let Some(failure) = super::tls::problem(error) {
            return failure;
        }
        if let Some(number) = error.raw_os_error() {
            return Errno::from_raw(number).into();
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::broken("it closed the connection");
        }
        Self::broken(error.to_string())
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kernel's error numbers are many"
)]
fn on_this_machine(error: Errno) -> String {
    match error {
        Errno::EMFILE | Errno::ENFILE => {
            "no free file descriptor on this machine: raise LimitNOFILE".to_owned()
        }
        Errno::ENOBUFS | Errno::ENOMEM => "no memory for sockets on this machine".to_owned(),
        Errno::EADDRNOTAVAIL | Errno::EADDRINUSE | Errno::EAGAIN => {
            "no free source port on this machine".to_owned()
        }
        Errno::EPERM => "this machine's own firewall forbids it".to_owned(),
        Errno::EAFNOSUPPORT => "this machine has no such address family".to_owned(),
        other => format!("this machine could not ask: {}", other.desc()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(failure: &Failure) -> Option<Fault> {
        match failure {
            Failure::Server { fault, .. } => Some(*fault),
            Failure::Here(_) => None,
        }
    }

    #[test]
    fn what_the_network_says_is_the_servers_failure() {
        let expected = [
            (Errno::ECONNREFUSED, Fault::Refused),
            (Errno::ETIMEDOUT, Fault::TimedOut),
            (Errno::EHOSTUNREACH, Fault::Unreachable),
            (Errno::ENETUNREACH, Fault::Unreachable),
            (Errno::ENETDOWN, Fault::Unreachable),
            (Errno::EACCES, Fault::Unreachable),
            (Errno::ECONNRESET, Fault::Broken),
        ];
        for (number, wanted) in expected {
            assert_eq!(fault(&number.into()), Some(wanted), "{number}");
            let error = io::Error::from_raw_os_error(number as i32);
            assert_eq!(fault(&error.into()), Some(wanted), "{number}");
        }
    }

    #[test]
    fn what_this_machine_lacks_says_nothing_about_the_server() {
        for number in [Errno::EMFILE, Errno::EADDRNOTAVAIL, Errno::EPERM] {
            let verdict = Verdict::from(Failure::from(number));
            assert!(matches!(verdict, Verdict::Unasked(_)), "{number}");
        }
    }
}
