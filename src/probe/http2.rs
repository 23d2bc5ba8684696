//! HTTP/2 to a server (RFC 9113), by hyper, with limits that a check needs.
//!
//! The tasks that hyper wants beside the conversation end with it: nothing of a question outlives
//! its time-out. Used by [`super::grpc`].

use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::rt::Executor;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use super::Failure;

/// So much of headers is taken, in bytes.
const HEADERS: u32 = 16 * 1024;

/// So much of a body may be under way, in bytes.
const WINDOW: u32 = 64 * 1024;

/// A connection that can be asked.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    _tasks: Leash,
}

impl Connection {
    /// Greets over a stream: prior knowledge (RFC 9113 section 3.3), or agreed upon by TLS.
    pub(super) async fn open<S>(stream: S) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let tasks = Tasks::default();
        let leash = Leash(tasks.clone());
        let (sender, connection) = Builder::new(tasks.clone())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_header_list_size(HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failure(&error))?;
        tasks.execute(async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "an HTTP/2 connection ended");
            }
        });
        Ok(Self {
            sender,
            _tasks: leash,
        })
    }

    /// Sends a request and waits for the headers of its response.
    pub(super) async fn ask(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        let answered = self.sender.send_request(request).await;
        answered.map_err(|error| failure(&error))
    }
}

/// What went wrong in HTTP/2, in words for an operator.
pub(super) fn failure(error: &hyper::Error) -> Failure {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            return match error.raw_os_error() {
                Some(number) => nix::errno::Errno::from_raw(number).into(),
                None => Failure::broken(format!("HTTP/2: {error}")),
            };
        }
    }
    Failure::broken(format!("HTTP/2: {cause}"))
}

/// The tasks of one connection.
#[derive(Debug, Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spawn(task);
    }
}

/// Ends the tasks when it is dropped, whoever else holds them.
#[derive(Debug)]
struct Leash(Tasks);

impl Drop for Leash {
    fn drop(&mut self) {
        self.0
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .abort_all();
    }
}
