//! Forwarding: what the kernel's tunnels take, and what only address translation can do.
//!
//! Called by `validate`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::context::{
    Context, Service, at, node_addresses, section, server_list_path, server_path, server_words,
    service_path,
};
use super::directors::out_of_range;
use super::listeners::has_udp;
use super::references::written_sorry_servers;
use super::vips::share_network;
use crate::spec::{
    AddressWithPrefix, EffectiveRealServer, Forwarding, Path, Ports, Problem, Tunnel,
    TunnelChecksum, written_real_servers,
};

/// Options of tunnels are such as the kernel has.
pub(super) fn tunnels_are_accepted_by_the_kernel(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    for (path, forwarding) in written(context) {
        match forwarding {
            Forwarding::Tunnel(Tunnel::Gre(gre)) if gre.checksum == TunnelChecksum::Remote => {
                problems.push(gre_remote(path.key("tunnel").key("gre").key("checksum")));
            }
            Forwarding::Tunnel(Tunnel::Gue(gue)) if gue.port == 0 => {
                let path = path.key("tunnel").key("gue").key("port");
                problems.push(out_of_range(
                    path,
                    "port",
                    0,
                    "the UDP port of the tunnel, 1 to 65535",
                ));
            }
            Forwarding::Tunnel(_) | Forwarding::Nat(_) | Forwarding::DirectRouting => {}
        }
    }
}

fn written(context: &Context<'_>) -> Vec<(Path, Forwarding)> {
    let default = context
        .farm
        .defaults
        .iter()
        .filter_map(|defaults| defaults.service.as_ref()?.forwarding)
        .map(|forwarding| (section("defaults").key("service"), forwarding));
    let services = context.farm.services.iter();
    let services =
        services.filter_map(|(name, service)| Some((service_path(name), service.forwarding?)));
    let servers = context.server_lists().flat_map(|list| {
        let servers = list.servers.iter().enumerate();
        servers
            .filter_map(|(index, server)| Some((list.path.index(index), server.forwarding?)))
            .collect::<Vec<_>>()
    });
    let sorry = written_sorry_servers(context);
    let sorry = sorry
        .into_iter()
        .filter_map(|(path, sorry)| Some((path, sorry.forwarding?)));
    let all = default.chain(services).chain(servers).chain(sorry);
    all.map(|(path, forwarding)| (path.key("forwarding"), forwarding))
        .collect()
}

fn gre_remote(path: Path) -> Problem {
    Problem::error(
        "gre-remote-checksum",
        at(path),
        "a GRE tunnel has no remote checksum offload",
    )
    .labelled("for GUE only")
    .helped("write `checksum: full` or `checksum: none`, or use `tunnel: { gue: { port: 6080, checksum: remote } }`")
}

/// Only NAT changes the port; a server's own port elsewhere is a misunderstanding.
pub(super) fn ports_are_changed_by_nat_only(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let mut reported: BTreeSet<Path> = BTreeSet::new();
    let changing = lists_with_one_port(context);
    for service in context.services() {
        let written = written_real_servers(context.farm, service.written);
        for (server, effective) in written.iter().zip(&service.effective.real_servers) {
            let Some(port) = server.port.filter(|port| *port != 0) else {
                continue;
            };
            let path = server_path(service, effective.index).key("port");
            let problem = port_problem(service, effective, port, &path, &changing);
            if let Some(problem) = problem.filter(|_| reported.insert(path)) {
                problems.push(problem);
            }
        }
    }
}

/// The lists of real servers that some service with a single port uses.
fn lists_with_one_port(context: &Context<'_>) -> BTreeSet<Path> {
    context
        .services()
        .filter(|service| {
            !matches!(
                service.effective.ports,
                Ports::Several(_) | Ports::Together(_)
            )
        })
        .map(server_list_path)
        .collect()
}

fn port_problem(
    service: Service<'_, '_>,
    server: &EffectiveRealServer,
    port: u16,
    path: &Path,
    changing: &BTreeSet<Path>,
) -> Option<Problem> {
    match (&service.effective.ports, server.forwarding) {
        (Ports::One(own), _) if *own == port => None,
        (Ports::Several(_) | Ports::Together(_), _) => {
            let elsewhere = changing.contains(&server_list_path(service));
            (!elsewhere).then(|| keeps_client_port(service, path))
        }
        (_, Forwarding::Nat(_)) => None,
        (_, Forwarding::DirectRouting) => {
            Some(ignored(service, server, port, path, "direct_routing"))
        }
        (_, Forwarding::Tunnel(_)) => Some(ignored(service, server, port, path, "tunnel")),
    }
}

fn keeps_client_port(service: Service<'_, '_>, path: &Path) -> Problem {
    Problem::warning(
        "server-port-unused",
        at(path.clone()),
        format!(
            "the service `{}` has a list of ports: a real server keeps the client's port",
            service.name
        ),
    )
    .labelled("has no effect")
    .helped("remove it; to change the port, make a service with a single `port`")
    .related(
        at(service_path(service.name).key("ports")),
        "the list of ports",
    )
}

fn ignored(
    service: Service<'_, '_>,
    server: &EffectiveRealServer,
    port: u16,
    path: &Path,
    method: &str,
) -> Problem {
    let problem = Problem::error(
        "server-port-ignored",
        at(path.clone()),
        format!(
            "`{method}` can't change the port: `{}` would get the connections of `{}` on the \
             client's port, not on {port}",
            server.name, service.name
        ),
    )
    .labelled("the kernel ignores it");
    match service.effective.ports {
        Ports::One(own) => problem
            .helped(format!(
                "let the server listen on {own} and remove `port`, or use `forwarding: nat`"
            ))
            .related(
                at(service_path(service.name).key("port")),
                "the client's port",
            ),
        Ports::Every | Ports::Several(_) | Ports::Together(_) | Ports::Mark(_) => {
            problem.helped("remove `port`, or use `forwarding: nat`")
        }
    }
}

/// The kernel remembers no connection for a packet that is scheduled by itself, so it does not know
/// an answer that comes back through it (`ip_vs_conn_new`: a one-packet entry is not hashed).
pub(super) fn one_packet_answers_need_another_way(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    for service in context.services() {
        let mut servers = service.effective.real_servers.iter();
        let by_nat = servers.any(|server| matches!(server.forwarding, Forwarding::Nat(_)));
        if service.effective.one_packet && by_nat && has_udp(service) {
            problems.push(one_packet_by_nat(service));
        }
    }
}

fn one_packet_by_nat(service: Service<'_, '_>) -> Problem {
    Problem::warning(
        "one-packet-by-nat",
        at(service_path(service.name).key("one_packet")),
        format!(
            "with `one_packet` and `forwarding: nat` the answers of `{}` reach clients from the \
             real server's address, not from the VIP's, and are dropped",
            service.name
        ),
    )
    .labelled("no answer is translated back")
    .helped("use `direct_routing` or `tunnel`, or remove `one_packet`")
}

/// Direct routing needs a neighbour: the packet goes to its hardware address.
pub(super) fn directly_routed_servers_are_neighbours(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    let networks: Vec<AddressWithPrefix> = match &context.farm.directors {
        None => return,
        Some(_) => context
            .directors()
            .into_iter()
            .flat_map(|(name, node)| node_addresses(name, node))
            .map(|(_, address, _)| address)
            .filter(|address| address.prefix.is_some())
            .collect(),
    };
    let mut reported: BTreeSet<Path> = BTreeSet::new();
    for service in context.services() {
        for server in &service.effective.real_servers {
            let path = server_path(service, server.index);
            let far = server
                .addresses
                .iter()
                .find(|address| is_far(**address, &networks));
            let direct = server.forwarding == Forwarding::DirectRouting;
            if let Some(far) = far.filter(|_| direct && reported.insert(path.clone())) {
                problems.push(not_a_neighbour(server, *far, path));
            }
        }
    }
}

/// Whether a known network of this family exists, and none holds the address.
fn is_far(address: IpAddr, networks: &[AddressWithPrefix]) -> bool {
    let mut family = networks
        .iter()
        .filter(|network| network.address.is_ipv4() == address.is_ipv4())
        .filter_map(|network| Some((network.address, network.prefix?)))
        .peekable();
    family.peek().is_some()
        && !family.any(|(network, prefix)| share_network(address, network, prefix))
}

fn not_a_neighbour(server: &EffectiveRealServer, address: IpAddr, path: Path) -> Problem {
    Problem::warning(
        "not-a-neighbour",
        at(path),
        format!(
            "{} is in no network of the directors, as direct_routing needs",
            server_words(&server.name, address)
        ),
    )
    .labelled("packets can't be handed over unchanged")
    .helped("use `forwarding: tunnel` for a server behind a router, or correct the address or prefix lengths")
}
