//! The first half: from tables as they were found to what their comments say.

use super::super::compile::{self, TableFrame};
use super::super::delta::is_same;
use super::super::schema::{SetId, SetKind};
use super::super::{fields, words};
use super::{Decoder, named};
use crate::netlink::nft::Found;
use crate::netlink::nft::model::{Element, TableFamily};
use crate::state::{Destination, DestinationKey, Forwarding, Service, ServiceKey};

impl Decoder {
    /// Takes a table apart, if it is farmctl's.
    pub(super) fn table(&mut self, family: TableFamily, found: &Found) {
        let comment = found.table.comment.as_deref();
        let seed = comment.and_then(words::read_table);
        let known = self.decoded.content.seed;
        let name = named(family);
        let fits = match family {
            TableFamily::Inet => seed.is_some(),
            TableFamily::Netdev => seed.is_some() && seed == known,
        };
        if !fits || has_other_sets(family, found) {
            self.decoded.content.alien.insert(family);
            let reason = "is not of this farmctl's layout; it is made anew by the next apply";
            self.flaw(None, format!("The table {name} {reason}."));
            return;
        }
        self.decoded.content.seed = seed;
        for stray in &found.strays {
            self.strange.insert(family);
            self.flaw(None, stray.clone());
        }
        self.frame.insert(family, frame_of(found));
        for (name, elements) in &found.elements {
            if let Some(id) = SetId::named(family, name) {
                self.take(id, elements);
            }
        }
    }

    fn take(&mut self, id: SetId, elements: &[Element]) {
        if id.kind.is_dynamic() {
            return;
        }
        let mut elements = elements.to_vec();
        elements.sort_by(|one, other| one.key.cmp(&other.key));
        self.elements.insert(id, elements);
    }

    /// Services and destinations, by their comments.
    pub(super) fn records(&mut self) {
        for (id, element) in self.all_of(SetKind::Services) {
            self.service(id, &element);
        }
        for (id, element) in self.all_of(SetKind::Servers) {
            self.server(id, &element);
        }
    }

    pub(super) fn all_of(&self, kind: SetKind) -> Vec<(SetId, Element)> {
        let sets = self.elements.iter().filter(|(id, _)| id.kind == kind);
        sets.flat_map(|(id, all)| all.iter().map(|element| (*id, element.clone())))
            .collect()
    }

    fn service(&mut self, id: SetId, element: &Element) {
        let mut reader = fields::Reader(&element.key);
        let key = reader.service(id.family).filter(|_| reader.is_empty());
        let comment = element.comment.as_deref();
        let attributes = comment.and_then(words::read_service);
        match (key, attributes) {
            (Some(key), Some(attributes)) => {
                let service = Service::without_destinations(attributes);
                self.decoded.state.services.insert(key, service);
            }
            (Some(key), None) => {
                self.flaw(
                    Some(key),
                    format!("Service {key} does not say how it is spread."),
                );
            }
            (None, _) => self.unreadable(id),
        }
    }

    pub(super) fn unreadable(&mut self, id: SetId) {
        let (name, table) = (id.name(), named(id.table));
        let message = format!("An element of `{name}` in the table {table} is not farmctl's.");
        self.flaw(None, message);
    }

    fn server(&mut self, id: SetId, element: &Element) {
        let mut reader = fields::Reader(&element.key);
        let Some(key) = reader.service(id.family) else {
            return self.unreadable(id);
        };
        let target = reader.0.to_vec();
        let comment = element.comment.as_deref();
        let destination = comment.and_then(words::read_destination);
        let server = server_at(id, key, &mut reader).filter(|_| reader.is_empty());
        let (Some(server), Some(destination)) = (server, destination) else {
            let message = format!("A real server of {key} can't be read.");
            return self.flaw(Some(key), message);
        };
        if !belongs(id.table, &destination) {
            let message = format!("Real server {server} of {key} is in the wrong table.");
            return self.flaw(Some(key), message);
        }
        // A service that has no record of its own is told of where its elements are compared.
        if let Some(service) = self.decoded.state.services.get_mut(&key) {
            service.destinations.insert(server, destination);
            self.targets.entry(key).or_default().insert(target, server);
            let counter = element.counter.unwrap_or_default();
            self.decoded.counters.insert((key, server), counter);
        }
    }

    pub(super) fn marks(&mut self) {
        for (id, element) in self.all_of(SetKind::Marks) {
            let last = element.key_end.as_deref().unwrap_or(&element.key);
            let rule = fields::read_mark(id.family, &element.key, last, &element.data);
            let rule = rule.filter(|rule| is_same(&compile::mark_element(rule), &element));
            match (rule, id.table) {
                (Some(rule), TableFamily::Inet) => {
                    self.decoded.content.marks.insert(rule);
                }
                // What is there of it is compared with the services by these marks.
                (_, TableFamily::Netdev) => {}
                (None, TableFamily::Inet) => {
                    self.unreadable(id);
                    let key = (&element).into();
                    self.decoded.content.rubbish.insert((id, key));
                }
            }
        }
        self.decoded.state.marks = self.decoded.content.marks.clone();
    }
}

/// Whether a set of farmctl's name has another form: no rule of farmctl's could use it.
fn has_other_sets(family: TableFamily, found: &Found) -> bool {
    found.table.sets.iter().any(|set| {
        let id = SetId::named(family, &set.name);
        id.is_some_and(|id| id.definition() != *set)
    })
}

fn frame_of(found: &Found) -> TableFrame {
    let mut frame = TableFrame::default();
    for set in &found.table.sets {
        frame.sets.insert(set.name.clone(), set.clone());
    }
    for chain in &found.table.chains {
        frame.chains.insert(chain.name.clone(), chain.clone());
    }
    for rule in &found.table.rules {
        let rules = frame.rules.entry(rule.chain.clone()).or_default();
        rules.push(rule.clone());
    }
    frame
}

/// The destination behind K.
fn server_at(
    id: SetId,
    key: ServiceKey,
    reader: &mut fields::Reader<'_>,
) -> Option<DestinationKey> {
    let address = reader.address(id.family)?;
    let port = match id.table {
        TableFamily::Inet => reader.port()?,
        TableFamily::Netdev => {
            reader.number()?;
            key.port()
        }
    };
    Some(DestinationKey { address, port })
}

fn belongs(table: TableFamily, destination: &Destination) -> bool {
    let routed = destination.forwarding == Forwarding::Route;
    routed == (table == TableFamily::Netdev)
}
