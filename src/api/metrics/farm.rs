//! Metrics of the farm as a whole: the file, drift, overrides, events.

use crate::api::{Health, Reconciled, Status};
use crate::event::Kind;

use super::{Family, Snapshot, flag, number};

/// All of them.
pub(super) fn families(snapshot: &Snapshot) -> Vec<Family> {
    let status = &snapshot.status;
    let mut families = file(status);
    families.extend(reconciling(snapshot));
    families.push(overrides(status));
    families.push(redundancy(status));
    families.push(certificates(status));
    families.push(events(snapshot));
    families
}

fn file(status: &Status) -> Vec<Family> {
    let health = match status.health {
        Health::Full => 0.0,
        Health::Degraded => 1.0,
        Health::Down => 2.0,
    };
    let mut revision = Family::gauge(
        "farmctl_config_revision_info",
        "Which version of the file runs, in its labels.",
        &["file", "hash", "commit"],
    );
    if let Some(running) = &status.revision {
        let commit = running.commit.as_deref().unwrap_or_default();
        revision.set([&running.file, &running.hash, commit], 1.0);
    }
    vec![
        Family::gauge(
            "farmctl_build_info",
            "The version of farmctl, in its label.",
            &["version"],
        )
        .with([&status.daemon.version], 1.0),
        Family::gauge(
            "farmctl_health",
            "The farm on this machine: 0 full, 1 degraded, 2 down.",
            &["farm"],
        )
        .with([&status.farm], health),
        Family::gauge(
            "farmctl_ready",
            "Whether the kernel has held what is wanted since the daemon started.",
            &[],
        )
        .with([], flag(status.daemon.converged)),
        revision,
        Family::gauge(
            "farmctl_config_problem",
            "Whether there is a newer file that is bad; the one before it goes on.",
            &[],
        )
        .with([], flag(status.refused.is_some())),
        Family::gauge(
            "farmctl_config_waiting",
            "Whether there is a newer file that waits for approval or to be unchanged.",
            &[],
        )
        .with([], flag(status.waiting.is_some())),
    ]
}

fn reconciling(snapshot: &Snapshot) -> Vec<Family> {
    let drift = &snapshot.status.drift;
    let failed = snapshot.meters.runs(Reconciled::Failed);
    let all = failed + snapshot.meters.runs(Reconciled::Converged);
    vec![
        Family::gauge(
            "farmctl_drift_objects",
            "How many differences others made to what is farmctl's.",
            &[],
        )
        .with(
            [],
            number(u64::try_from(drift.differences.len()).unwrap_or(u64::MAX)),
        ),
        Family::gauge(
            "farmctl_drift_fight",
            "Whether another controller changes the same things again and again.",
            &[],
        )
        .with([], flag(drift.fight.is_some())),
        Family::counter(
            "farmctl_reconcile_total",
            "How often the kernel was made to hold what is wanted.",
            &[],
        )
        .with([], number(all)),
        Family::counter(
            "farmctl_reconcile_errors_total",
            "How often that failed.",
            &[],
        )
        .with([], number(failed)),
    ]
}

fn overrides(status: &Status) -> Family {
    let mut family = Family::gauge(
        "farmctl_override_active",
        "How many orders of operators hold beside the file.",
        &["kind", "target", "service"],
    );
    for order in &status.overrides {
        let service = order.service.as_deref().unwrap_or_default();
        family.add([order.kind.word(), &order.target, service], 1.0);
    }
    family
}

fn redundancy(status: &Status) -> Family {
    let mut family = Family::gauge(
        "farmctl_redundancy",
        "How many may fail before clients are hurt.",
        &["object"],
    );
    for one in &status.redundancy {
        family.set([&one.object], f64::from(one.spare));
    }
    family
}

fn certificates(status: &Status) -> Family {
    let mut family = Family::gauge(
        "farmctl_certificate_expiry_timestamp_seconds",
        "When the certificate that a real server showed expires.",
        &["service", "server", "address"],
    );
    for one in &status.certificates {
        family.set(
            [&one.service, &one.server, &one.address],
            number(one.expires),
        );
    }
    family
}

fn events(snapshot: &Snapshot) -> Family {
    let mut family = Family::counter(
        "farmctl_events_total",
        "How many events of each kind there were.",
        &["kind"],
    );
    for ((kind, _), count) in snapshot.events.counts() {
        family.add([&word(kind)], number(count));
    }
    family
}

fn word(kind: Kind) -> String {
    kind.to_string()
}
