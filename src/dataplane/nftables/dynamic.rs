//! The maps that packets fill: clients that are remembered, and flows of direct routing.
//!
//! Pure; called by [`super::Nftables`] for its counters, and when a destination goes.

use std::collections::HashSet;

use super::counters::{Directory, Place, Stage};
use super::fields::{Reader, address_length};
use super::schema::{SetId, SetKind};
use crate::netlink::nft::model::{Element, TableFamily};
use crate::state::{DestinationKey, Family, Protocol, ServiceKey};

/// Flows of which an end was seen, by their keys.
pub(super) type Closing = HashSet<Vec<u8>>;

/// Where a remembered client is sent.
pub(super) fn remembered(id: SetId, element: &Element, directory: &Directory<'_>) -> Option<Place> {
    let mut key = Reader(&element.key);
    key.address(id.family)?;
    let service = key.service(id.family)?;
    let server = target(id, service.port(), &element.data)?;
    directory.destination(service, server.address, server.port)
}

/// The destination of a service whose connections are reset.
pub(super) fn killed(family: Family, element: &Element) -> Option<Place> {
    let mut key = Reader(&element.key);
    let service = key.service(family)?;
    let server = DestinationKey {
        address: key.address(family)?,
        port: key.port()?,
    };
    Some((service, server))
}

/// A flow of direct routing.
#[derive(Debug)]
pub(super) struct Flow {
    /// Its element in the map.
    pub(super) element: Element,
    pub(super) protocol: Protocol,
    pub(super) stage: Stage,
    /// Where it is sent.
    pub(super) place: Place,
}

impl Flow {
    /// The flow that an element is; none where it leads to none of the directory's destinations.
    pub(super) fn read(
        family: Family,
        element: Element,
        closing: &Closing,
        directory: &Directory<'_>,
    ) -> Option<Self> {
        let mut key = Reader(&element.key);
        key.port()?;
        key.address(family)?;
        let ServiceKey::Address {
            protocol,
            address,
            port,
        } = key.service(family)?
        else {
            return None;
        };
        let id = SetId {
            table: TableFamily::Netdev,
            kind: SetKind::Flows,
            family,
        };
        let server = target(id, port, &element.data)?;
        let service = directory.service(protocol, address, port)?;
        Some(Self {
            place: directory.destination(service, server.address, server.port)?,
            stage: stage(protocol, &element, closing),
            protocol,
            element,
        })
    }
}

/// X, at the end of the data. Direct routing keeps the port.
fn target(id: SetId, port: u16, data: &[u8]) -> Option<DestinationKey> {
    let filler = data.len().checked_sub(address_length(id.family) + 4)?;
    let mut data = Reader(data.get(filler..)?);
    let address = data.address(id.family)?;
    let port = match id.table {
        TableFamily::Inet => data.port()?,
        TableFamily::Netdev => data.number().map(|_interface| port)?,
    };
    Some(DestinationKey { address, port })
}

/// How a flow of direct routing counts: only one direction of it is seen here.
fn stage(protocol: Protocol, element: &Element, closing: &Closing) -> Stage {
    match protocol {
        _ if closing.contains(&element.key) => Stage::Over,
        Protocol::Udp => Stage::Inactive,
        Protocol::Tcp | Protocol::Sctp => Stage::Active,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::IpAddr;

    use super::super::fields;
    use super::*;

    fn key(port: u16) -> ServiceKey {
        ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: [192, 0, 2, 10].into(),
            port,
        }
    }

    const SERVER: [u8; 4] = [10, 0, 0, 21];
    const CLIENT: [u8; 4] = [198, 51, 100, 7];

    fn server(port: u16) -> DestinationKey {
        DestinationKey {
            address: SERVER.into(),
            port,
        }
    }

    fn element(key: Vec<u8>, data: Vec<u8>) -> Element {
        Element {
            key,
            key_end: None,
            data,
            comment: None,
            counter: None,
        }
    }

    fn id(table: TableFamily, kind: SetKind) -> SetId {
        SetId {
            table,
            kind,
            family: Family::V4,
        }
    }

    #[test]
    fn a_remembered_client_counts_for_its_server_on_either_table() {
        let marks = BTreeSet::new();
        let places = [(key(80), server(8080)), (key(81), server(81))];
        let directory = Directory::new(places, &marks);
        let bytes = |port| [CLIENT.to_vec(), fields::service(key(port))].concat();
        let nat = element(bytes(80), fields::translated(server(8080)));
        let persist = |table| id(table, SetKind::Persist);
        let place = remembered(persist(TableFamily::Inet), &nat, &directory);
        assert_eq!(place, Some(places[0]));
        let filled = element(nat.key, [vec![0, 80, 0, 0], nat.data].concat());
        let place = remembered(persist(TableFamily::Inet), &filled, &directory);
        assert_eq!(place, Some(places[0]));
        let routed = element(bytes(81), fields::routed(IpAddr::from(SERVER), 4));
        let place = remembered(persist(TableFamily::Netdev), &routed, &directory);
        assert_eq!(place, Some(places[1]));
    }

    #[test]
    fn a_destination_that_is_reset_is_known_by_its_element() {
        let bytes = [fields::service(key(80)), fields::translated(server(8080))].concat();
        let found = killed(Family::V4, &element(bytes, Vec::new()));
        assert_eq!(found, Some((key(80), server(8080))));
        assert_eq!(killed(Family::V6, &element(vec![1; 20], Vec::new())), None);
    }

    #[test]
    fn a_flow_counts_for_its_server_until_an_end_was_seen() {
        let marks = BTreeSet::new();
        let directory = Directory::new([(key(80), server(80))], &marks);
        let port = vec![0x9c, 0x40, 0, 0];
        let bytes = [port, CLIENT.to_vec(), fields::service(key(80))].concat();
        let element = element(bytes.clone(), fields::routed(IpAddr::from(SERVER), 4));
        let read = |closing| Flow::read(Family::V4, element.clone(), &closing, &directory);
        let flow = read(Closing::new()).unwrap();
        assert_eq!(flow.place, (key(80), server(80)));
        assert_eq!((flow.protocol, flow.stage), (Protocol::Tcp, Stage::Active));
        let flow = read(Closing::from([bytes])).unwrap();
        assert_eq!(flow.stage, Stage::Over);
    }

    #[test]
    fn bytes_that_are_none_of_ours_count_for_nobody() {
        let marks = BTreeSet::new();
        let directory = Directory::new([(key(80), server(80))], &marks);
        for length in 0..24 {
            let strange = element(vec![0xff; length], vec![0xff; 8]);
            let persist = id(TableFamily::Inet, SetKind::Persist);
            assert_eq!(remembered(persist, &strange, &directory), None);
            let flow = Flow::read(Family::V4, strange, &Closing::new(), &directory);
            assert!(flow.is_none());
        }
    }
}
