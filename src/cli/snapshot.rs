//! `farmctl snapshot`: the live state as JSON, for `diff --snapshot`.

use std::path::Path;

use schemars::JsonSchema;

use super::failure::{Failure, code};
use super::files;
use super::session::Session;
use crate::clock::{Clock, SystemClock};
use crate::dataplane;
use crate::reconcile::{Accepted, Chosen, Origin, Record, Snapshot, Store};
use crate::spec::DataplaneKind;

/// The outline of what `farmctl snapshot` prints. What stands inside belongs to farmctl: it is
/// read by `diff --snapshot` and changes with `format_version`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct SnapshotOutline {
    /// The version of this format; a change that breaks readers raises it.
    format_version: u64,
    /// The farm's name, where this machine had accepted a file of one.
    farm: Option<String>,
    /// The kernel's release.
    kernel: String,
    /// When it was taken, in seconds since 1970.
    taken: u64,
    /// The data plane that was read: `ipvs` or `nftables`.
    dataplane: DataplaneKind,
    /// What farmctl made here.
    record: serde_json::Map<String, serde_json::Value>,
    /// What the kernel holds, of whoever made it.
    state: serde_json::Map<String, serde_json::Value>,
    /// The machine's interfaces.
    host: serde_json::Map<String, serde_json::Value>,
    /// Live numbers of each service.
    services: Vec<serde_json::Map<String, serde_json::Value>>,
    /// Live numbers of each destination.
    destinations: Vec<serde_json::Map<String, serde_json::Value>>,
    /// What could not be seen.
    blind_spots: Vec<String>,
}

/// Runs the command.
pub(super) fn run(session: &Session<'_>) -> Result<u8, Failure> {
    let origin = Origin::here().map_err(Failure::of)?;
    let store = Store::at(&session.global.state_dir);
    let record = Record::load(&store, &origin).map_err(Failure::of)?;
    let dataplane = Chosen::of(None, &record).map_err(Failure::of)?.kind;
    let snapshot = Snapshot {
        farm: Accepted::load(&store)
            .map_err(Failure::of)?
            .map(|accepted| accepted.farm),
        kernel: kernel_release(),
        taken: SystemClock.unix().as_secs(),
        dataplane,
        observation: dataplane::observe_best(dataplane)?,
        record,
    };
    session
        .out
        .result(&snapshot.to_json().map_err(Failure::of)?);
    Ok(code::OK)
}

/// Reads a snapshot that was saved.
pub(super) fn read(path: &Path) -> Result<Snapshot, Failure> {
    let text = files::read(path)?;
    Snapshot::from_json(&String::from_utf8_lossy(&text.bytes))
        .map_err(|error| Failure::error(format!("{}: {error}", text.name)))
}

/// The kernel's release; empty where `/proc` does not tell.
fn kernel_release() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .unwrap_or_default()
        .trim()
        .to_owned()
}
