//! What is read: the status and what is made of it.

use std::sync::Arc;

use hyper::{Request, StatusCode};

use crate::api::{Order, OverlayAnswer, Refusal, RefusalKind, Reply, metrics, openapi};

use super::Shared;
use super::admission::Caller;
use super::answer::{self, Answer, JSON};
use super::routes::Reading;
use super::{orders, stream};

/// Answers a question.
pub(super) async fn answer<B>(
    reading: Reading,
    request: &Request<B>,
    who: &Caller,
    shared: &Shared,
) -> Result<Answer, Refusal> {
    match reading {
        Reading::Health => Ok(health(shared)),
        Reading::Ready => Ok(ready(shared)),
        Reading::Description => Ok(answer::with(JSON, openapi::TEXT)),
        Reading::Overlay => overlay(shared),
        Reading::Events => stream::answer(request, &shared.sources.events),
        Reading::Status => {
            let status = shared.status();
            shared.large(move || answer::json(&*status)).await
        }
        Reading::Metrics => metrics(shared).await,
        Reading::Diff if is_raw(request)? => comparison(Order::RawDiff, who, shared).await,
        Reading::Diff => comparison(Order::Diff, who, shared).await,
        Reading::Snapshot => comparison(Order::Snapshot, who, shared).await,
    }
}

/// Alive is who takes orders: whoever hangs can't answer at all.
fn health(shared: &Shared) -> Answer {
    if shared.sources.commands.is_closed() {
        answer::word(StatusCode::SERVICE_UNAVAILABLE, "the daemon stops\n".into())
    } else {
        answer::word(StatusCode::OK, "ok\n".into())
    }
}

fn ready(shared: &Shared) -> Answer {
    if shared.status().daemon.converged {
        return answer::word(StatusCode::OK, "ready\n".into());
    }
    let text = "not ready: the kernel has not held what is wanted yet\n";
    answer::word(StatusCode::SERVICE_UNAVAILABLE, text.into())
}

fn overlay(shared: &Shared) -> Result<Answer, Refusal> {
    let status = shared.status();
    answer::json(&OverlayAnswer {
        overlay: status.overlay.clone(),
        overrides: status.overrides.clone(),
    })
}

async fn metrics(shared: &Shared) -> Result<Answer, Refusal> {
    let snapshot = metrics::Snapshot {
        status: shared.status(),
        observed: Arc::clone(&shared.sources.observed.borrow()),
        events: Arc::clone(&shared.sources.events),
        meters: Arc::clone(&shared.sources.meters),
        names: shared.sources.names.clone(),
    };
    let made = move || {
        let page = metrics::page(&snapshot);
        let page = page.map_err(|error| answer::failed(&error.to_string()))?;
        Ok(answer::with(metrics::TYPE, page))
    };
    shared.large(made).await
}

/// What needs a look at the kernel, which is the daemon's to take.
async fn comparison(order: Order, who: &Caller, shared: &Shared) -> Result<Answer, Refusal> {
    let _turn = shared.turn().await?;
    match orders::ask(order, who.peer(), shared).await? {
        Reply::Diff(report) => answer::json(&report),
        Reply::Snapshot(snapshot) => {
            let text = snapshot.to_json();
            let text = text.map_err(|error| answer::failed(&error.to_string()))?;
            Ok(answer::with(JSON, text))
        }
        Reply::Done(_) | Reply::Applied(_) => Err(answer::failed(
            "The daemon answered another question than this one.",
        )),
    }
}

fn is_raw<B>(request: &Request<B>) -> Result<bool, Refusal> {
    match parameter(request, "raw") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Refusal::new(
            RefusalKind::Invalid,
            "`raw` is true or false.",
        )),
    }
}

/// A parameter of the query. Those of this API are numbers and words, which need no decoding.
pub(super) fn parameter<'a, B>(request: &'a Request<B>, name: &str) -> Option<&'a str> {
    let query = request.uri().query()?;
    let mut pairs = query
        .split('&')
        .rev()
        .filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Some(value)
}
