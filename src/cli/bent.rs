//! What bends the file on a machine where a daemon runs: asked of it, laid over what the file asks
//! for, and told beside the differences.

use super::failure::Failure;
use super::remote::{Daemon, Trouble};
use super::session::Session;
use crate::api::{self, OverlayAnswer, OverrideStatus};
use crate::state::Overlay;

/// What bends the file.
#[derive(Debug, Default)]
pub(super) struct Bent {
    /// In the form that is laid over what the file asks for.
    pub overlay: Overlay,
    /// In words.
    pub told: Vec<String>,
}

/// Whether what bends the file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlaid {
    /// It is part of what is wanted.
    Yes,
    /// The file alone is (`--raw`).
    No,
}

impl Bent {
    /// On this machine; nothing where no daemon runs, and where it is not wanted.
    pub(super) fn here(session: &Session<'_>, view: Overlaid) -> Result<Self, Failure> {
        match Self::ask(&Daemon::here(session), view) {
            Err(trouble) if trouble.is_absence() => Ok(Self::default()),
            // Who may not ask the daemon can still look at the kernel, and is told what is missing.
            Err(trouble @ Trouble::Denied(_)) => {
                session.out.message(&format!(
                    "note: {trouble}. What drains and failed checks do shows as differences."
                ));
                Ok(Self::default())
            }
            asked => Ok(asked?),
        }
    }

    /// Where this daemon runs.
    pub(super) fn of(daemon: &Daemon, view: Overlaid) -> Result<Self, Failure> {
        Ok(Self::ask(daemon, view)?)
    }

    fn ask(daemon: &Daemon, view: Overlaid) -> Result<Self, Trouble> {
        if view == Overlaid::No {
            return Ok(Self::default());
        }
        let answer: OverlayAnswer = daemon.get("/v1/overlay")?;
        Ok(Self::from(answer))
    }
}

impl From<OverlayAnswer> for Bent {
    fn from(answer: OverlayAnswer) -> Self {
        let mut told: Vec<String> = answer.overrides.iter().map(order).collect();
        let overlay = Overlay::from(answer.overlay);
        told.extend(api::told(&overlay));
        Self { overlay, told }
    }
}

fn order(one: &OverrideStatus) -> String {
    let weight = one
        .weight
        .map(|weight| format!(" {weight}"))
        .unwrap_or_default();
    let reason = one
        .reason
        .as_ref()
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    format!(
        "override {}: {} {}{weight}, by {}{reason}",
        one.id,
        one.kind.word(),
        one.subject,
        one.by
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{BentServer, OverlayReport, SorryGroup};
    use crate::state::{Family, Member, Share};

    #[test]
    fn what_bends_the_file_is_laid_over_it_and_told() {
        let member = Member {
            service: "http".into(),
            server: "web2".into(),
            address: [10, 0, 0, 22].into(),
            port: Some(80),
        };
        let sorry = SorryGroup {
            service: "shop".into(),
            family: Family::V6,
        };
        let overlay = OverlayReport {
            servers: vec![BentServer {
                member: member.clone(),
                share: Share::Out,
            }],
            sorry: vec![sorry],
        };
        let bent = Bent::from(OverlayAnswer {
            overlay,
            overrides: Vec::new(),
        });
        assert_eq!(bent.overlay.servers.get(&member), Some(&Share::Out));
        assert_eq!(bent.overlay.sorry.len(), 1);
        let told = [
            "web2 of http (10.0.0.22): out",
            "shop on IPv6: its sorry server serves",
        ];
        assert_eq!(bent.told, told);
    }
}
