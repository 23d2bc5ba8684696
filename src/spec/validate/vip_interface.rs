//! Where floating addresses are put up: every director knows on which interface.
//!
//! Called by `validate`.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Context, at, section};
use crate::spec::{MAIN_NETWORK, Name, Node, Ownership, Path, Place, Problem, Vip, VipSite};

/// Every director knows on which interface each VIP goes up.
pub(super) fn vips_are_on_an_interface(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for written in context.vip_addresses() {
        let own = written.address;
        if own.network.is_some() && own.interface.is_some() {
            problems.push(both(written.name, &written.path));
        }
    }
    let networks = Networks::of(context);
    for (name, vip) in &context.farm.vips {
        let path = section("vips").key(name);
        if vip.network.is_some() && vip.interface.is_some() {
            problems.push(both(name, &path));
        }
        if vip.ownership != Some(Ownership::None) && !context.lost(&section("nodes")) {
            for (site, place) in sites(name, vip) {
                if let VipSite::Network(network) = site {
                    problems.extend(on_each_director(context, &networks, name, &network, &place));
                }
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
fn sites(name: &Name, vip: &Vip) -> BTreeMap<VipSite, Place> {
    let group = section("vips").key(name);
    let list = group.key("addresses");
    let mut sites = BTreeMap::new();
    for (index, address) in vip.addresses.iter().enumerate() {
        let place = match (&address.network, &vip.network) {
            (Some(_), _) => at(list.index(index).key("network")),
            (None, Some(_)) => at(group.key("network")),
            (None, None) => Place::Key(group.clone()),
        };
        sites.entry(vip.site(address)).or_insert(place);
    }
    sites
}

/// What the nodes say about networks.
struct Networks {
    /// Those that some node is on.
    known: BTreeSet<Name>,
    /// Those that some node is on by a named interface.
    reached: BTreeSet<Name>,
}

impl Networks {
    fn of(context: &Context<'_>) -> Self {
        let sites = || context.farm.nodes.values().flat_map(Node::sites);
        Self {
            known: sites().map(|(name, _)| name).collect(),
            reached: sites()
                .filter_map(|(name, site)| site.interface.map(|_| name))
                .collect(),
        }
    }
}

fn on_each_director(
    context: &Context<'_>,
    networks: &Networks,
    vip: &Name,
    network: &Name,
    place: &Place,
) -> Vec<Problem> {
    if !networks.known.contains(network) {
        let nowhere = (network.as_str() == MAIN_NETWORK).then(|| nowhere(vip, place));
        return nowhere.into_iter().collect();
    }
    if context.farm.directors.is_none() {
        let reached = networks.reached.contains(network);
        let problem = (!reached).then(|| no_interface(vip, network, None, place));
        return problem.into_iter().collect();
    }
    let judged = context.directors().into_iter().filter_map(|(name, node)| {
        let site = node.on(network);
        match site.map(|site| site.interface) {
            None => Some(lacks_network(vip, network, name, place)),
            Some(None) => Some(no_interface(vip, network, Some(name), place)),
            Some(Some(_)) => None,
        }
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
