//! Things that nothing uses: mostly a name that was changed in one place only.
//!
//! Silent where something could not be read, since that may be what uses them. Called by
//! `validate`.

use std::collections::BTreeSet;

use super::context::{Context, section};
use super::references::written_sorry_servers;
use crate::spec::{Name, Node, Path, Place, Problem, VipSite};

/// Every node, pool and VIP is used by something.
pub(super) fn everything_is_used(context: &Context<'_>, problems: &mut Vec<Problem>) {
    if !context.is_whole() {
        return;
    }
    let nodes = used_nodes(context);
    for name in context.farm.nodes.keys() {
        if !nodes.contains(name) {
            problems.push(unused_node(name));
        }
    }
    let services = context.farm.services.values();
    let pools: BTreeSet<&Name> = services
        .clone()
        .filter_map(|service| service.pool.as_ref())
        .collect();
    for name in context
        .farm
        .pools
        .keys()
        .filter(|name| !pools.contains(name))
    {
        problems.push(unused_pool(name));
    }
    let vips: BTreeSet<&Name> = services.map(|service| &service.vip).collect();
    for name in context.farm.vips.keys().filter(|name| !vips.contains(name)) {
        problems.push(unused_vip(name));
    }
}

fn used_nodes<'a>(context: &Context<'a>) -> BTreeSet<&'a Name> {
    let servers = context
        .server_lists()
        .flat_map(|list| list.servers)
        .filter_map(|server| server.node.as_ref());
    let sorry = written_sorry_servers(context)
        .into_iter()
        .filter_map(|(_, sorry)| sorry.node.as_ref());
    let mut used: BTreeSet<&Name> = servers.chain(sorry).collect();
    match &context.farm.directors {
        Some(directors) => used.extend(&directors.members),
        None => used.extend(possible_directors(context)),
    }
    used
}

/// Where `directors` is left out, a node on the network of a VIP may be the director.
fn possible_directors<'a>(context: &Context<'a>) -> Vec<&'a Name> {
    let sites: BTreeSet<VipSite> = context
        .vip_addresses()
        .map(|written| written.vip.site(written.address))
        .collect();
    let is_on_one = |node: &Node| {
        node.sites().into_iter().any(|(network, site)| {
            let interface = site.interface.cloned().map(VipSite::Interface);
            let network = VipSite::Network(network);
            sites.contains(&network) || interface.is_some_and(|at| sites.contains(&at))
        })
    };
    context
        .farm
        .nodes
        .iter()
        .filter(|(_, node)| is_on_one(node))
        .map(|(name, _)| name)
        .collect()
}

fn unused_node(name: &Name) -> Problem {
    unused(
        "unused-node",
        section("nodes").key(name),
        format!("the node `{name}` is not used"),
    )
    .labelled("neither a director nor a real server")
    .helped(format!(
        "add `node: {name}` to a list of real servers or to `directors.members`, or remove it"
    ))
}

fn unused_pool(name: &Name) -> Problem {
    unused(
        "unused-pool",
        section("pools").key(name),
        format!("the pool `{name}` is not used"),
    )
    .labelled("no service takes its real servers from here")
    .helped(format!("write `pool: {name}` in a service, or remove it"))
}

fn unused_vip(name: &Name) -> Problem {
    unused(
        "unused-vip",
        section("vips").key(name),
        format!("no service listens on the VIP `{name}`"),
    )
    .labelled("put up, but nothing answers there")
    .helped(format!("write `vip: {name}` in a service, or remove it"))
}

fn unused(code: &'static str, path: Path, message: String) -> Problem {
    Problem::warning(code, Place::Key(path), message)
}
