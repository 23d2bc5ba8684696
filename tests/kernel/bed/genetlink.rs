//! Two questions to generic netlink, built by hand: which number a family has
//! (`linux/genetlink.h`), and the one request of the family `fou` that a real server behind GUE
//! tunnels needs (`linux/fou.h`).

use std::io;

use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_GENERIC;

const HEADERS: usize = 20;
const NLMSG_ERROR: u16 = 2;
const REQUEST_AND_ACK: u16 = 1 | 4;
const GENL_ID_CTRL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
const FOU_CMD_ADD: u8 = 1;
const FOU_ATTR_PORT: u16 = 1;
const FOU_ATTR_AF: u16 = 2;
const FOU_ATTR_TYPE: u16 = 4;
const FOU_ENCAP_GUE: u8 = 2;

/// The number of a generic netlink family, if the kernel has it.
pub(crate) fn family(name: &str) -> Option<u16> {
    let name = attribute(CTRL_ATTR_FAMILY_NAME, &[name.as_bytes(), b"\0"].concat());
    let answer = ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, &name).ok()?;
    let id = find(answer.get(HEADERS..)?, CTRL_ATTR_FAMILY_ID)?;
    Some(u16::from_ne_bytes(id.try_into().ok()?))
}

/// Takes GUE packets of an address family (2 or 10) on a UDP port of the calling thread's
/// namespace, and hands what is in them to the tunnel devices.
pub(super) fn receive_gue(port: u16, address_family: u8) -> io::Result<()> {
    let fou = family("fou").ok_or(io::ErrorKind::Unsupported)?;
    let attributes = [
        attribute(FOU_ATTR_PORT, &port.to_be_bytes()),
        attribute(FOU_ATTR_AF, &[address_family]),
        attribute(FOU_ATTR_TYPE, &[FOU_ENCAP_GUE]),
    ];
    ask(fou, FOU_CMD_ADD, &attributes.concat()).map(drop)
}

/// One request; the first message that comes back, or the kernel's error.
fn ask(family: u16, command: u8, attributes: &[u8]) -> io::Result<Vec<u8>> {
    let socket = Socket::new(NETLINK_GENERIC)?;
    let length = u32::try_from(HEADERS + attributes.len()).map_err(io::Error::other)?;
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(family.to_ne_bytes());
    message.extend(REQUEST_AND_ACK.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([command, 1, 0, 0]);
    message.extend(attributes);
    socket.send(&message, 0)?;
    let (answer, _) = socket.recv_from_full()?;
    match error_of(&answer) {
        None | Some(0) => Ok(answer),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
    }
}

/// The code of an error message; 0 is consent.
fn error_of(answer: &[u8]) -> Option<i32> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let code = i32::from_ne_bytes(answer.get(16..20)?.try_into().ok()?);
    (kind == NLMSG_ERROR).then_some(code)
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap();
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn find(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16::from_ne_bytes(attributes.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(attributes.get(2..4)?.try_into().ok()?);
        if kind == wanted {
            return attributes.get(4..length);
        }
        attributes = attributes.get(length.next_multiple_of(4).max(4)..)?;
    }
}
