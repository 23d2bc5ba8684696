//! From a service to its elements, and from what services need to rules.
//!
//! [`service`] knows one service and its surroundings only, so that one can be compiled anew without
//! looking at the others. [`frame()`] makes sets, chains and rules of all the parts that services
//! need. Pure; called by [`super::content`] and [`super::decode`].

mod choose;
mod frame;
mod ingress;
mod registers;
mod translate;

pub(super) use frame::{Frame, TableFrame, frame};

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use super::class::{Class, Kind, Memory, Onward, Part};
use super::content::{Context, ServiceContent, Unfit};
use super::schema::{SetId, SetKind};
use super::slots::{Input, Method, Spread};
use super::{fields, words};
use crate::netlink::nft::model::{Element, ElementCounter, TableFamily};
use crate::state::{
    ClientMask, Destination, DestinationKey, Family, Forwarding, MarkRule, Persistence, PortRange,
    Protocol, Service, ServiceKey,
};

/// What a service is in the tables.
pub(super) fn service(
    key: ServiceKey,
    service: &Service,
    context: &Context<'_>,
) -> Result<ServiceContent, Unfit> {
    let compiler = Compiler::new(key, service, context)?;
    let mut made = ServiceContent::default();
    compiler.records(&mut made);
    compiler.choices(&mut made)?;
    compiler.answers(&mut made);
    compiler.entries(&mut made)?;
    for elements in made.elements.values_mut() {
        elements.sort_by(|one, other| one.key.cmp(&other.key));
    }
    Ok(made)
}

/// The marks of one number that are for a family.
pub(super) fn rules_of(
    marks: &BTreeSet<MarkRule>,
    key: ServiceKey,
) -> impl Iterator<Item = &MarkRule> {
    let (family, mark) = match key {
        ServiceKey::Mark { family, mark } => (family, mark),
        ServiceKey::Address { .. } => (Family::V4, 0),
    };
    let first = MarkRule {
        mark,
        address: Ipv4Addr::UNSPECIFIED.into(),
        protocol: Protocol::Tcp,
        ports: PortRange { first: 0, last: 0 },
    };
    marks
        .range(first..)
        .take_while(move |rule| rule.mark == mark && mark != 0)
        .filter(move |rule| Family::of(rule.address) == family)
}

struct Compiler<'a> {
    key: ServiceKey,
    family: Family,
    kind: Kind,
    service: &'a Service,
    context: &'a Context<'a>,
    memory: Option<Memory>,
    spread: Spread,
    /// X of each destination.
    targets: BTreeMap<DestinationKey, (Onward, Vec<u8>)>,
}

impl<'a> Compiler<'a> {
    fn new(key: ServiceKey, service: &'a Service, context: &'a Context<'a>) -> Result<Self, Unfit> {
        let family = key.family();
        let attributes = &service.attributes;
        if attributes.one_packet {
            return Err(Unfit::OnePacket);
        }
        let memory = attributes.persistence.as_ref();
        let kind = kind(key, context.marks);
        let destinations = service.destinations.iter();
        let targets = destinations
            .map(|(server, destination)| Ok((*server, target(key, *server, destination, context)?)))
            .collect::<Result<BTreeMap<_, _>, Unfit>>()?;
        one_way(&targets)?;
        Ok(Self {
            key,
            family,
            kind,
            service,
            context,
            memory: memory.map(|it| remembered(it, family)).transpose()?,
            spread: Spread::of(service)?,
            targets,
        })
    }

    fn set(&self, table: TableFamily, kind: SetKind) -> SetId {
        SetId {
            table,
            kind,
            family: self.family,
        }
    }

    /// K with something behind it.
    fn with(&self, rest: &[u8]) -> Vec<u8> {
        let mut key = fields::service(self.key);
        key.extend(rest);
        key
    }

    /// The service and its destinations, for whoever reads them.
    fn records(&self, content: &mut ServiceContent) {
        let record = Element {
            key: fields::service(self.key),
            comment: Some(words::service(&self.service.attributes)),
            ..Element::default()
        };
        content.add(self.set(TableFamily::Inet, SetKind::Services), record);
        for (server, (onward, target)) in &self.targets {
            let record = Element {
                key: self.with(target),
                comment: self
                    .service
                    .destinations
                    .get(server)
                    .map(words::destination),
                counter: Some(ElementCounter::default()),
                ..Element::default()
            };
            content.add(self.set(onward.table(), SetKind::Servers), record);
        }
    }

    /// The slots, and the ways in which they are chosen.
    fn choices(&self, content: &mut ServiceContent) -> Result<(), Unfit> {
        let onwards: BTreeSet<Onward> = self.targets.values().map(|(onward, _)| *onward).collect();
        let is_chosen = self.memory.is_some() || !self.spread.slots.is_empty();
        let Some(&first) = onwards.first().filter(|_| is_chosen) else {
            return Ok(());
        };
        if onwards.len() > 1 && self.spread.method == Method::Sequence {
            return Err(Unfit::MixedPorts);
        }
        for onward in onwards {
            content.parts.insert(Part::Choice(self.class(onward)));
        }
        let slots = self.set(first.table(), SetKind::Slots);
        let offset = self.class(first).offset();
        for (number, owner) in (offset..).zip(&self.spread.slots) {
            if let Some((_, target)) = self.targets.get(owner) {
                content.add(slots, self.slot(number, target));
            }
        }
        if let Some(memory) = self.memory {
            let nothing = vec![0; fields::address_length(self.family) + 4];
            content.add(slots, self.slot(memory.marker(), &nothing));
        }
        Ok(())
    }

    fn slot(&self, number: u32, target: &[u8]) -> Element {
        Element {
            key: self.with(&number.to_ne_bytes()),
            data: fields::slot(self.key, target),
            ..Element::default()
        }
    }

    fn class(&self, onward: Onward) -> Class {
        let method = match (self.spread.method, self.memory) {
            // With it another director, who remembers nobody, chooses the same for each client.
            (Method::Hash(_), Some(_)) => Method::Hash(Input::Client),
            (method, _) => method,
        };
        Class {
            onward,
            family: self.family,
            kind: self.kind,
            memory: self.memory,
            method,
            modulus: self.spread.modulus(),
            only: (method == Method::Sequence).then_some(self.key),
        }
    }

    /// What becomes of the source of packets, in both directions.
    fn answers(&self, content: &mut ServiceContent) {
        for (server, destination) in &self.service.destinations {
            match destination.forwarding {
                Forwarding::FullNat => self.masquerade(*server, content),
                Forwarding::Masquerade => self.reverse(*server, content),
                Forwarding::Route
                | Forwarding::Local
                | Forwarding::Tunnel(_)
                | Forwarding::Bypass => {}
            }
        }
    }

    fn masquerade(&self, server: DestinationKey, content: &mut ServiceContent) {
        let set = self.set(TableFamily::Inet, SetKind::Masquerade);
        let element = Element {
            key: self.with(&fields::address(server.address)),
            ..Element::default()
        };
        let known = content.elements.get(&set);
        if !known.is_some_and(|all| all.contains(&element)) {
            content.add(set, element);
        }
        let part = Part::Masquerade(self.family, self.kind);
        content.parts.insert(part);
    }

    /// Answers of one port of a server can be told to be of this service, if of no other one.
    fn reverse(&self, server: DestinationKey, content: &mut ServiceContent) {
        let ServiceKey::Address {
            protocol: Protocol::Tcp,
            address,
            port,
        } = self.key
        else {
            return;
        };
        if port == 0 {
            return;
        }
        let from = fields::endpoint(server.address, Protocol::Tcp, server.port);
        content.claims.insert(from, fields::socket(address, port));
        content.parts.insert(Part::Reverse(self.family));
    }

    /// Which packets are looked up at all, and where.
    fn entries(&self, content: &mut ServiceContent) -> Result<(), Unfit> {
        let family = self.family;
        content.parts.insert(Part::Refusal(family, self.kind));
        let routed = self.targets.values().any(|(it, _)| *it == Onward::Routed);
        let tables = [TableFamily::Inet, TableFamily::Netdev];
        for table in tables.into_iter().take(if routed { 2 } else { 1 }) {
            for protocol in self.protocols() {
                content.parts.insert(Part::Entry(table, family, protocol));
            }
            if self.kind == Kind::OwnMark {
                content.parts.insert(Part::Marks(table, family));
            }
        }
        if routed {
            self.ingress(content)?;
        }
        Ok(())
    }

    fn protocols(&self) -> Vec<Protocol> {
        match (self.key, self.kind) {
            (ServiceKey::Address { protocol, .. }, _) => vec![protocol],
            (ServiceKey::Mark { .. }, Kind::OwnMark) => {
                self.rules().map(|it| it.protocol).collect()
            }
            (ServiceKey::Mark { .. }, _) => vec![Protocol::Tcp, Protocol::Udp, Protocol::Sctp],
        }
    }

    fn rules(&self) -> impl Iterator<Item = &'a MarkRule> {
        rules_of(self.context.marks, self.key)
    }

    fn ingress(&self, content: &mut ServiceContent) -> Result<(), Unfit> {
        let addresses: BTreeSet<IpAddr> = match self.key {
            ServiceKey::Address { address, .. } => BTreeSet::from([address]),
            ServiceKey::Mark { .. } => self.rules().map(|rule| rule.address).collect(),
        };
        if addresses.is_empty() {
            return Err(Unfit::MarkBeforeMarks);
        }
        for address in addresses {
            let entrance = self.context.terrain.entrance(address);
            let device = entrance.ok_or(Unfit::NoEntrance(address))?;
            content.parts.insert(Part::Device(device.to_owned()));
        }
        let marks = self.set(TableFamily::Netdev, SetKind::Marks);
        for rule in self.rules() {
            content.add(marks, mark_element(rule));
        }
        Ok(())
    }
}

/// The element of the map of marks that a rule is.
pub(super) fn mark_element(rule: &MarkRule) -> Element {
    let (key, last, data) = fields::mark(rule);
    Element {
        key,
        key_end: Some(last),
        data,
        ..Element::default()
    }
}

/// How packets of a service are told.
fn kind(key: ServiceKey, marks: &BTreeSet<MarkRule>) -> Kind {
    match key {
        ServiceKey::Address { port: 0, .. } => Kind::EveryPort,
        ServiceKey::Address { .. } => Kind::Port,
        ServiceKey::Mark { .. } if rules_of(marks, key).next().is_some() => Kind::OwnMark,
        ServiceKey::Mark { .. } => Kind::Mark,
    }
}

/// How packets reach a destination, and X.
fn target(
    key: ServiceKey,
    server: DestinationKey,
    destination: &Destination,
    context: &Context<'_>,
) -> Result<(Onward, Vec<u8>), Unfit> {
    if destination.upper_threshold != 0 || destination.lower_threshold != 0 {
        return Err(Unfit::Thresholds(server));
    }
    if server.family() != key.family() {
        return Err(Unfit::OtherFamily(server));
    }
    match destination.forwarding {
        Forwarding::Masquerade | Forwarding::FullNat if server.port != 0 => {
            Ok((Onward::Translated, fields::translated(server)))
        }
        Forwarding::Masquerade | Forwarding::FullNat if key.port() != 0 => {
            Err(Unfit::NoPort(server))
        }
        Forwarding::Masquerade | Forwarding::FullNat => {
            Ok((Onward::TranslatedSamePort, fields::translated(server)))
        }
        Forwarding::Route if server.port != key.port() => Err(Unfit::OtherPort(server)),
        Forwarding::Route if context.terrain.is_own(server.address) => Err(Unfit::Own(server)),
        Forwarding::Route => {
            let interface = context.terrain.way_to(server.address);
            let interface = interface.ok_or(Unfit::NoNeighbour(server))?;
            Ok((Onward::Routed, fields::routed(server.address, interface)))
        }
        Forwarding::Local | Forwarding::Tunnel(_) | Forwarding::Bypass => {
            Err(Unfit::Forwarding(server, destination.forwarding))
        }
    }
}

/// All destinations of a service are translated to, or all are neighbours.
fn one_way(targets: &BTreeMap<DestinationKey, (Onward, Vec<u8>)>) -> Result<(), Unfit> {
    let tables: BTreeSet<TableFamily> = targets.values().map(|(it, _)| it.table()).collect();
    if tables.len() > 1 {
        return Err(Unfit::Mixed);
    }
    Ok(())
}

fn remembered(persistence: &Persistence, family: Family) -> Result<Memory, Unfit> {
    /// What fits beside the prefix into a number.
    const LONGEST: u32 = (1 << 23) - 1;
    if let Some(engine) = &persistence.engine {
        return Err(Unfit::Engine(engine.clone()));
    }
    let prefix = match (persistence.mask, family) {
        (ClientMask::V4(mask), Family::V4) => {
            let bits = mask.to_bits();
            let is_prefix = bits.leading_ones() + bits.trailing_zeros() >= 32;
            is_prefix.then_some(bits.count_ones())
        }
        (ClientMask::V6(length @ 1..=128), Family::V6) => Some(u32::from(length)),
        (ClientMask::V4(_) | ClientMask::V6(_), _) => None,
    };
    let prefix = prefix.and_then(|it| u8::try_from(it).ok());
    let prefix = prefix.ok_or(Unfit::Mask(persistence.mask))?;
    if !(1..=LONGEST).contains(&persistence.timeout) {
        return Err(Unfit::Timeout(persistence.timeout));
    }
    Ok(Memory {
        prefix,
        timeout: persistence.timeout,
    })
}
