//! What nftables and the interfaces of a node hold, without numbers that move by themselves.

use std::collections::BTreeMap;

use farmctl::dataplane::nftables::content;
use farmctl::dataplane::{Dataplane, Nftables};
use farmctl::netlink::nft::model::{Element, TableFamily, TableKey};
use farmctl::netlink::nft::{Client, Found};
use farmctl::state::{Destination, DestinationKey, ServiceAttributes, ServiceKey};

use crate::bed::Node;

/// A service and its destinations.
pub(super) type Entry = (ServiceAttributes, BTreeMap<DestinationKey, Destination>);

/// The tables, and the addresses that farmctl may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kernel {
    /// Every service.
    pub(super) services: BTreeMap<ServiceKey, Entry>,
    /// The addresses of every interface.
    pub(super) addresses: BTreeMap<String, Vec<String>>,
    /// Everything in the tables, ours and the other's, a line each.
    tables: [Vec<String>; 3],
}

/// The table of somebody else.
pub(super) fn others() -> TableKey {
    TableKey {
        family: TableFamily::Inet,
        name: "firewall".to_owned(),
    }
}

impl Kernel {
    /// Reads everything.
    pub(super) fn of(node: &Node) -> Self {
        let seen = node.run(|| Nftables::open().unwrap().observe().unwrap());
        let services = seen.state.services.into_iter();
        Self {
            services: services
                .map(|(key, service)| (key, (service.attributes, service.destinations)))
                .collect(),
            addresses: node.all_addresses(),
            tables: node.run(|| {
                let mut client = Client::open().unwrap();
                [content::inet(), content::netdev(), others()]
                    .map(|table| lines(read(&mut client, &table).as_ref()))
            }),
        }
    }

    /// Whether every service and address of `other` is here, too, and the other's table unchanged.
    pub(super) fn has_unchanged(&self, other: &Self) -> bool {
        let mut services = other.services.iter();
        let mut addresses = other.addresses.iter();
        services.all(|(id, entry)| self.services.get(id) == Some(entry))
            && self.tables[2] == other.tables[2]
            && addresses.all(|(interface, held)| {
                let here = self.addresses.get(interface);
                here.is_some_and(|here| held.iter().all(|address| here.contains(address)))
            })
    }
}

fn lines(found: Option<&Found>) -> Vec<String> {
    let Some(found) = found else {
        return Vec::new();
    };
    let table = &found.table;
    let mut lines = vec![format!("{:?}", table.comment)];
    lines.extend(table.sets.iter().map(|set| format!("{set:?}")));
    lines.extend(table.chains.iter().map(|chain| format!("{chain:?}")));
    for (set, elements) in &found.elements {
        let bare = elements.iter().map(|element| Element {
            counter: None,
            ..element.clone()
        });
        lines.extend(bare.map(|element| format!("{set} {element:?}")));
    }
    lines.sort();
    lines.extend(table.rules.iter().map(|rule| format!("{rule:?}")));
    lines
}

/// What is in a table. Read again where a daemon changed something meanwhile.
fn read(client: &mut Client, table: &TableKey) -> Option<Found> {
    loop {
        match client.read(table) {
            Err(farmctl::netlink::Error::Interrupted) => {}
            read => return read.unwrap(),
        }
    }
}
