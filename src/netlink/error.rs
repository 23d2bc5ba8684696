//! What can go wrong between farmctl and the kernel's netlink.
//!
//! Every kind asks for a different behaviour of the caller, which is why they are kinds and not
//! one text. Used by all of [`crate::netlink`] and by whoever calls it.

/// A kernel error number, from `include/uapi/asm-generic/errno*.h`.
pub use nix::errno::Errno;

/// The result of everything in [`crate::netlink`].
pub type Result<T> = std::result::Result<T, Error>;

/// A netlink operation that did not end well, by what the caller should do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket itself failed: it could not be opened, written or read.
    #[error("cannot {action} a netlink socket: {source}")]
    Io {
        /// What was tried: "open", "write to", "read from".
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The kernel understood the request and refused it.
    #[error("the kernel refused {command}: {}{}", .errno.desc(), detail(.message.as_deref()))]
    Kernel {
        /// The kernel's error number.
        errno: Errno,
        /// What was asked for, as a noun: "to list the virtual services".
        command: &'static str,
        /// The kernel's own words, where it gave any (extended ACK). IPVS never does.
        message: Option<String>,
    },
    /// The kernel had more to say than the socket's buffer holds (`ENOBUFS`). Commands that were
    /// sent may all have been done: read the live state again, never send them again.
    #[error("the kernel dropped replies because the receive buffer was full; read the state again")]
    Overrun,
    /// The table changed while it was read (`NLM_F_DUMP_INTR`): read it again.
    #[error("the table changed while it was being read; read it again")]
    Interrupted,
    /// The bytes received are not what the protocol promises.
    #[error("the kernel's answer cannot be understood: {what}")]
    Malformed {
        /// What is wrong with them.
        what: String,
    },
    /// A transaction has more bytes than this user may send at once (`EMSGSIZE`); nothing was done.
    /// It cannot be split, because it must be done as a whole. `CAP_NET_ADMIN` outside of user
    /// namespaces lifts the limit, which is twice `net.core.wmem_max` for everybody else.
    #[error(
        "one transaction of {size} bytes is more than the {room} bytes that this user may send at \
         once: run farmctl as root of the machine instead of a user namespace, or have root raise \
         the limit (sysctl -w net.core.wmem_max={})",
        .size.div_ceil(2).next_power_of_two()
    )]
    TooLarge {
        /// The size of the transaction, bytes.
        size: usize,
        /// How much may be sent, bytes.
        room: usize,
    },
    /// The kernel has no generic netlink family of this name: its module is not loaded.
    #[error("this kernel offers no netlink family `{name}`: is its module loaded?")]
    FamilyMissing {
        /// The family's name, such as `IPVS`.
        name: &'static str,
    },
}

impl Error {
    pub(super) fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, source }
    }

    pub(super) fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed { what: what.into() }
    }

    /// The kernel's error number where the kernel refused the request.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Kernel { errno, .. } => Some(*errno),
            Self::Io { .. }
            | Self::Overrun
            | Self::Interrupted
            | Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::FamilyMissing { .. } => None,
        }
    }
}

fn detail(message: Option<&str>) -> String {
    message.map_or_else(String::new, |text| format!(" ({text})"))
}
