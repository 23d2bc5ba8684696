//! The status: what is so now, and why.

use crate::api::{
    AddressStatus, ApplyStatus, DaemonStatus, DrainStatus, DriftPolicy, DriftStatus, Health,
    OverlayReport, OverrideKind, OverrideStatus, RedundancyStatus, ServiceStatus, Status,
};
use crate::daemon::files::Whence;
use crate::daemon::now::Now;
use crate::daemon::overrides::{Override, What};
use crate::spec;

use super::Core;

impl Core {
    /// Everything that an operator may want to know now. Costs one look at every real server.
    pub fn status(&self, now: Now) -> Status {
        let good = self.files.wished();
        let farm = good.map(|good| good.farm.farm.to_string());
        let services = self.services(now);
        let redundancy = redundancy(&services);
        let mut status = Status::of(farm.unwrap_or_default());
        status.at = now.unix_ms();
        status.node = self.kernel.node().map(ToString::to_string);
        status.dataplane = self.kernel.dataplane();
        status.daemon = self.daemon_status();
        status.revision = self.revision();
        status.refused = self.files.refused();
        status.waiting = self.files.waiting(|moment| now.unix_of(moment));
        status.last_apply = self.last_apply();
        status.drift = self.drift_status();
        status.addresses = self.addresses();
        status.overrides = self.override_statuses(now);
        status.overlay = OverlayReport::from(self.engine.overlay());
        status.certificates = self.certificates(now);
        status.notes = self.notes();
        status.foreign_services = self.foreign_services();
        status.blind_spots = self.blind_spots();
        status.services = services;
        status.redundancy = redundancy;
        status.reasons = self.reasons(&status);
        status.health = Self::health(&status);
        status
    }

    /// How punctual questions were.
    pub fn lateness(&self) -> crate::health::Lateness {
        self.engine.lateness()
    }

    fn daemon_status(&self) -> DaemonStatus {
        let lateness = self.engine.lateness();
        let p99 = lateness.quantile(990).unwrap_or_default();
        DaemonStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: self.setup.pid,
            started: self.setup.started,
            converged: self.kernel.has_converged,
            probes_per_second: 0.0,
            lateness_p99_ms: p99.as_secs_f64() * 1000.0,
        }
    }

    fn revision(&self) -> Option<crate::api::FileRevision> {
        let mut revision = self.files.running()?.revision.status();
        revision.from_memory = self.files.whence() == Some(Whence::Memory);
        Some(revision)
    }

    fn last_apply(&self) -> Option<ApplyStatus> {
        let last = self.kernel.last.as_ref()?;
        Some(ApplyStatus {
            at: last.at,
            converged: last.converged,
            changes: last.changes,
            took_ms: 0,
            messages: last.messages.clone(),
            retry_at: last.retry_at,
        })
    }

    fn drift_status(&self) -> DriftStatus {
        let drift = self.kernel.drift.as_ref();
        let policy = self.options().map(|options| options.drift);
        DriftStatus {
            policy: match policy.unwrap_or_default() {
                spec::DriftPolicy::Correct => DriftPolicy::Correct,
                spec::DriftPolicy::Report => DriftPolicy::Report,
                spec::DriftPolicy::Pause => DriftPolicy::Pause,
            },
            differences: drift.map_or_else(Vec::new, |drift| {
                drift.changes.iter().map(ToString::to_string).collect()
            }),
            since: drift.map(|drift| drift.since),
            fight: self.kernel.fight.clone(),
        }
    }

    fn addresses(&self) -> Vec<AddressStatus> {
        let (Some(desired), Some((_, seen))) = (&self.kernel.desired, &self.kernel.seen) else {
            return Vec::new();
        };
        let keys = desired.state.addresses.keys();
        keys.map(|key| {
            let interface = seen.host.interfaces.get(&key.interface);
            AddressStatus {
                address: key.address.to_string(),
                interface: key.interface.clone(),
                up: interface.is_some_and(|interface| {
                    let mut own = interface.addresses.iter();
                    interface.up && own.any(|(own, _)| *own == key.address)
                }),
            }
        })
        .collect()
    }

    fn override_statuses(&self, now: Now) -> Vec<OverrideStatus> {
        let counts = self.connections();
        let status = |one: &Override| {
            let open = one
                .seats(&self.roster)
                .filter(|seat| !one.drained.contains(&seat.member));
            let deadline = open.filter_map(|seat| one.drained_by(seat)).max();
            let seats = || one.seats(&self.roster);
            let left = seats().filter_map(|seat| counts.get(&seat.member)).sum();
            let is_drain = !matches!(one.what, What::Weight(_));
            OverrideStatus {
                id: one.id,
                kind: match one.what {
                    What::Drain { .. } => OverrideKind::Drain,
                    What::Maintenance { .. } => OverrideKind::Maintenance,
                    What::Weight(_) => OverrideKind::Weight,
                },
                subject: one.subject(),
                target: one.target.clone(),
                service: one.service.clone(),
                weight: match one.what {
                    What::Weight(weight) => Some(weight),
                    What::Drain { .. } | What::Maintenance { .. } => None,
                },
                reason: one.reason.clone(),
                by: one.by.clone(),
                since: one.since,
                expires: one.expires,
                drain: is_drain.then(|| DrainStatus {
                    since: one.since,
                    deadline: deadline.map(|moment| now.unix_of(moment)),
                    remaining: left,
                    ended: seats().all(|seat| one.drained.contains(&seat.member)),
                    because: format!("ordered by {}", one.words()),
                }),
            }
        };
        self.overrides.iter().map(status).collect()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        notes.extend(self.kernel.because().map(ToOwned::to_owned));
        if let Some(desired) = &self.kernel.desired {
            notes.extend(desired.notes.iter().map(|note| note.message.clone()));
        }
        notes.dedup();
        notes
    }

    fn foreign_services(&self) -> usize {
        let Some((_, seen)) = &self.kernel.seen else {
            return 0;
        };
        let recorded = self.kernel.record();
        let ours = |key| {
            let wanted = self.kernel.desired.as_ref();
            wanted.is_some_and(|desired| desired.state.services.contains_key(key))
                || recorded.is_some_and(|record| {
                    record
                        .standing(&crate::reconcile::Key::Service(*key))
                        .is_some()
                })
        };
        seen.state.services.keys().filter(|key| !ours(key)).count()
    }

    fn blind_spots(&self) -> Vec<String> {
        let seen = self.kernel.seen.as_ref();
        seen.map_or_else(Vec::new, |(_, seen)| {
            seen.blind_spots.iter().map(ToString::to_string).collect()
        })
    }

    /// Why not all is well: full sentences.
    fn reasons(&self, status: &Status) -> Vec<String> {
        let mut reasons = Vec::new();
        if status.revision.is_none() {
            reasons.push("No file was ever accepted: nothing runs.".to_owned());
        }
        if let Some(why) = self.files.absent() {
            reasons.push(format!("The farm's file can't be had: {why}."));
        }
        if let Some(refused) = &status.refused {
            reasons.push(format!(
                "A newer file is not used: {}.",
                refused.message.trim_end_matches(['.', '?'])
            ));
        }
        let waiting = status.waiting.as_ref().filter(|it| it.needs_approval);
        if let Some(waiting) = waiting {
            let name = waiting
                .revision
                .commit
                .as_ref()
                .unwrap_or(&waiting.revision.hash);
            reasons.push(format!("A newer file waits for `farmctl approve {name}`."));
        }
        if let Some(last) = status.last_apply.as_ref().filter(|last| !last.converged) {
            reasons.extend(last.messages.iter().cloned());
        }
        if !status.drift.differences.is_empty() {
            let count = status.drift.differences.len();
            reasons.push(format!(
                "Somebody else changed {count} things that are farmctl's."
            ));
        }
        reasons.extend(status.drift.fight.clone());
        let missing = status.addresses.iter().filter(|address| !address.up);
        reasons.extend(missing.map(|it| format!("{} is not up on {}.", it.address, it.interface)));
        let services = status.services.iter();
        let unwell = services.filter(|service| service.health != Health::Full);
        reasons.extend(unwell.map(|it| format!("Service {} is {}.", it.name, it.health.word())));
        reasons
    }

    fn health(status: &Status) -> Health {
        if status.revision.is_none() {
            return Health::Down;
        }
        let services = status.services.iter().map(|service| service.health);
        let worst = services.max().unwrap_or_default();
        if status.reasons.is_empty() {
            worst
        } else {
            worst.max(Health::Degraded)
        }
    }
}

fn redundancy(services: &[ServiceStatus]) -> Vec<RedundancyStatus> {
    let groups = services.iter().flat_map(|service| {
        let groups = service.groups.iter();
        groups.map(|group| RedundancyStatus {
            object: format!("service {} {}", service.name, group.family),
            spare: group.spare,
        })
    });
    groups.collect()
}
