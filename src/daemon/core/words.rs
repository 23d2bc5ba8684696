//! The words between the core and its shell.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::api::{ApplyOptions, Command, Refusal, Reply};
use crate::daemon::judge::Judged;
use crate::event::Event;
use crate::health::{Answer, AskId, Question};
use crate::reconcile::keeper::{Order, Said};
use crate::spec::{DataplaneKind, Farm, Name};
use crate::state::Overlay;

use super::kept::{HealthDocument, OverridesDocument};

/// What does not change while a daemon runs.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The node that this machine is, where `--node` says so.
    pub node: Option<String>,
    /// This machine's name.
    pub host_name: String,
    /// The farm's file, an absolute path.
    pub file: std::path::PathBuf,
    /// The data plane that is used whatever a file says.
    pub dataplane: Option<DataplaneKind>,
    /// This boot and network namespace.
    pub origin: crate::reconcile::Origin,
    /// Seed of what is left to chance.
    pub seed: u64,
    /// This process.
    pub pid: u32,
    /// When it started, in milliseconds since 1970.
    pub started: u64,
}

/// Where the farm's file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Provenance {
    /// It is the file that the daemon watches.
    #[default]
    Local,
    /// It is fetched from the repository that the watched file names.
    Repository,
}

/// What the core is told.
#[derive(Debug)]
pub enum Input {
    /// What the source holds was judged.
    Judged(Judged),
    /// The text of an `apply` was judged.
    Asked(ApplyRequest, Judged),
    /// A question was answered.
    Answered {
        /// Which asking.
        ask: AskId,
        /// The answer.
        answer: Answer,
    },
    /// The keeper says something.
    Said(Said),
    /// Somebody orders something over the API.
    Ordered(Command),
    /// Something for the keeper alone.
    Dispatched(Order),
}

/// An `apply` over the API, on its way.
#[derive(Debug)]
pub struct ApplyRequest {
    /// How.
    pub options: ApplyOptions,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Reply, Refusal>>,
}

/// What the core wants done.
#[derive(Debug)]
pub enum Output {
    /// This is to be asked; exactly one answer is to come back.
    Ask {
        /// What the answer names.
        id: AskId,
        /// The question.
        question: Arc<Question>,
    },
    /// Nobody waits for the answer any more.
    Forget {
        /// Which asking.
        id: AskId,
    },
    /// The keeper is to be told this.
    Keeper(Order),
    /// Something happened; its sequence is given by whoever keeps it.
    Tell(Event),
    /// The health of the real servers is to be kept.
    KeepHealth(Box<HealthDocument>),
    /// The overrides are to be kept.
    KeepOverrides(Box<OverridesDocument>),
    /// A text is to be judged; [`Input::Asked`] comes back.
    Judge(String, ApplyRequest),
    /// The source is to be looked at now.
    Look,
    /// The kernel was read: the core has it ([`super::Core::observed`]).
    Observed,
    /// The file and the kernel are to be compared as they are now.
    Compare(Comparison),
    /// Another file holds from now on: notifications, API, log follow it.
    Configured(Arc<Farm>),
    /// Another amount is to be logged; whether that can be is answered.
    SetLog(String, oneshot::Sender<Result<Reply, Refusal>>),
    /// The daemon is to end.
    End(End),
}

/// What is to be compared, and for whom.
#[derive(Debug)]
pub struct Comparison {
    /// What the kernel is to hold; none where only what it holds is asked for.
    pub wanted: Option<Wanted>,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Reply, Refusal>>,
}

/// What the kernel is to hold.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The file.
    pub farm: Arc<Farm>,
    /// Which node of it this machine is.
    pub node: Option<Name>,
    /// What bends it.
    pub overlay: Overlay,
}

/// How a daemon ends.
#[derive(Debug)]
pub enum End {
    /// Another one takes over; it is told when the right to write is free.
    HandedOver(oneshot::Sender<Result<Reply, Refusal>>),
    /// Everything that farmctl made was removed.
    Released(Result<(), String>),
    /// The keeper has ended: without it there is nothing to be done.
    KeeperGone,
}
