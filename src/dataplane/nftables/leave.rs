//! What follows when a destination goes: UDP flows find another one, and where it is asked for
//! connections are reset.
//!
//! TCP connections of a destination that goes are otherwise left alone: the kernel's connection
//! tracking leads them on until they end. Called by [`super::Nftables`].

use std::collections::BTreeSet;

use super::content::{self, Edit, Tables};
use super::counters::{Directory, Place};
use super::delta::delta;
use super::dynamic;
use super::explain;
use super::schema::{SetId, SetKind};
use super::{Known, Nftables};
use crate::dataplane::Error;
use crate::dataplane::explain::unreadable;
use crate::netlink::conntrack::{Entry, Filter};
use crate::netlink::ipvs::Protocol as KernelProtocol;
use crate::netlink::nft::model::TableFamily;
use crate::netlink::nft::{ElementKey, Operation};
use crate::state::{Change, DestinationKey, Family, Forwarding, Protocol, ServiceKey};

/// How often it is tried to forget flows while others end.
const ATTEMPTS: usize = 5;

impl Nftables {
    /// Resets the TCP connections that lead to a destination of a service, in the direction of the
    /// client only: the client is told as soon as it sends something, and the server by the
    /// client's own reset. UDP flows are forgotten, so that the next datagram is spread anew.
    ///
    /// It is meant for a destination that takes no new connections any more: those would be reset,
    /// too, for a minute.
    pub fn kill(
        &mut self,
        service: &ServiceKey,
        destination: &DestinationKey,
    ) -> Result<(), Error> {
        self.end(&[(*service, *destination)])
    }

    pub(super) fn end(&mut self, gone: &[Place]) -> Result<(), Error> {
        if self.known.is_none() {
            self.look()?;
        }
        self.look_for_killed()?;
        let Some(known) = &mut self.known else {
            return Ok(());
        };
        let killed = known.killed.iter().chain(gone).copied().collect();
        let edit = Edit {
            tables: known
                .content
                .seed()
                .map_or(Tables::Seeded(0), |_| Tables::Keep),
            killed: Some(killed),
            ..Edit::default()
        };
        let operations = delta(&known.content, &edit);
        if !operations.is_empty() {
            let refused = self.tables.commit(&operations);
            let refused = refused.map_err(|error| explain::uncommitted(&error))?;
            if let Some(refused) = refused.first() {
                return Err(explain::not_killed(refused));
            }
        }
        known.content.settle(edit);
        self.forget(gone)?;
        self.forget_routed(gone, |_| true)
    }

    /// Whose connections are reset now. The kernel forgets that by itself, after a minute.
    pub(super) fn look_for_killed(&mut self) -> Result<(), Error> {
        let families: Vec<Family> = match &self.known {
            Some(known) => known.content.killing.iter().copied().collect(),
            None => return Ok(()),
        };
        let mut killed = BTreeSet::new();
        for family in families {
            let elements = self.elements(SetId {
                table: TableFamily::Inet,
                kind: SetKind::Killed,
                family,
            })?;
            let places = elements.iter();
            killed.extend(places.filter_map(|element| dynamic::killed(family, element)));
        }
        if let Some(known) = &mut self.known {
            known.killed = killed;
        }
        Ok(())
    }

    /// What the changes remove is forgotten where a flow knows no end of its own.
    pub(super) fn forget_removed(&mut self, changes: &[Change]) -> Result<(), Error> {
        let gone: Vec<Place> = changes.iter().flat_map(removed).collect();
        self.forget(&gone)?;
        self.forget_routed(&gone, |protocol| protocol == Protocol::Udp)
    }

    fn forget(&mut self, gone: &[Place]) -> Result<(), Error> {
        let gone = gone.iter().copied().filter(carries_datagrams);
        let gone: Vec<Place> = gone.collect();
        if gone.is_empty() {
            return Ok(());
        }
        for flow in self.flows_to(&gone)? {
            let deleted = self.connections.delete(&flow);
            deleted.map_err(|error| unreadable("a tracked flow to forget it", &error))?;
            self.forgotten += 1;
        }
        Ok(())
    }

    fn flows_to(&mut self, places: &[Place]) -> Result<Vec<Entry>, Error> {
        let Some(known) = &self.known else {
            return Ok(Vec::new());
        };
        let directory = Directory::new(places.iter().copied(), &known.state.marks);
        let mut flows = Vec::new();
        let datagrams = Filter {
            protocol: Some(KernelProtocol::Udp),
            ..Filter::default()
        };
        self.connections
            .connections(&datagrams, |entry| {
                if directory.place_of(&entry).is_some() {
                    flows.push(entry);
                }
            })
            .map_err(|error| unreadable("the tracked connections", &error))?;
        Ok(flows)
    }

    /// Forgets where flows of direct routing go. A packet of a TCP connection then meets a server
    /// that does not know it, and answers with a reset.
    fn forget_routed(
        &mut self,
        gone: &[Place],
        concerns: impl Fn(Protocol) -> bool,
    ) -> Result<(), Error> {
        let Some(known) = &self.known else {
            return Ok(());
        };
        let gone: Vec<Place> = gone
            .iter()
            .copied()
            .filter(|it| known.may_route(it))
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        let marks = known.state.marks.clone();
        let directory = Directory::new(gone, &marks);
        for family in [Family::V4, Family::V6] {
            self.forget_flows(family, &directory, &concerns)?;
        }
        Ok(())
    }

    /// A flow that ends meanwhile makes the kernel refuse to forget the others: then it is tried
    /// with those that are left.
    fn forget_flows(
        &mut self,
        family: Family,
        directory: &Directory<'_>,
        concerns: impl Fn(Protocol) -> bool,
    ) -> Result<(), Error> {
        let set = SetId {
            table: TableFamily::Netdev,
            kind: SetKind::Flows,
            family,
        };
        for attempt in 1..=ATTEMPTS {
            let flows = self.flows(family, directory)?.into_iter();
            let flows = flows.filter(|flow| concerns(flow.protocol));
            let keys: Vec<_> = flows.map(|flow| ElementKey::from(&flow.element)).collect();
            if keys.is_empty() {
                return Ok(());
            }
            let deletion = Operation::DeleteElements {
                table: content::netdev(),
                set: set.name(),
                keys,
            };
            let refused = self.tables.commit(&[deletion]);
            let refused = refused.map_err(|error| explain::uncommitted(&error))?;
            match refused.first() {
                None => return Ok(()),
                Some(refused) if attempt == ATTEMPTS => return Err(explain::not_killed(refused)),
                Some(_) => {}
            }
        }
        Ok(())
    }
}

impl Known {
    /// Whether packets may reach the destination by direct routing: they do, or it is not known.
    fn may_route(&self, (service, key): &Place) -> bool {
        let service = self.state.services.get(service);
        let destination = service.and_then(|service| service.destinations.get(key));
        destination.is_none_or(|destination| destination.forwarding == Forwarding::Route)
    }
}

/// The destinations that a change removes.
fn removed(change: &Change) -> Vec<Place> {
    match change {
        Change::DeleteDestination { service, key, .. } => vec![(*service, *key)],
        Change::DeleteService { service, was } => {
            let keys = was.destinations.keys();
            keys.map(|key| (*service, *key)).collect()
        }
        Change::SetSetting { .. }
        | Change::AddService { .. }
        | Change::SetService { .. }
        | Change::AddDestination { .. }
        | Change::SetDestination { .. }
        | Change::AddAddress { .. }
        | Change::SetAddress { .. }
        | Change::DeleteAddress { .. }
        | Change::SetMarks { .. }
        | Change::StartSync { .. }
        | Change::StopSync { .. } => Vec::new(),
    }
}

/// Whether packets of the service may be datagrams. What carries a mark may be anything.
fn carries_datagrams((service, _): &Place) -> bool {
    match service {
        ServiceKey::Address { protocol, .. } => *protocol == Protocol::Udp,
        ServiceKey::Mark { .. } => true,
    }
}
