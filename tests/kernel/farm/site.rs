//! A farm with real servers that serve, and farmctl on its director.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::Duration;

use super::{Farmctl, Kernel, Text};
use crate::bed::{Family, Farm, Net, Server};

/// How packets get to the real servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Nat,
    DirectRouting,
    Tunnel,
}

impl Method {
    /// The word in the file.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Nat => "nat",
            Self::DirectRouting => "direct_routing",
            Self::Tunnel => "tunnel",
        }
    }

    /// The network of the VIP.
    pub(super) fn net(self) -> Net {
        match self {
            Self::Nat => Net::Uplink,
            Self::DirectRouting | Self::Tunnel => Net::Front,
        }
    }

    /// The network on which the real servers are reached.
    pub(super) fn servers_net(self) -> Net {
        match self {
            Self::Nat => Net::Back,
            Self::DirectRouting | Self::Tunnel => Net::Front,
        }
    }

    /// The port on which the real servers listen; only NAT can translate it.
    pub(super) fn port(self) -> u16 {
        match self {
            Self::Nat => 8080,
            Self::DirectRouting | Self::Tunnel => 80,
        }
    }

    /// The interfaces on which real servers hold the floating addresses.
    fn holders(self) -> Vec<(Family, &'static str)> {
        match self {
            Self::Nat => Vec::new(),
            Self::DirectRouting => vec![(Family::V4, "lo"), (Family::V6, "lo")],
            Self::Tunnel => vec![(Family::V4, "tunl0"), (Family::V6, "ip6tnl0")],
        }
    }

    /// The floating address.
    pub(super) fn vip(self, family: Family) -> IpAddr {
        self.net().address(family, 100)
    }
}

/// A farm that serves.
pub(super) struct Site {
    /// Its nodes.
    pub(super) farm: Farm,
    /// farmctl on the director.
    pub(super) farmctl: Farmctl,
    method: Method,
    servers: [Option<Server>; 3],
}

impl Site {
    /// Servers listen, and hold the VIP where the method asks for it; nothing is applied yet.
    pub(super) fn new(method: Method) -> Self {
        let farm = Farm::new();
        for (family, interface) in method.holders() {
            farm.real_servers_hold(interface, method.vip(family));
        }
        Self {
            farmctl: Farmctl::on(&farm.director),
            servers: farm.serve(method.port()).map(Some),
            farm,
            method,
        }
    }

    /// A site where this text is applied already.
    pub(super) fn serving(text: &Text) -> Self {
        let site = Self::new(text.method);
        site.farmctl.apply(&text.to_string(), &[]).exits(0);
        site
    }

    /// Real servers take the floating addresses for another method, too.
    pub(super) fn real_servers_hold_for(&self, method: Method) {
        for (family, interface) in method.holders() {
            self.farm
                .real_servers_hold(interface, self.method.vip(family));
        }
    }

    /// The virtual service.
    pub(super) fn service(&self, family: Family) -> SocketAddr {
        SocketAddr::new(self.method.vip(family), 80)
    }

    /// How many of so many new connections each of the three servers answers. They leave nothing
    /// behind that a server would have to be drained of.
    pub(super) fn spread(&self, family: Family, times: usize) -> [usize; 3] {
        let mut answers = BTreeMap::new();
        for _ in 0..times {
            let mut connection = self.farm.client.connect(self.service(family)).unwrap();
            *answers.entry(connection.get().unwrap().server).or_default() += 1;
            connection.reset();
        }
        ["rs1", "rs2", "rs3"].map(|name| answers.get(name).copied().unwrap_or_default())
    }

    /// Waits until the director's kernel is as asked for.
    ///
    /// # Panics
    /// If that takes a minute.
    pub(super) fn wait_until(&self, is_so: impl Fn(&Kernel) -> bool) {
        for _ in 0..600 {
            if is_so(&self.farmctl.kernel()) {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("the kernel still holds {:#?}", self.farmctl.kernel());
    }
}

impl Site {
    /// Nobody listens on a real server any more.
    pub(super) fn stop_server(&mut self, place: usize) {
        self.servers[place] = None;
    }

    /// Somebody listens again.
    pub(super) fn start_server(&mut self, place: usize) {
        let node = &self.farm.real_servers[place];
        self.servers[place] = Some(Server::start(node, self.method.port()));
    }
}
