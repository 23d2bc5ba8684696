//! Schedulers whose options, or whose real servers' weights, would have no effect.
//!
//! Called by `validate`.

use super::context::{Context, Service, at, option_path, server_list_path, service_path};
use crate::spec::{HashOptions, OrNone, Problem, Scheduler};

/// Different weights stand with a scheduler that looks at them.
pub(super) fn weights_are_used(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for service in context.services() {
        let weights = service
            .effective
            .real_servers
            .iter()
            .map(|server| server.weight);
        let mut working = weights.filter(|weight| *weight != 0);
        let first = working.next();
        let differ = working.any(|weight| Some(weight) != first);
        let word = service.effective.scheduler.and_then(weightless);
        if let Some((word, instead)) = word.filter(|_| differ) {
            problems.push(ignored(service, word, instead));
        }
    }
}

/// Schedulers that only ask whether a weight is zero, and what to use instead.
pub(super) fn weightless(scheduler: Scheduler) -> Option<(&'static str, &'static str)> {
    match scheduler {
        Scheduler::Rr(_) => Some(("rr", "wrr")),
        Scheduler::Lc => Some(("lc", "wlc")),
        Scheduler::Dh => Some(("dh", "mh")),
        Scheduler::Wrr(_)
        | Scheduler::Wlc
        | Scheduler::Lblc
        | Scheduler::Lblcr
        | Scheduler::Sh(_)
        | Scheduler::Mh(_)
        | Scheduler::Sed
        | Scheduler::Nq
        | Scheduler::Fo
        | Scheduler::Ovf
        | Scheduler::Twos => None,
    }
}

fn ignored(service: Service<'_, '_>, word: &str, instead: &str) -> Problem {
    let path = option_path(service, "scheduler", service.written.scheduler.as_ref());
    Problem::warning(
        "weights-ignored",
        at(path),
        format!(
            "the scheduler `{word}` takes no notice of weights, and the real servers of `{}` have \
             different ones",
            service.name
        ),
    )
    .labelled("treats all real servers alike")
    .helped(format!(
        "write `scheduler: {instead}`, or leave the weights out"
    ))
    .related(at(server_list_path(service)), "the weights are here")
}

/// Spreading a client's connections and keeping the client on one server exclude each other.
pub(super) fn options_have_an_effect(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for service in context.services() {
        let options = service.effective.scheduler.and_then(hash_options);
        let spreads = options.is_some_and(|options| options.port);
        if spreads && service.effective.persistence.is_some() {
            problems.push(spread_and_kept(service));
        }
    }
}

fn hash_options(scheduler: Scheduler) -> Option<HashOptions> {
    if let Scheduler::Sh(options) | Scheduler::Mh(options) = scheduler {
        Some(options)
    } else {
        None
    }
}

fn spread_and_kept(service: Service<'_, '_>) -> Problem {
    let scheduler = option_path(service, "scheduler", service.written.scheduler.as_ref());
    let own = service.written.persistence.as_ref();
    let persistence = option_path(service, "persistence", own);
    let help = match own {
        Some(OrNone::Some(_)) => "remove `port: true`, or remove `persistence`".to_owned(),
        Some(OrNone::None) | None => format!(
            "remove `port: true`, or write `persistence: none` in `{}`",
            service_path(service.name)
        ),
    };
    Problem::warning(
        "scheduler-and-persistence",
        at(scheduler),
        format!(
            "`port: true` spreads the connections of a client, but persistence keeps the clients \
             of `{}` on one real server",
            service.name
        ),
    )
    .labelled("has no effect for a client that is remembered")
    .helped(help)
    .related(at(persistence), "persistence")
}
