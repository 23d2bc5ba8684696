//! A mark rule and the expressions that it is to the kernel.

use std::fmt;
use std::net::IpAddr;

use super::expression::{
    Expression, META_FAMILY, META_MARK, META_PROTOCOL, NETWORK_HEADER, Operator, TRANSPORT_HEADER,
};
use crate::netlink::ipvs::Protocol;

/// `NFPROTO_IPV4` and `NFPROTO_IPV6`.
const IPV4: u8 = 2;
const IPV6: u8 = 10;
/// Where the destination address stands in an IPv4 and in an IPv6 header, and its length.
const IPV4_DESTINATION: (u32, u32) = (16, 4);
const IPV6_DESTINATION: (u32, u32) = (24, 16);
/// Where the destination port stands in a TCP, UDP and SCTP header, and its length.
const PORT: (u32, u32) = (2, 2);

/// Marks packets to an address, a protocol and a range of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MarkRule {
    /// The destination address.
    pub address: IpAddr,
    /// The protocol: one of those with ports at the usual place (TCP, UDP, SCTP).
    pub protocol: Protocol,
    /// The first port.
    pub first_port: u16,
    /// The last port, the first one included in the range.
    pub last_port: u16,
    /// The mark to set.
    pub mark: u32,
}

impl fmt::Display for MarkRule {
    /// The rule in nft's notation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = if self.address.is_ipv4() { "ip" } else { "ip6" };
        let Self {
            address,
            first_port,
            last_port,
            mark,
            ..
        } = self;
        let protocol = match self.protocol {
            Protocol::Tcp => "tcp".to_owned(),
            Protocol::Udp => "udp".to_owned(),
            Protocol::Sctp => "sctp".to_owned(),
            Protocol::Other(number) => format!("protocol {number}"),
        };
        write!(f, "{family} daddr {address} {protocol} dport {first_port}")?;
        if first_port != last_port {
            write!(f, "-{last_port}")?;
        }
        write!(f, " meta mark set {mark:#x}")
    }
}

impl MarkRule {
    pub(super) fn expressions(&self) -> Vec<Expression> {
        let equal = |value: &[u8]| Expression::Compare(Operator::Equal, value.to_vec());
        let (family, (offset, length), address) = match self.address {
            IpAddr::V4(v4) => (IPV4, IPV4_DESTINATION, equal(&v4.octets())),
            IpAddr::V6(v6) => (IPV6, IPV6_DESTINATION, equal(&v6.octets())),
        };
        let mut steps = vec![
            Expression::Load(META_FAMILY),
            equal(&[family]),
            Expression::Payload(NETWORK_HEADER, offset, length),
            address,
            Expression::Load(META_PROTOCOL),
            // The kernel knows only 8 bits here.
            equal(&[u16::from(self.protocol).to_be_bytes()[1]]),
            Expression::Payload(TRANSPORT_HEADER, PORT.0, PORT.1),
        ];
        steps.extend(self.ports());
        steps.push(Expression::Constant(self.mark.to_ne_bytes().to_vec()));
        steps.push(Expression::Store(META_MARK));
        steps
    }

    fn ports(&self) -> Vec<Expression> {
        let port = |operator, port: u16| Expression::Compare(operator, port.to_be_bytes().to_vec());
        if self.first_port == self.last_port {
            return vec![port(Operator::Equal, self.first_port)];
        }
        vec![
            port(Operator::AtLeast, self.first_port),
            port(Operator::AtMost, self.last_port),
        ]
    }

    /// The rule that these expressions are; `None` when they are none of ours.
    pub(super) fn from_expressions(steps: &[Expression]) -> Option<Self> {
        use Expression::{Compare, Constant, Load, Payload, Store};
        let [
            Load(META_FAMILY),
            Compare(Operator::Equal, family),
            Payload(NETWORK_HEADER, offset, length),
            Compare(Operator::Equal, address),
            Load(META_PROTOCOL),
            Compare(Operator::Equal, protocol),
            Payload(TRANSPORT_HEADER, 2, 2),
            ports @ ..,
            Constant(mark),
            Store(META_MARK),
        ] = steps
        else {
            return None;
        };
        let (first_port, last_port) = read_ports(ports)?;
        let [protocol] = protocol.as_slice() else {
            return None;
        };
        Some(Self {
            address: read_address(family, (*offset, *length), address)?,
            protocol: u16::from(*protocol).into(),
            first_port,
            last_port,
            mark: u32::from_ne_bytes(mark.as_slice().try_into().ok()?),
        })
    }
}

fn read_address(family: &[u8], place: (u32, u32), address: &[u8]) -> Option<IpAddr> {
    match (family, place) {
        ([IPV4], IPV4_DESTINATION) => Some(<[u8; 4]>::try_from(address).ok()?.into()),
        ([IPV6], IPV6_DESTINATION) => Some(<[u8; 16]>::try_from(address).ok()?.into()),
        _ => None,
    }
}

fn read_ports(ports: &[Expression]) -> Option<(u16, u16)> {
    let port = |value: &[u8]| value.try_into().ok().map(u16::from_be_bytes);
    match ports {
        [Expression::Compare(Operator::Equal, only)] => Some((port(only)?, port(only)?)),
        [
            Expression::Compare(Operator::AtLeast, first),
            Expression::Compare(Operator::AtMost, last),
        ] => Some((port(first)?, port(last)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> MarkRule {
        MarkRule {
            address: "2001:db8::10".parse().unwrap(),
            protocol: Protocol::Udp,
            first_port: 30000,
            last_port: 30100,
            mark: 8,
        }
    }

    #[test]
    fn a_rule_reads_as_nft_would_print_it() {
        assert_eq!(
            rule().to_string(),
            "ip6 daddr 2001:db8::10 udp dport 30000-30100 meta mark set 0x8"
        );
    }

    #[test]
    fn a_rule_with_one_more_condition_is_not_ours() {
        let mut steps = rule().expressions();
        assert_eq!(MarkRule::from_expressions(&steps), Some(rule()));
        steps.insert(0, Expression::Load(META_MARK));
        assert_eq!(MarkRule::from_expressions(&steps), None);
    }

    #[test]
    fn an_ipv4_address_at_the_source_is_not_ours() {
        let v4 = MarkRule {
            address: [192, 0, 2, 10].into(),
            ..rule()
        };
        let mut steps = v4.expressions();
        steps[2] = Expression::Payload(NETWORK_HEADER, 12, 4);
        assert_eq!(MarkRule::from_expressions(&steps), None);
    }
}
