//! What is looked after: the real servers of each service and family, with what is asked of them
//! and the rules that hold for them together.
//!
//! Made from the file by [`Layout::of`] and given to the engine as a whole, at the start and after
//! each change of the file. Pure values; nothing here asks anybody.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::spec::{EffectiveMassFailure, EffectiveQuorum, Name, OnFailure};
use crate::state::{Family, Member};

use super::Question;

/// So many questions are out at once where nobody says otherwise.
const DEFAULT_CONCURRENCY: NonZeroUsize = match NonZeroUsize::new(1024) {
    Some(number) => number,
    None => NonZeroUsize::MIN,
};

/// All that is looked after on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The real servers that are judged together.
    pub groups: BTreeMap<GroupKey, Group>,
    /// No more questions than this are out at any time; the others wait for their turn.
    pub concurrency: NonZeroUsize,
}

impl Default for Layout {
    /// Nothing is looked after.
    fn default() -> Self {
        Self {
            groups: BTreeMap::new(),
            concurrency: DEFAULT_CONCURRENCY,
        }
    }
}

/// What makes a group the one that it is: quorum, sorry server and mass failure are judged for
/// each service and family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    /// The service's name in the file.
    pub service: Name,
    /// The family of its clients.
    pub family: Family,
}

/// The real servers of one service and family, and the rules that hold for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The real servers, in the order of the file.
    pub servers: Vec<Server>,
    /// What becomes of a real server that is down.
    pub on_failure: OnFailure,
    /// How much must be left.
    pub quorum: EffectiveQuorum,
    /// What is done when many fail at once; none where each failure stands for itself.
    pub mass_failure: Option<EffectiveMassFailure>,
    /// Over this time the weight of a real server that comes back grows to its full height.
    pub slow_start: Option<Duration>,
    /// Whether a sorry server can take this family's connections.
    pub sorry: SorryServer,
}

/// One real server of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// What it is called in the overlay.
    pub member: Member,
    /// Its weight in the file.
    pub weight: u32,
    /// What is asked of it; none where it is not checked and taken to be well. This question never
    /// has an agent: that is a question of its own.
    pub check: Option<Arc<Question>>,
    /// What its agent is asked; this question has no [`Question::kind`].
    pub agent: Option<Arc<Question>>,
}

/// Whether a sorry server is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SorryServer {
    /// It takes the connections when the real servers can't.
    Present,
    /// There is none: what is left of the real servers goes on.
    #[default]
    Absent,
}
