//! Answers: a status, a type, a body.

use std::convert::Infallible;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::api::{ErrorAnswer, Refusal, RefusalKind};

/// The body of an answer.
pub(super) type Content = UnsyncBoxBody<Bytes, Infallible>;

/// An answer.
pub(super) type Answer = Response<Content>;

/// JSON.
pub(super) const JSON: &str = "application/json";
/// Plain text.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// A good answer.
pub(super) fn with(kind: &'static str, bytes: impl Into<Bytes>) -> Answer {
    of(StatusCode::OK, kind, bytes.into())
}

/// A good answer as JSON.
pub(super) fn json(value: &impl Serialize) -> Result<Answer, Refusal> {
    let text = serde_json::to_vec(value);
    let text = text.map_err(|error| failed(&format!("The answer can't be written: {error}.")))?;
    Ok(with(JSON, text))
}

/// An answer that comes bit by bit.
pub(super) fn streaming(kind: &'static str, content: Content) -> Answer {
    let mut answer = Response::new(content);
    mark(&mut answer, kind);
    answer
}

/// A word, and whether it is a good one.
pub(super) fn word(status: StatusCode, text: String) -> Answer {
    of(status, TEXT, text.into())
}

/// A refusal.
pub(super) fn refusal(refusal: Refusal) -> Answer {
    let kind = refusal.kind;
    let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(&ErrorAnswer::from(refusal)).unwrap_or_default();
    let mut answer = of(status, JSON, body.into());
    if kind == RefusalKind::Unauthorized {
        let scheme = HeaderValue::from_static("Bearer");
        answer.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    }
    answer
}

/// A refusal of a method, with those that are taken.
pub(super) fn wrong_method(allowed: &'static str) -> Answer {
    let message = format!("This path is for {allowed}.");
    let mut answer = refusal(Refusal::new(RefusalKind::WrongMethod, message));
    answer
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// The daemon's own failure.
pub(super) fn failed(message: &str) -> Refusal {
    Refusal::new(RefusalKind::Failed, message).helped("The daemon's log may say more.")
}

fn of(status: StatusCode, kind: &'static str, bytes: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(bytes).boxed_unsync());
    *answer.status_mut() = status;
    mark(&mut answer, kind);
    answer
}

/// What is so now must not be kept by anybody between.
fn mark(answer: &mut Answer, kind: &'static str) {
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
