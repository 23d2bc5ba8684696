//! When a check is asked: times that fit each other once all levels are merged.
//!
//! Called by `validate`.

use std::time::Duration as Time;

use super::super::context::{Context, at, section};
use super::super::directors::out_of_range;
use super::{Asked, asked, written};
use crate::spec::{AgentCheck, Check, Duration, OrNone, Path, Problem};

/// Nothing is asked more often than this, and no answer is given less time.
const SHORTEST: Time = Time::from_millis(10);

/// Times are long enough, and none is longer than the interval that it belongs to.
pub(in crate::spec::validate) fn times_of_checks_fit(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    for written in written(context) {
        problems.extend(too_short(written.check, &written.path));
        problems.extend(counts(written.check, &written.path));
        problems.extend(agent_too_short(written.check, &written.path));
    }
    for asked in asked(context) {
        problems.extend(longer_than_interval(&asked, "timeout", |check| {
            check.timeout
        }));
        problems.extend(longer_than_interval(&asked, "fast_retry", |check| {
            check.fast_retry
        }));
        problems.extend(agent_stale(&asked));
    }
}

fn too_short(check: &Check, path: &Path) -> Vec<Problem> {
    [
        ("interval", check.interval),
        ("timeout", check.timeout),
        ("fast_retry", check.fast_retry),
    ]
    .into_iter()
    .filter_map(|(key, time)| short(path.key(key), key, time?))
    .collect()
}

fn agent_too_short(check: &Check, path: &Path) -> Option<Problem> {
    let Some(OrNone::Some(AgentCheck { interval, .. })) = &check.agent else {
        return None;
    };
    short(path.key("agent").key("interval"), "interval", (*interval)?)
}

fn short(path: Path, key: &str, time: Duration) -> Option<Problem> {
    (time.0 < SHORTEST).then(|| {
        Problem::error(
            "check-times",
            at(path),
            format!("`{key}` is {time}, shorter than {}", Duration(SHORTEST)),
        )
        .labelled("too short")
        .helped(format!(
            "write at least `{}`; a second or more is usual",
            Duration(SHORTEST)
        ))
    })
}

/// Numbers of answers in a row.
fn counts(check: &Check, path: &Path) -> Vec<Problem> {
    [("rise", check.rise), ("fall", check.fall)]
        .into_iter()
        .filter_map(|(key, count)| {
            let count = count.filter(|count| !(1..=100).contains(count))?;
            let range = "a number from 1 to 100";
            Some(out_of_range(path.key(key), key, u64::from(count), range))
        })
        .collect()
}

fn longer_than_interval(
    asked: &Asked<'_, '_>,
    key: &str,
    of: impl Fn(&Check) -> Option<Duration>,
) -> Option<Problem> {
    let path = asked.said(|check| of(check).is_some())?;
    let time = asked.levels.iter().find_map(|level| of(level.check))?;
    let interval = Duration(asked.check.timing.interval);
    if time <= interval {
        return None;
    }
    let said = asked.said(|check| check.interval.is_some());
    let problem = Problem::error(
        "check-times",
        at(path.key(key)),
        format!("`{key}` is {time}, longer than the `interval` of {interval}"),
    )
    .labelled("longer than the interval")
    .helped(match key {
        "timeout" => format!(
            "an answer must be there before the next question: write at most `{interval}`, or a \
             longer `interval`"
        ),
        _ => format!("write at most `{interval}`, or leave it out"),
    });
    Some(match said {
        Some(said) => problem.related(at(said.key("interval")), "the interval"),
        None => problem,
    })
}

/// An answer of an agent lasts at least until the next one.
fn agent_stale(asked: &Asked<'_, '_>) -> Option<Problem> {
    let agent = asked.check.agent.as_ref()?;
    let (stale, interval) = (agent.stale_after(), agent.interval());
    if stale > interval {
        return None;
    }
    let wrote = |of: fn(&AgentCheck) -> Option<Duration>| {
        asked.said(|check| match &check.agent {
            Some(OrNone::Some(agent)) => of(agent).is_some(),
            Some(OrNone::None) | None => false,
        })
    };
    let stale_path =
        wrote(|agent| agent.stale_after).map(|path| path.key("agent").key("stale_after"));
    let interval_path = wrote(|agent| agent.interval).map(|path| path.key("agent").key("interval"));
    let path = stale_path
        .or(interval_path)
        .unwrap_or_else(|| section("defaults"));
    let (stale, interval) = (Duration(stale), Duration(interval));
    Some(
        Problem::error(
            "check-times",
            at(path),
            format!(
                "an answer of the agent is stale after {stale}, before the next one comes, which \
                 is after {interval}"
            ),
        )
        .labelled("every answer would expire")
        .helped("write a `stale_after` of several intervals"),
    )
}
