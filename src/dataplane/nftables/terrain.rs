//! What direct routing needs to know of the machine: through which interface a real server is
//! reached, and on which one the packets for a virtual address arrive.
//!
//! Pure: made from what was read elsewhere. Called by the compiler of this data plane.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::state::{Address, AddressKey, HostFacts};

/// The machine's interfaces and the networks that they are in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terrain {
    indexes: BTreeMap<String, u32>,
    /// Own addresses with their prefix lengths, and the interface of each.
    networks: Vec<(IpAddr, u8, String)>,
    entrances: BTreeMap<IpAddr, String>,
    /// What is answered where nothing is known.
    guess: Option<String>,
}

impl Terrain {
    /// From the interfaces' numbers, their own addresses, and the floating addresses that are up or
    /// are to be.
    pub fn new(
        indexes: BTreeMap<String, u32>,
        host: &HostFacts,
        addresses: &BTreeMap<AddressKey, Address>,
    ) -> Self {
        let networks = host.interfaces.iter().flat_map(|(name, interface)| {
            let own = interface.addresses.iter();
            own.map(|(address, prefix)| (*address, *prefix, name.clone()))
        });
        Self {
            indexes,
            networks: networks.collect(),
            entrances: addresses
                .keys()
                .map(|key| (key.address, key.interface.clone()))
                .collect(),
            guess: None,
        }
    }

    /// The same, but where nothing is known this interface is the answer: to understand what was
    /// made for a machine that has changed since.
    #[must_use]
    pub(super) fn guessing(&self, interface: String) -> Self {
        Self {
            guess: Some(interface),
            ..self.clone()
        }
    }

    /// The number of the interface through which a neighbour is reached: the one with the narrowest
    /// network that has the address. None where no network has it, or the machine is it itself.
    pub fn way_to(&self, neighbour: IpAddr) -> Option<u32> {
        if self.is_own(neighbour) {
            return None;
        }
        let interface = self.interface_towards(neighbour);
        let index = interface.and_then(|name| self.indexes.get(name)).copied();
        index.or(self.guess.as_ref().map(|_| 0))
    }

    /// The interface on which packets for a virtual address arrive: the one that holds it, else the
    /// one in whose network it is.
    pub fn entrance(&self, vip: IpAddr) -> Option<&str> {
        let holder = self.entrances.get(&vip).map(String::as_str);
        holder
            .or_else(|| self.interface_towards(vip))
            .or(self.guess.as_deref())
    }

    /// Whether the machine has the address.
    pub fn is_own(&self, address: IpAddr) -> bool {
        let own = |(own, _, _): &(IpAddr, u8, String)| *own == address;
        address.is_loopback() || self.networks.iter().any(own)
    }

    fn interface_towards(&self, address: IpAddr) -> Option<&str> {
        let networks = self.networks.iter();
        networks
            .filter(|(own, prefix, _)| !is_whole(*own, *prefix) && shares(*own, address, *prefix))
            .max_by_key(|(_, prefix, _)| *prefix)
            .map(|(_, _, interface)| interface.as_str())
    }
}

/// Whether the prefix is a single address: no neighbours are in it.
fn is_whole(address: IpAddr, prefix: u8) -> bool {
    prefix >= if address.is_ipv4() { 32 } else { 128 }
}

/// Whether two addresses of one family agree in their first bits.
fn shares(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let difference = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => u128::from(one.to_bits() ^ other.to_bits()) << 96,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() ^ other.to_bits(),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    difference.leading_zeros() >= u32::from(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::InterfaceFacts;

    fn terrain() -> Terrain {
        let facts = |addresses: &[(&str, u8)]| InterfaceFacts {
            up: true,
            addresses: addresses
                .iter()
                .map(|(address, prefix)| (address.parse().unwrap(), *prefix))
                .collect(),
        };
        let host = HostFacts {
            interfaces: BTreeMap::from([
                ("lo".to_owned(), facts(&[("127.0.0.1", 8)])),
                (
                    "eth0".to_owned(),
                    facts(&[("192.0.2.11", 24), ("192.0.2.10", 32)]),
                ),
                (
                    "eth1".to_owned(),
                    facts(&[("10.0.0.11", 8), ("fd00::11", 64)]),
                ),
                ("eth2".to_owned(), facts(&[("10.1.0.11", 16)])),
            ]),
        };
        let indexes = ["lo", "eth0", "eth1", "eth2"]
            .map(str::to_owned)
            .into_iter();
        let key = AddressKey {
            interface: "eth0".to_owned(),
            address: "203.0.113.1".parse().unwrap(),
        };
        let up = Address {
            prefix: 32,
            no_prefix_route: false,
        };
        Terrain::new(
            indexes.zip(1..).collect(),
            &host,
            &BTreeMap::from([(key, up)]),
        )
    }

    fn way(address: &str) -> Option<u32> {
        terrain().way_to(address.parse().unwrap())
    }

    #[test]
    fn the_narrowest_network_leads_to_a_neighbour() {
        assert_eq!(way("10.0.0.21"), Some(3));
        assert_eq!(way("10.1.0.21"), Some(4));
        assert_eq!(way("fd00::21"), Some(3));
    }

    #[test]
    fn strangers_and_the_machine_itself_are_no_neighbours() {
        assert_eq!(way("198.51.100.1"), None);
        assert_eq!(way("fd01::1"), None);
        assert_eq!(way("10.0.0.11"), None);
        assert_eq!(way("127.0.0.1"), None);
    }

    #[test]
    fn packets_arrive_where_the_address_is_or_would_be() {
        let entrance = |address: &str| {
            let address = address.parse().unwrap();
            terrain().entrance(address).map(str::to_owned)
        };
        assert_eq!(entrance("203.0.113.1").as_deref(), Some("eth0"));
        assert_eq!(entrance("10.1.0.10").as_deref(), Some("eth2"));
        assert_eq!(entrance("203.0.113.2"), None);
    }
}
