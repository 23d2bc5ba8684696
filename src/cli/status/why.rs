//! `farmctl status --why SERVER`: all that a daemon knows of one real server.

use super::daemon::{place, share, span, state};
use crate::api::{GroupStatus, RealServerStatus, Status};
use crate::cli::output::Paint;

/// All about a real server, by its name or address; none where there is no such server.
pub(super) fn render(status: &Status, server: &str, paint: Paint) -> Option<String> {
    let mut parts = Vec::new();
    for service in &status.services {
        for group in &service.groups {
            let found = group.real_servers.iter().filter(|one| is(one, server));
            parts.extend(found.map(|one| about(status, &service.name, group, one, paint)));
        }
    }
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// The names that could have been meant.
pub(super) fn names(status: &Status) -> Vec<String> {
    let groups = status.services.iter().flat_map(|service| &service.groups);
    let servers = groups.flat_map(|group| &group.real_servers);
    let mut names: Vec<String> = servers.map(|server| server.name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

fn is(server: &RealServerStatus, wanted: &str) -> bool {
    server.name == wanted || server.address.to_string() == wanted || place(server) == wanted
}

fn about(
    status: &Status,
    service: &str,
    group: &GroupStatus,
    server: &RealServerStatus,
    paint: Paint,
) -> String {
    let title = format!("{} of {service} ({})", server.name, group.keys.join(", "));
    let mut lines = vec![
        paint.heading(&title),
        format!("  where       {} by {}", place(server), server.forwarding),
        format!("  state       {}", state(server, status.at, paint)),
    ];
    lines.extend(asked(status, server));
    lines.extend(agent(status, server));
    lines.extend(steps(server));
    let counts = server.connections;
    lines.push(format!(
        "  connections {} active, {} inactive, {} persistent",
        counts.active, counts.inactive, counts.persistent
    ));
    lines.extend(drain(status, server));
    lines.join("\n")
}

fn asked(status: &Status, server: &RealServerStatus) -> Vec<String> {
    let Some(check) = &server.check else {
        return vec!["  check       none: it is taken to be well".into()];
    };
    let Some(last) = &server.last_answer else {
        return vec![format!("  check       {check}; no answer yet")];
    };
    let word = if last.good { "good" } else { "bad" };
    vec![
        format!(
            "  check       {check}: {} {} ago, after {:.1} ms",
            last.text,
            span(status.at.saturating_sub(last.at)),
            std::time::Duration::from_micros(last.took_us).as_secs_f64() * 1000.0,
        ),
        format!(
            "  answers     {} {word} in a row; {} failures in all",
            last.in_a_row, last.failures
        ),
    ]
}

fn agent(status: &Status, server: &RealServerStatus) -> Option<String> {
    let agent = server.agent.as_ref()?;
    let when = match agent.at {
        Some(at) => format!("{} ago", span(status.at.saturating_sub(at))),
        None => "never".into(),
    };
    let stale = if agent.stale {
        ", too long ago to count"
    } else {
        ""
    };
    let share = match agent.percent {
        Some(percent) => format!("{percent} % of its weight"),
        None => "its whole weight".into(),
    };
    Some(format!("  agent       {share} ({when}{stale})"))
}

fn steps(server: &RealServerStatus) -> Vec<String> {
    let weight = &server.weight;
    let file = match weight.file {
        Some(file) => format!("weight {file} by the file"),
        None => "the file no longer has it".into(),
    };
    let mut lines = vec![format!("  weight      {file}")];
    let steps = weight.why.iter();
    lines.extend(steps.map(|step| format!("              {}: {}", share(step.weight), step.text)));
    lines.push(format!("              {} now", share(weight.effective)));
    lines
}

fn drain(status: &Status, server: &RealServerStatus) -> Option<String> {
    let drain = server.drain.as_ref()?;
    let until = match (drain.ended, drain.deadline) {
        (true, _) => "at its end".into(),
        (false, Some(at)) => format!("{} more", span(at.saturating_sub(status.at))),
        (false, None) => "without a deadline".into(),
    };
    Some(format!(
        "  drain       for {}, {until}, {} connections left: {}",
        span(status.at.saturating_sub(drain.since)),
        drain.remaining,
        drain.because
    ))
}
