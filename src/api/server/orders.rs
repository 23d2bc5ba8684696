//! Orders: read from the body, handed to the daemon, answered when it answers.

use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::Request;
use hyper::body::{Body as _, Bytes, Incoming};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::api::{Command, Order, Peer, Refusal, RefusalKind, Reply};

use super::Shared;
use super::admission::Caller;
use super::answer::{self, Answer};
use super::routes::OrderKind;

/// How long an order may be, in bytes: a file with 100,000 real servers is about 8 MB.
const LONGEST: usize = 32 * 1024 * 1024;
/// How long an order may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(30);
/// How long the daemon may take to answer; an apply takes as long as it takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers an order.
pub(super) async fn answer(
    kind: OrderKind,
    request: Request<Incoming>,
    who: &Caller,
    shared: &Shared,
) -> Result<Answer, Refusal> {
    let order = read(kind, &body(request).await?)?;
    match ask(order, who.peer(), shared).await? {
        Reply::Done(done) => answer::json(&done),
        Reply::Applied(report) => answer::json(&report),
        Reply::Diff(_) | Reply::Snapshot(_) => Err(answer::failed(
            "The daemon answered another order than this one.",
        )),
    }
}

/// Hands an order to the daemon and waits for what it says.
pub(super) async fn ask(
    order: Order,
    peer: Option<Peer>,
    shared: &Shared,
) -> Result<Reply, Refusal> {
    let limit = (!matches!(order, Order::Apply(_))).then_some(PATIENCE);
    let (reply, answer) = oneshot::channel();
    let command = Command { order, peer, reply };
    shared
        .sources
        .commands
        .try_send(command)
        .map_err(|error| not_taken(&error))?;
    let answered = match limit {
        None => answer.await,
        Some(limit) => timeout(limit, answer).await.map_err(|_| late(limit))?,
    };
    answered.map_err(|_| dropped())?
}

fn not_taken(error: &mpsc::error::TrySendError<Command>) -> Refusal {
    let message = match error {
        mpsc::error::TrySendError::Full(_) => "The daemon has too many orders to do already.",
        mpsc::error::TrySendError::Closed(_) => "The daemon is about to stop.",
    };
    Refusal::new(RefusalKind::Unavailable, message)
        .helped("Nothing was done. Try again in a moment.")
}

fn late(limit: Duration) -> Refusal {
    let message = format!("The daemon did not answer within {limit:?}.");
    Refusal::new(RefusalKind::Unavailable, message)
        .helped("It may do it yet: look at `farmctl status` before you try again.")
}

fn dropped() -> Refusal {
    let message = "The daemon stopped before it answered.";
    Refusal::new(RefusalKind::Unavailable, message)
        .helped("It may have done it: look at `farmctl status` before you try again.")
}

/// The whole body, within its limits.
async fn body(request: Request<Incoming>) -> Result<Bytes, Refusal> {
    let body = request.into_body();
    let told = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if told > LONGEST {
        return Err(too_large());
    }
    let collected = timeout(ARRIVAL, Limited::new(body, LONGEST).collect()).await;
    let collected = collected.map_err(|_| {
        let message = format!("The order did not arrive within {ARRIVAL:?}.");
        Refusal::new(RefusalKind::TooSlow, message)
    })?;
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => {
            let message = format!("The order broke off: {error}.");
            Err(Refusal::new(RefusalKind::Invalid, message))
        }
    }
}

fn too_large() -> Refusal {
    let message = format!("An order has at most {} MiB.", LONGEST >> 20);
    Refusal::new(RefusalKind::TooLarge, message)
}

/// The order that a body is.
fn read(kind: OrderKind, body: &[u8]) -> Result<Order, Refusal> {
    Ok(match kind {
        OrderKind::Drain => Order::Drain(parse(body)?),
        OrderKind::Undrain => Order::Undrain(parse(body)?),
        OrderKind::Maintenance => Order::Maintenance(parse(body)?),
        OrderKind::Weight => Order::Weight(parse(body)?),
        OrderKind::EndOverride => Order::EndOverride(parse(body)?),
        OrderKind::Apply => Order::Apply(parse(body)?),
        OrderKind::Approve => Order::Approve(parse(body)?),
        OrderKind::Log => Order::SetLog(parse(body)?),
        OrderKind::Confirm => Order::Confirm,
        OrderKind::Reload => Order::Reload,
        OrderKind::HandOver => Order::HandOver,
    })
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("The body is not the JSON of this order: {error}.");
        Refusal::new(RefusalKind::Invalid, message)
            .helped("GET /openapi.json describes each order.")
    })
}
