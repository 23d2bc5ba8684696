//! The farm that the tests share: a client, a director and three real servers on three networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Node, Server, Switch};

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    /// Both, for tests that hold in each.
    pub(crate) const BOTH: [Self; 2] = [Self::V4, Self::V6];
}

/// A network of the farm, and the name of the interfaces on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Net {
    /// Client and director: VIPs whose answers must come back through the director.
    Uplink,
    /// Everybody, on one wire: VIPs that real servers answer for directly.
    Front,
    /// Director and real servers.
    Back,
}

impl Net {
    /// What interfaces on this network are called.
    pub(crate) fn interface(self) -> &'static str {
        match self {
            Self::Uplink => "uplink",
            Self::Front => "front",
            Self::Back => "back",
        }
    }

    /// The address with this host number, read as it is written: host 11 is `.11` and `::11`.
    pub(crate) fn address(self, family: Family, host: u8) -> IpAddr {
        let net = match self {
            Self::Uplink => 8,
            Self::Front => 9,
            Self::Back => 1,
        };
        match family {
            Family::V4 => Ipv4Addr::new(10, net, 0, host).into(),
            Family::V6 => {
                let written = u16::from_str_radix(&host.to_string(), 16).unwrap();
                Ipv6Addr::new(0xfd00 + u16::from(net), 0, 0, 0, 0, 0, 0, written).into()
            }
        }
    }

    /// The same with the prefix length, for both families.
    fn with_prefix(self, host: u8) -> [String; 2] {
        let [v4, v6] = Family::BOTH.map(|family| self.address(family, host));
        [format!("{v4}/24"), format!("{v6}/64")]
    }
}

/// The nodes of the farm; the picture is at the top of [`super`].
pub(crate) struct Farm {
    /// Host 1 of uplink and front; its default route is the director.
    pub(crate) client: Node,
    /// Host 2 everywhere. It does not forward until it is told to.
    pub(crate) director: Node,
    /// `rs1`, `rs2` and `rs3`: hosts 11, 12 and 13 of front and back; their default route is the
    /// director.
    pub(crate) real_servers: [Node; 3],
    /// The wire of [`Net::Front`].
    pub(crate) front: Switch,
    /// The wire of [`Net::Back`].
    pub(crate) back: Switch,
}

impl Farm {
    /// The host number of the client.
    pub(crate) const CLIENT: u8 = 1;
    /// The host number of the director.
    pub(crate) const DIRECTOR: u8 = 2;
    /// The host numbers of the real servers.
    pub(crate) const REAL_SERVERS: [u8; 3] = [11, 12, 13];

    /// Builds all of it.
    pub(crate) fn new() -> Self {
        let farm = Self {
            client: Node::new("client"),
            director: Node::new("director"),
            real_servers: ["rs1", "rs2", "rs3"].map(Node::new),
            front: Switch::new("front"),
            back: Switch::new("back"),
        };
        farm.lay_uplink();
        farm.plug(Net::Front, &farm.client, Self::CLIENT);
        farm.plug(Net::Front, &farm.director, Self::DIRECTOR);
        farm.plug(Net::Back, &farm.director, Self::DIRECTOR);
        for (node, host) in farm.real_servers.iter().zip(Self::REAL_SERVERS) {
            farm.place_real_server(node, host);
        }
        farm
    }

    /// An HTTP server on each real server.
    pub(crate) fn serve(&self, port: u16) -> [Server; 3] {
        self.real_servers
            .each_ref()
            .map(|node| Server::start(node, port))
    }

    /// All real servers take a VIP for direct routing (`lo`) or a tunnel (`tunl0`, `ip6tnl0`).
    pub(crate) fn real_servers_hold(&self, interface: &str, vip: IpAddr) {
        for node in &self.real_servers {
            node.hold(interface, vip);
        }
    }

    fn lay_uplink(&self) {
        let interface = Net::Uplink.interface();
        self.client.cable(interface, &self.director, interface);
        for (node, host) in [
            (&self.client, Self::CLIENT),
            (&self.director, Self::DIRECTOR),
        ] {
            for address in Net::Uplink.with_prefix(host) {
                node.add_address(interface, &address);
            }
        }
        Self::route_by_director(&self.client, Net::Uplink);
    }

    fn plug(&self, net: Net, node: &Node, host: u8) {
        let switch = if net == Net::Back {
            &self.back
        } else {
            &self.front
        };
        switch.plug(node, net.interface(), &net.with_prefix(host));
    }

    fn place_real_server(&self, node: &Node, host: u8) {
        self.plug(Net::Front, node, host);
        self.plug(Net::Back, node, host);
        Self::route_by_director(node, Net::Back);
        // A real server that holds a VIP must not answer for it on the wire.
        node.set("net/ipv4/conf/all/arp_ignore", "1");
        node.set("net/ipv4/conf/all/arp_announce", "2");
    }

    fn route_by_director(node: &Node, net: Net) {
        for family in Family::BOTH {
            node.route_by(net.address(family, Self::DIRECTOR));
        }
    }
}
