//! A fresh network namespace for each contestant of each round, and the kernel's table in it.

use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use farmctl::netlink::ipvs::{Client, Protocol, ServiceId};
use farmctl::netlink::route;
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{Shutdown, shutdown};

use crate::Result;
use crate::files::{INTERFACE, REAL_SERVERS_NET, VIP, port_of};
use crate::host::program;

/// Runs `play` on a thread in an empty network namespace whose `lo` and [`INTERFACE`] are up. The
/// processes that it starts are in that namespace too.
pub(crate) fn on_stage<T: Send>(play: impl FnOnce(&mut Table) -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let played = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            furnish()?;
            play(&mut Table::open()?)
        });
        played
            .join()
            .map_err(|_| "a contestant's thread broke off")?
    })
}

/// The same with every address of the real servers on this machine, and somebody who takes
/// connections there.
pub(crate) fn on_checked_stage<T: Send>(
    play: impl FnOnce(&mut Table) -> Result<T> + Send,
) -> Result<T> {
    on_stage(|table| {
        ip(&["route", "add", "local", REAL_SERVERS_NET, "dev", "lo"])?;
        let listener = std::net::TcpListener::bind(("0.0.0.0", 8080))?;
        let accepting = listener.try_clone()?;
        let thread = thread::spawn(move || while accepting.accept().is_ok() {});
        let played = play(table);
        let _woken = shutdown(listener.as_raw_fd(), Shutdown::Both);
        let _ended = thread.join();
        played
    })
}

fn ip(arguments: &[&str]) -> Result<()> {
    let status = program(Path::new("ip"))
        .args(arguments)
        .stdin(Stdio::null())
        .status()?;
    if status.success() {
        return Ok(());
    }
    Err(format!("ip {}: {status}", arguments.join(" ")).into())
}

fn furnish() -> Result<()> {
    ip(&["link", "add", INTERFACE, "type", "dummy"])?;
    let mut client = route::Client::open()?;
    for link in client.links()? {
        if link.loopback || link.name == INTERFACE {
            client.set_link_up(link.index)?;
        }
    }
    Ok(())
}

/// The IPVS table of a namespace, read by netlink.
pub(crate) struct Table(Client);

impl Table {
    fn open() -> Result<Self> {
        Ok(Self(Client::open()?))
    }

    /// How many services and real servers there are together.
    pub(crate) fn entries(&mut self) -> Result<usize> {
        let services = self.0.services()?;
        let mut entries = services.len();
        for service in &services {
            entries += self.0.destinations(&service.id)?.len();
        }
        Ok(entries)
    }

    /// The weights of a service's real servers, in no order. Asks for this one service only, so
    /// that looking on slows nobody down.
    pub(crate) fn weights(&mut self, service: usize) -> Result<Vec<u32>> {
        let id = ServiceId::Address {
            protocol: Protocol::Tcp,
            address: VIP.into(),
            port: port_of(service),
        };
        let destinations = self.0.destinations(&id)?;
        Ok(destinations.iter().map(|one| one.weight).collect())
    }
}
