//! Checks: what is asked, whether it can be, and when.
//!
//! Here is what all rules look at: every check as it is written, and every check as it holds for a
//! real server with the places that it came from. Called by `validate`.

mod complete;
mod data_path;
mod expressions;
mod kinds;
mod options;
mod ports;
mod programs;
mod times;
mod vantage;

pub(super) use complete::{checks_ask_something, is_checked, services_are_checked_or_say_so};
pub(super) use data_path::data_paths_are_for_connections;
pub(super) use expressions::expressions_and_bytes_can_be_read;
pub(super) use kinds::checks_have_one_kind;
pub(super) use options::options_of_checks_have_an_effect;
pub(super) use ports::checks_have_a_port;
pub(super) use programs::{command, environment, programs_can_be_run};
pub(super) use times::times_of_checks_fit;
pub(super) use vantage::checks_can_be_asked_from_there;

use super::context::{Context, Service, section, server_path, service_path};
use crate::spec::{
    Check, CheckChoice, EffectiveCheck, EffectiveRealServer, Path, RealServer, written_real_servers,
};

/// A check as it is written.
pub(super) struct Written<'a> {
    pub(super) path: Path,
    pub(super) check: &'a Check,
}

/// Every check that is written in the file.
pub(super) fn written<'a>(context: &Context<'a>) -> Vec<Written<'a>> {
    let farm = context.farm;
    let default = farm
        .defaults
        .iter()
        .filter_map(|defaults| map(section("defaults").key("check"), defaults.check.as_ref()));
    let pools = farm.pools.iter().filter_map(|(name, pool)| {
        map(section("pools").key(name).key("check"), pool.check.as_ref())
    });
    let services = farm
        .services
        .iter()
        .filter_map(|(name, service)| map(service_path(name).key("check"), service.check.as_ref()));
    let mut written: Vec<Written<'a>> = default.chain(pools).chain(services).collect();
    for list in context.server_lists() {
        for (index, server) in list.servers.iter().enumerate() {
            if server.check.is_some() {
                let path = list.path.index(index).key("check");
                written.extend(map(path, server.check.as_ref()));
            }
        }
    }
    written
}

fn map(path: Path, choice: Option<&CheckChoice>) -> Option<Written<'_>> {
    match choice? {
        CheckChoice::None => None,
        CheckChoice::Check(check) => Some(Written { path, check }),
    }
}

/// What holds for a real server, with where it comes from: the nearest level first.
pub(super) struct Asked<'c, 'a> {
    pub(super) service: Service<'c, 'a>,
    /// A real server that is asked so.
    pub(super) server: &'c EffectiveRealServer,
    pub(super) levels: Vec<Written<'a>>,
    pub(super) check: &'c EffectiveCheck,
}

impl Asked<'_, '_> {
    /// The nearest level that says something.
    pub(super) fn said(&self, says: impl Fn(&Check) -> bool) -> Option<&Path> {
        let level = self.levels.iter().find(|level| says(level.check));
        level.map(|level| &level.path)
    }

    /// The check that is nearest to the real server.
    pub(super) fn nearest(&self) -> Path {
        let nearest = self.levels.first();
        nearest.map_or_else(Path::root, |level| level.path.clone())
    }
}

/// Every check that holds for some real server: one for all that have none of their own, and one
/// for each of the others.
pub(super) fn asked<'c, 'a>(context: &'c Context<'a>) -> Vec<Asked<'c, 'a>> {
    context
        .services()
        .flat_map(|service| asked_of(context, service))
        .collect()
}

fn asked_of<'c, 'a>(context: &'c Context<'a>, service: Service<'c, 'a>) -> Vec<Asked<'c, 'a>> {
    let written = written_real_servers(context.farm, service.written);
    let servers = &service.effective.real_servers;
    let pairs = || written.iter().zip(servers);
    let alike = pairs().find(|(written, _)| written.check.is_none());
    let own = pairs().filter(|(written, _)| written.check.is_some());
    alike
        .into_iter()
        .chain(own)
        .filter_map(|(written, server)| {
            Some(Asked {
                service,
                server,
                levels: levels(context, service, Some((written, server.index))),
                check: server.check.as_deref()?,
            })
        })
        .collect()
}

/// The maps that are merged for a real server, or for those without one of their own; a `none` ends
/// them.
pub(super) fn levels<'a>(
    context: &Context<'a>,
    service: Service<'_, 'a>,
    server: Option<(&'a RealServer, usize)>,
) -> Vec<Written<'a>> {
    let farm = context.farm;
    let own = server.map(|(server, index)| {
        let path = || server_path(service, index).key("check");
        (server.check.as_ref(), server.check.as_ref().map(|_| path()))
    });
    let own = own.and_then(|(choice, path)| Some((choice?, path?)));
    let at_service = service.written.check.as_ref();
    let pool = service
        .effective
        .pool
        .filter(|_| service.written.real_servers.is_empty());
    let at_pool = pool.and_then(|name| {
        let choice = farm.pools.get(name)?.check.as_ref()?;
        Some((choice, section("pools").key(name).key("check")))
    });
    let default = farm
        .defaults
        .as_ref()
        .and_then(|defaults| defaults.check.as_ref());
    let choices = [
        own,
        at_service.map(|choice| (choice, service_path(service.name).key("check"))),
        at_pool,
        default.map(|choice| (choice, section("defaults").key("check"))),
    ];
    choices
        .into_iter()
        .flatten()
        .map_while(|(choice, path)| map(path, Some(choice)))
        .collect()
}
