//! Connections: taken, limited, answered.
//!
//! Each has a task of its own, a limit on the size and on the time of what it sends, and a limit
//! on how long it may leave what it is sent unread. So nobody who is slow, silent or hostile holds
//! up anything but their own connection, and there are never more than a fixed number of those.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::{Door, Peer, Refusal, RefusalKind};

use super::admission::Caller;
use super::answer::{self, Answer};
use super::routes::{Endpoint, ROUTES, Route};
use super::stall::Stall;
use super::{Shared, orders, reading};

/// How many connections one address has at a time; more are closed at once.
const CONNECTIONS: usize = 256;
/// How large the head of a request may be, in bytes.
const HEAD: usize = 16 * 1024;
/// How many header lines it may have.
const HEADERS: usize = 64;
/// How long a request's head may take, also that of a next request on the same connection.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// How long an answer may lie unread.
const UNREAD: Duration = Duration::from_secs(60);
/// How long to wait before the next connection is taken when the system refused one (too many
/// open files).
const PAUSE: Duration = Duration::from_millis(200);

/// Serves a unix socket.
pub(super) async fn serve_unix(listener: UnixListener, shared: Arc<Shared>) -> io::Result<()> {
    let listener = tokio::net::UnixListener::from_std(listener)?;
    let house = House::new(shared);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => match peer(&stream) {
                Ok(peer) => house.receive(stream, Caller::Local(peer)),
                Err(error) => tracing::debug!(%error, "an API client left at once"),
            },
            Err(error) => refused(&error).await,
        }
    }
}

/// Serves a TCP address.
pub(super) async fn serve_tcp(
    listener: TcpListener,
    door: Arc<Door>,
    shared: Arc<Shared>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let house = House::new(shared);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => house.receive(stream, Caller::Remote(Arc::clone(&door))),
            Err(error) => refused(&error).await,
        }
    }
}

async fn refused(error: &io::Error) {
    tracing::warn!(%error, "no connection to the API can be taken now");
    tokio::time::sleep(PAUSE).await;
}

/// The process at the other end.
fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let credentials = stream.peer_cred()?;
    Ok(Peer {
        uid: credentials.uid(),
        gid: credentials.gid(),
        // 0 stands for a process of another process namespace.
        pid: credentials.pid().filter(|pid| *pid > 0),
    })
}

/// The connections of one address.
struct House {
    shared: Arc<Shared>,
    room: Arc<Semaphore>,
}

impl House {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            room: Arc::new(Semaphore::new(CONNECTIONS)),
        }
    }

    /// Takes a connection, or closes it where there are too many.
    fn receive(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, who: Caller) {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::warn!("the API has {CONNECTIONS} connections; one more was closed");
            return;
        };
        let shared = Arc::clone(&self.shared);
        tokio::spawn(attend(stream, who, shared, place));
    }
}

/// Answers one connection until it ends.
async fn attend(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    who: Caller,
    shared: Arc<Shared>,
    _place: OwnedSemaphorePermit,
) {
    let service = service_fn(|request| {
        let (who, shared) = (who.clone(), Arc::clone(&shared));
        async move { Ok::<_, Infallible>(answer_to(request, &who, &shared).await) }
    });
    let stream = TokioIo::new(Stall::new(stream, UNREAD));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_header_size(HEAD)
        .max_buf_size(HEAD)
        .max_headers(HEADERS)
        .serve_connection(stream, service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "an API connection broke off");
    }
}

/// Answers one request.
async fn answer_to(request: Request<Incoming>, who: &Caller, shared: &Shared) -> Answer {
    let route = match find(&request) {
        Ok(route) => route,
        Err(answer) => return *answer,
    };
    if let Err(refusal) = who.admit(route, &request) {
        return answer::refusal(refusal);
    }
    let answered = match route.endpoint {
        Endpoint::Reading(what) => reading::answer(what, &request, who, shared).await,
        Endpoint::Order(what) => orders::answer(what, request, who, shared).await,
    };
    answered.unwrap_or_else(answer::refusal)
}

/// The route of a request. HEAD is a GET whose body stays away (RFC 9110 section 9.3.2).
fn find(request: &Request<Incoming>) -> Result<&'static Route, Box<Answer>> {
    let path = request.uri().path();
    let Some(route) = ROUTES.iter().find(|route| route.path == path) else {
        let message = format!("There is nothing at `{path}`.");
        let refusal = Refusal::new(RefusalKind::NotFound, message)
            .helped("GET /openapi.json describes what there is.");
        return Err(Box::new(answer::refusal(refusal)));
    };
    let (fits, allowed) = match route.endpoint {
        Endpoint::Reading(_) => (
            [hyper::Method::GET, hyper::Method::HEAD].contains(request.method()),
            "GET, HEAD",
        ),
        Endpoint::Order(_) => (request.method() == hyper::Method::POST, "POST"),
    };
    if fits {
        Ok(route)
    } else {
        Err(Box::new(answer::wrong_method(allowed)))
    }
}
