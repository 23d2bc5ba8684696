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
        }
    }

    /// The number of the interface through which a neighbour is reached: the one with the narrowest
    /// network that has the address. None where no network has it, or the machine is it itself.
    pub fn way_to(&self, neighbour: IpAddr) -> Option<u32> {
        if self.is_own(neighbour) {
            return None;
        }
        let interface = self.interface_towards(neighbour)?;
        self.indexes.get(interface).copied()
    }

    /// The interface on which packets for a virtual address arrive: the one that holds it, else the
    /// one in whose network it is.
    pub fn entrance(&self, vip: IpAddr) -> Option<&str> {
        let holder = self.entrances.get(&vip).map(String::as_str);
        holder.or_else(|| self.interface_towards(vip))
    }

    /// Whether the machine has the address.
    pub fn is_own(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.networks.iter().any(|(own, _, _)| *own == address)
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
