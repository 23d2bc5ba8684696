//! The difference between two states as a list of changes, in an order in which no step drops a
//! connection that the next would keep.
//!
//! [`plan`] is pure and its cost grows linearly: it walks the two states' maps side by side. It
//! never decides what may be touched: the caller (`reconcile`) hands in an observed state that is
//! already cut down to what farmctl owns or the file claims.
//!
//! Laws, tested with generated states:
//! - carrying `plan(a, b)` out on `a` gives `b`, and `plan(b, b)` is empty;
//! - after every step, a service that takes connections in both states takes them;
//! - the inverse of what was done, at whatever step it stopped, gives `a` again;
//! - an address comes up after its services, and goes down before them;
//! - nothing is removed to be made again.

mod build;
mod walk;

#[cfg(test)]
mod generated;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Change, State};

/// What a step is for. The order of the phases is the order of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Time-outs and sysctls: what follows may rely on them.
    Settings,
    /// Synchronisation daemons that go or change stop: the kernel refuses a destination of another
    /// family while one runs.
    StopSync,
    /// New services, each with its destinations right behind it.
    AddServices,
    /// More weight and more destinations for services that exist: before any gets less.
    Raise,
    /// What neither raises nor lowers a weight, edited in place.
    Edit,
    /// Firewall marks, in one transaction: the services that they lead to are there, and those
    /// that they led to still are.
    Marks,
    /// Addresses come up: everything behind them is ready.
    AddressesUp,
    /// Less weight for destinations.
    Lower,
    /// Destinations go.
    DeleteDestinations,
    /// Addresses go down: nothing new arrives for the services that go next.
    AddressesDown,
    /// Services go, never before the new ones of their family are there: without any service of a
    /// family the kernel takes its hooks away and resets every connection.
    DeleteServices,
    /// Synchronisation daemons start: no destination of another family is left.
    StartSync,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 12] = [
        Self::Settings,
        Self::StopSync,
        Self::AddServices,
        Self::Raise,
        Self::Edit,
        Self::Marks,
        Self::AddressesUp,
        Self::Lower,
        Self::DeleteDestinations,
        Self::AddressesDown,
        Self::DeleteServices,
        Self::StartSync,
    ];

    /// The phase of a change that stands by itself.
    fn alone(change: &Change) -> Self {
        match change {
            Change::SetSetting { .. } => Self::Settings,
            Change::StopSync { .. } => Self::StopSync,
            Change::AddService { .. } => Self::AddServices,
            Change::AddDestination { .. } => Self::Raise,
            Change::SetDestination { from, to, .. } => match to.weight.cmp(&from.weight) {
                std::cmp::Ordering::Greater => Self::Raise,
                std::cmp::Ordering::Equal => Self::Edit,
                std::cmp::Ordering::Less => Self::Lower,
            },
            Change::SetService { .. } => Self::Edit,
            Change::SetMarks { .. } => Self::Marks,
            Change::AddAddress { .. } | Change::SetAddress { .. } => Self::AddressesUp,
            Change::DeleteDestination { .. } => Self::DeleteDestinations,
            Change::DeleteAddress { .. } => Self::AddressesDown,
            Change::DeleteService { .. } => Self::DeleteServices,
            Change::StartSync { .. } => Self::StartSync,
        }
    }

    /// The phase of a change, given the phase of the one before it: destinations that follow their
    /// new service belong to it.
    fn following(previous: Option<Self>, change: &Change) -> Self {
        match (previous, change) {
            (Some(Self::AddServices), Change::AddDestination { .. }) => Self::AddServices,
            _ => Self::alone(change),
        }
    }
}

impl fmt::Display for Phase {
    /// `delete_destinations`, as JSON has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Settings => "settings",
            Self::StopSync => "stop_sync",
            Self::AddServices => "add_services",
            Self::Raise => "raise",
            Self::Edit => "edit",
            Self::Marks => "marks",
            Self::AddressesUp => "addresses_up",
            Self::Lower => "lower",
            Self::DeleteDestinations => "delete_destinations",
            Self::AddressesDown => "addresses_down",
            Self::DeleteServices => "delete_services",
            Self::StartSync => "start_sync",
        })
    }
}

/// Changes in the order in which they are to be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Plan {
    /// The changes.
    pub changes: Vec<Change>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// What undoes the whole plan: the inverse of each change, from the last to the first.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            changes: self
                .changes
                .iter()
                .rev()
                .flat_map(Change::inverse)
                .collect(),
        }
    }

    /// The changes with the phase of each, in order.
    ///
    /// In a plan made by [`plan`] phases never go back; in an inverse they run the other way.
    pub fn phases(&self) -> impl Iterator<Item = (Phase, &Change)> {
        self.changes.iter().scan(None, |previous, change| {
            let phase = Phase::following(*previous, change);
            *previous = Some(phase);
            Some((phase, change))
        })
    }

    /// The changes cut where the phase changes, in order.
    ///
    /// A data plane goes on after a change that fails, so the laws hold after a failure only where
    /// the caller looks at each batch's failures before it hands over the next.
    pub fn batches(&self) -> impl Iterator<Item = (Phase, &[Change])> {
        let phases: Vec<Phase> = self.phases().map(|(phase, _)| phase).collect();
        let mut start = 0;
        std::iter::from_fn(move || {
            let phase = *phases.get(start)?;
            let length = phases[start..].iter().take_while(|&&p| p == phase).count();
            let batch = &self.changes[start..start + length];
            start += length;
            Some((phase, batch))
        })
    }
}

/// What makes `desired` of `observed`.
///
/// Of the settings only those that `desired` has are compared and written. Of everything else,
/// what `observed` has and `desired` has not is removed. What `desired` leaves to the kernel (see
/// [`super::SyncDaemon::is_met_by`]) is as the kernel chose it.
#[must_use]
pub fn plan(observed: &State, desired: &State) -> Plan {
    build::Builder::default()
        .settings(&observed.settings, &desired.settings)
        .sync_daemons(&observed.sync_daemons, &desired.sync_daemons)
        .services(&observed.services, &desired.services)
        .marks(&observed.marks, &desired.marks)
        .addresses(&observed.addresses, &desired.addresses)
        .finish()
}
