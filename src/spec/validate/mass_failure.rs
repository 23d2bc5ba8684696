//! The guard against mass failure, and other options that need checks.
//!
//! Called by `validate`.

use super::checks::is_checked;
use super::context::{Context, Service, at, option_path, section, server_list_path, service_path};
use super::schedulers::weightless;
use crate::spec::{
    Duration, EffectiveMassFailure, MassFailure, MassFailureThen, OrNone, Path, Place, Problem,
};

/// Fewer real servers than this are no mass.
const MASS: usize = 4;

/// Real servers are held only where that is better than to let them go.
pub(super) fn guards_against_mass_failure_help(context: &Context<'_>, problems: &mut Vec<Problem>) {
    problems.extend(written(context).iter().filter_map(no_time));
    for service in context.services() {
        let Some(guard) = service.effective.mass_failure else {
            continue;
        };
        if guard.then == MassFailureThen::Hold {
            problems.extend(too_few(context, service));
            problems.extend(beside_sorry(context, service));
        }
        problems.extend(too_quick(context, service, guard));
    }
}

/// Every guard that is written, with its place.
fn written(context: &Context<'_>) -> Vec<(Path, MassFailure)> {
    let farm = context.farm;
    let default = farm.defaults.as_ref();
    let default = default.and_then(|defaults| defaults.service.as_ref()?.mass_failure);
    let pools = farm.pools.iter();
    let pools = pools.map(|(name, pool)| (section("pools").key(name), pool.mass_failure));
    let services = farm.services.iter();
    let services = services.map(|(name, service)| (service_path(name), service.mass_failure));
    std::iter::once((section("defaults").key("service"), default))
        .chain(pools)
        .chain(services)
        .filter_map(guard)
        .collect()
}

/// The guard that is written in a map, with its place.
fn guard((path, written): (Path, Option<OrNone<MassFailure>>)) -> Option<(Path, MassFailure)> {
    match written? {
        OrNone::Some(guard) => Some((path.key("mass_failure"), guard)),
        OrNone::None => None,
    }
}

fn no_time((path, guard): &(Path, MassFailure)) -> Option<Problem> {
    let within = guard.within.filter(|within| within.0.is_zero())?;
    Some(
        Problem::error(
            "mass-failure",
            at(path.key("within")),
            format!("within {within} nothing can happen"),
        )
        .labelled("no time at all")
        .helped("write the time in which the failures come together, such as `2s`"),
    )
}

/// Where the guard of a service is written that says something; the guard itself where none does.
fn said(
    context: &Context<'_>,
    service: Service<'_, '_>,
    says: impl Fn(&MassFailure) -> bool,
) -> Option<Path> {
    let farm = context.farm;
    let pool = service
        .effective
        .pool
        .and_then(|name| farm.pools.get_key_value(name));
    let default = farm.defaults.as_ref();
    let default = default.and_then(|defaults| defaults.service.as_ref()?.mass_failure);
    let levels = [
        (service_path(service.name), service.written.mass_failure),
        pool.map_or((Path::root(), None), |(name, pool)| {
            (section("pools").key(name), pool.mass_failure)
        }),
        (section("defaults").key("service"), default),
    ];
    let levels = levels.into_iter().filter_map(guard);
    let mut levels = levels.peekable();
    let nearest = levels.peek().map(|(path, _)| path.clone());
    levels
        .find(|(_, guard)| says(guard))
        .map(|(path, _)| path)
        .or(nearest)
}

fn hold(context: &Context<'_>, service: Service<'_, '_>) -> Option<Path> {
    said(context, service, |guard| guard.then.is_some()).map(|path| path.key("then"))
}

fn too_few(context: &Context<'_>, service: Service<'_, '_>) -> Option<Problem> {
    let list = server_list_path(service);
    let count = service.effective.real_servers.len();
    if count >= MASS || context.lost(&list) {
        return None;
    }
    Some(
        Problem::error(
            "mass-failure",
            at(hold(context, service)?),
            format!(
                "`then: hold` needs at least {MASS} real servers, and `{}` has {count}",
                service.name
            ),
        )
        .labelled("dead servers would be kept")
        .helped("write `then: alarm`; of so few servers all may well be dead at once")
        .related(at(list), "the real servers"),
    )
}

fn beside_sorry(context: &Context<'_>, service: Service<'_, '_>) -> Option<Problem> {
    service.effective.sorry_server.as_ref()?;
    let own = service.written.sorry_server.as_ref();
    Some(
        Problem::error(
            "mass-failure",
            at(hold(context, service)?),
            format!(
                "`then: hold` keeps the real servers of `{}`, and its sorry server could never \
                 take over",
                service.name
            ),
        )
        .labelled("contradicts the sorry server")
        .helped("write `then: alarm`, or `sorry_server: none`")
        .related(
            at(option_path(service, "sorry_server", own)),
            "the sorry server",
        ),
    )
}

/// Failures that happen together are seen over one interval.
fn too_quick(
    context: &Context<'_>,
    service: Service<'_, '_>,
    guard: EffectiveMassFailure,
) -> Option<Problem> {
    let servers = service.effective.real_servers.iter();
    let intervals = servers.filter_map(|server| Some(server.check.as_ref()?.timing.interval));
    let longest = intervals.max()?;
    let written = said(context, service, |guard| guard.within.is_some())?;
    (guard.within < longest && !guard.within.is_zero()).then(|| {
        Problem::warning(
            "mass-failure-too-quick",
            at(written.key("within")),
            format!(
                "`within` is {}, but the real servers of `{}` are checked every {}: failures at \
                 one moment are seen farther apart",
                Duration(guard.within),
                service.name,
                Duration(longest)
            ),
        )
        .labelled("would rarely notice")
        .helped(format!("write at least `{}`", Duration(longest)))
    })
}

/// What is done about failures needs somebody to notice them.
pub(super) fn options_for_failures_have_checks(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for service in context.services() {
        let written = [
            ("on_failure", service.written.on_failure.is_some()),
            (
                "mass_failure",
                matches!(service.written.mass_failure, Some(OrNone::Some(_))),
            ),
        ];
        let bare = service.effective.real_servers.is_empty();
        if bare || is_checked(service) || !context.is_whole() {
            continue;
        }
        for (key, _) in written.into_iter().filter(|(_, written)| *written) {
            problems.push(unnoticed(service, key));
        }
    }
}

fn unnoticed(service: Service<'_, '_>, key: &str) -> Problem {
    Problem::warning(
        "failures-unnoticed",
        Place::Key(service_path(service.name).key(key)),
        format!(
            "`{key}` has no effect: no real server of `{}` is checked",
            service.name
        ),
    )
    .labelled("nobody notices a failure")
    .helped("write a `check` for its real servers")
}

/// A weight that changes needs a scheduler that looks at it.
pub(super) fn changing_weights_are_used(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for service in context.services() {
        let Some((word, instead)) = service.effective.scheduler.and_then(weightless) else {
            continue;
        };
        if service.effective.slow_start.is_some() {
            let path = option_path(service, "slow_start", service.written.slow_start.as_ref());
            problems.push(no_slow_start(service, path, word, instead));
        }
    }
}

fn no_slow_start(service: Service<'_, '_>, path: Path, word: &str, instead: &str) -> Problem {
    let scheduler = option_path(service, "scheduler", service.written.scheduler.as_ref());
    Problem::warning(
        "weights-ignored",
        at(path),
        format!(
            "the scheduler `{word}` takes no notice of weights: `slow_start` has no effect on `{}`",
            service.name
        ),
    )
    .labelled("no ramp")
    .helped(format!("write `scheduler: {instead}`"))
    .related(at(scheduler), "the scheduler")
}
