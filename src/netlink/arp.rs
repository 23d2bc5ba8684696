//! Frames that tell the neighbours where an address now lives: gratuitous ARP for IPv4
//! (RFC 826, RFC 5227 section 3, RFC 5944 section 4.6), unsolicited neighbour advertisements for
//! IPv6 (RFC 4861 section 7.2.6).
//!
//! [`announce`] sends each frame once through a packet socket; how often and when is decided
//! elsewhere. Nothing is received. Used by the data plane after an address went up.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, sendto, socket};

use super::error::{Errno, Error, Result};

/// An Ethernet address.
pub type HardwareAddress = [u8; 6];

/// To everybody on the link.
const BROADCAST: HardwareAddress = [0xff; 6];
/// All IPv6 nodes on the link, ff02::1, and its Ethernet address (RFC 2464 section 7).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_HARDWARE: HardwareAddress = [0x33, 0x33, 0, 0, 0, 1];
/// EtherTypes.
const ARP: [u8; 2] = [0x08, 0x06];
const IPV6: [u8; 2] = [0x86, 0xdd];
/// `ARPHRD_ETHER` (`include/uapi/linux/if_arp.h`).
const ETHERNET: u16 = 1;

/// The two forms of gratuitous ARP; some neighbours heed only one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// "Who has this address? Tell this address." RFC 5227 calls it an announcement.
    Request,
    /// "This address is at …", to everybody.
    Reply,
}

/// A gratuitous ARP frame, from the Ethernet header on.
pub fn gratuitous_arp(
    operation: Operation,
    hardware: HardwareAddress,
    address: Ipv4Addr,
) -> Vec<u8> {
    let (number, target) = match operation {
        Operation::Request => (1, [0; 6]),
        Operation::Reply => (2, hardware),
    };
    let mut frame = ethernet(BROADCAST, hardware, ARP);
    // Ethernet and IPv4, and the lengths of their addresses.
    frame.extend([0, 1, 8, 0, 6, 4, 0, number]);
    frame.extend(hardware);
    frame.extend(address.octets());
    frame.extend(target);
    frame.extend(address.octets());
    frame
}

/// An unsolicited neighbour advertisement with the override flag, from the Ethernet header on.
pub fn neighbour_advertisement(hardware: HardwareAddress, address: Ipv6Addr) -> Vec<u8> {
    // Type 136, the checksum later, the override flag, the address, and the option that names
    // the hardware address.
    let mut body = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    body.extend(address.octets());
    body.extend([2, 1]);
    body.extend(hardware);
    let sum = checksum(address, &body).to_be_bytes();
    body[2..4].copy_from_slice(&sum);
    let mut frame = ethernet(ALL_NODES_HARDWARE, hardware, IPV6);
    // Version 6, the length of the body (always 32), ICMPv6, and the hop limit that proves that
    // no router was on the way.
    frame.extend([0x60, 0, 0, 0, 0, 32, ICMPV6, 255]);
    frame.extend(address.octets());
    frame.extend(ALL_NODES.octets());
    frame.extend(body);
    frame
}

const ICMPV6: u8 = 58;

fn ethernet(to: HardwareAddress, from: HardwareAddress, kind: [u8; 2]) -> Vec<u8> {
    [to.as_slice(), from.as_slice(), kind.as_slice()].concat()
}

/// The checksum of RFC 4443 section 2.3, over the pseudo-header and the body.
fn checksum(source: Ipv6Addr, body: &[u8]) -> u16 {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let source = source.octets();
    let destination = ALL_NODES.octets();
    let pseudo = [
        &source[..],
        &destination[..],
        &length[..],
        &[0, 0, 0, ICMPV6],
    ];
    let bytes = [pseudo.concat().as_slice(), body].concat();
    let words = bytes
        .chunks(2)
        .map(|pair| u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
    let mut sum: u32 = words.map(u32::from).sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

/// Tells the neighbours on `interface` that `address` lives here now; returns how many frames
/// were sent, none where the interface is not Ethernet. Needs `CAP_NET_RAW`.
pub fn announce(interface: &str, address: IpAddr) -> Result<usize> {
    let Some((link, hardware)) = ethernet_link(interface)? else {
        return Ok(0);
    };
    let frames = match address {
        IpAddr::V4(v4) => vec![
            gratuitous_arp(Operation::Request, hardware, v4),
            gratuitous_arp(Operation::Reply, hardware, v4),
        ],
        IpAddr::V6(v6) => vec![neighbour_advertisement(hardware, v6)],
    };
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None).map_err(failed)?;
    for frame in &frames {
        sendto(socket.as_raw_fd(), frame, &link, MsgFlags::empty()).map_err(failed)?;
    }
    Ok(frames.len())
}

/// The packet address of an Ethernet interface of this thread's network namespace.
fn ethernet_link(interface: &str) -> Result<Option<(LinkAddr, HardwareAddress)>> {
    for found in getifaddrs().map_err(failed)? {
        if found.interface_name != interface {
            continue;
        }
        let Some(link) = found
            .address
            .and_then(|address| address.as_link_addr().copied())
        else {
            continue;
        };
        let hardware = link.addr().filter(|_| link.hatype() == ETHERNET);
        return Ok(hardware.map(|hardware| (link, hardware)));
    }
    Err(failed(Errno::ENODEV))
}

fn failed(errno: Errno) -> Error {
    Error::io("send an announcement through")(io::Error::from(errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARDWARE: HardwareAddress = [2, 0, 0, 0, 0, 0x17];

    #[test]
    fn a_request_asks_everybody_for_the_address_that_it_comes_from() {
        let frame = gratuitous_arp(Operation::Request, HARDWARE, [192, 0, 2, 10].into());
        let expected = [
            &[
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0x17, 8, 6,
            ][..],
            &[0, 1, 8, 0, 6, 4, 0, 1],
            &[2, 0, 0, 0, 0, 0x17, 192, 0, 2, 10],
            &[0, 0, 0, 0, 0, 0, 192, 0, 2, 10],
        ];
        assert_eq!(frame, expected.concat());
    }

    #[test]
    fn a_reply_differs_in_its_operation_and_its_target() {
        let frame = gratuitous_arp(Operation::Reply, HARDWARE, [192, 0, 2, 10].into());
        assert_eq!((frame[21], &frame[32..38]), (2, &HARDWARE[..]));
    }

    #[test]
    fn an_advertisement_names_the_address_and_overrides_what_neighbours_know() {
        let address: Ipv6Addr = "2001:db8::10".parse().unwrap();
        let frame = neighbour_advertisement(HARDWARE, address);
        assert_eq!(frame.len(), 14 + 40 + 32);
        assert_eq!(frame[14 + 7], 255);
        assert_eq!(frame[54], 136);
        assert_eq!(frame[58], 0x20);
        assert_eq!(frame[62..78], address.octets());
        assert_eq!(frame[78..], [2, 1, 2, 0, 0, 0, 0, 0x17]);
    }

    #[test]
    fn the_checksum_over_a_finished_advertisement_is_zero() {
        let address: Ipv6Addr = "2001:db8::10".parse().unwrap();
        let frame = neighbour_advertisement(HARDWARE, address);
        assert_eq!(checksum(address, &frame[54..]), 0);
        assert_ne!(frame[56..58], [0, 0]);
    }

    #[test]
    fn an_interface_that_does_not_exist_is_an_error() {
        let failed = announce("nonesuch0", [192, 0, 2, 10].into());
        assert!(matches!(failed, Err(Error::Io { .. })));
    }

    #[test]
    fn loopback_has_nobody_to_tell() {
        assert_eq!(announce("lo", [192, 0, 2, 10].into()).unwrap(), 0);
    }
}
