//! One machine's network namespace, and how work is done inside it.
//!
//! A namespace has no name in any file system: it is gone with the last thread, socket and
//! [`Space`] that holds it. Sockets stay in the namespace that they were made in.

use std::fs::{self, File};
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::process::{Command, Output};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sched::{CloneFlags, setns, unshare};

use super::error::{Error, Result};
use crate::netlink::Errno;
use crate::netlink::route::{Client, Link, NewAddress, NewRoute};
use crate::rehearsal::topology::Host;

/// What must be so before the first interface exists: no filter on the way back, addresses that can
/// be used at once, and nobody who learns routes from others.
const DEFAULTS: [(&str, &str); 9] = [
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/conf/all/accept_redirects", "0"),
    ("ipv4/conf/default/accept_redirects", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv6/conf/default/accept_redirects", "0"),
    ("ipv6/conf/default/router_solicitations", "0"),
    ("ipv4/ip_local_port_range", "1024 65535"),
];

/// A neighbour that does not answer is asked again after this many milliseconds.
const RETRANSMIT: &str = "200";

/// A network namespace of its own.
#[derive(Debug)]
pub(super) struct Space {
    name: String,
    namespace: File,
}

impl Space {
    /// A new namespace with `lo` up and nothing else in it. `name` is the machine's, for messages.
    pub(super) fn new(name: &str) -> Result<Self> {
        let make = || {
            unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| {
                Error::system("a network namespace can't be made")(errno.into())
            })?;
            for (sysctl, value) in DEFAULTS {
                write_sysctl(sysctl, value)?;
            }
            let mut route = Client::open()?;
            let lo = link(&mut route, "lo")?;
            route.set_link_up(lo.index)?;
            File::open("/proc/thread-self/ns/net")
                .map_err(Error::system("the new network namespace can't be opened"))
        };
        let namespace = on_a_thread(make).map_err(|error| error.on(name))?;
        Ok(Self {
            name: name.to_owned(),
            namespace,
        })
    }

    /// Another hold on the same namespace.
    pub(super) fn share(&self) -> Result<Self> {
        let namespace = self.namespace.try_clone();
        Ok(Self {
            name: self.name.clone(),
            namespace: namespace.map_err(Error::system("a namespace can't be shared"))?,
        })
    }

    /// Runs `work` inside, on a thread of its own, and waits for it.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        on_a_thread(|| self.enter().and_then(|()| work())).map_err(|error| error.on(&self.name))
    }

    /// Starts `work` inside, on a thread of its own.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<JoinHandle<Result<T>>> {
        let inside = self.share()?;
        let thread = thread::Builder::new().spawn(move || inside.enter().map(|()| work()));
        thread.map_err(Error::system("a thread can't be started"))
    }

    fn enter(&self) -> Result<()> {
        setns(&self.namespace, CloneFlags::CLONE_NEWNET)
            .map_err(|errno| Error::system("a namespace can't be entered")(errno.into()))
    }

    /// Runs a program inside, to its end.
    pub(super) fn command(&self, mut command: Command) -> Result<Output> {
        let told = command.get_program().to_string_lossy().into_owned();
        self.run(|| {
            let output = command.stdin(std::process::Stdio::null()).output();
            output.map_err(Error::system(format!("{told} can't be run")))
        })
    }

    /// Writes a sysctl below `net/`. One of a family that the kernel lacks is left alone.
    pub(super) fn set(&self, sysctl: &str, value: &str) -> Result<()> {
        self.run(|| write_sysctl(sysctl, value))
    }

    /// Joins two machines with a cable; both ends are up and have no address yet.
    pub(super) fn cable(&self, interface: &str, other: &Self, other_interface: &str) -> Result<()> {
        self.run(|| {
            let far = other.namespace.as_fd();
            Client::open()?.add_cable(interface, other_interface, far)?;
            Ok(())
        })?;
        other.run(|| {
            for family in ["ipv4", "ipv6"] {
                let sysctl = format!("{family}/neigh/{other_interface}/retrans_time_ms");
                write_sysctl(&sysctl, RETRANSMIT)?;
            }
            let mut route = Client::open()?;
            let index = link(&mut route, other_interface)?.index;
            Ok(route.set_link_up(index)?)
        })
    }

    /// Gives an interface an address; one that it has already is left alone.
    pub(super) fn add_address(&self, interface: &str, host: Host) -> Result<()> {
        self.run(|| {
            let mut route = Client::open()?;
            let mut address =
                NewAddress::new(link(&mut route, interface)?.index, host.ip, host.prefix);
            address.no_dad = true;
            settle(route.add_address(&address))
        })
    }

    /// Adds a route; one that is there already is left alone.
    pub(super) fn add_route(
        &self,
        interface: &str,
        to: (IpAddr, u8),
        gateway: Option<IpAddr>,
        table: u32,
    ) -> Result<()> {
        self.run(|| {
            let mut route = Client::open()?;
            let index = link(&mut route, interface)?.index;
            settle(route.add_route(&NewRoute {
                to,
                gateway,
                index,
                table,
            }))
        })
    }

    /// Has packets from an address routed by a table of their own.
    pub(super) fn add_source_rule(&self, from: IpAddr, table: u32) -> Result<()> {
        self.run(|| settle(Client::open()?.add_source_rule(from, table)))
    }

    /// Sets an interface up. Says false where there is none of this name.
    pub(super) fn raise(&self, interface: &str) -> Result<Present> {
        self.run(|| {
            let mut route = Client::open()?;
            let links = route.links()?;
            let Some(found) = links.iter().find(|link| link.name == interface) else {
                return Ok(Present::No);
            };
            route.set_link_up(found.index)?;
            Ok(Present::Yes)
        })
    }

    /// Sets an interface down.
    pub(super) fn lower(&self, interface: &str) -> Result<()> {
        self.run(|| {
            let mut route = Client::open()?;
            let index = link(&mut route, interface)?.index;
            Ok(route.set_link_down(index)?)
        })
    }

    /// Makes a bridge.
    pub(super) fn add_bridge(&self, name: &str) -> Result<()> {
        self.run(|| Ok(Client::open()?.add_bridge(name)?))
    }

    /// Deletes an interface.
    pub(super) fn delete(&self, interface: &str) -> Result<()> {
        self.run(|| {
            let mut route = Client::open()?;
            let index = link(&mut route, interface)?.index;
            Ok(route.delete_link(index)?)
        })
    }

    /// Makes an interface a port of a bridge.
    pub(super) fn join(&self, interface: &str, bridge: &str) -> Result<()> {
        self.run(|| {
            let mut route = Client::open()?;
            let index = link(&mut route, interface)?.index;
            let bridge = link(&mut route, bridge)?.index;
            Ok(route.join_bridge(index, bridge)?)
        })
    }

    /// Has every packet leave an interface this much later; zero ends it.
    pub(super) fn delay(&self, interface: &str, by: Duration) -> Result<()> {
        self.run(|| {
            let mut route = Client::open()?;
            let index = link(&mut route, interface)?.index;
            match route.delay(index, by) {
                Err(error) if error.errno() == Some(Errno::ENOENT) && !by.is_zero() => {
                    Err(Error::Refused(
                        "this kernel can't delay packets: it has no netem (module sch_netem)"
                            .into(),
                    ))
                }
                // There was no delay to end.
                Err(error) if by.is_zero() && error.errno().is_some() => Ok(()),
                other => Ok(other?),
            }
        })
    }
}

/// Whether something is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Present {
    /// It is.
    Yes,
    /// It is not.
    No,
}

fn on_a_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let ended = thread::scope(|scope| scope.spawn(work).join());
    ended.unwrap_or(Err(Error::Thread))
}

fn link(route: &mut Client, name: &str) -> Result<Link> {
    let mut links = route.links()?.into_iter();
    links
        .find(|link| link.name == name)
        .ok_or_else(|| Error::System {
            what: format!("the interface {name}"),
            source: io::Error::from(io::ErrorKind::NotFound),
        })
}

/// What is there already need not be added.
fn settle(added: std::result::Result<(), crate::netlink::Error>) -> Result<()> {
    match added {
        Err(error) if error.errno() == Some(Errno::EEXIST) => Ok(()),
        other => Ok(other?),
    }
}

fn write_sysctl(sysctl: &str, value: &str) -> Result<()> {
    let path = format!("/proc/sys/net/{sysctl}");
    match fs::write(&path, value) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        written => written.map_err(Error::system(format!("{path} can't be written"))),
    }
}
