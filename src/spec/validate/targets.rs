//! What real servers and sorry servers have in common: a machine, by name or by address, and a
//! port.
//!
//! Called by `validate`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::context::{Context, at, section};
use super::references::written_sorry_servers;
use super::vips::kind_flaw;
use crate::spec::{Name, Path, Place, Problem, RealServer, SorryServer};

/// Where connections are sent to, as written.
pub(super) struct Target<'a> {
    /// "real server" or "sorry server".
    pub(super) kind: &'static str,
    pub(super) path: Path,
    pub(super) node: Option<&'a Name>,
    pub(super) address: Option<IpAddr>,
    pub(super) network: Option<&'a Name>,
    pub(super) port: Option<u16>,
}

impl<'a> Target<'a> {
    fn real(path: Path, server: &'a RealServer) -> Self {
        Self {
            kind: "real server",
            path,
            node: server.node.as_ref(),
            address: server.address,
            network: server.network.as_ref(),
            port: server.port,
        }
    }

    fn sorry(path: Path, server: &'a SorryServer) -> Self {
        Self {
            kind: "sorry server",
            path,
            node: server.node.as_ref(),
            address: server.address,
            network: server.network.as_ref(),
            port: server.port,
        }
    }
}

/// Every real server and sorry server, one by one: there may be very many.
fn targets<'a>(context: &Context<'a>) -> impl Iterator<Item = Target<'a>> {
    let real = context.server_lists().flat_map(|list| {
        let servers = list.servers.iter().enumerate();
        servers.map(move |(index, server)| Target::real(list.path.index(index), server))
    });
    let sorry = written_sorry_servers(context).into_iter();
    real.chain(sorry.map(|(path, sorry)| Target::sorry(path, sorry)))
}

/// A target is a node or an address; options that belong to a node stand with a node.
pub(super) fn targets_are_written_in_one_way(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for target in targets(context) {
        match (target.node, target.address) {
            (Some(_), Some(_)) => problems.push(both(&target)),
            (None, Some(_)) if target.network.is_some() => problems.push(idle_network(&target)),
            (None, None) if target.kind == "real server" && is_read(context, &target) => {
                problems.push(nowhere(target.path.clone(), "real server"));
            }
            (Some(_) | None, _) => {}
        }
    }
}

fn is_read(context: &Context<'_>, target: &Target<'_>) -> bool {
    !context.lost(&target.path.key("node")) && !context.lost(&target.path.key("address"))
}

fn both(target: &Target<'_>) -> Problem {
    let kind = target.kind;
    Problem::error(
        "both-given",
        Place::Key(target.path.key("address")),
        format!("the {kind} has both `node` and `address`"),
    )
    .labelled("an address")
    .helped(
        "keep `node` for a machine of this file (its address is taken from there), else `address`",
    )
    .related(Place::Key(target.path.key("node")), "and a node")
}

/// The problem of a target without a machine.
pub(super) fn nowhere(path: Path, kind: &str) -> Problem {
    Problem::error(
        "neither-given",
        at(path),
        format!("the {kind} does not say which machine it is"),
    )
    .labelled("neither `node` nor `address`")
    .helped("write `node: NAME` with a node of this file, or `address: 10.0.0.21`")
}

fn idle_network(target: &Target<'_>) -> Problem {
    Problem::warning(
        "network-without-node",
        Place::Key(target.path.key("network")),
        "`network` chooses among the addresses of a node, but here an address is written",
    )
    .labelled("has no effect")
    .helped("remove it, or write `node` instead of `address`")
}

/// Targets have an address that packets can be sent to.
pub(super) fn targets_can_be_reached(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let vips: BTreeMap<IpAddr, (Path, &Name)> = context
        .vip_addresses()
        .map(|written| {
            (
                written.address.address.address,
                (written.path, written.name),
            )
        })
        .collect();
    for target in targets(context) {
        if let Some(address) = target.address {
            let vip = vips
                .get(&address)
                .map(|(path, name)| is_vip(&target, address, name, path));
            problems.extend(unreachable(&target, address).or(vip));
        } else if let Some(node) = target.node {
            problems.extend(node_without_address(context, &target, node));
        }
        problems.extend(port_zero(&target));
    }
}

fn unreachable(target: &Target<'_>, address: IpAddr) -> Option<Problem> {
    let place = at(target.path.key("address"));
    let kind = target.kind;
    if is_loopback(address) {
        let problem = Problem::error(
            "loopback-server",
            place,
            format!("the {kind} can't be on the loopback address {address}"),
        );
        return Some(problem.labelled("unreachable for clients").helped(
            "the kernel drops what comes from outside and would go to a loopback address; let the \
             program listen on the director's own address, and write that",
        ));
    }
    let flaw = kind_flaw(address)?;
    let problem = Problem::error(
        flaw.code,
        place,
        format!("the {kind} can't be on {}", flaw.what),
    );
    Some(
        problem
            .labelled(flaw.label)
            .helped("write the address of a machine, such as `10.0.0.21`"),
    )
}

fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => address.is_loopback(),
        IpAddr::V6(v6) => v6
            .to_ipv4_mapped()
            .map_or(v6.is_loopback(), |v4| v4.is_loopback()),
    }
}

fn is_vip(target: &Target<'_>, address: IpAddr, vip: &Name, path: &Path) -> Problem {
    let kind = target.kind;
    Problem::error(
        "server-is-vip",
        at(target.path.key("address")),
        format!("the {kind} {address} is an address of the VIP `{vip}`"),
    )
    .labelled("the director would send connections to itself")
    .helped("write the machine's own address, which does not move")
    .related(at(path.clone()), "the VIP is defined here")
}

fn node_without_address(
    context: &Context<'_>,
    target: &Target<'_>,
    name: &Name,
) -> Option<Problem> {
    let node = context.farm.nodes.get(name)?;
    let entry = section("nodes").key(name);
    let site = match target.network {
        Some(network) => node.on(network),
        None => node.usual_network(),
    };
    let nowhere = node.sites().is_empty();
    let bare = nowhere || site.is_some_and(|site| site.addresses.is_empty());
    (bare && !context.lost(&entry)).then(|| {
        Problem::error(
            "node-without-address",
            at(target.path.key("node")),
            format!("the node `{name}` is a {} but has no address", target.kind),
        )
        .labelled("nowhere to send packets")
        .helped(format!(
            "give the node its address: `{name}: {{ address: 10.0.0.21 }}`"
        ))
        .related(at(entry), "the node is defined here")
    })
}

fn port_zero(target: &Target<'_>) -> Option<Problem> {
    (target.port == Some(0)).then(|| {
        Problem::error(
            "server-port-zero",
            at(target.path.key("port")),
            format!("a {} can't listen on port 0", target.kind),
        )
        .labelled("not a port")
        .helped("write its port, or leave `port` out: then it keeps the client's port")
    })
}
