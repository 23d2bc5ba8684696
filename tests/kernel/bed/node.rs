//! One machine of the farm: a network namespace, and what a test does in it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::panic::resume_unwind;
use std::process::Output;
use std::thread;

use nix::net::if_::Interfaces;
use nix::sched::{CloneFlags, setns, unshare};

use super::farm::Family;
use super::genetlink;
use super::http::{Answer, Connection, Download};
use super::rtnetlink::{self, Address};

/// A network namespace of its own. It has no name in the file system; it is gone when nothing
/// holds it any more.
pub(crate) struct Node {
    name: String,
    namespace: File,
}

impl Node {
    /// A new namespace with `lo` up and nothing else in it. `name` is for messages, and is what a
    /// [`super::Server`] in it answers with.
    pub(crate) fn new(name: &str) -> Self {
        let make = || {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace needs root");
            set_defaults();
            rtnetlink::raise("lo");
            File::open("/proc/thread-self/ns/net").unwrap()
        };
        let namespace = thread::scope(|scope| scope.spawn(make).join())
            .unwrap_or_else(|panic| resume_unwind(panic));
        Self {
            name: name.to_owned(),
            namespace,
        }
    }

    /// What the node is called in messages and answers.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs `work` in this namespace, on a thread of its own, and waits for it. A panic in it is a
    /// panic here.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            self.enter();
            work()
        };
        thread::scope(|scope| scope.spawn(inside).join())
            .unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Moves the calling thread into this namespace for good. For threads that outlive the caller.
    pub(crate) fn enter(&self) {
        setns(&self.namespace, CloneFlags::CLONE_NEWNET).unwrap();
    }

    /// Another hold on the same namespace.
    pub(crate) fn share(&self) -> Self {
        Self {
            name: self.name.clone(),
            namespace: self.namespace.try_clone().unwrap(),
        }
    }

    /// Joins two nodes with a virtual Ethernet cable; both ends are up and have no address yet.
    pub(crate) fn cable(&self, interface: &str, other: &Self, other_interface: &str) {
        let far = other.namespace.as_raw_fd();
        self.run(|| {
            rtnetlink::add_veth(interface, other_interface, far);
            start(interface);
        });
        other.run(|| start(other_interface));
    }

    /// Gives an interface an address, such as `10.1.0.11/24`.
    pub(crate) fn add_address(&self, interface: &str, address: &str) {
        let address: Address = address.parse().unwrap();
        self.run(|| rtnetlink::add_address(interface, address));
    }

    /// Takes an address from an interface.
    pub(crate) fn remove_address(&self, interface: &str, address: &str) {
        let address: Address = address.parse().unwrap();
        self.run(|| rtnetlink::remove_address(interface, address));
    }

    /// Every address of an interface in this namespace, as `10.1.0.11/24`, sorted; link-local ones
    /// left out.
    pub(crate) fn addresses(&self, interface: &str) -> Vec<String> {
        let all = self.run(|| rtnetlink::addresses(interface));
        all.iter().map(ToString::to_string).collect()
    }

    /// The addresses of every interface in this namespace, as [`Node::addresses`] tells them.
    pub(crate) fn all_addresses(&self) -> BTreeMap<String, Vec<String>> {
        self.run(|| {
            let names = names(&nix::net::if_::if_nameindex().unwrap());
            let told = |name: &String| {
                rtnetlink::addresses(name)
                    .iter()
                    .map(ToString::to_string)
                    .collect()
            };
            names
                .into_iter()
                .map(|name| (name.clone(), told(&name)))
                .collect()
        })
    }

    /// The default route of `gateway`'s family.
    pub(crate) fn route_by(&self, gateway: IpAddr) {
        self.run(|| rtnetlink::add_default_route(gateway));
    }

    /// Takes a VIP the way a real server does for direct routing (`lo`) or a tunnel (`tunl0`,
    /// `ip6tnl0`): answers to it, but tells nobody on the wire.
    pub(crate) fn hold(&self, interface: &str, vip: IpAddr) {
        self.run(|| {
            rtnetlink::raise(interface);
            rtnetlink::add_address(interface, Address::alone(vip));
        });
        self.set(&format!("net/ipv4/conf/{interface}/rp_filter"), "0");
    }

    /// Unpacks GUE packets of this family that come to a UDP port. What was in them arrives at
    /// `tunl0` or `ip6tnl0`, which must be up: see [`Node::hold`].
    pub(crate) fn receive_gue(&self, port: u16, family: Family) {
        let number = match family {
            Family::V4 => 2,
            Family::V6 => 10,
        };
        self.run(|| genetlink::receive_gue(port, number)).unwrap();
    }

    /// Writes a sysctl of this namespace, named as below `/proc/sys`.
    pub(crate) fn set(&self, sysctl: &str, value: &str) {
        let path = format!("/proc/sys/{sysctl}");
        self.run(|| fs::write(&path, value))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Reads a sysctl of this namespace, without the newline.
    pub(crate) fn sysctl(&self, sysctl: &str) -> String {
        let path = format!("/proc/sys/{sysctl}");
        let text = self
            .run(|| fs::read_to_string(&path))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        text.trim_end().to_owned()
    }

    /// Makes this node a router, for both families.
    pub(crate) fn forward(&self) {
        self.set("net/ipv4/ip_forward", "1");
        self.set("net/ipv6/conf/all/forwarding", "1");
    }

    /// Runs the farmctl that this build made, in this namespace, to its end.
    pub(crate) fn farmctl(&self, arguments: &[&str]) -> Output {
        self.run(|| {
            let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_farmctl"));
            command.args(arguments).output().unwrap()
        })
    }

    /// Opens a connection that stays open between requests.
    pub(crate) fn connect(&self, to: SocketAddr) -> io::Result<Connection> {
        self.run(|| Connection::open(to))
    }

    /// The same from one of this node's addresses.
    pub(crate) fn connect_from(&self, from: IpAddr, to: SocketAddr) -> io::Result<Connection> {
        self.connect_from_port(SocketAddr::new(from, 0), to)
    }

    /// The same from a port, too.
    pub(crate) fn connect_from_port(
        &self,
        from: SocketAddr,
        to: SocketAddr,
    ) -> io::Result<Connection> {
        self.run(|| Connection::open_from(from, to))
    }

    /// One request on a connection of its own.
    pub(crate) fn ask(&self, to: SocketAddr) -> io::Result<Answer> {
        self.connect(to)?.get()
    }

    /// Asks `times` times, each on a new connection, and counts who answered.
    pub(crate) fn spread(
        &self,
        to: SocketAddr,
        times: usize,
    ) -> io::Result<BTreeMap<String, usize>> {
        let mut answers = BTreeMap::new();
        for _ in 0..times {
            *answers.entry(self.ask(to)?.server).or_default() += 1;
        }
        Ok(answers)
    }

    /// Starts a slow download of so many kilobytes, one each 20 ms.
    pub(crate) fn download(&self, to: SocketAddr, kilobytes: usize) -> io::Result<Download> {
        Download::start(self.connect(to)?, kilobytes)
    }
}

fn names(interfaces: &Interfaces) -> Vec<String> {
    let names = interfaces
        .iter()
        .map(|one| one.name().to_string_lossy().into_owned());
    names.collect()
}

/// Raises one end of a cable. A neighbour that is not there is given up in 0.6 s instead of 3.
fn start(interface: &str) {
    rtnetlink::raise(interface);
    for family in ["ipv4", "ipv6"] {
        let path = format!("/proc/sys/net/{family}/neigh/{interface}/retrans_time_ms");
        fs::write(path, "200").unwrap();
    }
}

/// What must be so before the first interface exists.
fn set_defaults() {
    for (sysctl, value) in [
        ("net/ipv4/conf/all/rp_filter", "0"),
        ("net/ipv4/conf/default/rp_filter", "0"),
        ("net/ipv6/conf/default/accept_dad", "0"),
        ("net/ipv6/conf/default/router_solicitations", "0"),
    ] {
        fs::write(format!("/proc/sys/{sysctl}"), value).unwrap();
    }
}

/// A bridge in a namespace of its own, with a port for each node that is plugged in.
pub(crate) struct Switch {
    node: Node,
}

impl Switch {
    /// A switch without ports.
    pub(crate) fn new(name: &str) -> Self {
        let node = Node::new(name);
        node.run(|| {
            rtnetlink::add_bridge("bridge");
            rtnetlink::raise("bridge");
        });
        Self { node }
    }

    /// Joins `node` to this switch by an interface with these addresses.
    pub(crate) fn plug(&self, node: &Node, interface: &str, addresses: &[String]) {
        self.node.cable(node.name(), node, interface);
        self.node
            .run(|| rtnetlink::join_bridge(node.name(), "bridge"));
        for address in addresses {
            node.add_address(interface, address);
        }
    }

    /// Pulls the plug of a node: its packets go nowhere until [`Switch::replug`].
    pub(crate) fn unplug(&self, node: &Node) {
        self.node.run(|| rtnetlink::lower(node.name()));
    }

    /// Undoes [`Switch::unplug`].
    pub(crate) fn replug(&self, node: &Node) {
        self.node.run(|| rtnetlink::raise(node.name()));
    }
}
