//! What every data plane has beside its services: the machine's interfaces, floating addresses, the
//! sysctls of the namespace, and the neighbours to tell.
//!
//! It works on the network namespace of the thread that opened it. It knows nothing of services,
//! and carries out one change at a time. Called by the data planes.

mod address;

use nix::errno::Errno;

use super::explain::{self, Loopback, unreadable};
use super::host::Host;
use super::{Error, Watch, sysctl};
use crate::netlink::{arp, route};
use crate::state::{AddressKey, Change, Setting};

/// This machine, as this thread's network namespace shows it.
#[derive(Debug)]
pub(super) struct Machine {
    route: route::Client,
    settings_written: u64,
}

impl Machine {
    /// Opens what it takes to read and write; reading needs no right.
    pub(super) fn open() -> Result<Self, Error> {
        let opened = route::Client::open();
        Ok(Self {
            route: opened.map_err(|error| unreadable("the network interfaces", &error))?,
            settings_written: 0,
        })
    }

    /// All interfaces and addresses.
    pub(super) fn host(&mut self) -> Result<Host, Error> {
        Host::read(&mut self.route)
    }

    /// Whether `lo` is up, as far as can be seen.
    pub(super) fn loopback(&mut self) -> Loopback {
        let down = self.host().is_ok_and(|host| {
            let lo = host.facts.interfaces.get("lo");
            lo.is_some_and(|lo| !lo.up)
        });
        if down { Loopback::Down } else { Loopback::Up }
    }

    /// Carries out a change of an address or of a sysctl; any other is not the machine's, and
    /// nothing happens.
    pub(super) fn execute(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::SetSetting { setting, to, .. } => self.write_setting(change, setting, *to),
            Change::AddAddress { key, address } => self.add_address(change, key, *address),
            Change::SetAddress { key, from, to } => self.set_address(change, key, *from, *to),
            Change::DeleteAddress { key, was } => self.delete_address(change, key, *was),
            Change::SetMarks { .. }
            | Change::AddService { .. }
            | Change::SetService { .. }
            | Change::DeleteService { .. }
            | Change::AddDestination { .. }
            | Change::SetDestination { .. }
            | Change::DeleteDestination { .. }
            | Change::StartSync { .. }
            | Change::StopSync { .. } => Ok(()),
        }
    }

    fn write_setting(
        &mut self,
        change: &Change,
        setting: &Setting,
        value: u64,
    ) -> Result<(), Error> {
        self.settings_written += 1;
        sysctl::write(setting, value).map_err(|error| {
            let errno = error.raw_os_error().unwrap_or(nix::libc::ENOENT);
            explain::refused(change, Errno::from_raw(errno), Loopback::Up)
        })
    }

    /// What tells of addresses and links that others change.
    pub(super) fn watch(&self) -> Result<Watch, Error> {
        let monitor = route::Monitor::open(self.route.port());
        monitor
            .map(Watch::Machine)
            .map_err(|error| unreadable("the changes of addresses and interfaces", &error))
    }

    /// How many writes there were since this value was made.
    pub(super) fn writes(&self) -> u64 {
        self.route.writes_sent() + self.settings_written
    }
}

/// Tells the neighbours of an address of this machine.
pub(super) fn announce(address: &AddressKey) -> Result<(), Error> {
    // How many frames went out does not matter: an interface that is no Ethernet has no
    // neighbours to tell.
    let announced = arp::announce(&address.interface, address.address);
    announced.map(|_frames| ()).map_err(|error| Error::Io {
        what: format!("announce {address}"),
        reason: error.to_string(),
    })
}
