//! Generic netlink: finding the number that the kernel gave to a family of messages.
//!
//! It only asks; loading a missing module is the caller's decision. Used by
//! [`crate::netlink::ipvs`].

use netlink_packet_core::{Emitable, ParseableParametrized};
use netlink_packet_generic::ctrl::nlas::GenlCtrlAttrs;
use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd};
use netlink_packet_generic::{GenlFamily, GenlMessage};

use super::error::{Errno, Error, Result};
use super::socket::Socket;

/// The number of the family called `name`; [`Error::FamilyMissing`] where the kernel has none.
pub(super) fn resolve(socket: &mut Socket, name: &'static str) -> Result<u16> {
    let question = GenlMessage::from_payload(GenlCtrl {
        cmd: GenlCtrlCmd::GetFamily,
        nlas: vec![GenlCtrlAttrs::FamilyName(name.to_owned())],
    });
    let mut bytes = vec![0; question.buffer_len()];
    question.emit(&mut bytes);
    let mut found = None;
    let asked = socket.request(
        "to name a generic netlink family",
        question.payload.family_id(),
        |writer| writer.raw(&bytes),
        |reply| {
            found = family_number(reply.payload, reply.kind)?.or(found);
            Ok(())
        },
    );
    match asked {
        Err(error) if error.errno() == Some(Errno::ENOENT) => Err(Error::FamilyMissing { name }),
        Err(error) => Err(error),
        Ok(()) => found.ok_or(Error::FamilyMissing { name }),
    }
}

fn family_number(payload: &[u8], kind: u16) -> Result<Option<u16>> {
    let reply = GenlMessage::<GenlCtrl>::parse_with_param(payload, kind)
        .map_err(|error| Error::malformed(error.to_string()))?;
    Ok(reply.payload.nlas.iter().find_map(|attribute| {
        if let GenlCtrlAttrs::FamilyId(number) = attribute {
            Some(*number)
        } else {
            None
        }
    }))
}
