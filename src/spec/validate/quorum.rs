//! Quorums that can be reached.
//!
//! Called by `validate`.

use std::net::IpAddr;

use super::context::{Context, Service, at, section, server_list_path, service_path};
use super::directors::out_of_range;
use super::families::families;
use super::vip_prefix::family_word;
use crate::spec::{EffectiveQuorum, EffectiveRealServer, Path, Problem, Quorum, QuorumCount};

/// A quorum asks for something, and for no more than the real servers can ever give.
pub(super) fn quorums_can_be_reached(context: &Context<'_>, problems: &mut Vec<Problem>) {
    problems.extend(zero(context));
    for service in context.services() {
        let list = server_list_path(service);
        if service.effective.real_servers.is_empty() || context.lost(&list) {
            continue;
        }
        problems.extend(
            families(context, service)
                .into_iter()
                .find_map(|vip| unreachable(context, service, vip)),
        );
    }
}

fn zero(context: &Context<'_>) -> Vec<Problem> {
    let default = context.farm.defaults.as_ref();
    let default = default.and_then(|defaults| defaults.service.as_ref()?.quorum);
    let own =
        context.farm.services.iter().filter_map(|(name, service)| {
            Some((service_path(name).key("quorum"), service.quorum?))
        });
    default
        .map(|quorum| (section("defaults").key("service").key("quorum"), quorum))
        .into_iter()
        .chain(own)
        .filter(|(_, quorum)| quorum.minimum == Some(0))
        .map(|(path, _)| {
            let range = "1 or more: with nothing left there is nobody to serve";
            out_of_range(path.key("minimum"), "minimum", 0, range)
        })
        .collect()
}

/// What is wrong with the quorum of one family.
fn unreachable(context: &Context<'_>, service: Service<'_, '_>, vip: IpAddr) -> Option<Problem> {
    let quorum = service.effective.quorum;
    let most = most(service, vip, quorum.count);
    if most == 0 {
        // Nobody serves at all: that is told by itself.
        return None;
    }
    let back = u64::from(quorum.minimum) + u64::from(quorum.hysteresis);
    if u64::from(quorum.minimum) > most {
        let path = said(context, service, "minimum", |quorum| quorum.minimum)?;
        return Some(never(service, vip, most, path));
    }
    if back > most {
        let path = said(context, service, "hysteresis", |quorum| quorum.hysteresis)
            .or_else(|| said(context, service, "minimum", |quorum| quorum.minimum))?;
        return Some(never_back(service, most, path));
    }
    None
}

/// What the real servers give when all of them are up.
fn most(service: Service<'_, '_>, vip: IpAddr, count: QuorumCount) -> u64 {
    let servers = service.effective.real_servers.iter();
    let serving = |server: &&EffectiveRealServer| server.address_for(vip).is_some();
    let weights = servers
        .filter(serving)
        .map(|server| u64::from(server.weight));
    match count {
        QuorumCount::RealServers => weights.map(|weight| weight.min(1)).sum(),
        QuorumCount::Weight => weights.sum(),
    }
}

/// Where a number of the quorum is written: at the service, else in `defaults`.
fn said(
    context: &Context<'_>,
    service: Service<'_, '_>,
    key: &str,
    of: impl Fn(Quorum) -> Option<u32>,
) -> Option<Path> {
    if service.written.quorum.and_then(&of).is_some() {
        return Some(service_path(service.name).key("quorum").key(key));
    }
    let default = context.farm.defaults.as_ref()?.service.as_ref()?.quorum;
    of(default?)?;
    Some(section("defaults").key("service").key("quorum").key(key))
}

/// `3 real servers`, `a weight of 12`.
fn amount(count: QuorumCount, number: u64) -> String {
    match (count, number) {
        (QuorumCount::RealServers, 1) => "1 real server".to_owned(),
        (QuorumCount::RealServers, _) => format!("{number} real servers"),
        (QuorumCount::Weight, _) => format!("a weight of {number}"),
    }
}

fn never(service: Service<'_, '_>, vip: IpAddr, most: u64, path: Path) -> Problem {
    let EffectiveQuorum { minimum, count, .. } = service.effective.quorum;
    Problem::error(
        "quorum",
        at(path),
        format!(
            "the quorum of `{}` is {}, but for {} clients it has {}",
            service.name,
            amount(count, u64::from(minimum)),
            family_word(vip),
            amount(count, most)
        ),
    )
    .labelled("can never be reached")
    .helped(format!(
        "write at most {most}; real servers with weight 0 do not count"
    ))
    .related(at(server_list_path(service)), "the real servers")
}

fn never_back(service: Service<'_, '_>, most: u64, path: Path) -> Problem {
    let EffectiveQuorum {
        minimum,
        hysteresis,
        count,
    } = service.effective.quorum;
    let back = u64::from(minimum) + u64::from(hysteresis);
    Problem::error(
        "quorum",
        at(path),
        format!(
            "once lost, the quorum of `{}` comes back with {} ({minimum} and a hysteresis of \
             {hysteresis}), but it has {}",
            service.name,
            amount(count, back),
            amount(count, most)
        ),
    )
    .labelled("would never come back")
    .helped(format!(
        "`minimum` and `hysteresis` together must be at most {most}"
    ))
    .related(at(server_list_path(service)), "the real servers")
}
