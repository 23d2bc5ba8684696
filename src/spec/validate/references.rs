//! Names that lead nowhere.
//!
//! A name whose definition could not be read is passed over: the reader has reported it. Called by
//! `validate`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::context::{Context, at, section, service_path};
use super::suggest::{known_names, nearest};
use crate::spec::{Name, Path, Problem, SorryServer};

/// Where names of one kind are defined.
struct Definitions<'a> {
    /// The code of the problem.
    code: &'static str,
    /// What such a thing is called.
    kind: &'static str,
    /// The section of the file.
    section: Path,
    /// An entry to copy, after the name.
    example: &'static str,
    /// What to write where an address stands in the place of the name.
    by_name: &'static str,
    /// The names that are there.
    known: BTreeSet<&'a Name>,
}

/// Every name of a node, pool, VIP or network leads to one.
pub(super) fn names_lead_somewhere(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let vips = vips(context);
    let pools = pools(context);
    for (name, service) in &context.farm.services {
        let path = service_path(name);
        look_up(context, problems, &vips, &service.vip, path.key("vip"));
        if let Some(pool) = &service.pool {
            look_up(context, problems, &pools, pool, path.key("pool"));
        }
    }
    members(context, problems);
    servers(context, problems);
    sorry_servers(context, problems);
    networks(context, problems);
}

fn vips<'a>(context: &Context<'a>) -> Definitions<'a> {
    Definitions {
        code: "unknown-vip",
        kind: "VIP",
        section: section("vips"),
        example: "{ addresses: [192.0.2.10/24], interface: eth0 }",
        by_name: "write the name of a group of `vips`; the address belongs there, into `addresses`",
        known: context.farm.vips.keys().collect(),
    }
}

fn pools<'a>(context: &Context<'a>) -> Definitions<'a> {
    Definitions {
        code: "unknown-pool",
        kind: "pool",
        section: section("pools"),
        example: "{ real_servers: [{ address: 10.0.0.21 }] }",
        by_name: "write the name of a pool of `pools`, or list the address in `real_servers`",
        known: context.farm.pools.keys().collect(),
    }
}

fn nodes<'a>(context: &Context<'a>) -> Definitions<'a> {
    Definitions {
        code: "unknown-node",
        kind: "node",
        section: section("nodes"),
        example: "{ address: 10.0.0.21 }",
        by_name: "for a machine that is not in `nodes` write `address` instead of `node`",
        known: context.farm.nodes.keys().collect(),
    }
}

fn look_up(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
    definitions: &Definitions<'_>,
    name: &Name,
    path: Path,
) {
    let entry = definitions.section.key(name);
    if !definitions.known.contains(name) && !context.lost(&entry) {
        problems.push(unknown(definitions, name, path));
    }
}

fn unknown(definitions: &Definitions<'_>, name: &Name, path: Path) -> Problem {
    let Definitions {
        code,
        kind,
        section,
        example,
        by_name,
        known,
    } = definitions;
    let message = format!("there is no {kind} `{name}`");
    let problem = Problem::error(code, at(path), message).labelled(format!("not in `{section}`"));
    if name.as_str().parse::<IpAddr>().is_ok() {
        return problem.helped(*by_name);
    }
    if let Some(meant) = nearest(name.as_str(), known.iter().copied()) {
        return problem
            .helped(format!("did you mean `{meant}`?"))
            .related(at(section.key(meant)), format!("`{meant}` is defined here"));
    }
    let define = format!("define it under `{section}`: `{name}: {example}`");
    problem.helped(match known_names(known.iter().copied()) {
        None => format!("{define}; `{section}` is empty"),
        Some(names) => format!("{}, or {define}", use_one(known.len(), &names)),
    })
}

/// The invitation to use a name that is there.
fn use_one(count: usize, names: &str) -> String {
    if count == 1 {
        format!("use {names}")
    } else {
        format!("use one of {names}")
    }
}

fn members(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let nodes = nodes(context);
    let list = section("directors").key("members");
    let members = context
        .farm
        .directors
        .iter()
        .flat_map(|directors| &directors.members);
    for (index, name) in members.enumerate() {
        look_up(context, problems, &nodes, name, list.index(index));
    }
}

fn servers(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let nodes = nodes(context);
    for list in context.server_lists() {
        for (index, server) in list.servers.iter().enumerate() {
            let path = list.path.index(index);
            let Some(node) = &server.node else { continue };
            look_up(context, problems, &nodes, node, path.key("node"));
            network_of_node(context, problems, node, server.network.as_ref(), &path);
        }
    }
}

fn sorry_servers(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let nodes = nodes(context);
    for (path, sorry) in written_sorry_servers(context) {
        let Some(node) = &sorry.node else { continue };
        look_up(context, problems, &nodes, node, path.key("node"));
        network_of_node(context, problems, node, sorry.network.as_ref(), &path);
    }
}

/// Every sorry server that is written, of services and of the defaults.
pub(super) fn written_sorry_servers<'a>(context: &Context<'a>) -> Vec<(Path, &'a SorryServer)> {
    use crate::spec::OrNone;
    let default = context
        .farm
        .defaults
        .iter()
        .filter_map(|defaults| defaults.service.as_ref()?.sorry_server.as_ref())
        .map(|sorry| {
            (
                section("defaults").key("service").key("sorry_server"),
                sorry,
            )
        });
    let own = context.farm.services.iter().filter_map(|(name, service)| {
        match service.sorry_server.as_ref()? {
            OrNone::Some(sorry) => Some((service_path(name).key("sorry_server"), sorry)),
            OrNone::None => None,
        }
    });
    default.chain(own).collect()
}

/// The network of a real server is one that its node is on.
fn network_of_node(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
    name: &Name,
    network: Option<&Name>,
    path: &Path,
) {
    let Some(node) = context.farm.nodes.get(name) else {
        return;
    };
    let entry = section("nodes").key(name);
    let sites: Vec<Name> = node.sites().into_iter().map(|(name, _)| name).collect();
    match network {
        Some(network) if !sites.contains(network) && !context.lost(&entry) => {
            problems.push(not_on_network(name, network, &sites, path.key("network")));
        }
        None if sites.len() > 1 && node.usual_network().is_none() => {
            problems.push(which_network(name, &sites, path.key("node")));
        }
        Some(_) | None => {}
    }
}

fn not_on_network(node: &Name, network: &Name, sites: &[Name], path: Path) -> Problem {
    let help = match (nearest(network.as_str(), sites), known_names(sites)) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, Some(names)) => format!("`{node}` is on {names}"),
        (None, None) => format!("give `{node}` an address first"),
    };
    Problem::error(
        "unknown-network",
        at(path),
        format!("the node `{node}` is not on a network `{network}`"),
    )
    .labelled(format!("not a network of `{node}`"))
    .helped(help)
    .related(at(section("nodes").key(node)), "the node is defined here")
}

fn which_network(node: &Name, sites: &[Name], path: Path) -> Problem {
    let names = known_names(sites).unwrap_or_default();
    let first = sites.first().map_or("main", Name::as_str);
    Problem::error(
        "which-network",
        at(path),
        format!("the node `{node}` is on several networks: which one do the directors use?"),
    )
    .labelled(format!("on {names}"))
    .helped(format!("say it here, for example `network: {first}`"))
    .related(at(section("nodes").key(node)), "the node is defined here")
}

/// The networks of VIPs and of connection_sync are on some node.
fn networks(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let known: BTreeSet<Name> = context
        .farm
        .nodes
        .values()
        .flat_map(|node| node.sites().into_iter().map(|(name, _)| name))
        .collect();
    if context.lost(&section("nodes")) {
        return;
    }
    for (network, path) in written_networks(context) {
        if !known.contains(network) {
            problems.push(no_such_network(network, &known, path));
        }
    }
}

fn written_networks<'a>(context: &Context<'a>) -> Vec<(&'a Name, Path)> {
    let groups = context.farm.vips.iter().filter_map(|(name, vip)| {
        Some((
            vip.network.as_ref()?,
            section("vips").key(name).key("network"),
        ))
    });
    let own = context.vip_addresses().filter_map(|written| {
        Some((
            written.address.network.as_ref()?,
            written.path.key("network"),
        ))
    });
    let sync = context.farm.directors.iter().filter_map(|directors| {
        let network = directors.connection_sync.as_ref()?.network.as_ref()?;
        let path = section("directors").key("connection_sync").key("network");
        Some((network, path))
    });
    groups.chain(own).chain(sync).collect()
}

fn no_such_network(network: &Name, known: &BTreeSet<Name>, path: Path) -> Problem {
    let problem = Problem::error(
        "unknown-network",
        at(path),
        format!("no node is on a network `{network}`"),
    )
    .labelled("no node has it");
    if let Some(meant) = nearest(network.as_str(), known) {
        return problem.helped(format!("did you mean `{meant}`?"));
    }
    let define = format!(
        "give the directors `networks: {{ {network}: {{ interface: eth0, addresses: [192.0.2.11/24] }} }}`"
    );
    problem.helped(match known_names(known) {
        None => define,
        Some(names) => format!("{}, or {define}", use_one(known.len(), &names)),
    })
}
