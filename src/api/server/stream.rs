//! Events as they happen: server-sent events (WHATWG HTML, section 9.2).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::Request;
use hyper::body::{Bytes, Frame};
use serde_json::json;
use tokio::time::timeout;

use crate::api::{Batch, EventLog, Position, Refusal, RefusalKind, Tail};

use super::answer::{self, Answer};
use super::reading::parameter;

/// How long nothing is said before a comment is: whoever has gone is noticed by it.
const QUIET: Duration = Duration::from_secs(15);

/// Whether a reader stays for what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stay {
    /// It does.
    Follow,
    /// It wants what there is.
    End,
}

/// The stream that a request asks for: after `Last-Event-ID`, else after `since`, else from the
/// oldest event that is kept; with `follow=false` it ends where nothing more is there yet.
pub(super) fn answer<B>(request: &Request<B>, log: &Arc<EventLog>) -> Result<Answer, Refusal> {
    let after = begin(request, log)?;
    let stay = match parameter(request, "follow") {
        None | Some("true") => Stay::Follow,
        Some("false") => Stay::End,
        Some(_) => {
            return Err(Refusal::new(
                RefusalKind::Invalid,
                "`follow` is true or false.",
            ));
        }
    };
    let reader = Reader {
        tail: log.tail(after),
        log: Arc::clone(log),
        stay,
        greeted: false,
    };
    let frames = stream::unfold(reader, Reader::next);
    let content = StreamBody::new(frames).boxed_unsync();
    Ok(answer::streaming("text/event-stream", content))
}

/// After which event the stream begins.
fn begin<B>(request: &Request<B>, log: &EventLog) -> Result<u64, Refusal> {
    let last = request.headers().get("last-event-id");
    if let Some(text) = last.and_then(|last| last.to_str().ok()) {
        return text
            .parse::<Position>()
            .map(|at| log.after(at))
            .map_err(|_| {
                let message = format!("`{text}` is not an id of an event of this API.");
                Refusal::new(RefusalKind::Invalid, message)
            });
    }
    let Some(text) = parameter(request, "since") else {
        return Ok(0);
    };
    let position = text.parse::<Position>().map(|at| log.after(at));
    position.or_else(|_| text.parse::<u64>()).map_err(|_| {
        let message = "`since` is the sequence of an event, or its id.";
        Refusal::new(RefusalKind::Invalid, message)
    })
}

struct Reader {
    tail: Tail,
    log: Arc<EventLog>,
    stay: Stay,
    greeted: bool,
}

impl Reader {
    /// The next frame, and the reader that waits for the one after it.
    async fn next(mut self) -> Option<(Result<Frame<Bytes>, Infallible>, Self)> {
        let text = if self.greeted {
            self.text().await?
        } else {
            // The head of the answer is sent with the first bytes: a quiet farm must not look
            // like a server that does not answer.
            self.greeted = true;
            ": events of farmctl\n\n".to_owned()
        };
        Some((Ok(Frame::data(Bytes::from(text))), self))
    }

    async fn text(&mut self) -> Option<String> {
        if self.stay == Stay::End {
            return self.tail.now().map(|batch| self.frames(&batch));
        }
        match timeout(QUIET, self.tail.next()).await {
            Ok(batch) => batch.map(|batch| self.frames(&batch)),
            Err(_) => Some(": quiet\n\n".to_owned()),
        }
    }

    fn frames(&self, batch: &Batch) -> String {
        let mut text = String::new();
        if batch.missed > 0 {
            let data = json!({ "missed": batch.missed });
            text += &format!("event: missed\ndata: {data}\n\n");
        }
        for event in &batch.events {
            let id = Position {
                run: self.log.run(),
                sequence: event.sequence,
            };
            let data = serde_json::to_string(&**event).unwrap_or_default();
            text += &format!("id: {id}\ndata: {data}\n\n");
        }
        text
    }
}
