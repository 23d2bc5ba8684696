//! What rules do to packets, register by register, without a kernel.

mod choose;
mod memory;
mod sources;

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::super::testing::{Fate, Machine, Packet, holding};
use crate::netlink::nft::model::TableFamily;
use crate::state::{
    ClientMask, Destination, DestinationKey, Family, Forwarding, Persistence, Protocol,
    SchedulerFlags, Service, ServiceAttributes, ServiceKey, Setting, State,
};

pub(super) const FAMILIES: [Family; 2] = [Family::V4, Family::V6];
const NAT: Forwarding = Forwarding::Masquerade;
const ROUTE: Forwarding = Forwarding::Route;
const TCP: u8 = 6;
const UDP: u8 = 17;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn vip(family: Family) -> &'static str {
    match family {
        Family::V4 => "192.0.2.10",
        Family::V6 => "2001:db8::10",
    }
}

fn server(family: Family, number: usize) -> IpAddr {
    match family {
        Family::V4 => ip(&format!("10.0.0.2{number}")),
        Family::V6 => ip(&format!("fd00::2{number}")),
    }
}

fn client(family: Family, number: u16) -> String {
    match family {
        Family::V4 => format!("198.51.{}.{}", number / 250, number % 250),
        Family::V6 => format!("2001:db8:1:{number:x}::7"),
    }
}

/// A service and what is behind it.
struct Wish {
    key: ServiceKey,
    scheduler: &'static str,
    flags: SchedulerFlags,
    persistence: Option<u32>,
    forwarding: Forwarding,
    port: u16,
    weights: Vec<u32>,
}

impl Wish {
    fn on(family: Family, port: u16, weights: &[u32]) -> Self {
        Self {
            key: ServiceKey::Address {
                protocol: Protocol::Tcp,
                address: ip(vip(family)),
                port,
            },
            scheduler: "wrr",
            flags: SchedulerFlags::default(),
            persistence: None,
            forwarding: NAT,
            port: 8080,
            weights: weights.to_vec(),
        }
    }

    fn routed(self) -> Self {
        Self {
            forwarding: ROUTE,
            port: self.key.port(),
            ..self
        }
    }

    fn exact(self) -> Self {
        Self {
            flags: SchedulerFlags::EXACT,
            ..self
        }
    }

    fn persistent(self) -> Self {
        Self {
            persistence: Some(300),
            ..self
        }
    }

    fn service(&self) -> Service {
        let family = self.key.family();
        let destinations = self.weights.iter().enumerate();
        Service {
            attributes: ServiceAttributes {
                scheduler: self.scheduler.to_owned(),
                scheduler_flags: self.flags,
                persistence: self.persistence.map(|timeout| Persistence {
                    timeout,
                    mask: match family {
                        Family::V4 => ClientMask::V4([255, 255, 255, 0].into()),
                        Family::V6 => ClientMask::V6(64),
                    },
                    engine: None,
                }),
                one_packet: false,
            },
            destinations: destinations
                .map(|(number, weight)| {
                    let key = DestinationKey {
                        address: server(family, number),
                        port: self.port,
                    };
                    let destination = Destination {
                        forwarding: self.forwarding,
                        weight: *weight,
                        upper_threshold: 0,
                        lower_threshold: 0,
                    };
                    (key, destination)
                })
                .collect(),
        }
    }
}

fn state(wishes: &[Wish]) -> State {
    let services = wishes.iter().map(|wish| (wish.key, wish.service()));
    State {
        services: services.collect(),
        settings: BTreeMap::from([(Setting::HashSeed, 7)]),
        ..State::default()
    }
}

fn machine(wishes: &[Wish]) -> Machine {
    Machine::new(holding(&state(wishes)).0)
}

fn packet(family: Family, number: u16, port: u16) -> Packet {
    let source = client(family, number);
    Packet::new(TCP, (&source, 1024 + number), (vip(family), port))
}

/// What a new connection from the network meets: the interface first, then the inet table.
fn arrive(machine: &mut Machine, packet: &Packet) -> Fate {
    let fate = machine.run(TableFamily::Netdev, "ingress", packet);
    if fate == Fate::Unchanged {
        machine.run(TableFamily::Inet, "prerouting", packet)
    } else {
        fate
    }
}

/// Which server it went to.
fn taken_by(fate: &Fate) -> IpAddr {
    fate.server().0
}

/// How many of so many clients each server gets.
fn counts(machine: &mut Machine, family: Family, clients: u16, port: u16) -> Vec<u32> {
    let mut counts = BTreeMap::<IpAddr, u32>::new();
    for number in 0..clients {
        let fate = arrive(machine, &packet(family, number, port));
        *counts.entry(taken_by(&fate)).or_default() += 1;
    }
    counts.into_values().collect()
}

/// The counts are near those of the weights.
fn assert_spread(counts: &[u32], weights: &[u32]) {
    let (total, whole): (u32, u32) = (counts.iter().sum(), weights.iter().sum());
    for (count, weight) in counts.iter().zip(weights) {
        let exact = f64::from(total * weight) / f64::from(whole);
        let off = (f64::from(*count) - exact).abs();
        assert!(off < 5.0 * exact.sqrt(), "{counts:?} for {weights:?}");
    }
}
