//! Ways of forwarding that not every data plane has.

use super::super::context::{Context, Service, node_addresses, option_path, server_path};
use super::{Findings, all_servers};
use crate::spec::{Capability, Forwarding, NatOptions, OrNone, Path, Ports, written_real_servers};

/// How packets reach one server of a service, and where that is written.
struct Way {
    server: String,
    forwarding: Forwarding,
    path: Path,
}

/// The ways of a service's real servers, then that of its sorry server.
fn ways(context: &Context<'_>, service: Service<'_, '_>) -> Vec<Way> {
    let usual = option_path(service, "forwarding", service.written.forwarding.as_ref());
    let written = written_real_servers(context.farm, service.written);
    let mut ways: Vec<Way> = written
        .iter()
        .zip(&service.effective.real_servers)
        .map(|(written, effective)| Way {
            server: format!("`{}`", effective.name),
            forwarding: effective.forwarding,
            path: match written.forwarding {
                Some(_) => server_path(service, effective.index).key("forwarding"),
                None => usual.clone(),
            },
        })
        .collect();
    if let Some(sorry) = &service.effective.sorry_server {
        ways.push(Way {
            server: "its sorry server".to_owned(),
            forwarding: sorry.forwarding,
            path: sorry_path(context, service).unwrap_or(usual),
        });
    }
    ways
}

/// Where the sorry server's own way is written, where it has one.
fn sorry_path(context: &Context<'_>, service: Service<'_, '_>) -> Option<Path> {
    let own = match &service.written.sorry_server {
        Some(OrNone::Some(sorry)) => sorry.forwarding,
        Some(OrNone::None) | None => None,
    };
    let defaults = context.farm.defaults.as_ref();
    let default = || {
        defaults?
            .service
            .as_ref()?
            .sorry_server
            .as_ref()?
            .forwarding
    };
    own.or_else(default)?;
    Some(option_path(service, "sorry_server", own.as_ref()).key("forwarding"))
}

pub(super) fn packets_go_in_tunnels(context: &Context<'_>, findings: &mut Findings) {
    for service in context.services() {
        for way in ways(context, service) {
            if let Forwarding::Tunnel(_) = way.forwarding {
                let subject = format!("the service `{}` forwards by `tunnel`", service.name);
                findings.asks(Capability::Tunnels, &way.path, subject);
            }
        }
    }
}

pub(super) fn clients_are_hidden(context: &Context<'_>, findings: &mut Findings) {
    let hidden = Forwarding::Nat(NatOptions { masquerade: true });
    for service in context.services() {
        for way in ways(context, service) {
            if way.forwarding == hidden {
                let path = way.path.key("nat").key("masquerade");
                let subject = format!("the service `{}` hides its clients", service.name);
                findings.asks(Capability::Masquerade, &path, subject);
            }
        }
    }
}

pub(super) fn one_service_has_several_ways(context: &Context<'_>, findings: &mut Findings) {
    for service in context.services() {
        let ways = ways(context, service);
        let Some(first) = ways.first() else {
            continue;
        };
        let other = ways.iter().find(|way| way.forwarding != first.forwarding);
        let in_tunnel = |way: &&Way| matches!(way.forwarding, Forwarding::Tunnel(_));
        if let Some(other) = other.filter(|_| !ways.iter().any(|way| in_tunnel(&way))) {
            let subject = format!(
                "the service `{}` reaches {} in another way than {}",
                service.name, other.server, first.server
            );
            let beside = written_somewhere(context, &first.path).then(|| first.path.clone());
            findings.asks_beside(
                Capability::MixedForwarding,
                &other.path,
                subject,
                beside.map(|path| (path, "the other way")),
            );
        }
    }
}

/// Whether a way that comes from the defaults is written there at all.
fn written_somewhere(context: &Context<'_>, path: &Path) -> bool {
    let defaults = context.farm.defaults.as_ref();
    let default = || defaults?.service.as_ref()?.forwarding;
    let from_defaults = path.to_string().starts_with("defaults.service.forwarding");
    !from_defaults || default().is_some()
}

pub(super) fn the_director_is_its_own_neighbour(context: &Context<'_>, findings: &mut Findings) {
    if context.farm.directors.is_none() {
        return;
    }
    let directors = context.directors();
    let own: Vec<_> = directors
        .into_iter()
        .flat_map(|(name, node)| {
            let addresses = node_addresses(name, node);
            addresses
                .into_iter()
                .map(move |(_, own, _)| (name, own.address))
        })
        .collect();
    for service in context.services() {
        for server in &service.effective.real_servers {
            let own = own.iter().find(|(_, own)| server.addresses.contains(own));
            let direct = server.forwarding == Forwarding::DirectRouting;
            if let Some((director, _)) = own.filter(|_| direct) {
                let subject = format!(
                    "the service `{}` forwards by `direct_routing` to the director `{director}` \
                     itself",
                    service.name
                );
                let path = server_path(service, server.index);
                findings.asks(Capability::DirectRoutingToItself, &path, subject);
            }
        }
    }
}

pub(super) fn marked_packets_are_handed_on(context: &Context<'_>, findings: &mut Findings) {
    for service in context.services() {
        let direct = all_servers(service.effective)
            .any(|server| server.forwarding == Forwarding::DirectRouting);
        if direct && matches!(service.effective.ports, Ports::Mark(_)) {
            let path = super::super::context::service_path(service.name).key("firewall_mark");
            let subject = format!(
                "the service `{}` forwards by `direct_routing` what carries a firewall mark",
                service.name
            );
            findings.asks(Capability::DirectRoutingByMark, &path, subject);
        }
    }
}
