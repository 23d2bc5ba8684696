//! Why a wish is not so yet: what makes no difference to try again, and what does. Pure.

use super::Reason;
use crate::reconcile::{Error, Outcome, Refusal, Report};

/// How an attempt ended where it did not go well.
pub(super) enum Trouble {
    /// Another try makes no difference.
    Refused(Reason, Vec<String>),
    /// It is tried again.
    Failed(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What a run that did not converge means.
pub(super) fn trouble(outcome: Outcome) -> Result<Report, Trouble> {
    let refused = |reason, why| Err(Trouble::Refused(reason, why));
    match outcome {
        Outcome::Converged(report) | Outcome::Planned(report) => Ok(report),
        Outcome::Refused(refusals) => refused(reason_of(&refusals), told(&refusals)),
        conflict @ Outcome::Conflict(_) => refused(Reason::Conflict, vec![conflict.to_string()]),
        Outcome::PreflightFailed(why) => refused(Reason::Preflight, why),
        failed @ (Outcome::RolledBack { .. }
        | Outcome::NotConverged { .. }
        | Outcome::RolledBackInPart { .. }) => Err(Trouble::Failed(failed.to_string())),
    }
}

/// What kind of refusal these are: one that an operator can pass where all are of that kind.
pub(super) fn reason_of(refusals: &[Refusal]) -> Reason {
    let waits = |refusal: &Refusal| match refusal {
        Refusal::Unconfirmed { .. } | Refusal::Rejected { .. } => true,
        Refusal::VipsRemoved { .. }
        | Refusal::ServicesRemoved { .. }
        | Refusal::WeightLost { .. }
        | Refusal::CutShort { .. } => false,
    };
    if refusals.iter().any(waits) {
        Reason::Unconfirmed
    } else {
        Reason::Guard
    }
}

pub(super) fn told(items: &[impl ToString]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}
