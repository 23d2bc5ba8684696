//! The prefix lengths of floating addresses: those of the directors' own addresses beside them.
//!
//! Called by `validate`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::context::{Context, WrittenVip, at, listed, node_addresses};
use super::vips::{flaw, share_network};
use crate::spec::{AddressWithPrefix, MAIN_NETWORK, Name, Node, Path, Problem, VipSite};

/// A director's own address that a VIP is compared with.
struct Neighbour<'a> {
    node: &'a Name,
    address: AddressWithPrefix,
    path: Path,
}

/// The prefix lengths of VIPs are those of the directors' own addresses.
pub(super) fn vip_prefixes_agree(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let neighbours = neighbours(context);
    for written in context.vip_addresses() {
        let beside = neighbours.get(&written.vip.site(written.address));
        let judged = beside.filter(|_| flaw(written.address.address).is_none());
        problems.extend(judged.and_then(|beside| compare(&written, beside)));
    }
}

/// The directors' own addresses, by where they are.
///
/// An interface's name says nothing about other machines, so it counts only where the file says
/// which machines are directors.
fn neighbours<'a>(context: &Context<'a>) -> BTreeMap<VipSite, Vec<Neighbour<'a>>> {
    let mut neighbours: BTreeMap<VipSite, Vec<Neighbour<'a>>> = BTreeMap::new();
    for (name, node) in context.directors() {
        for (network, address, path) in node_addresses(name, node) {
            let interface = context
                .farm
                .directors
                .as_ref()
                .and(interface(node, network));
            let network = network.map_or(MAIN_NETWORK, Name::as_str);
            let network = VipSite::Network(Name::new_unchecked(network));
            for site in interface.into_iter().chain([network]) {
                let neighbour = Neighbour {
                    node: name,
                    address,
                    path: path.clone(),
                };
                neighbours.entry(site).or_default().push(neighbour);
            }
        }
    }
    neighbours
}

fn interface(node: &Node, network: Option<&Name>) -> Option<VipSite> {
    let interface = match network {
        None => node.interface.as_ref(),
        Some(network) => node.networks.get(network).map(|site| &site.interface),
    };
    interface.cloned().map(VipSite::Interface)
}

fn compare(written: &WrittenVip<'_>, neighbours: &[Neighbour<'_>]) -> Option<Problem> {
    let vip = written.address.address;
    let mut family = neighbours
        .iter()
        .filter(|neighbour| neighbour.address.address.is_ipv4() == vip.address.is_ipv4())
        .peekable();
    if family.peek().is_none() {
        return Some(family_missing(written, neighbours));
    }
    if is_host(vip) {
        return None;
    }
    let mut nearest = None;
    let mut differing = None;
    for neighbour in family.filter(|neighbour| neighbour.address.prefix.is_some()) {
        match relation(vip, neighbour.address) {
            Relation::Same => return None,
            Relation::Differs => differing = differing.or(Some(neighbour)),
            Relation::Apart => nearest = nearest.or(Some(neighbour)),
        }
    }
    let differs = differing.map(|neighbour| disagrees(written, neighbour));
    differs.or_else(|| nearest.map(|neighbour| is_outside(written, neighbour)))
}

/// How a VIP and a director's own address lie to each other.
enum Relation {
    /// In one network.
    Same,
    /// In one network by one prefix length, but the lengths differ.
    Differs,
    /// In different networks.
    Apart,
}

fn relation(vip: AddressWithPrefix, own: AddressWithPrefix) -> Relation {
    let own_prefix = own.prefix.unwrap_or_default();
    let vip_prefix = vip.prefix.unwrap_or(own_prefix);
    if !share_network(vip.address, own.address, vip_prefix.min(own_prefix)) || is_host(own) {
        Relation::Apart
    } else if vip_prefix == own_prefix {
        Relation::Same
    } else {
        Relation::Differs
    }
}

/// A single address says nothing about its neighbours.
fn is_host(address: AddressWithPrefix) -> bool {
    address.prefix == Some(if address.address.is_ipv4() { 32 } else { 128 })
}

fn disagrees(written: &WrittenVip<'_>, neighbour: &Neighbour<'_>) -> Problem {
    let vip = written.address.address;
    let (node, own) = (neighbour.node, neighbour.address);
    let right = AddressWithPrefix {
        prefix: own.prefix,
        ..vip
    };
    Problem::error(
        "prefix-disagrees",
        at(written.path.clone()),
        format!("{vip} has another prefix length than `{node}` ({own}) beside it"),
    )
    .labelled("which one is right?")
    .helped(format!("write `{right}`, or correct the node's address"))
    .related(
        at(neighbour.path.clone()),
        format!("the address of `{node}`"),
    )
}

fn is_outside(written: &WrittenVip<'_>, neighbour: &Neighbour<'_>) -> Problem {
    let vip = written.address.address;
    let node = neighbour.node;
    Problem::warning(
        "vip-outside-network",
        at(written.path.clone()),
        format!("{vip} is in no network of the interface that it is put up on"),
    )
    .labelled("no director has an address near it")
    .helped(
        "check the address and its network; where a router sends it here on purpose, write it \
         with /32 or /128",
    )
    .related(
        at(neighbour.path.clone()),
        format!("`{node}` has {} there", neighbour.address),
    )
}

fn family_missing(written: &WrittenVip<'_>, neighbours: &[Neighbour<'_>]) -> Problem {
    let vip = written.address.address;
    let family = family_word(vip.address);
    let nodes: BTreeSet<&Name> = neighbours.iter().map(|neighbour| neighbour.node).collect();
    Problem::warning(
        "vip-family-missing",
        at(written.path.clone()),
        format!(
            "{vip} is {family}, but {} has no {family} address on that network",
            listed(nodes)
        ),
    )
    .labelled(format!("no {family} on this network"))
    .helped(format!(
        "add the director's own {family} address to its node"
    ))
}

/// The family of an address in words.
pub(super) fn family_word(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}
