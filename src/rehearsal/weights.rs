//! What each server's part of each service should be, by the file's weights.
//!
//! Pure: a farm in, parts out. Says also where the parts cannot be foreseen. Used by the stage
//! (which knows the file that is in force), by `expect` and by `report`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::record::Family;
use crate::spec::{DataplaneKind, EffectiveService, Farm, Name, Scheduler};

/// The parts of every service for each address family.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Weights {
    /// By service, then by family.
    pub services: BTreeMap<String, BTreeMap<Family, ServiceWeights>>,
}

/// The weights of one service for one address family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceWeights {
    /// What the weights mean.
    pub spread: Spread,
    /// By server, as its answers name it: the weight; 0 takes no new connections.
    pub servers: BTreeMap<String, u32>,
}

/// How new connections come to their servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spread {
    /// Each by itself, in proportion to the weights.
    Connections,
    /// Each client's address as a whole: fewer dice are thrown.
    Clients,
    /// By something else than weights.
    Unforeseen,
}

impl Weights {
    /// The weights of a file. `machine_at` gives the name with which the server at an address
    /// answers.
    pub fn new(
        farm: &Farm,
        plane: DataplaneKind,
        machine_at: &dyn Fn(IpAddr) -> Option<String>,
    ) -> Self {
        let mut services: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
        for (name, written) in &farm.services {
            let service = EffectiveService::of(farm, written);
            for vip in vips(farm, &written.vip) {
                let weights = ServiceWeights::new(&service, plane, vip, machine_at);
                let families = services.entry(name.to_string()).or_default();
                families.insert(Family::of(vip), weights);
            }
        }
        Self { services }
    }

    /// The weights of one service for one family.
    pub fn of(&self, service: &str, family: Family) -> Option<&ServiceWeights> {
        self.services.get(service)?.get(&family)
    }
}

fn vips(farm: &Farm, vip: &Name) -> Vec<IpAddr> {
    let addresses = farm
        .vips
        .get(vip)
        .into_iter()
        .flat_map(|vip| &vip.addresses);
    addresses.map(|one| one.address.address).collect()
}

impl ServiceWeights {
    fn new(
        service: &EffectiveService<'_>,
        plane: DataplaneKind,
        vip: IpAddr,
        machine_at: &dyn Fn(IpAddr) -> Option<String>,
    ) -> Self {
        let scheduler = service.scheduler.unwrap_or(plane.default_scheduler());
        let mut servers = BTreeMap::new();
        for server in &service.real_servers {
            let machine = server.address_for(vip).and_then(machine_at);
            if let Some(machine) = machine {
                *servers.entry(machine).or_default() += counted(scheduler, server.weight);
            }
        }
        let spread = match service.persistence {
            Some(_) if spread(scheduler) == Spread::Connections => Spread::Clients,
            _ => spread(scheduler),
        };
        Self { spread, servers }
    }

    /// Each server's part, from 0 to 1; empty where nobody takes new connections.
    pub fn parts(&self) -> BTreeMap<&str, f64> {
        let all: u64 = self.servers.values().map(|weight| u64::from(*weight)).sum();
        if all == 0 {
            return BTreeMap::new();
        }
        let of = |weight: u32| f64::from(weight) / precise(all);
        let servers = self.servers.iter();
        servers
            .map(|(server, weight)| (server.as_str(), of(*weight)))
            .collect()
    }
}

/// A count as a number with a point; exact below 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests are far below 2^53"
)]
pub(super) fn precise(count: u64) -> f64 {
    count as f64
}

fn spread(scheduler: Scheduler) -> Spread {
    match scheduler {
        Scheduler::Rr(_) | Scheduler::Wrr(_) | Scheduler::Lc | Scheduler::Wlc => {
            Spread::Connections
        }
        Scheduler::Sh(options) | Scheduler::Mh(options) if options.port => Spread::Connections,
        Scheduler::Sh(_) | Scheduler::Mh(_) => Spread::Clients,
        Scheduler::Lblc
        | Scheduler::Lblcr
        | Scheduler::Dh
        | Scheduler::Sed
        | Scheduler::Nq
        | Scheduler::Fo
        | Scheduler::Ovf
        | Scheduler::Twos => Spread::Unforeseen,
    }
}

/// `rr` and `lc` treat all servers alike, except that weight 0 takes nothing.
fn counted(scheduler: Scheduler, weight: u32) -> u32 {
    match scheduler {
        Scheduler::Rr(_) | Scheduler::Lc => weight.min(1),
        Scheduler::Wrr(_)
        | Scheduler::Wlc
        | Scheduler::Sh(_)
        | Scheduler::Mh(_)
        | Scheduler::Lblc
        | Scheduler::Lblcr
        | Scheduler::Dh
        | Scheduler::Sed
        | Scheduler::Nq
        | Scheduler::Fo
        | Scheduler::Ovf
        | Scheduler::Twos => weight,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(service: &str) -> Weights {
        let text = format!(
            "version: 1\nnodes:\n  web1: {{ addresses: [10.0.0.1, 'fd00::1'] }}\n  web2: {{ \
             address: 10.0.0.2 }}\nvips: {{ www: {{ addresses: [192.0.2.1/24, 'fd01::1/64'] }} \
             }}\nservices:\n  http:\n    vip: www\n    port: 80\n    {service}\n    \
             real_servers: [{{ node: web1, weight: 1 }}, {{ node: web2, weight: 3 }}]\n"
        );
        let reading = crate::spec::read("farm.yaml", text.as_bytes());
        assert_eq!(reading.problems, []);
        let farm = reading.value.unwrap();
        let name = |ip: IpAddr| match ip.to_string().as_str() {
            "10.0.0.1" | "fd00::1" => Some("web1".to_owned()),
            _ => Some("web2".to_owned()),
        };
        Weights::new(&farm, DataplaneKind::Nftables, &name)
    }

    fn parts(service: &str, family: Family) -> Vec<(String, f64)> {
        let weights = weights(service);
        let service = weights.of("http", family).unwrap();
        let parts = service.parts().into_iter();
        parts.map(|(name, part)| (name.to_owned(), part)).collect()
    }

    #[test]
    fn parts_are_as_the_weights_say() {
        let expected = [("web1".to_owned(), 0.25), ("web2".to_owned(), 0.75)];
        assert_eq!(parts("scheduler: wrr", Family::V4), expected);
        let even = [("web1".to_owned(), 0.5), ("web2".to_owned(), 0.5)];
        assert_eq!(parts("scheduler: rr", Family::V4), even);
    }

    #[test]
    fn a_server_without_an_address_of_the_family_has_no_part_of_it() {
        let alone = [("web1".to_owned(), 1.0)];
        assert_eq!(parts("scheduler: wrr", Family::V6), alone);
    }

    #[test]
    fn persistence_spreads_clients_and_some_schedulers_go_by_no_weight() {
        let spread = |service| {
            let weights = weights(service);
            weights.of("http", Family::V4).unwrap().spread
        };
        assert_eq!(spread("scheduler: wrr"), Spread::Connections);
        assert_eq!(spread("scheduler: sh"), Spread::Clients);
        assert_eq!(spread("persistence: { timeout: 5m }"), Spread::Clients);
        assert_eq!(spread("scheduler: sed"), Spread::Unforeseen);
    }
}
