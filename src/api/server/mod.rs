//! The server: connections in, answers out. It holds no state of the farm.

use std::convert::Infallible;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::{mpsc, watch};

use crate::dataplane::Observation;

use super::{Command, EventLog, Meters, Status};

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
    /// What the metrics page has.
    pub page: Page,
}

/// What the metrics page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    /// farmctl's own metrics.
    #[default]
    Own,
    /// Also the names of node_exporter and of the exporters of keepalived
    /// (`daemon.metrics.compatible`).
    Compatible,
}

/// One address that is served.
#[derive(Debug)]
pub enum Listener {
    /// Reading for all who can open it; orders of root and of the daemon's own user.
    Unix(UnixListener),
    /// Reading for all who may.
    Tcp(TcpListener, Door),
}

/// Who may read over TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// Whoever reaches the address: for loopback addresses only.
    Open,
    /// Who knows the token (`Authorization: Bearer TOKEN`, RFC 6750).
    Token(String),
}

/// Serves one address until the future is dropped. Runs in a tokio runtime, also one of another
/// thread than `daemon`'s.
pub async fn serve(listener: Listener, sources: Sources) {
    let _sources = sources;
    match listener {
        Listener::Unix(listener) => {
            let Ok(listener) = tokio::net::UnixListener::from_std(listener) else {
                return;
            };
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(TokioIo::new(stream)));
            }
        }
        Listener::Tcp(listener, _) => {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                return;
            };
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(TokioIo::new(stream)));
            }
        }
    }
}

async fn answer(stream: impl hyper::rt::Read + hyper::rt::Write + Unpin) {
    let service = hyper::service::service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok\n"))))
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(stream, service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "an API connection broke off");
    }
}
