//! Checks that say when but not what, and services that nobody thought of.
//!
//! Called by `validate`.

use super::super::context::{Context, Service, at, section, server_list_path, service_path};
use super::{levels, map};
use crate::spec::{
    CheckChoice, EffectiveRealServer, Path, Place, Problem, RealServer, written_real_servers,
};

/// Where a check is written, something is asked.
pub(in crate::spec::validate) fn checks_ask_something(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    for service in context.services() {
        let written = written_real_servers(context.farm, service.written);
        let servers = || written.iter().zip(&service.effective.real_servers);
        for (written, server) in servers().filter(|(written, _)| written.check.is_some()) {
            problems.extend(server_without_kind(context, service, written, server));
        }
        let alike = servers().find(|(written, _)| written.check.is_none());
        if alike.is_some_and(|(_, server)| server.check.is_none()) {
            problems.extend(service_without_kind(context, service));
        }
    }
    problems.extend(default_without_kind(context));
}

fn server_without_kind(
    context: &Context<'_>,
    service: Service<'_, '_>,
    written: &RealServer,
    server: &EffectiveRealServer,
) -> Option<Problem> {
    let path = super::server_path(service, server.index).key("check");
    let own = map(path, written.check.as_ref())?;
    let open = server.check.is_none() && !context.lost(&own.path);
    open.then(|| without_kind(own.path))
}

/// The service's own check, or its pool's; `defaults` may say when alone.
fn service_without_kind(context: &Context<'_>, service: Service<'_, '_>) -> Option<Problem> {
    let default = section("defaults").key("check");
    let own = levels(context, service, None).into_iter().next()?.path;
    (own != default && !context.lost(&own) && !context.lost(&default)).then(|| without_kind(own))
}

fn without_kind(path: Path) -> Problem {
    Problem::error(
        "neither-given",
        Place::Key(path),
        "this check says when, but not what is asked",
    )
    .labelled("no kind")
    .helped("write a kind, such as `tcp: {}` or `http: { path: / }`, or `check: none`")
}

/// `defaults.check` says when, and nothing anywhere says what.
fn default_without_kind(context: &Context<'_>) -> Option<Problem> {
    let default = context.farm.defaults.as_ref()?.check.as_ref()?;
    let path = section("defaults").key("check");
    let CheckChoice::Check(check) = default else {
        return None;
    };
    let asks = check.kind().is_some() || check.agent.is_some();
    let nobody = !context.services().any(is_checked) && context.is_whole();
    (!asks && nobody).then(|| {
        Problem::warning(
            "unused-check",
            Place::Key(path),
            "`defaults.check` says when, but no real server of the farm is checked",
        )
        .labelled("has no effect")
        .helped(
            "write a kind here for all real servers, such as `tcp: {}`, or a `check` where one \
             belongs",
        )
    })
}

pub(in crate::spec::validate) fn is_checked(service: Service<'_, '_>) -> bool {
    let mut servers = service.effective.real_servers.iter();
    servers.any(|server| server.check.is_some())
}

/// In a farm with checks, a service without any says that it is meant.
pub(in crate::spec::validate) fn services_are_checked_or_say_so(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    if !context.services().any(is_checked) || !context.is_whole() {
        return;
    }
    let forgotten = context
        .services()
        .filter(|service| !service.effective.real_servers.is_empty())
        .filter(|service| !is_checked(*service) && !says_so(context, *service));
    problems.extend(forgotten.map(unchecked));
}

/// Whether a check, or `none`, is written anywhere for it.
fn says_so(context: &Context<'_>, service: Service<'_, '_>) -> bool {
    let farm = context.farm;
    let pool = service.effective.pool.and_then(|name| farm.pools.get(name));
    let default = farm.defaults.as_ref().and_then(|it| it.check.as_ref());
    let servers = written_real_servers(farm, service.written);
    service.written.check.is_some()
        || pool.is_some_and(|pool| pool.check.is_some())
        || matches!(default, Some(CheckChoice::None))
        || servers.iter().any(|server| server.check.is_some())
}

fn unchecked(service: Service<'_, '_>) -> Problem {
    Problem::warning(
        "unchecked",
        Place::Key(service_path(service.name)),
        format!(
            "no real server of `{}` is checked: a dead one goes on getting connections",
            service.name
        ),
    )
    .labelled("not checked, unlike others of this farm")
    .helped("write a `check` for it, or `check: none` where that is meant")
    .related(at(server_list_path(service)), "the real servers")
}
