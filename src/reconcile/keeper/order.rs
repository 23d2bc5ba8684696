//! What the daemon tells the keeper.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::reconcile::{Adopt, FileNews, Shrink};
use crate::spec::{DataplaneKind, DriftPolicy, Farm};
use crate::state::{DestinationKey, Overlay, ServiceKey};

/// How a keeper is set up. What a file may change while the daemon runs is in the [`Wish`].
#[derive(Debug, Clone)]
pub struct Options {
    /// The state directory.
    pub state_dir: PathBuf,
    /// The data plane that is used whatever a file says.
    pub dataplane: Option<DataplaneKind>,
    /// The file that the data plane is chosen by at the start; none where no file can be read and
    /// none was ever accepted: then what is recorded, or what the kernel has.
    pub farm: Option<Arc<Farm>>,
    /// Seed of the jitter of its waits: two directors of a farm have different ones.
    pub seed: u64,
}

/// One thing that the keeper is told to do.
#[derive(Debug)]
pub enum Order {
    /// From now on the kernel is to hold this. A newer wish takes the place of one that waits.
    Wish(Box<Wish>),
    /// Remove everything that farmctl made, and hold nothing from now on.
    Release,
    /// End the keeper; the kernel keeps everything.
    Stop,
    /// Read back now.
    Look,
    /// Correct again what was left alone after a fight or by [`DriftPolicy::Pause`].
    Resume,
    /// `farmctl confirm`: what waits for its confirmation stays.
    Confirm,
    /// End the connections that these still have, once they are gone: each client is told by a
    /// reset. Where the data plane can't, it ends them by itself.
    Reset(Vec<(ServiceKey, DestinationKey)>),
}

/// What the kernel is to hold.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Counts up with every wish: answers name it.
    pub generation: u64,
    /// The file.
    pub farm: Arc<Farm>,
    /// Its text: what is kept as the last accepted file.
    pub text: Arc<str>,
    /// Which node of the file this machine is, where `--node` says so; else it is found out.
    pub node: Option<String>,
    /// What bends the file now.
    pub overlay: Arc<Overlay>,
    /// Whether the file is one that was not wished for before.
    pub file: FileNews,
    /// Whether a new file may shrink the farm.
    pub shrink: Shrink,
    /// Whether foreign objects that the file names become farmctl's.
    pub adopt: Adopt,
    /// What is done about drift.
    pub drift: DriftPolicy,
    /// How often everything is read back although nobody told of a change.
    pub poll: Duration,
    /// A new file is undone after so long unless [`Order::Confirm`] comes.
    pub confirm: Option<Duration>,
}
