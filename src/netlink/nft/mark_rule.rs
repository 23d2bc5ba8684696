//! A mark rule and the expressions that it is to the kernel.

use std::fmt;
use std::net::IpAddr;

use super::model::{Base, Comparison, Expression, Meta, Register};
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

/// The only register that mark rules use.
const REGISTER: Register = Register(0);

fn load(key: Meta) -> Expression {
    Expression::Meta {
        key,
        into: REGISTER,
    }
}

fn compare(comparison: Comparison, value: &[u8]) -> Expression {
    Expression::Compare {
        from: REGISTER,
        comparison,
        value: value.to_vec(),
    }
}

fn payload(base: Base, (offset, length): (u32, u32)) -> Expression {
    Expression::Payload {
        base,
        offset,
        length,
        into: REGISTER,
    }
}

impl MarkRule {
    pub(super) fn expressions(&self) -> Vec<Expression> {
        let equal = |value: &[u8]| compare(Comparison::Equal, value);
        let (family, place, address) = match self.address {
            IpAddr::V4(v4) => (IPV4, IPV4_DESTINATION, equal(&v4.octets())),
            IpAddr::V6(v6) => (IPV6, IPV6_DESTINATION, equal(&v6.octets())),
        };
        let mut steps = vec![
            load(Meta::Family),
            equal(&[family]),
            payload(Base::Network, place),
            address,
            load(Meta::TransportProtocol),
            // The kernel knows only 8 bits here.
            equal(&[u16::from(self.protocol).to_be_bytes()[1]]),
            payload(Base::Transport, PORT),
        ];
        steps.extend(self.ports());
        steps.push(Expression::Constant {
            into: REGISTER,
            value: self.mark.to_ne_bytes().to_vec(),
        });
        steps.push(Expression::SetMark { from: REGISTER });
        steps
    }

    fn ports(&self) -> Vec<Expression> {
        let port = |comparison, port: u16| compare(comparison, &port.to_be_bytes());
        if self.first_port == self.last_port {
            return vec![port(Comparison::Equal, self.first_port)];
        }
        vec![
            port(Comparison::AtLeast, self.first_port),
            port(Comparison::AtMost, self.last_port),
        ]
    }

    /// The rule that these expressions are; `None` when they are none of ours.
    pub(super) fn from_expressions(steps: &[Expression]) -> Option<Self> {
        let values: Vec<_> = steps.iter().filter_map(value).collect();
        let [family, address, protocol, ports @ .., mark] = values.as_slice() else {
            return None;
        };
        let [protocol] = *protocol else {
            return None;
        };
        let (first_port, last_port) = match ports {
            [only] => (port(only)?, port(only)?),
            [first, last] => (port(first)?, port(last)?),
            _ => return None,
        };
        let rule = Self {
            address: read_address(family, address)?,
            protocol: u16::from(*protocol).into(),
            first_port,
            last_port,
            mark: u32::from_ne_bytes((*mark).try_into().ok()?),
        };
        // Whatever the values are of: only the steps that they would be written as are ours.
        (rule.expressions() == steps).then_some(rule)
    }
}

/// The value that a step compares with or loads.
fn value(step: &Expression) -> Option<&[u8]> {
    if let Expression::Compare { value, .. } | Expression::Constant { value, .. } = step {
        Some(value)
    } else {
        None
    }
}

fn port(value: &[u8]) -> Option<u16> {
    value.try_into().ok().map(u16::from_be_bytes)
}

fn read_address(family: &[u8], address: &[u8]) -> Option<IpAddr> {
    match family {
        [IPV4] => Some(<[u8; 4]>::try_from(address).ok()?.into()),
        [IPV6] => Some(<[u8; 16]>::try_from(address).ok()?.into()),
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
        steps.insert(0, load(Meta::Mark));
        assert_eq!(MarkRule::from_expressions(&steps), None);
    }

    #[test]
    fn an_ipv4_address_at_the_source_is_not_ours() {
        let v4 = MarkRule {
            address: [192, 0, 2, 10].into(),
            ..rule()
        };
        let mut steps = v4.expressions();
        steps[2] = payload(Base::Network, (12, 4));
        assert_eq!(MarkRule::from_expressions(&steps), None);
    }
}
