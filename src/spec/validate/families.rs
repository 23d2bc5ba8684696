//! IPv4 and IPv6: a service exists on each address of its VIP, and a real server joins with its
//! address of the same family.
//!
//! Called by `validate`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::context::{
    Context, Service, at, listed, option_path, section, server_path, service_path,
};
use super::vip_prefix::family_word;
use crate::spec::{
    EffectiveRealServer, Forwarding, Name, OrNone, Path, Place, Problem, written_real_servers,
};

/// One address of each family that the service's VIP has.
pub(super) fn families(context: &Context<'_>, service: Service<'_, '_>) -> Vec<IpAddr> {
    let vips = context.vip_of(service);
    let addresses = || vips.iter().map(|vip| vip.address.address);
    let v4 = addresses().find(IpAddr::is_ipv4);
    let v6 = addresses().find(IpAddr::is_ipv6);
    v4.into_iter().chain(v6).collect()
}

/// What a server lacks, for all the services that use it.
#[derive(Default)]
struct Lacking<'a> {
    name: String,
    /// An address that it has.
    address: String,
    services: Vec<&'a Name>,
}

/// Each server has an address for each family; an address that fits none is a mistake.
pub(super) fn servers_fit_the_families_of_the_vip(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    let mut lacking: BTreeMap<(Path, &'static str), Lacking<'_>> = BTreeMap::new();
    for service in context.services() {
        let families = families(context, service);
        let written = written_real_servers(context.farm, service.written);
        for (server, effective) in written.iter().zip(&service.effective.real_servers) {
            let path = server_path(service, effective.index);
            if server.address.is_some() {
                problems.extend(misfit(service, &families, effective, &path.key("address")));
                continue;
            }
            for family in left_out(&families, effective) {
                let entry = lacking.entry((path.clone(), family)).or_default();
                entry.name.clone_from(&effective.name);
                let address = effective.addresses.first();
                entry.address = address.map_or_else(String::new, IpAddr::to_string);
                entry.services.push(service.name);
            }
        }
        problems.extend(sorry_misfit(service, &families));
    }
    problems.extend(
        lacking
            .into_iter()
            .map(|((path, family), lacking)| lacks(&path, family, &lacking)),
    );
}

fn misfit(
    service: Service<'_, '_>,
    families: &[IpAddr],
    server: &EffectiveRealServer,
    path: &Path,
) -> Option<Problem> {
    let vip = families.first()?;
    let address = server.addresses.first()?;
    let fits = families
        .iter()
        .any(|vip| server.address_for(*vip).is_some());
    let (own, wanted) = (family_word(*address), family_word(*vip));
    (!fits).then(|| {
        Problem::error(
            "family-misfit",
            at(path.clone()),
            format!(
                "{address} is {own}, but the VIP `{}` of the service `{}` has {wanted} addresses only",
                service.written.vip, service.name
            ),
        )
        .labelled(format!("an {own} address"))
        .helped(format!(
            "write an {wanted} address, add an {own} address to the VIP, or use \
             `forwarding: tunnel`, which carries one family in the other"
        ))
        .related(at(section("vips").key(&service.written.vip)), "the VIP is defined here")
    })
}

fn sorry_misfit(service: Service<'_, '_>, families: &[IpAddr]) -> Option<Problem> {
    let own = service.written.sorry_server.as_ref();
    let path = option_path(service, "sorry_server", own);
    let sorry = service.effective.sorry_server.as_ref()?;
    let explicit = match own {
        Some(OrNone::Some(own)) => own.address.is_some(),
        Some(OrNone::None) | None => false,
    };
    let path = if explicit { path.key("address") } else { path };
    misfit(service, families, sorry, &path)
}

/// The families in which a server with some address takes no part.
fn left_out<'a>(
    families: &'a [IpAddr],
    server: &'a EffectiveRealServer,
) -> impl Iterator<Item = &'static str> + 'a {
    families
        .iter()
        .filter(|vip| !server.addresses.is_empty() && server.address_for(**vip).is_none())
        .map(|vip| family_word(*vip))
}

fn lacks(path: &Path, family: &str, lacking: &Lacking<'_>) -> Problem {
    let Lacking { name, services, .. } = lacking;
    let (plural, other) = (
        if services.len() == 1 { "" } else { "s" },
        other_family(family),
    );
    let example = match family {
        "IPv6" => format!("{}, \"2001:db8::21\"", lacking.address),
        _ => format!("10.0.0.21, \"{}\"", lacking.address),
    };
    Problem::warning(
        "family-left-out",
        at(path.key("node")),
        format!(
            "`{name}` has no {family} address: it gets no {family} connections of the service{plural} {}",
            listed(services.iter().take(4))
        ),
    )
    .labelled(format!("takes part over {other} only"))
    .helped(format!("add its {family} address to the node: `addresses: [{example}]`"))
}

fn other_family(family: &str) -> &'static str {
    if family == "IPv4" { "IPv6" } else { "IPv4" }
}

/// In each family of its VIP, a service has a real server.
pub(super) fn every_family_has_a_server(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for service in context.services() {
        let servers = &service.effective.real_servers;
        let families = families(context, service);
        let served = |vip: &IpAddr| {
            servers
                .iter()
                .any(|server| server.address_for(*vip).is_some())
        };
        let known = servers.iter().any(|server| !server.addresses.is_empty());
        let path = service_path(service.name);
        if !known || context.lost(&super::context::server_list_path(service)) {
            continue;
        }
        for vip in families.iter().filter(|vip| !served(vip)) {
            problems.push(nobody(service, *vip, path.clone()));
        }
    }
}

fn nobody(service: Service<'_, '_>, vip: IpAddr, path: Path) -> Problem {
    let family = family_word(vip);
    Problem::warning(
        "family-without-servers",
        Place::Key(path),
        format!(
            "no real server of `{}` has an {family} address: {vip} refuses every connection",
            service.name
        ),
    )
    .labelled(format!("nobody serves {family}"))
    .helped(format!(
        "add a real server with an {family} address, or use a VIP without {family} addresses"
    ))
    .related(
        at(section("vips").key(&service.written.vip)),
        "the VIP is defined here",
    )
}

/// The kernel refuses tunnels of one family in the other while it tells connections.
pub(super) fn mixed_tunnels_go_without_sync(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let directors = context.farm.directors.as_ref();
    if directors.is_none_or(|directors| directors.connection_sync.is_none()) {
        return;
    }
    for service in context.services() {
        let families = families(context, service);
        for server in &service.effective.real_servers {
            let mixed = families.iter().find(|vip| is_mixed(**vip, server));
            let path = server_path(service, server.index);
            problems.extend(mixed.map(|vip| mixes(service, server, *vip, path)));
        }
    }
}

fn is_mixed(vip: IpAddr, server: &EffectiveRealServer) -> bool {
    let tunnel = matches!(server.forwarding, Forwarding::Tunnel(_));
    tunnel
        && server
            .address_for(vip)
            .is_some_and(|address| address.is_ipv4() != vip.is_ipv4())
}

fn mixes(
    service: Service<'_, '_>,
    server: &EffectiveRealServer,
    vip: IpAddr,
    path: Path,
) -> Problem {
    let family = family_word(vip);
    Problem::error(
        "mixed-tunnel-with-sync",
        at(path),
        format!(
            "`{}` would get {family} connections of `{}` in an {} tunnel, which the kernel refuses \
             while connection_sync is on",
            server.name,
            service.name,
            other_family(family)
        ),
    )
    .labelled(format!("has no {family} address"))
    .helped(format!(
        "give the server an {family} address, or remove `connection_sync`"
    ))
    .related(
        at(section("directors").key("connection_sync")),
        "connections are told here",
    )
}
