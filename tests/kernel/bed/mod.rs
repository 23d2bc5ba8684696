//! A farm of network namespaces inside one test process.
//!
//! ```text
//!            uplink 10.8.0.0/24 fd08::/64           back 10.1.0.0/24 fd01::/64
//!   client 1 ------------------------- 2 director 2 ----------------+---+---+
//!      1                                     2                      11  12  13
//!      +----- front 10.9.0.0/24 fd09::/64 ---+-------------------- rs1 rs2 rs3
//! ```
//!
//! [`Farm::new`] makes it; a [`Node`] is one namespace, and [`Node::run`] runs a closure inside it.
//! Every number above is a host number: `Net::Back.address(Family::V6, 11)` is `fd01::11`.
//!
//! * **NAT**: the VIP belongs on `uplink`, the real servers are named by their `back` addresses.
//!   Their default route is the director, so answers go back through it. A client that shares a
//!   network with the real servers would get its answers directly and drop them.
//! * **Direct routing**: the VIP belongs on `front`, the real servers are named by their `front`
//!   addresses and hold the VIP on `lo`: [`Farm::real_servers_hold`].
//! * **Tunnel**: the same, with the VIP on `tunl0` or `ip6tnl0`, or on `gre0` for GRE over IPv4; for
//!   GUE also [`Node::receive_gue`].
//!
//! A new namespace has `lo` up (without it IPVS answers EINVAL to new destinations), no reverse-path
//! filter and no duplicate address detection. Nothing forwards: a test asks for that with
//! [`Node::forward`], or proves that farmctl does it.
//!
//! Sockets stay in the namespace that they were made in, so a [`http::Connection`] may be used anywhere.
//! `/proc/net` shows the namespace of the process's first thread: inside [`Node::run`] read
//! `/proc/thread-self/net` instead. `/proc/sys` follows the calling thread. A child process that is
//! started inside [`Node::run`] lives wholly in the namespace.
//!
//! A namespace and what is in it vanish with its last socket, thread and [`Node`].

mod datagram;
mod farm;
mod genetlink;
mod http;
mod node;
mod rtnetlink;

pub(crate) use datagram::{Datagrams, Echo};
pub(crate) use farm::{Family, Farm, Net};
pub(crate) use genetlink::family;
pub(crate) use http::{Answer, Connection, Download, Server};
pub(crate) use node::{Node, Switch};
