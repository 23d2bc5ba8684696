//! What the engine is asked to do, and what it is given to do it with.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Clock;
use crate::dataplane::Dataplane;
use crate::spec::Farm;
use crate::state::{Plan, State, Subject};

use super::guards::Shrink;
use super::{Adopt, Footprint, Origin, Progress, Store};

/// What the file asks for on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// The farm's name.
    pub farm: String,
    /// The text of the file.
    pub text: String,
    /// What the kernel is to hold.
    pub state: State,
    /// Every floating address that the file names, also those that this machine does not hold.
    pub vips: BTreeSet<IpAddr>,
    /// What the file by itself asks for, where `state` is bent by an overlay: that is what guards
    /// look at and what is accepted.
    pub asks: Option<Footprint>,
}

/// How it is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request {
    /// Whether to do it or to say what would be done.
    pub mode: Mode,
    /// Whether the file is one that was not applied before.
    pub file: FileNews,
    /// Whether foreign objects that the file names become ours.
    pub adopt: Adopt,
    /// Whether the file may shrink the farm.
    pub shrink: Shrink,
    /// What happens to what the file no longer names.
    pub prune: Prune,
    /// How long a destination that goes may keep its connections; 0 cuts them at once.
    pub drain: Duration,
    /// What becomes of connections that a destination still has when it goes.
    pub remaining: Remaining,
    /// How long to try before what was accepted but does not show is given up.
    pub wait: Duration,
    /// How long to wait for `farmctl confirm` before everything is undone.
    pub confirm: Option<Duration>,
}

/// Whether a file is another one than the one that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileNews {
    /// The file is new: the guards look at it, and it is kept as the accepted one once it holds.
    #[default]
    New,
    /// The file holds already, and only what bends it differs, or somebody else changed the
    /// kernel: never guarded, and the accepted file stays.
    Same,
}

/// What becomes of connections that a destination still has when it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Remaining {
    /// What the data plane makes of them.
    #[default]
    Leave,
    /// They are reset; refused where the data plane can't.
    Reset,
}

/// Whether to do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Do it.
    #[default]
    Write,
    /// Say what would be done, and write nothing anywhere.
    DryRun,
}

/// What happens to objects of ours that the file no longer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prune {
    /// They are removed.
    #[default]
    Owned,
    /// They stay as they are, and stay ours.
    None,
}

/// What the trial in a throw-away network namespace said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preflight {
    /// The kernel takes the plan and holds what is wanted afterwards.
    Passed,
    /// It could not be tried: why, in a full sentence.
    Skipped(String),
    /// The kernel refuses the plan: why, a full sentence each.
    Failed(Vec<String>),
}

/// Everything outside the engine.
pub struct Surroundings<'a> {
    /// The kernel. The caller holds the writer lock.
    pub plane: &'a mut dyn Dataplane,
    /// The state directory.
    pub store: &'a Store,
    /// This boot and network namespace.
    pub origin: &'a Origin,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Tries a plan on what the kernel holds, without touching it.
    pub preflight: &'a mut dyn FnMut(&State, &Plan) -> Preflight,
    /// Starts the process that runs [`super::guard`], and comes back when it runs.
    pub start_guard: &'a mut dyn FnMut() -> Result<(), String>,
    /// The place in the file behind an object, such as `services.http, farm.yaml:12`.
    pub place: &'a dyn Fn(&Subject) -> Option<String>,
    /// Hears what is being done.
    pub progress: &'a mut dyn FnMut(&Progress),
}

impl Target {
    /// What a file asks for: `state` was made of it for this machine.
    pub fn of(farm: &Farm, text: String, state: State) -> Self {
        let vips = farm.vips.values().flat_map(|vip| &vip.addresses);
        Self {
            farm: farm.farm.to_string(),
            text,
            state,
            vips: vips.map(|address| address.address.address).collect(),
            asks: None,
        }
    }

    /// What the guards look at, of what the kernel will hold.
    pub(super) fn footprint(&self, effective: &State) -> Footprint {
        let footprint = match &self.asks {
            Some(asks) => asks.clone(),
            None => Footprint::of(effective),
        };
        footprint.with_vips(self.vips.iter().copied())
    }

    /// What the kernel will hold: the file's state, and with [`Prune::None`] all that is ours.
    pub(super) fn effective(&self, ours: &State, prune: Prune) -> State {
        effective(self.state.clone(), ours, prune)
    }
}

/// What the kernel will hold: what is wanted, and with [`Prune::None`] all that is ours.
#[must_use]
pub fn effective(wanted: State, ours: &State, prune: Prune) -> State {
    match prune {
        Prune::Owned => wanted,
        Prune::None => keeping(&wanted, ours),
    }
}

fn keeping(wanted: &State, ours: &State) -> State {
    let mut state = wanted.clone();
    for (key, service) in &ours.services {
        let place = state.services.entry(*key);
        let kept = place.or_insert_with(|| service.clone());
        for (server, values) in &service.destinations {
            kept.destinations.entry(*server).or_insert(*values);
        }
    }
    for (key, address) in &ours.addresses {
        state.addresses.entry(key.clone()).or_insert(*address);
    }
    for (role, daemon) in &ours.sync_daemons {
        let place = state.sync_daemons.entry(*role);
        place.or_insert_with(|| daemon.clone());
    }
    keep_marks(wanted, ours, &mut state);
    state
}

/// The rules of marks that the file does not use at all stay: their services stay.
fn keep_marks(wanted: &State, ours: &State, state: &mut State) {
    let used: BTreeSet<u32> = wanted.marks.iter().map(|rule| rule.mark).collect();
    let kept = ours.marks.iter().filter(|rule| !used.contains(&rule.mark));
    state.marks.extend(kept.copied());
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::super::testing::state_of_ports;
    use super::*;
    use crate::state::{MarkRule, PortRange, Protocol};

    fn marked(mark: u32, port: u16) -> State {
        let rule = MarkRule {
            mark,
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10)),
            protocol: Protocol::Tcp,
            ports: PortRange {
                first: port,
                last: port,
            },
        };
        State {
            marks: [rule].into(),
            ..State::default()
        }
    }

    #[test]
    fn rules_of_marks_that_the_file_no_longer_uses_stay_with_their_services() {
        let kept = effective(marked(7, 443), &marked(8, 8443), Prune::None);
        assert_eq!(kept.marks.len(), 2);
        let pruned = effective(marked(7, 443), &marked(8, 8443), Prune::Owned);
        assert_eq!(pruned, marked(7, 443));
    }

    #[test]
    fn a_real_server_that_the_file_no_longer_names_stays_too() {
        let ours = state_of_ports(&[80]);
        let mut wanted = ours.clone();
        for service in wanted.services.values_mut() {
            service.destinations.clear();
        }
        assert_eq!(effective(wanted.clone(), &ours, Prune::None), ours);
        assert_eq!(effective(wanted.clone(), &ours, Prune::Owned), wanted);
    }

    #[test]
    fn rules_of_a_mark_that_the_file_uses_are_the_files_alone() {
        let kept = effective(marked(7, 443), &marked(7, 8443), Prune::None);
        assert_eq!(kept, marked(7, 443));
    }
}
