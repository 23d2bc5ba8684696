//! A reading without privilege: what `/proc` and rtnetlink tell to everybody.
//!
//! It never writes, and names what it cannot see ([`BlindSpot::OF_PROC`]). Called by `cli` where
//! netlink answers that the right is missing.

mod parse;

use std::fs;
use std::io::{self, Read};

use super::host::Host;
use super::{BlindSpot, Dataplane, Error, Observation, explain, open, sysctl};
use crate::netlink::route;
use crate::spec::DataplaneKind;
use crate::state::State;

/// The table of this thread's namespace; `/proc/net` would be that of the process's first thread.
const TABLE: &str = "/proc/thread-self/net/ip_vs";

/// More than the kernel gives in one piece.
const PIECE: usize = 256 * 1024;

/// Reads with all the rights that the process has: everything by netlink, else what `/proc` shows,
/// with the blind spots named. Of nftables `/proc` shows nothing: there the error says so.
pub fn observe_best(dataplane: DataplaneKind) -> Result<Observation, Error> {
    let read = open(dataplane).and_then(|mut plane| plane.observe());
    match (read, dataplane) {
        (Err(Error::Permission { .. }), DataplaneKind::Ipvs) => observe(),
        (Err(Error::Permission { what, help }), DataplaneKind::Nftables) => {
            Err(Error::Permission {
                what,
                help: format!("nftables shows its tables only to who may change them: {help}"),
            })
        }
        (other, _) => other,
    }
}

/// Reads what everybody may see.
pub fn observe() -> Result<Observation, Error> {
    let table = parse::table(&read()?);
    let host = route::Client::open()
        .map_err(|error| explain::unreadable("the network interfaces", &error))
        .and_then(|mut client| Host::read(&mut client))?;
    Ok(Observation {
        state: State {
            services: table.services,
            addresses: host.addresses,
            settings: sysctl::read_all(&host.facts),
            ..State::default()
        },
        host: host.facts,
        destinations: table.destinations,
        blind_spots: BlindSpot::OF_PROC.into(),
        ..Observation::default()
    })
}

fn read() -> Result<String, Error> {
    match fs::File::open(TABLE).and_then(read_in_large_pieces) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NoIpvs {
            reason: format!("{TABLE} does not exist. Run `modprobe ip_vs` as root"),
        }),
        Err(error) => Err(Error::Io {
            what: format!("read {TABLE}"),
            reason: error.to_string(),
        }),
    }
}

/// At the end of each piece the kernel forgets its place and counts again from the start, but
/// leaves out the services of other namespaces that it had counted before: services are skipped.
/// So the pieces are as large as it gives them.
fn read_in_large_pieces(mut file: fs::File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
