//! Which node of the file this machine is, and what of it is its own.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Key, Record};
use crate::spec::{Farm, Name, Node};
use crate::state::{AddressKey, HostFacts};

/// Who this machine is in the farm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A node of the file.
    Node(Name),
    /// The file names no directors: the machine that runs farmctl is the director.
    SoleDirector,
}

/// Why it cannot be told who this machine is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// `--node` names nothing in the file.
    #[error("the file has no node called {name}; it has: {known}")]
    NoSuchNode {
        /// What was asked for.
        name: String,
        /// The nodes of the file.
        known: String,
    },
    /// Nothing decides.
    #[error(
        "which node of the file is this machine? No node's address is on this machine, and none \
         is called {host}; say it with --node (one of: {known})"
    )]
    Undecided {
        /// This machine's name.
        host: String,
        /// The nodes of the file.
        known: String,
    },
}

/// Finds out who this machine is: by `--node`, else the one node whose address is here, else the
/// host name, else the only director.
pub fn identify(
    farm: &Farm,
    asked: Option<&str>,
    host: &HostFacts,
    host_name: &str,
) -> Result<Identity, Unknown> {
    if let Some(asked) = asked {
        return named(farm, asked).ok_or_else(|| Unknown::NoSuchNode {
            name: asked.to_owned(),
            known: known(farm),
        });
    }
    let Some(directors) = &farm.directors else {
        return Ok(Identity::SoleDirector);
    };
    by_address(farm, host)
        .or_else(|| named(farm, host_name))
        .or_else(|| match directors.members.as_slice() {
            [only] => Some(Identity::Node(only.clone())),
            _ => None,
        })
        .ok_or_else(|| Unknown::Undecided {
            host: host_name.to_owned(),
            known: known(farm),
        })
}

/// This machine's name; empty where it can't be read: then addresses or `--node` decide.
pub fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// The host's facts without the addresses that farmctl put up.
pub fn own_facts(host: &HostFacts, record: &Record) -> HostFacts {
    let ours: BTreeSet<AddressKey> = record
        .keys
        .keys()
        .filter_map(|key| match key {
            Key::Address(address) => Some(address.clone()),
            Key::Service(_) | Key::Marks | Key::Sync(_) => None,
        })
        .collect();
    host.without(&ours)
}

fn named(farm: &Farm, name: &str) -> Option<Identity> {
    let (name, _) = farm
        .nodes
        .iter()
        .find(|(known, _)| known.as_str() == name)?;
    Some(Identity::Node(name.clone()))
}

fn by_address(farm: &Farm, host: &HostFacts) -> Option<Identity> {
    let here: BTreeSet<IpAddr> = host
        .interfaces
        .values()
        .flat_map(|interface| interface.addresses.iter().map(|(address, _)| *address))
        .collect();
    let mut found = farm
        .nodes
        .iter()
        .filter(|(_, node)| addresses(node).any(|a| here.contains(&a)));
    match (found.next(), found.next()) {
        (Some((name, _)), None) => Some(Identity::Node(name.clone())),
        _ => None,
    }
}

fn addresses(node: &Node) -> impl Iterator<Item = IpAddr> {
    let long = node
        .networks
        .values()
        .flat_map(|network| &network.addresses);
    node.address
        .iter()
        .chain(&node.addresses)
        .chain(long)
        .map(|address| address.address)
}

fn known(farm: &Farm) -> String {
    let names: Vec<&str> = farm.nodes.keys().map(Name::as_str).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::InterfaceFacts;

    fn farm(text: &str) -> Farm {
        serde_yaml::from_str(text).expect("a farm")
    }

    fn pair() -> Farm {
        farm(
            "version: 1\nnodes: {lb1: {address: 10.0.0.1}, lb2: {address: 10.0.0.2}}\n\
             directors: {members: [lb1, lb2]}\n",
        )
    }

    fn host(address: &str) -> HostFacts {
        let addresses = vec![(address.parse().expect("an address"), 24)];
        let interfaces = [(
            "eth0".to_owned(),
            InterfaceFacts {
                up: true,
                addresses,
            },
        )];
        HostFacts {
            interfaces: interfaces.into(),
        }
    }

    fn node(name: &str) -> Identity {
        Identity::Node(Name::new_unchecked(name))
    }

    #[test]
    fn what_is_asked_for_wins_over_addresses() {
        assert_eq!(
            identify(&pair(), Some("lb2"), &host("10.0.0.1"), "lb1"),
            Ok(node("lb2"))
        );
    }

    #[test]
    fn an_address_wins_over_the_host_name() {
        assert_eq!(
            identify(&pair(), None, &host("10.0.0.1"), "lb2"),
            Ok(node("lb1"))
        );
    }

    #[test]
    fn the_host_name_decides_where_no_address_does() {
        assert_eq!(
            identify(&pair(), None, &host("10.9.9.9"), "lb2"),
            Ok(node("lb2"))
        );
    }

    #[test]
    fn two_directors_and_no_clue_is_an_error_that_lists_the_nodes() {
        let error = identify(&pair(), None, &host("10.9.9.9"), "build-7").unwrap_err();
        assert!(
            error.to_string().contains("--node (one of: lb1, lb2)"),
            "{error}"
        );
    }

    #[test]
    fn a_single_director_needs_no_clue() {
        let farm =
            farm("version: 1\nnodes: {lb1: {address: 10.0.0.1}}\ndirectors: {members: [lb1]}\n");
        assert_eq!(
            identify(&farm, None, &host("10.9.9.9"), "laptop"),
            Ok(node("lb1"))
        );
    }

    #[test]
    fn a_file_without_directors_makes_this_machine_the_director() {
        assert_eq!(
            identify(&farm("version: 1\n"), None, &host("10.9.9.9"), "laptop"),
            Ok(Identity::SoleDirector)
        );
    }
}
