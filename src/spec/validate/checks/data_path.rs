//! Checks that take the way of a client's packet.
//!
//! Called by `validate`.

use super::super::context::{Context, at, server_path, server_words};
use super::{Asked, asked};
use crate::spec::{
    Check, EffectiveRealServer, Forwarding, Kind, Path, Place, Problem, Way, written_real_servers,
};

/// Only a connection can be made the way of a client's, and only where the VIP is the address that
/// the real server itself answers on.
pub(in crate::spec::validate) fn data_paths_are_for_connections(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    for asked in asked(context) {
        if asked.check.vantage.way != Way::DataPath {
            continue;
        }
        let Some(path) = asked.said(|check| check.way.is_some()) else {
            continue;
        };
        problems.extend(other_kind(&asked, path));
        problems.extend(other_address(&asked));
        problems.extend(translated(context, &asked, path));
    }
}

fn other_kind(asked: &Asked<'_, '_>, path: &Path) -> Option<Problem> {
    let kind = asked.check.kind.as_ref()?;
    if matches!(kind, Kind::Tcp(_)) {
        return None;
    }
    let word = kind.word();
    let problem = Problem::error(
        "data-path",
        at(path.key("way")),
        format!("`way: data_path` is for `tcp`, and this check is `{word}`"),
    )
    .labelled("not for this kind")
    .helped("write `tcp`, with `send` and `expect` where a connection is not enough, or leave `way` out");
    Some(match asked.said(|check| check.kind().is_some()) {
        Some(said) => problem.related(Place::Key(said.key(word)), "the kind"),
        None => problem,
    })
}

/// The VIP is asked: another address has no meaning.
fn other_address(asked: &Asked<'_, '_>) -> Option<Problem> {
    let path = asked.said(|check: &Check| check.address.is_some())?;
    Some(
        Problem::error(
            "data-path",
            at(path.key("address")),
            "`way: data_path` asks the VIP, not another address",
        )
        .labelled("would not be asked")
        .helped("leave `address` out, or leave `way` out"),
    )
}

/// With address translation the real server knows nothing of the VIP.
fn translated(context: &Context<'_>, asked: &Asked<'_, '_>, path: &Path) -> Option<Problem> {
    let server = by_nat(context, asked)?;
    let name = match server.addresses.first() {
        Some(address) => server_words(&server.name, *address),
        None => format!("`{}`", server.name),
    };
    Some(
        Problem::error(
            "data-path",
            at(path.key("way")),
            format!(
                "`way: data_path` is for `direct_routing` and `tunnel`, and {name} of `{}` is \
                 reached by `nat`",
                asked.service.name
            ),
        )
        .labelled("this real server does not have the VIP")
        .helped("leave `way` out: with `nat` its own address is what clients reach")
        .related(
            at(server_path(asked.service, server.index)),
            "this real server",
        ),
    )
}

/// A real server by NAT among those that are asked so: this one, or those without a check of their
/// own.
fn by_nat<'c>(context: &Context<'_>, asked: &Asked<'c, '_>) -> Option<&'c EffectiveRealServer> {
    let is_nat = |server: &&EffectiveRealServer| matches!(server.forwarding, Forwarding::Nat(_));
    let written = written_real_servers(context.farm, asked.service.written);
    if written.get(asked.server.index)?.check.is_some() {
        return Some(asked.server).filter(is_nat);
    }
    let servers = asked.service.effective.real_servers.iter();
    let alike = servers
        .zip(written)
        .filter(|(_, written)| written.check.is_none());
    alike.map(|(server, _)| server).find(is_nat)
}
