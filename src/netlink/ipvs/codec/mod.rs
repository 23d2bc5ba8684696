//! IPVS messages to bytes and back: everything after the netlink header.
//!
//! `write_*` append a generic netlink header and attributes, `read_*` take the same bytes apart.
//! Unknown attributes are skipped, because newer kernels have more; attributes of a wrong size and
//! missing identities are [`Error::Malformed`]; no bytes make it panic. Both directions exist for
//! every message, so that tests can check each against the other and against recorded bytes.
//! Called by [`super::Client`], by tests and by the fuzz targets.

mod daemon;
mod destination;
mod service;
mod stats;
#[cfg(test)]
mod tests;

use super::command::{Command, DestinationId, Query, Reply};
use super::entry::{Family, Info, ServiceId, Timeouts};
use super::wire::{self, command, info, top};
use crate::netlink::attribute::{Attribute, Writer, attributes};
use crate::netlink::error::{Error, Result};

/// The size of a generic netlink header, bytes (`GENL_HDRLEN`).
const GENERIC_HEADER: usize = 4;

/// Appends a command.
pub fn write_command(writer: &mut Writer, change: &Command) {
    writer.raw(&generic_header(command_number(change)));
    match change {
        Command::NewService(service) | Command::SetService(service) => {
            writer.nest(top::SERVICE, |nest| service::write(nest, service));
        }
        Command::DelService(id) => write_service_id(writer, id),
        Command::NewDestination(id, destination) | Command::SetDestination(id, destination) => {
            write_service_id(writer, id);
            writer.nest(top::DEST, |nest| destination::write(nest, destination));
        }
        Command::DelDestination(id, destination) => {
            write_service_id(writer, id);
            writer.nest(top::DEST, |nest| destination::write_id(nest, *destination));
        }
        Command::NewDaemon(daemon) => {
            writer.nest(top::DAEMON, |nest| daemon::write(nest, daemon));
        }
        Command::DelDaemon(role) => {
            writer.nest(top::DAEMON, |nest| daemon::write_role(nest, *role));
        }
        Command::SetTimeouts(timeouts) => write_timeouts(writer, *timeouts),
        Command::Zero(id) => {
            if let Some(id) = id {
                write_service_id(writer, id);
            }
        }
        Command::Flush => {}
    }
}

fn command_number(change: &Command) -> u8 {
    match change {
        Command::NewService(_) => command::NEW_SERVICE,
        Command::SetService(_) => command::SET_SERVICE,
        Command::DelService(_) => command::DEL_SERVICE,
        Command::NewDestination(..) => command::NEW_DEST,
        Command::SetDestination(..) => command::SET_DEST,
        Command::DelDestination(..) => command::DEL_DEST,
        Command::NewDaemon(_) => command::NEW_DAEMON,
        Command::DelDaemon(_) => command::DEL_DAEMON,
        Command::SetTimeouts(_) => command::SET_CONFIG,
        Command::Zero(_) => command::ZERO,
        Command::Flush => command::FLUSH,
    }
}

/// Appends a query.
pub fn write_query(writer: &mut Writer, query: &Query) {
    let number = match query {
        Query::Services | Query::Service(_) => command::GET_SERVICE,
        Query::Destinations(_) => command::GET_DEST,
        Query::Daemons => command::GET_DAEMON,
        Query::Timeouts => command::GET_CONFIG,
        Query::Info => command::GET_INFO,
    };
    writer.raw(&generic_header(number));
    if let Query::Service(id) | Query::Destinations(id) = query {
        write_service_id(writer, id);
    }
}

/// Appends a reply as the kernel would.
pub fn write_reply(writer: &mut Writer, reply: &Reply) {
    let number = match reply {
        Reply::Service(_) => command::NEW_SERVICE,
        Reply::Destination(_) => command::NEW_DEST,
        Reply::Daemon(_) => command::NEW_DAEMON,
        Reply::Timeouts(_) => command::SET_CONFIG,
        Reply::Info(_) => command::SET_INFO,
    };
    writer.raw(&generic_header(number));
    match reply {
        Reply::Service(entry) => {
            writer.nest(top::SERVICE, |nest| service::write_entry(nest, entry));
        }
        Reply::Destination(entry) => {
            writer.nest(top::DEST, |nest| destination::write_entry(nest, entry));
        }
        Reply::Daemon(daemon) => writer.nest(top::DAEMON, |nest| daemon::write(nest, daemon)),
        Reply::Timeouts(timeouts) => write_timeouts(writer, *timeouts),
        Reply::Info(found) => {
            writer.u32(info::VERSION, found.version);
            writer.u32(info::CONN_TAB_SIZE, found.connection_table_size);
        }
    }
}

/// Reads a command, as another program sent it.
pub fn read_command(payload: &[u8]) -> Result<Command> {
    let (number, body) = split(payload)?;
    let parts = Parts::read(body)?;
    Ok(match number {
        command::NEW_SERVICE => Command::NewService(service::read(parts.service()?)?),
        command::SET_SERVICE => Command::SetService(service::read(parts.service()?)?),
        command::DEL_SERVICE => Command::DelService(parts.service_id()?),
        command::NEW_DEST => {
            let id = parts.service_id()?;
            Command::NewDestination(id, destination::read(parts.destination()?, id.family())?)
        }
        command::SET_DEST => {
            let id = parts.service_id()?;
            Command::SetDestination(id, destination::read(parts.destination()?, id.family())?)
        }
        command::DEL_DEST => read_del_destination(&parts)?,
        command::NEW_DAEMON => Command::NewDaemon(daemon::read(parts.daemon()?)?),
        command::DEL_DAEMON => Command::DelDaemon(daemon::read_role(parts.daemon()?)?),
        command::SET_CONFIG => Command::SetTimeouts(parts.timeouts),
        command::ZERO => Command::Zero(parts.service.map(service::read_id).transpose()?),
        command::FLUSH => Command::Flush,
        other => return Err(unexpected(other, "a command")),
    })
}

fn read_del_destination(parts: &Parts<'_>) -> Result<Command> {
    let id = parts.service_id()?;
    let entry = destination::read(parts.destination()?, id.family())?;
    let destination = DestinationId {
        address: entry.address,
        port: entry.port,
    };
    Ok(Command::DelDestination(id, destination))
}

/// Reads a query, as another program sent it.
pub fn read_query(payload: &[u8]) -> Result<Query> {
    let (number, body) = split(payload)?;
    let parts = Parts::read(body)?;
    Ok(match number {
        command::GET_SERVICE => match parts.service {
            Some(service) => Query::Service(service::read_id(service)?),
            None => Query::Services,
        },
        command::GET_DEST => Query::Destinations(parts.service_id()?),
        command::GET_DAEMON => Query::Daemons,
        command::GET_CONFIG => Query::Timeouts,
        command::GET_INFO => Query::Info,
        other => return Err(unexpected(other, "a query")),
    })
}

/// Reads a reply of the kernel. `family` is that of the service whose destinations were asked
/// for: kernels before 3.18 do not repeat it.
pub fn read_reply(payload: &[u8], family: Family) -> Result<Reply> {
    let (number, body) = split(payload)?;
    if number == command::SET_INFO {
        return read_info(body).map(Reply::Info);
    }
    let parts = Parts::read(body)?;
    Ok(match number {
        command::NEW_SERVICE => Reply::Service(service::read_entry(parts.service()?)?),
        command::NEW_DEST => {
            Reply::Destination(destination::read_entry(parts.destination()?, family)?)
        }
        command::NEW_DAEMON => Reply::Daemon(daemon::read(parts.daemon()?)?),
        command::SET_CONFIG => Reply::Timeouts(parts.timeouts),
        other => return Err(unexpected(other, "a reply")),
    })
}

fn read_info(body: &[u8]) -> Result<Info> {
    let mut found = Info::default();
    for attribute in attributes(body) {
        let attribute = attribute?;
        match attribute.kind {
            info::VERSION => found.version = attribute.u32()?,
            info::CONN_TAB_SIZE => found.connection_table_size = attribute.u32()?,
            _ => {}
        }
    }
    Ok(found)
}

fn generic_header(number: u8) -> [u8; GENERIC_HEADER] {
    [number, wire::VERSION, 0, 0]
}

fn split(payload: &[u8]) -> Result<(u8, &[u8])> {
    match payload.split_first_chunk::<GENERIC_HEADER>() {
        Some((header, body)) => Ok((header[0], body)),
        None => Err(Error::malformed("a generic netlink header is cut short")),
    }
}

fn unexpected(number: u8, wanted: &str) -> Error {
    Error::malformed(format!("IPVS command {number} is not {wanted}"))
}

fn missing(what: &str) -> Error {
    Error::malformed(format!("an IPVS message has no {what}"))
}

fn write_service_id(writer: &mut Writer, id: &ServiceId) {
    writer.nest(top::SERVICE, |nest| service::write_id(nest, id));
}

fn write_timeouts(writer: &mut Writer, timeouts: Timeouts) {
    writer.u32(top::TIMEOUT_TCP, timeouts.tcp);
    writer.u32(top::TIMEOUT_TCP_FIN, timeouts.tcp_fin);
    writer.u32(top::TIMEOUT_UDP, timeouts.udp);
}

/// The top-level attributes of a message.
#[derive(Default)]
struct Parts<'a> {
    service: Option<Attribute<'a>>,
    destination: Option<Attribute<'a>>,
    daemon: Option<Attribute<'a>>,
    timeouts: Timeouts,
}

impl<'a> Parts<'a> {
    fn read(body: &'a [u8]) -> Result<Self> {
        let mut parts = Self::default();
        for attribute in attributes(body) {
            let attribute = attribute?;
            match attribute.kind {
                top::SERVICE => parts.service = Some(attribute),
                top::DEST => parts.destination = Some(attribute),
                top::DAEMON => parts.daemon = Some(attribute),
                top::TIMEOUT_TCP => parts.timeouts.tcp = attribute.u32()?,
                top::TIMEOUT_TCP_FIN => parts.timeouts.tcp_fin = attribute.u32()?,
                top::TIMEOUT_UDP => parts.timeouts.udp = attribute.u32()?,
                _ => {}
            }
        }
        Ok(parts)
    }

    fn service(&self) -> Result<Attribute<'a>> {
        self.service.ok_or_else(|| missing("service"))
    }

    fn service_id(&self) -> Result<ServiceId> {
        service::read_id(self.service()?)
    }

    fn destination(&self) -> Result<Attribute<'a>> {
        self.destination.ok_or_else(|| missing("destination"))
    }

    fn daemon(&self) -> Result<Attribute<'a>> {
        self.daemon.ok_or_else(|| missing("daemon"))
    }
}

/// An address in the 16 bytes that IPVS has for either family (`union nf_inet_addr`).
fn write_address(writer: &mut Writer, kind: u16, address: std::net::IpAddr) {
    match address {
        std::net::IpAddr::V4(v4) => {
            let mut union = [0; 16];
            union[..4].copy_from_slice(&v4.octets());
            writer.bytes(kind, &union);
        }
        std::net::IpAddr::V6(v6) => writer.bytes(kind, &v6.octets()),
    }
}

fn read_address(attribute: Attribute<'_>, family: Family) -> Result<std::net::IpAddr> {
    let short = || Error::malformed("an address is cut short");
    match family {
        Family::Inet => {
            let octets: &[u8; 4] = attribute.value.first_chunk().ok_or_else(short)?;
            Ok((*octets).into())
        }
        Family::Inet6 => {
            let octets: &[u8; 16] = attribute.value.first_chunk().ok_or_else(short)?;
            Ok((*octets).into())
        }
    }
}

fn read_family(attribute: Attribute<'_>) -> Result<Family> {
    let number = attribute.u16()?;
    Family::from_number(number)
        .ok_or_else(|| Error::malformed(format!("address family {number} is not IPv4 or IPv6")))
}
