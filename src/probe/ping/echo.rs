//! Echo requests and replies as bytes.
//!
//! ```text
//!  0        1        2                 4                 6                 8
//!  | type   | code   | checksum        | identifier      | sequence        | payload …
//! ```
//!
//! Parsing never panics; the kernel fills in the checksum of ICMPv6 and those of ping sockets.

use std::net::IpAddr;

/// Where an echo message begins in what a socket gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// At its beginning; the kernel has chosen the identifier and sorted the answers.
    Sorted,
    /// At its beginning.
    Bare,
    /// Behind an IPv4 header (raw(7)).
    WithIpHeader,
}

/// One echo request, and what its reply must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    kinds: Kinds,
    identifier: [u8; 2],
    sequence: [u8; 2],
    payload: Vec<u8>,
}

/// What a message that came in is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The answer.
    Answer,
    /// The network says of this very request that there is no way.
    Unreachable(&'static str),
    /// Somebody else's.
    Other,
}

/// The numbers of a family's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kinds {
    request: u8,
    reply: u8,
    unreachable: u8,
    /// How long the header of the packet is that an error quotes, where it is fixed.
    quoted: Option<usize>,
    checksum: Checksum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checksum {
    Ours,
    Kernels,
}

/// RFC 792.
const V4: Kinds = Kinds {
    request: 8,
    reply: 0,
    unreachable: 3,
    quoted: None,
    checksum: Checksum::Ours,
};

/// RFC 4443 sections 3.1, 4.1, 4.2.
const V6: Kinds = Kinds {
    request: 128,
    reply: 129,
    unreachable: 1,
    quoted: Some(40),
    checksum: Checksum::Kernels,
};

impl Echo {
    /// A request that nobody else has sent: identifier, sequence and payload are chosen by chance.
    pub fn random(address: IpAddr, size: usize) -> Self {
        let mut payload = vec![0; size];
        fastrand::fill(&mut payload);
        Self {
            kinds: if address.is_ipv4() { V4 } else { V6 },
            identifier: fastrand::u16(..).to_be_bytes(),
            sequence: fastrand::u16(..).to_be_bytes(),
            payload,
        }
    }

    /// The request's bytes.
    pub fn request(&self) -> Vec<u8> {
        let mut bytes = vec![self.kinds.request, 0, 0, 0];
        bytes.extend(self.identifier);
        bytes.extend(self.sequence);
        bytes.extend(&self.payload);
        if self.kinds.checksum == Checksum::Ours {
            let sum = checksum(&bytes).to_be_bytes();
            if let Some(place) = bytes.get_mut(2..4) {
                place.copy_from_slice(&sum);
            }
        }
        bytes
    }

    /// What a packet is that came in.
    pub fn judge(&self, frame: Frame, packet: &[u8]) -> Seen {
        let message = match frame {
            Frame::Sorted | Frame::Bare => Some(packet),
            Frame::WithIpHeader => after_ipv4(packet),
        };
        message.map_or(Seen::Other, |message| self.judge_message(frame, message))
    }

    fn judge_message(&self, frame: Frame, message: &[u8]) -> Seen {
        match message.first() {
            Some(kind) if *kind == self.kinds.reply && self.is_mine(frame, message) => Seen::Answer,
            Some(kind) if *kind == self.kinds.unreachable && self.is_quoted(message) => {
                Seen::Unreachable("host unreachable")
            }
            Some(_) | None => Seen::Other,
        }
    }

    /// Whether identifier, sequence and payload are those of the request.
    fn is_mine(&self, frame: Frame, message: &[u8]) -> bool {
        let identifier = frame == Frame::Sorted || message.get(4..6) == Some(&self.identifier);
        let sequence = message.get(6..8) == Some(&self.sequence);
        identifier && sequence && message.get(8..) == Some(&self.payload)
    }

    /// Whether an error quotes the request; it need not quote all of it.
    fn is_quoted(&self, message: &[u8]) -> bool {
        let packet = message.get(8..).unwrap_or_default();
        let inner = match self.kinds.quoted {
            Some(length) => packet.get(length..),
            None => after_ipv4(packet),
        };
        let inner = inner.unwrap_or_default();
        inner.first() == Some(&self.kinds.request)
            && inner.get(4..6) == Some(&self.identifier)
            && inner.get(6..8) == Some(&self.sequence)
    }
}

/// What stands behind an IPv4 header (RFC 791 section 3.1: its length is in words of 4 bytes).
fn after_ipv4(packet: &[u8]) -> Option<&[u8]> {
    let length = usize::from(packet.first()? & 0x0f) * 4;
    packet.get(length.max(20)..)
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        [high] => u16::from_be_bytes([*high, 0]),
        _ => 0,
    });
    let sum = words.fold(0_u16, |sum, word| {
        let (sum, carried) = sum.overflowing_add(word);
        sum.wrapping_add(u16::from(carried))
    });
    !sum
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    const FOUR: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

    fn reply(echo: &Echo) -> Vec<u8> {
        let mut bytes = echo.request();
        bytes[0] = echo.kinds.reply;
        bytes
    }

    fn in_ipv4(message: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x46; 1];
        packet.resize(24, 0);
        packet.extend(message);
        packet
    }

    #[test]
    fn a_request_of_rfc_792_has_the_checksum_that_makes_its_sum_zero() {
        for size in [0, 1, 32, 33] {
            assert_eq!(checksum(&Echo::random(FOUR, size).request()), 0, "{size}");
        }
    }

    #[test]
    fn only_the_own_reply_is_the_answer() {
        for address in [FOUR, SIX] {
            let echo = Echo::random(address, 32);
            assert_eq!(echo.judge(Frame::Bare, &reply(&echo)), Seen::Answer);
            assert_eq!(echo.judge(Frame::Bare, &echo.request()), Seen::Other);
            for place in 4..40 {
                let mut other = reply(&echo);
                other[place] ^= 1;
                assert_eq!(echo.judge(Frame::Bare, &other), Seen::Other, "{place}");
            }
            let mut longer = reply(&echo);
            longer.push(0);
            assert_eq!(echo.judge(Frame::Bare, &longer), Seen::Other);
        }
    }

    #[test]
    fn a_ping_socket_has_its_own_identifier() {
        let echo = Echo::random(FOUR, 32);
        let mut answer = reply(&echo);
        answer[4] ^= 1;
        assert_eq!(echo.judge(Frame::Sorted, &answer), Seen::Answer);
    }

    #[test]
    fn a_raw_socket_gives_the_ipv4_header_too() {
        let echo = Echo::random(FOUR, 32);
        let packet = in_ipv4(&reply(&echo));
        assert_eq!(echo.judge(Frame::WithIpHeader, &packet), Seen::Answer);
    }

    #[test]
    fn an_error_counts_where_it_quotes_the_request() {
        let echo = Echo::random(FOUR, 32);
        let mut error = vec![3, 1, 0, 0, 0, 0, 0, 0];
        error.extend(in_ipv4(&echo.request()[..8]));
        assert!(matches!(
            echo.judge(Frame::Bare, &error),
            Seen::Unreachable(_)
        ));
        let stranger = Echo::random(FOUR, 32);
        assert_eq!(stranger.judge(Frame::Bare, &error), Seen::Other);
        let six = Echo::random(SIX, 32);
        let mut error = vec![1, 3, 0, 0, 0, 0, 0, 0];
        error.extend([0; 40]);
        error.extend(six.request());
        assert!(matches!(
            six.judge(Frame::Bare, &error),
            Seen::Unreachable(_)
        ));
    }

    proptest! {
        #[test]
        fn no_packet_is_too_odd(packet: Vec<u8>, sorted: bool) {
            let echo = Echo::random(if sorted { FOUR } else { SIX }, 8);
            for frame in [Frame::Sorted, Frame::Bare, Frame::WithIpHeader] {
                prop_assert_eq!(echo.judge(frame, &packet), Seen::Other);
            }
        }
    }
}
