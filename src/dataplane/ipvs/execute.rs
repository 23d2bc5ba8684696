//! Carrying changes out: in order, the neighbours among the IPVS messages in one batch.
//!
//! A change that fails never stops those after it. Called by [`super::Ipvs`]; the preflight uses
//! the same messages.

use nix::errno::Errno;

use super::table::Aliases;
use super::{Ipvs, convert, is_message};
use crate::dataplane::{Error, Failure, explain};
use crate::netlink::ipvs::{Client, Command, DestinationId, Timeouts};
use crate::state::{Change, Destination, DestinationKey, ServiceKey, Setting};

impl Ipvs {
    /// Carries out neighbours of one kind; `first` is the place of the first among all.
    pub(super) fn execute_run(
        &mut self,
        run: &[Change],
        first: usize,
        failures: &mut Vec<Failure>,
    ) -> Result<(), Error> {
        if run.first().is_some_and(is_message) {
            return self.execute_messages(run, first, failures);
        }
        for (place, change) in run.iter().enumerate() {
            if let Err(error) = self.execute_alone(change) {
                let index = first + place;
                failures.push(Failure { index, error });
            }
        }
        Ok(())
    }

    fn execute_messages(
        &mut self,
        run: &[Change],
        first: usize,
        failures: &mut Vec<Failure>,
    ) -> Result<(), Error> {
        let refused = send(&mut self.table, run, &mut self.aliases)?;
        if refused.is_empty() {
            return Ok(());
        }
        let loopback = self.machine.loopback();
        failures.extend(refused.into_iter().map(|(place, errno)| Failure {
            index: first + place,
            error: explain::refused(&run[place], errno, loopback),
        }));
        Ok(())
    }

    fn execute_alone(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::SetMarks { to, .. } => self.write_marks(change, to),
            Change::SetSetting { .. }
            | Change::AddAddress { .. }
            | Change::SetAddress { .. }
            | Change::DeleteAddress { .. } => self.machine.execute(change),
            Change::AddService { .. }
            | Change::SetService { .. }
            | Change::DeleteService { .. }
            | Change::AddDestination { .. }
            | Change::SetDestination { .. }
            | Change::DeleteDestination { .. }
            | Change::StartSync { .. }
            | Change::StopSync { .. } => Ok(()), // These are messages.
        }
    }
}

/// How many changes become messages at a time: a large plan would take much memory.
const PIECE: usize = 1_024;

/// Sends the changes in order; gives back the places of those that the kernel refused, each once.
pub(in crate::dataplane) fn send(
    client: &mut Client,
    run: &[Change],
    aliases: &mut Aliases,
) -> Result<Vec<(usize, Errno)>, Error> {
    let mut refused = Vec::new();
    for (number, piece) in run.chunks(PIECE).enumerate() {
        let first = number * PIECE;
        let places = send_piece(client, piece, aliases)?.into_iter();
        refused.extend(places.map(|(place, errno)| (first + place, errno)));
    }
    Ok(refused)
}

fn send_piece(
    client: &mut Client,
    run: &[Change],
    aliases: &mut Aliases,
) -> Result<Vec<(usize, Errno)>, Error> {
    let mut messages = Vec::with_capacity(run.len());
    let mut places = Vec::with_capacity(run.len());
    let mut refused = Vec::new();
    for (place, change) in run.iter().enumerate() {
        match commands(change, aliases) {
            Some(commands) => messages.extend(commands),
            None => refused.push((place, Errno::EOPNOTSUPP)),
        }
        places.resize(messages.len(), place);
    }
    let by_kernel = client
        .execute(&messages)
        .map_err(|error| explain::lost(&error))?;
    refused.extend(
        by_kernel
            .into_iter()
            .filter_map(|failure| Some((*places.get(failure.index)?, failure.errno))),
    );
    refused.sort_by_key(|(place, _)| *place);
    refused.dedup_by_key(|(place, _)| *place);
    Ok(refused)
}

/// The messages of a change, of which there are none where it goes another way; nothing where
/// `ip_vs` has no words for it.
fn commands(change: &Change, aliases: &mut Aliases) -> Option<Vec<Command>> {
    Some(match change {
        Change::AddService {
            service,
            attributes,
        } => vec![Command::NewService(convert::service(service, attributes))],
        Change::SetService { service, to, .. } => {
            vec![Command::SetService(convert::service(service, to))]
        }
        Change::DeleteService { service, .. } => {
            aliases.retain(|(of, _), _| of != service);
            vec![Command::DelService(convert::service_id(service))]
        }
        Change::AddDestination {
            service,
            key,
            destination,
        } => vec![Command::NewDestination(
            convert::service_id(service),
            convert::destination(key, destination)?,
        )],
        Change::SetDestination {
            service, key, to, ..
        } => set_destination(service, key, to, aliases)?,
        Change::DeleteDestination { service, key, .. } => vec![Command::DelDestination(
            convert::service_id(service),
            kernel_key(service, key, aliases),
        )],
        Change::StartSync { role, daemon } => {
            vec![Command::NewDaemon(convert::daemon(*role, daemon))]
        }
        Change::StopSync { role, .. } => vec![Command::DelDaemon(convert::role(*role))],
        Change::SetSetting { setting, to, .. } => timeouts(setting, *to)
            .map(Command::SetTimeouts)
            .into_iter()
            .collect(),
        Change::AddAddress { .. }
        | Change::SetAddress { .. }
        | Change::DeleteAddress { .. }
        | Change::SetMarks { .. } => Vec::new(),
    })
}

fn set_destination(
    service: &ServiceKey,
    key: &DestinationKey,
    to: &Destination,
    aliases: &mut Aliases,
) -> Option<Vec<Command>> {
    let id = convert::service_id(service);
    let mut written = convert::destination(key, to)?;
    Some(match aliases.get(&(*service, *key)) {
        None => vec![Command::SetDestination(id, written)],
        // From now on the port counts: the destination becomes another one.
        Some(_) if !convert::ignores_port(to.forwarding) => vec![
            Command::NewDestination(id, written),
            Command::DelDestination(id, kernel_key(service, key, aliases)),
        ],
        Some(port) => {
            written.port = *port;
            vec![Command::SetDestination(id, written)]
        }
    })
}

/// What the kernel calls a destination; its alias ends with it.
fn kernel_key(service: &ServiceKey, key: &DestinationKey, aliases: &mut Aliases) -> DestinationId {
    DestinationId {
        address: key.address,
        port: aliases.remove(&(*service, *key)).unwrap_or(key.port),
    }
}

/// One time-out to set; those left at 0 stay as they are.
fn timeouts(setting: &Setting, value: u64) -> Option<Timeouts> {
    // Far more than the kernel takes: it then refuses the value, which is told.
    let value = u32::try_from(value).unwrap_or(u32::MAX);
    let unchanged = Timeouts::default();
    Some(match setting {
        Setting::TimeoutTcp => Timeouts {
            tcp: value,
            ..unchanged
        },
        Setting::TimeoutTcpFin => Timeouts {
            tcp_fin: value,
            ..unchanged
        },
        Setting::TimeoutUdp => Timeouts {
            udp: value,
            ..unchanged
        },
        Setting::Vs(_)
        | Setting::ForwardV4
        | Setting::ForwardV6
        | Setting::PromoteSecondaries(_)
        | Setting::HashSeed => return None,
    })
}
