//! Where floating addresses are put up: an interface of every director, and a prefix length that
//! its neighbours share.
//!
//! Called by `validate`.

use std::collections::BTreeMap;

use super::context::{Context, WrittenVip, at, listed, node_addresses, section};
use super::vips::share_network;
use crate::spec::{
    AddressWithPrefix, MAIN_NETWORK, Name, Ownership, Path, Place, Problem, Vip, VipSite,
};

/// Every director knows on which interface each VIP goes up.
pub(super) fn vips_are_on_an_interface(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for written in context.vip_addresses() {
        let own = written.address;
        if own.network.is_some() && own.interface.is_some() {
            problems.push(both(written.name, &written.path));
        }
    }
    for (name, vip) in &context.farm.vips {
        let path = section("vips").key(name);
        if vip.network.is_some() && vip.interface.is_some() {
            problems.push(both(name, &path));
        }
        if vip.ownership != Some(Ownership::None) && !context.lost(&section("nodes")) {
            for (site, place) in sites(context, name, vip) {
                problems.extend(on_each_director(context, name, &site, &place));
            }
        }
    }
}

fn both(name: &Name, path: &Path) -> Problem {
    Problem::error(
        "both-given",
        Place::Key(path.key("interface")),
        format!("the VIP `{name}` has both `network` and `interface`"),
    )
    .labelled("an interface")
    .helped("keep `network` where the directors name their networks, else keep `interface`")
    .related(Place::Key(path.key("network")), "and a network")
}

/// The sites of a group, each with the place that names it.
fn sites(context: &Context<'_>, name: &Name, vip: &Vip) -> BTreeMap<VipSite, Place> {
    let group = section("vips").key(name);
    let mut sites = BTreeMap::new();
    for written in context
        .vip_addresses()
        .filter(|written| written.name == name)
    {
        let place = match (&written.address.network, &vip.network) {
            (Some(_), _) => at(written.path.key("network")),
            (None, Some(_)) => at(group.key("network")),
            (None, None) => Place::Key(group.clone()),
        };
        sites.entry(vip.site(written.address)).or_insert(place);
    }
    sites
}

fn on_each_director(
    context: &Context<'_>,
    vip: &Name,
    site: &VipSite,
    place: &Place,
) -> Vec<Problem> {
    let VipSite::Network(network) = site else {
        return Vec::new();
    };
    let everywhere = context
        .farm
        .nodes
        .values()
        .any(|node| node.on(network).is_some());
    if !everywhere {
        let nowhere = (network.as_str() == MAIN_NETWORK).then(|| nowhere(vip, place));
        return nowhere.into_iter().collect();
    }
    let directors = context.directors();
    if context.farm.directors.is_none() {
        let reached = directors.iter().any(|(_, node)| {
            node.on(network)
                .is_some_and(|site| site.interface.is_some())
        });
        return (!reached)
            .then(|| no_interface(vip, network, None, place))
            .into_iter()
            .collect();
    }
    let judged = directors
        .into_iter()
        .filter_map(|(name, node)| match node.on(network) {
            None => Some(lacks_network(vip, network, name, place)),
            Some(site) if site.interface.is_none() => {
                Some(no_interface(vip, network, Some(name), place))
            }
            Some(_) => None,
        });
    judged.collect()
}

fn nowhere(vip: &Name, place: &Place) -> Problem {
    Problem::error(
        "vip-without-interface",
        place.clone(),
        format!("the VIP `{vip}` does not say on which interface it is put up"),
    )
    .labelled("neither `network` nor `interface`")
    .helped(
        "write `interface: eth0` (the director's), or `network: NAME` with a network of the \
         directors; `ownership: none` leaves the address to somebody else",
    )
}

fn lacks_network(vip: &Name, network: &Name, director: &Name, place: &Place) -> Problem {
    let example = format!("{network}: {{ interface: eth0, addresses: [192.0.2.11/24] }}");
    Problem::error(
        "director-lacks-network",
        place.clone(),
        format!("the director `{director}` is not on the network `{network}` of the VIP `{vip}`"),
    )
    .labelled(format!("`{director}` can't put it up"))
    .helped(format!(
        "add the network to the director: `networks: {{ {example} }}`"
    ))
    .related(
        at(section("nodes").key(director)),
        format!("`{director}` is defined here"),
    )
}

fn no_interface(vip: &Name, network: &Name, director: Option<&Name>, place: &Place) -> Problem {
    let who = director.map_or("no node".to_owned(), |name| {
        format!("the director `{name}`")
    });
    let says = if director.is_some() {
        "does not say"
    } else {
        "says"
    };
    let problem = Problem::error(
        "director-without-interface",
        place.clone(),
        format!(
            "{who} {says} by which interface it is on `{network}`, the network of the VIP `{vip}`"
        ),
    )
    .labelled("no interface to put it up on");
    match director {
        None => problem
            .helped("write `interface: eth0` here, or give the director's node its `interface`"),
        Some(name) => problem
            .helped(format!(
                "write `interface: eth0` in the node `{name}`, or here"
            ))
            .related(
                at(section("nodes").key(name)),
                "the director is defined here",
            ),
    }
}

/// A director's own address that a VIP is compared with.
struct Neighbour<'a> {
    node: &'a Name,
    address: AddressWithPrefix,
    path: Path,
}

/// The prefix lengths of VIPs are those of the directors' own addresses.
pub(super) fn vip_prefixes_agree(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let directors = context.directors();
    for written in context.vip_addresses() {
        let neighbours: Vec<_> = directors
            .iter()
            .flat_map(|(name, node)| neighbours(name, node, &written))
            .collect();
        if !neighbours.is_empty() && super::vips::flaw(written.address.address).is_none() {
            problems.extend(compare(&written, &neighbours));
        }
    }
}

fn neighbours<'a>(
    name: &'a Name,
    node: &'a crate::spec::Node,
    written: &WrittenVip<'_>,
) -> Vec<Neighbour<'a>> {
    let site = written.vip.site(written.address);
    let is_there = |network: Option<&Name>| match &site {
        VipSite::Network(wanted) => network.map_or(MAIN_NETWORK, Name::as_str) == wanted.as_str(),
        VipSite::Interface(wanted) => match network {
            None => node.interface.as_ref() == Some(wanted),
            Some(network) => node.networks.get(network).map(|at| &at.interface) == Some(wanted),
        },
    };
    node_addresses(name, node)
        .into_iter()
        .filter(|(network, _, _)| is_there(*network))
        .map(|(_, address, path)| Neighbour {
            node: name,
            address,
            path,
        })
        .collect()
}

fn compare(written: &WrittenVip<'_>, neighbours: &[Neighbour<'_>]) -> Option<Problem> {
    let vip = written.address.address;
    let same_family: Vec<&Neighbour<'_>> = neighbours
        .iter()
        .filter(|neighbour| neighbour.address.address.is_ipv4() == vip.address.is_ipv4())
        .collect();
    if same_family.is_empty() {
        return Some(family_missing(written, neighbours));
    }
    if is_host(vip) {
        return None;
    }
    if let Some(neighbour) = same_family
        .iter()
        .find(|neighbour| disagree(vip, neighbour.address))
    {
        return Some(disagrees(written, neighbour));
    }
    let with_prefix: Vec<_> = same_family
        .iter()
        .filter_map(|neighbour| Some((neighbour, neighbour.address.prefix?)))
        .collect();
    let outside = with_prefix
        .iter()
        .all(|(neighbour, prefix)| !share_network(vip.address, neighbour.address.address, *prefix));
    let (nearest, _) = with_prefix.first()?;
    outside.then(|| is_outside(written, nearest))
}

/// A single address says nothing about its neighbours.
fn is_host(address: AddressWithPrefix) -> bool {
    address.prefix == Some(if address.address.is_ipv4() { 32 } else { 128 })
}

/// One network by either prefix length, but the lengths differ.
fn disagree(vip: AddressWithPrefix, node: AddressWithPrefix) -> bool {
    let (Some(vip_prefix), Some(node_prefix)) = (vip.prefix, node.prefix) else {
        return false;
    };
    let shorter = vip_prefix.min(node_prefix);
    vip_prefix != node_prefix && !is_host(node) && share_network(vip.address, node.address, shorter)
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
        format!("the prefix length of {vip} is not that of `{node}` in the same network, {own}"),
    )
    .labelled("another prefix length")
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
    let nodes: std::collections::BTreeSet<&Name> =
        neighbours.iter().map(|neighbour| neighbour.node).collect();
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
pub(super) fn family_word(address: std::net::IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}
