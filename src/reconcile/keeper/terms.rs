//! How a server that the file no longer has is drained: what the file says of its service. Pure.

use super::drains::{Place, Terms};
use crate::reconcile::Remaining;
use crate::spec::{self, EffectiveDrain, Farm, Name};
use crate::state::{Desired, Part};

/// Whether the file itself has this real server, however it is bent. A sorry server is not: where
/// it is wanted no more it finishes its connections like a server that the file no longer has.
pub(super) fn is_of_the_file(filed: &Desired, place: &Place) -> bool {
    let origin = filed.destinations.get(place);
    origin.is_some_and(|origin| origin.part == Part::RealServer)
}

/// What the files say of a service, the newest first; where none knows it, what holds where
/// nothing is written.
pub(super) fn terms_of(service: Option<&Name>, farms: [Option<&Farm>; 2]) -> Terms {
    let known = service.and_then(|name| {
        let mut farms = farms.into_iter().flatten();
        farms.find_map(|farm| Some(EffectiveDrain::of(farm, farm.services.get(name)?)))
    });
    let EffectiveDrain {
        timeout, remaining, ..
    } = known.unwrap_or_default();
    Terms {
        timeout,
        remaining: match remaining {
            spec::Remaining::Leave => Remaining::Leave,
            spec::Remaining::Reset => Remaining::Reset,
        },
    }
}
