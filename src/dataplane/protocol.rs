//! The transport protocols of netlink in the state's words.
//!
//! Called by both data planes, which read them of services and of tracked connections.

use crate::netlink::ipvs as kernel;
use crate::state::Protocol;

/// A protocol that a service can have; none for any other.
pub(super) fn protocol(protocol: kernel::Protocol) -> Option<Protocol> {
    match protocol {
        kernel::Protocol::Tcp => Some(Protocol::Tcp),
        kernel::Protocol::Udp => Some(Protocol::Udp),
        kernel::Protocol::Sctp => Some(Protocol::Sctp),
        kernel::Protocol::Other(_) => None,
    }
}
