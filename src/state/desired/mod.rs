//! From the file to what this machine's kernel is to hold.
//!
//! [`desired`] is pure: the same farm, node and facts give the same state. It judges nothing: a
//! farm that did not pass `validate` gives some state, in which names that lead nowhere are left
//! out. It knows nothing of what the kernel holds now; that is [`super::plan()`]'s part. Called by
//! `reconcile` and `cli`.
//!
//! The words change here: a real server becomes a destination, and what the file leaves out has a
//! value.

mod marks;
mod options;
mod services;
mod vips;
mod words;

#[cfg(test)]
mod plane_tests;
#[cfg(test)]
mod service_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::spec::{DataplaneKind, Directors, Farm, Name, Node, Path};

use super::{AddressKey, DestinationKey, HostFacts, Overlay, ServiceKey, State};

pub use marks::{MARKS_FIRST, MARKS_LAST};

/// What one machine is to hold, and which place in the file each part of it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Desired {
    /// What the kernel is to hold.
    pub state: State,
    /// The service of the file behind each service of the kernel.
    pub services: BTreeMap<ServiceKey, Origin>,
    /// The real server of the file behind each destination.
    pub destinations: BTreeMap<(ServiceKey, DestinationKey), RealServerOrigin>,
    /// The group of floating addresses behind each address.
    pub addresses: BTreeMap<AddressKey, Origin>,
    /// What an operator should know; in the order of the file.
    pub notes: Vec<Note>,
}

/// The thing in the file that something in the kernel stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Its name in the file.
    pub name: Name,
    /// Where it is written.
    pub path: Path,
}

/// The real server that a destination stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RealServerOrigin {
    /// What messages call it.
    pub name: String,
    /// Where it is written.
    pub path: Path,
    /// Why it is there.
    pub part: Part,
}

/// Why a real server is in a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The file lists it.
    RealServer,
    /// No real server is usable.
    SorryServer,
}

/// Something that an operator should know about the way from the file to the kernel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// What kind of thing it is.
    pub kind: NoteKind,
    /// The place in the file that it is about.
    pub path: Path,
    /// What is so, in a full sentence.
    pub message: String,
}

/// Kinds of [`Note`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteKind {
    /// A real server has no address of a family, and is left out of that family's services.
    LeftOut,
    /// Two entries of the file ask for the same thing in the kernel; the first one is taken.
    Clash,
    /// It is not known on which interface an address goes up, or this machine has no such
    /// interface.
    NoInterface,
    /// The interface of an address is down: nobody reaches it.
    InterfaceDown,
    /// Addresses are not put up here, because several directors could hold them.
    NotRaised,
    /// The file asks for something of a data plane that this machine does not use.
    OtherDataplane,
}

/// What `farm` asks of the machine that is `node` in it.
///
/// Without `node` the machine is the only director of the file. A machine that is no director
/// holds nothing. Addresses go up only where the farm has a single director.
///
/// `dataplane` is what forwards the packets there. The services are the same on every one; what
/// the file leaves open (the scheduler) and the settings follow it.
///
/// `host` is what was measured on this machine. It decides only what the file leaves open, and must
/// not hold addresses that farmctl itself put up: [`HostFacts::without`] takes them out.
#[must_use]
pub fn desired(
    farm: &Farm,
    node: Option<&Name>,
    host: &HostFacts,
    dataplane: DataplaneKind,
) -> Desired {
    desired_with(farm, node, host, dataplane, &Overlay::default())
}

/// The same, bent by an overlay: health, drains, overrides.
#[must_use]
pub fn desired_with(
    farm: &Farm,
    node: Option<&Name>,
    host: &HostFacts,
    dataplane: DataplaneKind,
    overlay: &Overlay,
) -> Desired {
    let mut desired = Desired::default();
    let Some(here) = Here::find(farm, node, host, dataplane) else {
        return desired;
    };
    services::add(&mut desired, farm, dataplane, overlay);
    vips::add(&mut desired, &here);
    options::add(&mut desired, &here);
    desired
}

/// The director that this machine is.
struct Here<'a> {
    farm: &'a Farm,
    /// Its entry in the file, where it has one.
    node: Option<&'a Node>,
    host: &'a HostFacts,
    dataplane: DataplaneKind,
    company: Company,
}

/// Whether other directors could hold this farm's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    Alone,
    Others,
}

impl<'a> Here<'a> {
    /// None where the machine is no director.
    fn find(
        farm: &'a Farm,
        node: Option<&'a Name>,
        host: &'a HostFacts,
        dataplane: DataplaneKind,
    ) -> Option<Self> {
        let (name, company) = match &farm.directors {
            None => (node, Company::Alone),
            Some(directors) => member(directors, node).map(|(name, it)| (Some(name), it))?,
        };
        Some(Self {
            farm,
            node: name.and_then(|name| farm.nodes.get(name)),
            host,
            dataplane,
            company,
        })
    }
}

fn member<'a>(directors: &'a Directors, node: Option<&'a Name>) -> Option<(&'a Name, Company)> {
    match (directors.members.as_slice(), node) {
        ([only], None) => Some((only, Company::Alone)),
        ([only], Some(node)) => (only == node).then_some((only, Company::Alone)),
        (members, Some(node)) => members.contains(node).then_some((node, Company::Others)),
        (_, None) => None,
    }
}
