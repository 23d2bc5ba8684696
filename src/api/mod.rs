//! What a running daemon tells and takes: its status, its events, metrics, and an operator's
//! orders, as JSON over HTTP.
//!
//! [`serve`] answers from values that `daemon` keeps up to date ([`Sources`]) and hands orders on
//! ([`Command`]); it never looks at a kernel, never decides and never waits for a slow client with
//! anything but that client's own connection. Reading is for whoever can open the unix socket, or
//! knows the token of the TCP address; orders are taken on the unix socket alone, from root and
//! from the daemon's own user. Served by `daemon`; the types are read by `cli`.

mod apply;
mod bind;
mod command;
mod diff;
mod door;
mod event_log;
mod meters;
mod metrics;
mod openapi;
mod overlay;
mod server;
mod status;

pub use apply::{ApplyReport, OutcomeKind};
pub use bind::{BindError, bind_tcp, bind_unix};
pub use command::{
    Act, ApplyOptions, ApplyOrder, ApproveOrder, Command, Done, DrainOrder, EndOrder, ErrorAnswer,
    LogOrder, MaintenanceOrder, Order, Peer, Prune, Refusal, RefusalKind, Remaining, Reply,
    ServerOrder, Then, WeightOrder,
};
pub use diff::{ChangeReport, DiffReport, Summary, changes};
pub use door::{Door, DoorError};
pub use event_log::{Batch, EventLog, Position, Tail};
pub use meters::{Meters, Reconciled};
pub use openapi::description;
pub use overlay::{BentServer, OverlayAnswer, OverlayReport, SorryGroup, told};
pub use server::{Body, Endpoint, Listener, OrderKind, ROUTES, Reading, Route, Sources, serve};
pub use status::{
    AddressStatus, AgentStatus, ApplyStatus, CertificateStatus, ConnectionCounts, DaemonStatus,
    DrainStatus, DriftPolicy, DriftStatus, FileProblem, FileRevision, GroupStatus, Health,
    LastAnswer, MassFailureStatus, OverrideKind, OverrideStatus, QuorumStatus, RealServerStatus,
    Reason, RedundancyStatus, RefusedFile, ServerState, ServiceStatus, SorryStatus, Status, Step,
    WaitingFile, WeightStatus,
};
