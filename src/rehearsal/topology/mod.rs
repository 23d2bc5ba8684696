//! Which machines, networks, addresses and routes a farm.yaml is rehearsed with.
//!
//! ```text
//!   client ---clients--- router ---front--- director ---back--- real servers
//!                          |                                     (answer through the director)
//!                          +---front--- real servers of direct routing (answer by the router)
//!                          +---beyond--- real servers behind a tunnel
//! ```
//!
//! Pure: a farm in, a [`Topology`] out. Interface names and addresses are those of the file; what
//! the file leaves out (prefix lengths, the machine that runs farmctl, real servers that are bare
//! addresses) is filled in by the rules in `draft`. The client and the router are additions, with
//! addresses that the file does not use. Called by the stage, which builds it, and by tests.

mod draft;
mod routes;
mod serving;
mod subnet;
mod wires;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

pub use subnet::{Host, Subnet};

use crate::rehearsal::protocol::Speech;
use crate::spec::Farm;

/// The name of the machine that clients come through.
pub const ROUTER: &str = "router";
/// An address that the router has on each wire, besides those of the wire's prefixes.
pub const ROUTER_LINK: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
/// The name of the machine that all clients are on.
pub const CLIENT: &str = "client";
/// The name of the director of a file that names none.
pub const DIRECTOR: &str = "director";
/// How many addresses of each family the client has: enough for schedulers that go by it.
pub const CLIENT_ADDRESSES: u8 = 64;

/// The machines and networks of a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Topology {
    /// The networks, each a wire that machines are plugged into. An [`Interface`] names one by its
    /// place here.
    pub wires: Vec<Wire>,
    /// The machines, by name.
    pub machines: BTreeMap<String, Machine>,
    /// The machines that run farmctl, in the order of the file.
    pub directors: Vec<Director>,
    /// The floating addresses, each with the wire that it is on.
    pub vips: BTreeMap<IpAddr, usize>,
    /// The addresses that clients come from.
    pub clients: Vec<IpAddr>,
    /// Where load can go.
    pub targets: Vec<Target>,
    /// What an operator should know about how the farm is rehearsed, in full sentences.
    pub notes: Vec<String>,
}

/// A network: everything plugged into it hears everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wire {
    /// What the file calls it, else its first prefix.
    pub name: String,
    /// The prefixes in use on it.
    pub subnets: BTreeSet<Subnet>,
}

/// A director.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Director {
    /// Its machine.
    pub machine: String,
    /// What it is called in the file; none where the file names no directors.
    pub node: Option<String>,
}

/// What a machine is in the rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It forwards: farmctl runs there.
    Director,
    /// It serves.
    RealServer,
    /// It is in the file and does neither.
    Bystander,
    /// It joins the clients to the farm.
    Router,
    /// Everybody who asks.
    Client,
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// What it is for.
    pub role: Role,
    /// Where it is plugged in.
    pub interfaces: Vec<Interface>,
    /// Its routes, those of connected prefixes left out.
    pub routes: Vec<Route>,
    /// Floating addresses that it takes packets for without telling its neighbours.
    pub held: BTreeSet<Held>,
    /// Devices for GRE packets with a checksum, with the address that they come to.
    pub checks: BTreeSet<(&'static str, IpAddr)>,
    /// Where tunnels of UDP packets end: the port, and the family of the outer packets.
    pub unpacks: BTreeSet<(u16, Family)>,
    /// What its built-in servers listen on.
    pub listens: BTreeSet<Listen>,
}

impl Machine {
    fn new(role: Role) -> Self {
        Self {
            role,
            interfaces: Vec::new(),
            routes: Vec::new(),
            held: BTreeSet::new(),
            checks: BTreeSet::new(),
            unpacks: BTreeSet::new(),
            listens: BTreeSet::new(),
        }
    }

    /// The interface that is plugged into a wire.
    pub fn on(&self, wire: usize) -> Option<&Interface> {
        self.interfaces.iter().find(|one| one.wire == wire)
    }

    /// Its own addresses.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let hosts = self.interfaces.iter().flat_map(|one| &one.addresses);
        hosts.map(|host| host.ip)
    }
}

/// A machine's end of a cable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name on the machine.
    pub name: String,
    /// The wire that it is plugged into, by its place in [`Topology::wires`].
    pub wire: usize,
    /// What the file calls the networks there.
    pub networks: BTreeSet<String>,
    /// The machine's addresses there.
    pub addresses: Vec<Host>,
}

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// The family of an address.
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The one that it is not.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// Its family.
    pub family: Family,
    /// Where to; none is everywhere else.
    pub to: Option<Subnet>,
    /// The neighbour that takes it on, perhaps of the other family; none where the destination itself is a neighbour.
    pub gateway: Option<IpAddr>,
    /// The interface that it leaves by.
    pub interface: String,
    /// Only for packets that come from this address.
    pub from: Option<IpAddr>,
}

/// A floating address on a real server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The address.
    pub vip: IpAddr,
    /// The device that it is on: `lo` for direct routing, else the tunnel's end.
    pub device: &'static str,
}

/// What a built-in server listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listen {
    /// What is spoken.
    pub speech: Speech,
    /// The address and the port.
    pub at: SocketAddr,
}

impl Listen {
    /// Whether another server can't listen at this place too.
    fn overlaps(&self, at: SocketAddr, speech: Speech) -> bool {
        let datagrams = |speech| speech == Speech::UdpEcho;
        self.at == at && datagrams(self.speech) == datagrams(speech)
    }
}

/// Where load can go: one address and port of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The service, by its name in the file.
    pub service: String,
    /// What is spoken there.
    pub speech: Speech,
    /// The floating address and the port.
    pub at: SocketAddr,
    /// Who may answer, sorry servers left out.
    pub servers: Vec<TargetServer>,
}

/// A real server of a [`Target`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetServer {
    /// What the file's messages call it.
    pub name: String,
    /// The machine that it is, which is what its answers say.
    pub machine: String,
    /// Its share of new connections.
    pub weight: u32,
}

/// Why a farm cannot be laid out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing is free for a machine that the rehearsal adds.
    #[error(
        "the rehearsal needs an address in {subnet} for its {machine}, and all are taken or the \
         prefix has no room; write a wider prefix in the file"
    )]
    NoRoom {
        /// The prefix.
        subnet: Subnet,
        /// The machine.
        machine: String,
    },
    /// No prefix for clients is free.
    #[error("the file uses every prefix that the rehearsal's clients could come from")]
    NoClients,
    /// Nothing to rehearse.
    #[error("the file has no service; a rehearsal needs one that clients can ask")]
    NoService,
}

impl Topology {
    /// Lays a farm out. `later` are files that the scenario applies: what only they have is laid
    /// out too.
    pub fn of(farm: &Farm, later: &[&Farm]) -> Result<Self, Error> {
        if farm.services.is_empty() {
            return Err(Error::NoService);
        }
        let farms: Vec<&Farm> = std::iter::once(farm).chain(later.iter().copied()).collect();
        let drafts = draft::Drafts::of(&farms)?;
        let mut topology = wires::lay(drafts, &serving::direct(&farms))?;
        serving::add(&mut topology, &farms);
        routes::add(&mut topology, &farms);
        Ok(topology)
    }

    /// The machine that has an address.
    pub fn machine_at(&self, ip: IpAddr) -> Option<&str> {
        let mut machines = self.machines.iter();
        let found = machines.find(|(_, machine)| machine.addresses().any(|own| own == ip));
        found.map(|(name, _)| name.as_str())
    }
}
