//! Addresses with their prefixes, and free addresses in them. Pure arithmetic.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

/// An address with the length of its network's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    /// The address.
    pub ip: IpAddr,
    /// The length of the prefix in bits.
    pub prefix: u8,
}

impl Host {
    /// An address whose network is itself.
    pub fn alone(ip: IpAddr) -> Self {
        let prefix = width(ip);
        Self { ip, prefix }
    }

    /// The network that the address is in.
    pub fn subnet(self) -> Subnet {
        Subnet::of(self.ip, self.prefix)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.ip, self.prefix)
    }
}

/// A network of one family: every address that begins with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    first: IpAddr,
    prefix: u8,
}

impl Subnet {
    /// The network of this prefix length that `ip` is in.
    pub fn of(ip: IpAddr, prefix: u8) -> Self {
        let prefix = prefix.min(width(ip));
        let first = number(ip) & !host_bits(width(ip) - prefix);
        Self {
            first: address(first, ip),
            prefix,
        }
    }

    /// Its first address, which names it.
    pub fn first(self) -> IpAddr {
        self.first
    }

    /// The length of its prefix in bits.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether it has room for neighbours at all.
    pub fn is_shared(self) -> bool {
        self.prefix + 1 < width(self.first)
    }

    /// Whether an address is in it.
    pub fn contains(self, ip: IpAddr) -> bool {
        ip.is_ipv4() == self.first.is_ipv4() && Self::of(ip, self.prefix) == self
    }

    /// Whether the two have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other.first) || other.contains(self.first)
    }

    /// The highest address that nobody has, not looking further than a few hundred: farms keep to
    /// the low end. None where they are all taken.
    pub fn free(self, taken: &BTreeSet<IpAddr>) -> Option<IpAddr> {
        let width = width(self.first);
        let count = host_bits(width - self.prefix);
        let first = number(self.first);
        // Not the network's own address and not the last one, which is IPv4's broadcast address.
        let looked_at = (1..count).rev().take(512);
        looked_at
            .map(|host| address(first | host, self.first))
            .find(|ip| !taken.contains(ip))
    }

    /// The address with this host number; what does not fit is cut off.
    pub fn at(self, host: u128) -> IpAddr {
        let bits = host_bits(width(self.first) - self.prefix);
        address(number(self.first) | (host & bits), self.first)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.first, self.prefix)
    }
}

/// How many bits an address of this family has.
fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

/// The address with this number, of the family of `like`.
fn address(number: u128, like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => u32::try_from(number)
            .unwrap_or(u32::MAX)
            .to_be_bytes()
            .into(),
        IpAddr::V6(_) => number.to_be_bytes().into(),
    }
}

/// The lowest `count` bits set.
fn host_bits(count: u8) -> u128 {
    match count {
        0 => 0,
        count => u128::MAX >> (128 - u32::from(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_is_named_by_its_first_address() {
        assert_eq!(Subnet::of(ip("192.0.2.77"), 24).to_string(), "192.0.2.0/24");
        assert_eq!(
            Subnet::of(ip("2001:db8::77"), 64).to_string(),
            "2001:db8::/64"
        );
        assert_eq!(Subnet::of(ip("10.0.0.1"), 32).to_string(), "10.0.0.1/32");
        assert_eq!(Subnet::of(ip("::1"), 0).to_string(), "::/0");
    }

    #[test]
    fn networks_of_two_families_have_nothing_in_common() {
        let (four, six) = (Subnet::of(ip("0.0.0.0"), 0), Subnet::of(ip("::"), 0));
        assert!(!four.overlaps(six) && !six.contains(ip("10.0.0.1")));
        assert!(four.overlaps(Subnet::of(ip("10.0.0.0"), 8)));
    }

    #[test]
    fn free_addresses_are_looked_for_from_the_top() {
        let network = Subnet::of(ip("192.0.2.0"), 24);
        let mut taken = BTreeSet::from([ip("192.0.2.254")]);
        assert_eq!(network.free(&taken), Some(ip("192.0.2.253")));
        let small = Subnet::of(ip("192.0.2.4"), 30);
        assert_eq!(small.free(&taken), Some(ip("192.0.2.6")));
        taken.extend([ip("192.0.2.5"), ip("192.0.2.6")]);
        assert_eq!(small.free(&taken), None);
        assert_eq!(Subnet::of(ip("192.0.2.9"), 32).free(&taken), None);
        let wide = Subnet::of(ip("2001:db8::"), 64);
        assert_eq!(wide.free(&taken), Some(ip("2001:db8::ffff:ffff:ffff:fffe")));
    }

    #[test]
    fn a_host_number_that_does_not_fit_is_cut_off() {
        assert_eq!(Subnet::of(ip("192.0.2.0"), 24).at(0x1ff), ip("192.0.2.255"));
        assert_eq!(Subnet::of(ip("fd00::"), 64).at(1 << 64 | 5), ip("fd00::5"));
    }
}
