//! IPVS in the kernel: services and destinations by netlink, and all that belongs to them:
//! settings, addresses, firewall marks, synchronisation daemons.
//!
//! It works on the network namespace of the thread that opened it, and decides nothing. Called
//! through [`Dataplane`] by `reconcile` and by `cli`.

mod convert;
mod execute;
mod load;
mod marks;
mod table;

use super::explain::unreadable;
use super::host::Host;
use super::machine::{self, Machine};
use super::steady::steady;
use super::{Dataplane, Error, Failure, Observation, sysctl};
use crate::netlink::{ipvs, nft};
use crate::spec::DataplaneKind;
use crate::state::{AddressKey, Change, Setting, State, SyncDaemon, SyncRole};

pub(super) use convert::ignores_port;
pub(super) use execute::send;
pub(super) use table::{Aliases, Table};

use std::collections::BTreeMap;

/// The kernel's IPVS and what belongs to it.
#[derive(Debug)]
pub struct Ipvs {
    table: ipvs::Client,
    machine: Machine,
    marks: Option<nft::Client>,
    aliases: Aliases,
}

impl Ipvs {
    /// Opens the data plane of this thread's network namespace; loads `ip_vs` where it is missing.
    ///
    /// [`Error::NoIpvs`] where the kernel has no `ip_vs` and none could be loaded. Missing rights
    /// show at the first reading.
    pub fn open() -> Result<Self, Error> {
        Ok(Self {
            table: load::client()?,
            machine: Machine::open()?,
            marks: None,
            aliases: Aliases::new(),
        })
    }

    fn settings(&mut self, host: &Host) -> Result<BTreeMap<Setting, u64>, Error> {
        let mut settings = sysctl::read_all(&host.facts);
        let timeouts = self
            .table
            .timeouts()
            .map_err(|error| unreadable("the IPVS time-outs", &error))?;
        settings.insert(Setting::TimeoutTcp, timeouts.tcp.into());
        settings.insert(Setting::TimeoutTcpFin, timeouts.tcp_fin.into());
        settings.insert(Setting::TimeoutUdp, timeouts.udp.into());
        Ok(settings)
    }

    fn sync_daemons(&mut self) -> Result<BTreeMap<SyncRole, SyncDaemon>, Error> {
        let daemons = steady(|| self.table.daemons())
            .map_err(|error| unreadable("the synchronisation daemons", &error))?;
        Ok(daemons.iter().map(convert::sync_daemon).collect())
    }
}

impl Dataplane for Ipvs {
    fn kind(&self) -> DataplaneKind {
        DataplaneKind::Ipvs
    }

    fn observe(&mut self) -> Result<Observation, Error> {
        let table = Table::read(&mut self.table)?;
        let host = self.machine.host()?;
        let settings = self.settings(&host)?;
        let sync_daemons = self.sync_daemons()?;
        self.aliases = table.aliases;
        Ok(Observation {
            state: State {
                services: table.services,
                addresses: host.addresses,
                marks: self.read_marks()?,
                settings,
                sync_daemons,
            },
            host: host.facts,
            services: table.counters,
            destinations: table.destination_counters,
            ..Observation::default()
        })
    }

    fn execute(&mut self, changes: &[Change]) -> Result<Vec<Failure>, Error> {
        let mut failures = Vec::new();
        let mut first = 0;
        // Neighbours that go by IPVS messages are one batch; everything else is one by one.
        for run in changes.chunk_by(|one, next| is_message(one) && is_message(next)) {
            self.execute_run(run, first, &mut failures)?;
            first += run.len();
        }
        Ok(failures)
    }

    fn announce(&mut self, address: &AddressKey) -> Result<(), Error> {
        machine::announce(address)
    }

    fn watches(&self) -> Result<Vec<super::Watch>, Error> {
        Ok(vec![self.machine.watch()?])
    }

    fn writes(&self) -> u64 {
        let marks = self.marks.as_ref().map_or(0, nft::Client::writes_sent);
        self.table.writes_sent() + self.machine.writes() + marks
    }
}

/// Whether the change goes to the kernel as an IPVS message.
fn is_message(change: &Change) -> bool {
    let of_sync = matches!(change, Change::StartSync { .. } | Change::StopSync { .. });
    let of_timeouts =
        matches!(change, Change::SetSetting { setting, .. } if sysctl::is_timeout(setting));
    change.is_of_table() || of_sync || of_timeouts
}
