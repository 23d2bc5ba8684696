//! Whether a plan would go well, found out without touching anything.
//!
//! Called by the keeper and by `apply`, before the first step.

use super::Preflight;
use crate::dataplane::{self, Failure};
use crate::spec::DataplaneKind;
use crate::state::{Change, HostFacts, Plan, State, Subject};

/// Tries the plan out on a copy of what the kernel holds. On nftables the plan is one transaction,
/// which the kernel takes or refuses as a whole: that is its own trial. `at` is the place in the
/// file behind an object.
pub fn try_out(
    dataplane: DataplaneKind,
    live: &State,
    host: &HostFacts,
    plan: &Plan,
    at: &dyn Fn(&Subject) -> Option<String>,
) -> Preflight {
    let homeless = homeless(plan, host, at);
    if !homeless.is_empty() {
        return Preflight::Failed(homeless);
    }
    if dataplane == DataplaneKind::Nftables {
        return Preflight::Passed;
    }
    match dataplane::rehearse(live, host, &plan.changes) {
        dataplane::Preflight::Passed => Preflight::Passed,
        dataplane::Preflight::Skipped { reason } => Preflight::Skipped(reason),
        dataplane::Preflight::Refused { failures } => {
            Preflight::Failed(failures.iter().map(|it| refusal(it, plan, at)).collect())
        }
        dataplane::Preflight::Different { remaining } => Preflight::Failed(
            remaining
                .iter()
                .map(|change| {
                    format!("The kernel took the plan, and it would still have to {change}.")
                })
                .collect(),
        ),
    }
}

/// Addresses for interfaces that this machine does not have: the rehearsal leaves addresses out.
fn homeless(
    plan: &Plan,
    host: &HostFacts,
    place: &dyn Fn(&Subject) -> Option<String>,
) -> Vec<String> {
    let known: Vec<&str> = host.interfaces.keys().map(String::as_str).collect();
    let sentence = |change: &Change| {
        let Change::AddAddress { key, .. } = change else {
            return None;
        };
        let place = place(&change.subject()).unwrap_or_default();
        (!known.contains(&key.interface.as_str())).then(|| {
            format!(
                "{} goes on {}, and this machine has no such interface; it has {} ({place})",
                key.address,
                key.interface,
                known.join(", "),
            )
        })
    };
    plan.changes.iter().filter_map(sentence).collect()
}

/// Why the kernel refuses a step, and where the file asks for it.
fn refusal(failure: &Failure, plan: &Plan, at: &dyn Fn(&Subject) -> Option<String>) -> String {
    let change = plan.changes.get(failure.index);
    match change.and_then(|change| at(&change.subject())) {
        Some(place) => format!("{} ({place})", failure.error),
        None => failure.error.to_string(),
    }
}
