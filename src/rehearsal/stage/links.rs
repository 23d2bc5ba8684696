//! Cables that are cut, networks that are split, packets that come late; and all of it healed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::error::{Error, Result};
use super::lay::{Site, bridge};
use crate::rehearsal::scenario::{Healed, Link};
use crate::rehearsal::topology::Topology;
use crate::spec::Name;

/// What is not as it was built.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// Ports that are down.
    cut: BTreeSet<String>,
    /// Ports in another bridge than their wire's, with the wire.
    parted: BTreeMap<String, usize>,
    /// Bridges that were made for groups.
    bridges: BTreeSet<String>,
    /// Interfaces that send late, with their machine.
    late: BTreeSet<(String, String)>,
}

impl Damage {
    /// Pulls a cable: the machine sees that it has none.
    pub(super) fn cut(&mut self, site: &Site, topology: &Topology, link: &Link) -> Result<()> {
        let (wire, _) = place(topology, link)?;
        let port = site.port(link.node.as_str(), wire)?;
        site.switch.lower(port)?;
        self.cut.insert(port.to_owned());
        Ok(())
    }

    /// Has everything that a machine sends on a network come later.
    pub(super) fn delay(
        &mut self,
        site: &Site,
        topology: &Topology,
        link: &Link,
        by: Duration,
    ) -> Result<()> {
        let (_, interface) = place(topology, link)?;
        site.space(link.node.as_str())?.delay(&interface, by)?;
        self.late.insert((link.node.to_string(), interface));
        Ok(())
    }

    /// Parts a network: the first group keeps the wire, each other one gets a wire of its own.
    pub(super) fn split(
        &mut self,
        site: &Site,
        topology: &Topology,
        network: &Name,
        groups: &[Vec<Name>],
    ) -> Result<()> {
        let wires = wires(topology, network);
        if wires.is_empty() {
            return Err(Error::Refused(format!(
                "no machine is on a network {network}"
            )));
        }
        for wire in wires {
            for (number, group) in groups.iter().enumerate().skip(1) {
                let apart = format!("{}g{number}", bridge(wire));
                if self.bridges.insert(apart.clone()) {
                    site.switch.add_bridge(&apart)?;
                }
                self.part(site, wire, group, &apart)?;
            }
        }
        Ok(())
    }

    fn part(&mut self, site: &Site, wire: usize, group: &[Name], apart: &str) -> Result<()> {
        for node in group {
            // The clients are beyond the router.
            let machine = match node.as_str() {
                crate::rehearsal::topology::CLIENT => crate::rehearsal::topology::ROUTER,
                other => other,
            };
            let Ok(port) = site.port(machine, wire) else {
                continue;
            };
            site.switch.join(port, apart)?;
            self.parted.insert(port.to_owned(), wire);
        }
        Ok(())
    }

    /// Undoes all of it, or what was done to one cable.
    pub(super) fn heal(&mut self, site: &Site, topology: &Topology, what: &Healed) -> Result<()> {
        match what {
            Healed::All => self.heal_all(site),
            Healed::Link(link) => {
                let (wire, interface) = place(topology, link)?;
                let port = site.port(link.node.as_str(), wire)?.to_owned();
                self.plug_in(site, &port)?;
                let late = (link.node.to_string(), interface);
                self.hurry(site, &late)
            }
        }
    }

    fn heal_all(&mut self, site: &Site) -> Result<()> {
        let ports: BTreeSet<String> = self.cut.iter().chain(self.parted.keys()).cloned().collect();
        for port in ports {
            self.plug_in(site, &port)?;
        }
        for late in self.late.clone() {
            self.hurry(site, &late)?;
        }
        for bridge in std::mem::take(&mut self.bridges) {
            site.switch.delete(&bridge)?;
        }
        Ok(())
    }

    fn plug_in(&mut self, site: &Site, port: &str) -> Result<()> {
        if let Some(wire) = self.parted.remove(port) {
            site.switch.join(port, &bridge(wire))?;
        }
        if self.cut.remove(port) {
            site.switch.raise(port)?;
        }
        Ok(())
    }

    fn hurry(&mut self, site: &Site, late: &(String, String)) -> Result<()> {
        if self.late.remove(late) {
            let (machine, interface) = late;
            site.space(machine)?.delay(interface, Duration::ZERO)?;
        }
        Ok(())
    }
}

/// The wire and the interface of a machine's cable to a network.
fn place(topology: &Topology, link: &Link) -> Result<(usize, String)> {
    let (node, network) = (link.node.as_str(), link.network.as_str());
    let machine = topology.machines.get(node);
    let interfaces = machine
        .map(|machine| machine.interfaces.as_slice())
        .unwrap_or_default();
    let named = interfaces.iter().find(|one| one.networks.contains(network));
    let by_wire = || {
        interfaces
            .iter()
            .find(|one| wires(topology, &link.network).contains(&one.wire))
    };
    let found = named.or_else(by_wire);
    let found = found.map(|one| (one.wire, one.name.clone()));
    found.ok_or_else(|| Error::Refused(format!("{node} is not on a network {network}")))
}

/// The wires that a machine calls by this name, or that have it.
fn wires(topology: &Topology, network: &Name) -> BTreeSet<usize> {
    let interfaces = topology
        .machines
        .values()
        .flat_map(|machine| &machine.interfaces);
    let named = interfaces.filter(|one| one.networks.contains(network.as_str()));
    let mut wires: BTreeSet<usize> = named.map(|one| one.wire).collect();
    let own = topology
        .wires
        .iter()
        .position(|wire| wire.name == network.as_str());
    wires.extend(own);
    wires
}
