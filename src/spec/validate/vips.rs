//! Floating addresses by themselves: that there are some, and that a machine can have them.
//!
//! Does not compare them with networks (`vip_network`) or with each other (`addresses`). Called by
//! `validate`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::context::{Context, at, section};
use crate::spec::{AddressWithPrefix, Place, Problem};

/// A group has at least one address.
pub(super) fn vips_have_addresses(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for (name, vip) in &context.farm.vips {
        let path = section("vips").key(name);
        if vip.addresses.is_empty() && !context.lost(&path) {
            problems.push(
                Problem::error(
                    "empty-vip",
                    Place::Key(path),
                    format!("the VIP `{name}` has no address"),
                )
                .labelled("no address")
                .helped("write at least one: `addresses: [192.0.2.10/24]`"),
            );
        }
    }
}

/// The addresses are addresses of a machine.
pub(super) fn vip_addresses_can_be_used(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for written in context.vip_addresses() {
        let address = written.address.address;
        if let Some(flaw) = flaw(address) {
            let message = format!("the VIP `{}` can't be {}", written.name, flaw.what);
            let problem = Problem::error(flaw.code, at(written.path), message);
            problems.push(problem.labelled(flaw.label).helped(flaw.help));
        } else if is_link_local(address.address) {
            problems.push(
                Problem::warning(
                    "link-local-vip",
                    at(written.path),
                    format!("the VIP `{}` is a link-local address", written.name),
                )
                .labelled("clients behind a router can't reach it")
                .helped("use an address that is routed, unless all clients are on this link"),
            );
        }
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// Why no machine can have an address.
pub(super) struct Flaw {
    pub(super) code: &'static str,
    /// "the network address 192.0.2.0": what it is, for the message.
    pub(super) what: String,
    pub(super) label: &'static str,
    pub(super) help: String,
}

/// What keeps a machine from having this address; none where it can.
pub(super) fn flaw(written: AddressWithPrefix) -> Option<Flaw> {
    kind_flaw(written.address).or_else(|| place_flaw(written.address, written.prefix?))
}

/// What keeps a machine from having this address, whatever the prefix length.
pub(super) fn kind_flaw(address: IpAddr) -> Option<Flaw> {
    let (kind, label) = match address {
        IpAddr::V4(address) => kind4(address)?,
        IpAddr::V6(address) => kind6(address)?,
    };
    Some(Flaw {
        code: "unusable-address",
        what: format!("{kind} {address}"),
        label,
        help: match address {
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(mapped) => format!("write it as IPv4: `{mapped}`"),
                None => "write the address of a machine, such as `2001:db8::10`".to_owned(),
            },
            IpAddr::V4(_) => "write the address of a machine, such as `192.0.2.10`".to_owned(),
        },
    })
}

fn kind4(address: Ipv4Addr) -> Option<(&'static str, &'static str)> {
    if address.is_unspecified() {
        Some(("the unspecified address", "stands for no address"))
    } else if address.octets()[0] == 0 {
        Some(("the reserved address", "0.0.0.0/8 is no machine's"))
    } else if address.is_loopback() {
        Some(("the loopback address", "every machine has it for itself"))
    } else if address.is_multicast() {
        Some(("the multicast address", "a group of machines, not one"))
    } else if address.octets()[0] >= 240 {
        Some(("the reserved address", "240.0.0.0/4 is no machine's"))
    } else {
        None
    }
}

fn kind6(address: Ipv6Addr) -> Option<(&'static str, &'static str)> {
    if address.is_unspecified() {
        Some(("the unspecified address", "stands for no address"))
    } else if address.is_loopback() {
        Some(("the loopback address", "every machine has it for itself"))
    } else if address.is_multicast() {
        Some(("the multicast address", "a group of machines, not one"))
    } else if address.to_ipv4_mapped().is_some() {
        Some(("the IPv4-mapped address", "an IPv4 address in IPv6 clothes"))
    } else {
        None
    }
}

/// What keeps a machine from having this address in a network of this prefix length.
fn place_flaw(address: IpAddr, prefix: u8) -> Option<Flaw> {
    let bits = Bits::of(address);
    if prefix == 0 {
        return Some(Flaw {
            code: "prefix-length",
            what: format!("{address}/0"),
            label: "a network that holds every address",
            help: "write the prefix length that its neighbours use, such as `/24` or `/64`"
                .to_owned(),
        });
    }
    if u32::from(prefix) + 1 >= bits.length {
        return None;
    }
    let host = bits.value & bits.host_mask(prefix);
    let (code, kind, label) = match (host, address) {
        (0, IpAddr::V4(_)) => (
            "network-address",
            "the network address",
            "names the whole network",
        ),
        (0, IpAddr::V6(_)) => (
            "network-address",
            "the subnet-router anycast address",
            "belongs to every router of the network (RFC 4291 section 2.6.1)",
        ),
        (host, IpAddr::V4(_)) if host == bits.host_mask(prefix) => (
            "broadcast-address",
            "the broadcast address",
            "reaches every machine of the network",
        ),
        _ => return None,
    };
    Some(Flaw {
        code,
        what: format!("{kind} of {}/{prefix}", bits.network(prefix)),
        label,
        help: format!(
            "choose another address of {}/{prefix}, or correct the prefix length",
            bits.network(prefix)
        ),
    })
}

/// An address as a number.
#[derive(Clone, Copy)]
struct Bits {
    value: u128,
    /// 32 or 128.
    length: u32,
}

impl Bits {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self {
                value: u128::from(address.to_bits()),
                length: 32,
            },
            IpAddr::V6(address) => Self {
                value: address.to_bits(),
                length: 128,
            },
        }
    }

    /// The bits that tell machines of one network apart.
    fn host_mask(self, prefix: u8) -> u128 {
        let host_bits = self.length.saturating_sub(u32::from(prefix));
        1_u128
            .checked_shl(host_bits)
            .map_or(u128::MAX, |bit| bit - 1)
    }

    fn network(self, prefix: u8) -> IpAddr {
        let network = self.value & !self.host_mask(prefix);
        match u32::try_from(network) {
            Ok(network) if self.length == 32 => IpAddr::V4(Ipv4Addr::from_bits(network)),
            _ => IpAddr::V6(Ipv6Addr::from_bits(network)),
        }
    }
}

/// Whether both addresses are in one network of this prefix length.
pub(super) fn share_network(one: IpAddr, other: IpAddr, prefix: u8) -> bool {
    let (one_bits, other_bits) = (Bits::of(one), Bits::of(other));
    let differing = one_bits.value ^ other_bits.value;
    one.is_ipv4() == other.is_ipv4() && differing & !one_bits.host_mask(prefix) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<&'static str> {
        flaw(text.parse().unwrap()).map(|flaw| flaw.code)
    }

    #[test]
    fn the_first_and_last_address_of_a_network_are_refused() {
        assert_eq!(code("192.0.2.0/24"), Some("network-address"));
        assert_eq!(code("192.0.2.255/24"), Some("broadcast-address"));
        assert_eq!(code("192.0.2.127/25"), Some("broadcast-address"));
        assert_eq!(code("2001:db8::/64"), Some("network-address"));
        assert_eq!(code("192.0.2.255/23"), None);
    }

    #[test]
    fn point_to_point_links_and_single_addresses_have_no_reserved_ones() {
        for text in [
            "192.0.2.0/31",
            "192.0.2.1/31",
            "192.0.2.0/32",
            "2001:db8::/127",
            "2001:db8::/128",
        ] {
            assert_eq!(code(text), None, "{text}");
        }
    }

    #[test]
    fn ipv6_has_no_broadcast_address() {
        assert_eq!(code("2001:db8::ffff:ffff:ffff:ffff/64"), None);
    }

    #[test]
    fn addresses_that_no_machine_has_are_refused_without_a_prefix_too() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "ff02::1",
            "::ffff:192.0.2.1",
        ] {
            assert_eq!(code(text), Some("unusable-address"), "{text}");
        }
    }

    #[test]
    fn a_network_holds_what_shares_its_first_bits() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(share_network(
            address("10.0.0.1"),
            address("10.0.0.200"),
            24
        ));
        assert!(!share_network(address("10.0.0.1"), address("10.0.1.1"), 24));
        assert!(share_network(address("10.0.0.1"), address("192.0.2.1"), 0));
        assert!(!share_network(address("::1"), address("0.0.0.1"), 0));
    }
}
