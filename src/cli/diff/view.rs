//! What a comparison shows: two states, the plan between them, and what stands beside it.

use super::impact::Live;
use crate::cli::args::DiffArgs;
use crate::cli::bent::{Bent, Overlaid};
use crate::cli::compare::{self, Comparison, Seen};
use crate::cli::failure::Failure;
use crate::cli::names::Names;
use crate::cli::remote::Daemon;
use crate::cli::session::{Loaded, Session};
use crate::cli::{files, plane, snapshot};
use crate::reconcile::{self, Adopt, Key, Snapshot};
use crate::spec::{DataplaneKind, Farm, Name};
use crate::state::{HostFacts, Overlay, Plan, State, desired, plan};

/// Two states and what lies between them.
pub(crate) struct View {
    /// Who this machine is; none where the file names no directors.
    pub node: Option<Name>,
    /// What forwards; none where nobody has chosen.
    pub dataplane: Option<DataplaneKind>,
    /// What is there, as far as it may change.
    pub before: State,
    /// What is wanted.
    pub after: State,
    /// The way from one to the other.
    pub plan: Plan,
    /// The names of both states' objects.
    pub names: Names,
    /// Live numbers, where there are any.
    pub live: Live,
    /// What `before` is called.
    pub against: String,
    /// What `apply` would refuse to take over.
    pub conflicts: Vec<String>,
    /// What a killed apply left and the file does not name.
    pub unfinished: Vec<String>,
    /// Services of other makers.
    pub foreign: Vec<String>,
    /// What bends the file: health, drains, overrides; part of what is wanted.
    pub overlay: Vec<String>,
    /// What farmctl has to say besides.
    pub notes: Vec<String>,
    /// What could not be seen.
    pub blind_spots: Vec<String>,
}

impl View {
    /// The comparison that the arguments ask for.
    pub(crate) fn asked(
        session: &Session<'_>,
        loaded: &Loaded,
        args: &DiffArgs,
    ) -> Result<Self, Failure> {
        if let Some(base) = &args.base {
            return Self::of_base(session, loaded, base, args);
        }
        let adopt = adopt(args.adopt);
        if args.remote.server.is_some() {
            return Self::of_daemon(session, loaded, args, adopt);
        }
        if let Some(path) = &args.snapshot {
            let against = path.display().to_string();
            let comparison = with_snapshot(
                session,
                loaded,
                snapshot::read(path)?,
                &Overlay::default(),
                adopt,
            )?;
            return Ok(Self::of(comparison, args.prune.into(), against));
        }
        let bent = Bent::here(session, overlaid(args))?;
        let comparison = Comparison::live(session, loaded, adopt, &bent.overlay)?;
        let view = Self::of(comparison, args.prune.into(), "live".into());
        Ok(view.beside(bent))
    }

    /// The comparison with what a daemon elsewhere sees.
    fn of_daemon(
        session: &Session<'_>,
        loaded: &Loaded,
        args: &DiffArgs,
        adopt: Adopt,
    ) -> Result<Self, Failure> {
        let daemon = Daemon::asked(session, &args.remote)?;
        let text = daemon.text("/v1/snapshot")?;
        let snapshot = Snapshot::from_json(&String::from_utf8_lossy(&text)).map_err(Failure::of)?;
        let bent = Bent::of(&daemon, overlaid(args))?;
        let comparison = with_snapshot(session, loaded, snapshot, &bent.overlay, adopt)?;
        let against = args.remote.server.clone().unwrap_or_default();
        let view = Self::of(comparison, args.prune.into(), against);
        Ok(view.beside(bent))
    }

    /// With what bends the file told beside the differences.
    fn beside(mut self, bent: Bent) -> Self {
        self.overlay = bent.told;
        self
    }

    /// The comparison with a kernel.
    pub(crate) fn of(comparison: Comparison, prune: reconcile::Prune, against: String) -> Self {
        let Comparison {
            node,
            dataplane,
            desired,
            observed,
            scope,
            notes: comparison_notes,
        } = comparison;
        let notes = desired.notes.into_iter().map(|note| note.message);
        let conflicts = &scope.conflicts;
        let foreign = Key::all_of(&scope.foreign)
            .into_iter()
            .filter(|key| matches!(key, Key::Service(_)) && !conflicts.contains(key))
            .map(|key| key.to_string())
            .collect();
        let conflicts = conflicts.iter().map(ToString::to_string).collect();
        let unfinished = scope.unfinished.iter().map(ToString::to_string).collect();
        let before = scope.adopted();
        let after = reconcile::effective(desired.state, &before, prune);
        Self {
            plan: plan(&before, &after),
            node,
            dataplane: Some(dataplane),
            before,
            after,
            names: Names::new(desired.services, desired.destinations),
            live: observed.destinations,
            against,
            conflicts,
            unfinished,
            foreign,
            overlay: Vec::new(),
            notes: notes.chain(comparison_notes).collect(),
            blind_spots: observed
                .blind_spots
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }

    /// The comparison of two versions of the file, without any kernel.
    fn of_base(
        session: &Session<'_>,
        loaded: &Loaded,
        base: &str,
        args: &DiffArgs,
    ) -> Result<Self, Failure> {
        let path = files::chosen(args.path.as_deref(), session.global.file.as_deref());
        let old = session.judge(files::read_base(base, &path)?)?;
        let nowhere = HostFacts::default();
        let node = compare::this_node(session, &loaded.farm, &nowhere)?;
        let made = |farm: &Farm| {
            let kind = reconcile::named(farm).unwrap_or(DataplaneKind::Ipvs);
            desired(farm, node.as_ref(), &nowhere, kind)
        };
        let (before, after) = (made(&old.farm), made(&loaded.farm));
        let mut names = Names::new(before.services, before.destinations);
        names.extend(Names::new(after.services, after.destinations));
        Ok(Self {
            plan: plan(&before.state, &after.state),
            node,
            dataplane: reconcile::named(&loaded.farm),
            before: before.state,
            after: after.state,
            names,
            live: Live::new(),
            against: old.name,
            conflicts: Vec::new(),
            unfinished: Vec::new(),
            foreign: Vec::new(),
            overlay: Vec::new(),
            notes: after.notes.into_iter().map(|note| note.message).collect(),
            blind_spots: Vec::new(),
        })
    }
}

/// The comparison with what a machine held at one time, on the data plane that it had then.
fn with_snapshot(
    session: &Session<'_>,
    loaded: &Loaded,
    snapshot: Snapshot,
    overlay: &Overlay,
    adopt: Adopt,
) -> Result<Comparison, Failure> {
    let Snapshot {
        dataplane,
        observation,
        record,
        ..
    } = snapshot;
    plane::fits(session, loaded, dataplane)?;
    let seen = Seen::new(observation, overlay);
    Comparison::with(session, loaded, dataplane, seen, &record, adopt)
}

fn overlaid(args: &DiffArgs) -> Overlaid {
    if args.raw {
        Overlaid::No
    } else {
        Overlaid::Yes
    }
}

/// The choice as reconcile knows it.
pub(crate) fn adopt(flag: bool) -> Adopt {
    if flag { Adopt::Yes } else { Adopt::No }
}
