//! What bends the file, in a form that travels: `GET /v1/overlay`.
//!
//! `farmctl diff` asks a running daemon for it and lays it over the file, so that what health,
//! drains and overrides do is shown as theirs and never as a difference.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::Name;
use crate::state::{Family, Member, Overlay, Share};

use super::OverrideStatus;

/// What bends the file now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OverlayReport {
    /// Real servers that get another share than the file says.
    pub servers: Vec<BentServer>,
    /// Services that the sorry server serves, although real servers are left.
    pub sorry: Vec<SorryGroup>,
}

/// What `GET /v1/overlay` answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OverlayAnswer {
    /// What bends the file now.
    pub overlay: OverlayReport,
    /// What operators ordered.
    pub overrides: Vec<OverrideStatus>,
}

/// A real server that gets another share than the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BentServer {
    /// Which.
    pub member: Member,
    /// What it gets.
    pub share: Share,
}

/// A group that its sorry server serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SorryGroup {
    /// The service's name.
    pub service: String,
    /// The family.
    pub family: Family,
}

impl From<&Overlay> for OverlayReport {
    fn from(overlay: &Overlay) -> Self {
        let servers = overlay.servers.iter().map(|(member, share)| BentServer {
            member: member.clone(),
            share: *share,
        });
        let sorry = overlay.sorry.iter().map(|(service, family)| SorryGroup {
            service: service.to_string(),
            family: *family,
        });
        Self {
            servers: servers.collect(),
            sorry: sorry.collect(),
        }
    }
}

impl From<OverlayReport> for Overlay {
    fn from(report: OverlayReport) -> Self {
        let servers = report.servers.into_iter();
        let sorry = report.sorry.into_iter();
        Self {
            servers: servers.map(|bent| (bent.member, bent.share)).collect(),
            sorry: sorry
                .filter_map(|group| Some((group.service.parse::<Name>().ok()?, group.family)))
                .collect(),
        }
    }
}

/// What bends the file, in words: `web2 of http (10.0.0.22): out`.
pub fn told(overlay: &Overlay) -> Vec<String> {
    let servers = overlay.servers.iter();
    let servers = servers.map(|(member, share)| format!("{member} ({}): {share}", member.address));
    let sorry = overlay.sorry.iter();
    let sorry =
        sorry.map(|(service, family)| format!("{service} on {family}: its sorry server serves"));
    servers.chain(sorry).collect()
}
