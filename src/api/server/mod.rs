//! The server: connections in, answers out. It holds no state of the farm.

mod admission;
mod answer;
mod connection;
mod orders;
mod reading;
mod routes;
mod stall;
mod stream;

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};

use crate::dataplane::Observation;
use crate::spec::MetricsNames;

use super::{Command, Door, EventLog, Meters, Refusal, Status};
use answer::Answer;

pub use routes::{Body, Endpoint, OrderKind, ROUTES, Reading, Route};

/// What answers are made from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// What is so now.
    pub status: watch::Receiver<Arc<Status>>,
    /// What was read of the kernel last, for the metrics of services and real servers.
    pub observed: watch::Receiver<Arc<Observation>>,
    /// What happened.
    pub events: Arc<EventLog>,
    /// What was measured.
    pub meters: Arc<Meters>,
    /// Where orders go. A full queue refuses an order (503) instead of waiting.
    pub commands: mpsc::Sender<Command>,
    /// Whose names the metrics page has besides farmctl's own (`daemon.metrics.compatible`).
    pub names: Vec<MetricsNames>,
}

/// One address that is served.
#[derive(Debug)]
pub enum Listener {
    /// Reading for all who can open it; orders of root and of the daemon's own user.
    Unix(UnixListener),
    /// Reading for all who may.
    Tcp(TcpListener, Door),
}

/// How many answers that cost much (all real servers as text) are made at one time.
const LARGE_ANSWERS: usize = 2;

/// What all connections of one address share.
#[derive(Debug)]
struct Shared {
    sources: Sources,
    large: Semaphore,
}

/// Serves one address until the future is dropped; connections that are open then are still
/// answered, and end with the runtime. Runs in a tokio runtime with time and input enabled, also in
/// one of another thread than `daemon`'s.
pub async fn serve(listener: Listener, sources: Sources) {
    let shared = Arc::new(Shared {
        sources,
        large: Semaphore::new(LARGE_ANSWERS),
    });
    let failed = match listener {
        Listener::Unix(listener) => connection::serve_unix(listener, shared).await,
        Listener::Tcp(listener, door) => {
            connection::serve_tcp(listener, Arc::new(door), shared).await
        }
    };
    if let Err(error) = failed {
        tracing::error!(%error, "the API is not served: the listener can't be used");
    }
}

impl Shared {
    /// What is so now.
    fn status(&self) -> Arc<Status> {
        Arc::clone(&self.sources.status.borrow())
    }

    /// Waits until this answer may cost something.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        let turn = self.large.acquire().await;
        turn.map_err(|_| answer::failed("The API is about to stop."))
    }

    /// Makes a large answer in a thread of its own: the loop that probes real servers must not
    /// wait for the text of ten thousand of them.
    async fn large(
        &self,
        make: impl FnOnce() -> Result<Answer, Refusal> + Send + 'static,
    ) -> Result<Answer, Refusal> {
        let _turn = self.turn().await?;
        let answer = tokio::task::spawn_blocking(make).await;
        answer.unwrap_or_else(|_| Err(answer::failed("The answer could not be made.")))
    }
}
