//! One HTTP request and the head of its answer, over a connection of its own.
//!
//! hyper speaks; here are the limits (a head of at most 64 KiB), the end of the connection with
//! the question, and its errors in an operator's words. Used by `http` and `grpc`.

use std::error::Error;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper::{Request, Response, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;

use super::{Failure, Target};

/// The head of an answer, with its lines, is not longer than this, in bytes.
pub const HEAD_LIMIT: usize = 64 * 1024;

/// An answer has no more header lines than this.
const HEADERS: usize = 256;

/// The answer's head, and the connection that its body comes over. Dropped, the connection ends.
#[derive(Debug)]
pub struct Exchange {
    /// The head; the body is still to be read.
    pub response: Response<Incoming>,
    _connection: Aside,
}

/// Sends a request, and waits for the head of its answer. The request's version decides what is
/// spoken; HTTP/2 is spoken with prior knowledge, so over TLS it must have been agreed on.
pub async fn exchange<S>(
    target: &Target<'_>,
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Exchange, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    target.waits_for("the head of the HTTP answer");
    let connection = Aside::default();
    let stream = TokioIo::new(stream);
    let response = if request.version() == Version::HTTP_2 {
        let (mut sender, talk) = two(connection.spawner())
            .handshake(stream)
            .await
            .map_err(failure)?;
        connection.run(talk);
        sender.ready().await.map_err(failure)?;
        sender.send_request(request).await
    } else {
        let (mut sender, talk) = one().handshake(stream).await.map_err(failure)?;
        connection.run(talk);
        sender.ready().await.map_err(failure)?;
        sender.send_request(request).await
    };
    Ok(Exchange {
        response: response.map_err(failure)?,
        _connection: connection,
    })
}

/// HTTP/1, as lenient as the balancers that a server worked behind so far.
fn one() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(HEAD_LIMIT)
        .max_headers(HEADERS)
        .title_case_headers(true)
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    builder
}

fn two(spawner: Spawner) -> http2::Builder<Spawner> {
    let mut builder = http2::Builder::new(spawner);
    builder.max_header_list_size(64 * 1024);
    builder
}

/// The tasks that move a connection's bytes. They end with it.
#[derive(Debug, Default)]
struct Aside(Arc<Mutex<Vec<AbortHandle>>>);

impl Drop for Aside {
    fn drop(&mut self) {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for task in tasks.iter() {
            task.abort();
        }
    }
}

impl Aside {
    /// Runs a connection. What it ends with reaches the request too.
    fn run(&self, talk: impl Future<Output = hyper::Result<()>> + Send + 'static) {
        self.spawner().execute(async move { drop(talk.await) });
    }

    fn spawner(&self) -> Spawner {
        Spawner(Arc::downgrade(&self.0))
    }
}

/// Adds tasks to a connection that is still there. The tasks hold it themselves, so it must not
/// keep them.
#[derive(Debug, Clone)]
struct Spawner(Weak<Mutex<Vec<AbortHandle>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawner {
    fn execute(&self, task: F) {
        if let Some(tasks) = self.0.upgrade() {
            let task = tokio::spawn(task).abort_handle();
            let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
            tasks.push(task);
        }
    }
}

/// What went wrong in a conversation over HTTP.
#[expect(clippy::needless_pass_by_value, reason = "map_err gives it")]
pub fn failure(error: hyper::Error) -> Failure {
    if error.is_parse_too_large() {
        return Failure::broken("the head of its answer is longer than 64 KiB");
    }
    let cut_short = error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    match below(&error) {
        Some(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => unfinished(),
        Some(cause) => cause.into(),
        None if cut_short => unfinished(),
        None if error.is_parse() => Failure::broken("what it sent is not HTTP"),
        None => Failure::broken(format!("HTTP: {}", deepest(&error))),
    }
}

fn unfinished() -> Failure {
    Failure::broken("it closed the connection before its answer was whole")
}

/// The error of the connection below, if it is that.
fn below(error: &hyper::Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(found) = inner.downcast_ref() {
            return Some(found);
        }
        cause = inner.source();
    }
    None
}

fn deepest(error: &dyn Error) -> String {
    let mut deepest = error;
    while let Some(inner) = deepest.source() {
        deepest = inner;
    }
    deepest.to_string()
}
