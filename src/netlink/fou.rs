//! UDP ports behind which tunnels end (generic netlink family `fou`, `include/uapi/linux/fou.h`).
//!
//! One request. Used by the rehearsal for real servers behind GUE tunnels.

use netlink_sys::protocols::NETLINK_GENERIC;

use super::batch::Batch;
use super::error::{Error, Result};
use super::generic;
use super::message::NLM_F_ACK;
use super::socket::Socket;

const FOU_CMD_ADD: u8 = 1;
const FOU_ATTR_PORT: u16 = 1;
const FOU_ATTR_AF: u16 = 2;
const FOU_ATTR_TYPE: u16 = 4;
const FOU_ENCAP_GUE: u8 = 2;
/// The protocol's version in the generic header.
const VERSION: u8 = 1;

/// Takes GUE packets of one family (`AF_INET` 2, `AF_INET6` 10) on a UDP port of this thread's
/// network namespace and hands what is in them to the tunnel devices.
///
/// [`Error::FamilyMissing`] where the kernel has no such tunnels.
pub fn receive_gue(port: u16, address_family: u8) -> Result<()> {
    let mut socket = Socket::open(NETLINK_GENERIC)?;
    let family = generic::resolve(&mut socket, "fou")?;
    let mut batch = Batch::new();
    batch.push(family, NLM_F_ACK, |writer| {
        writer.raw(&[FOU_CMD_ADD, VERSION, 0, 0]);
        writer.be16(FOU_ATTR_PORT, port);
        writer.u8(FOU_ATTR_AF, address_family);
        writer.u8(FOU_ATTR_TYPE, FOU_ENCAP_GUE);
    });
    match socket.batch(&mut batch)?.pop() {
        None => Ok(()),
        Some(failure) => Err(Error::Kernel {
            errno: failure.errno,
            command: "to take GUE packets",
            message: failure.message,
        }),
    }
}
