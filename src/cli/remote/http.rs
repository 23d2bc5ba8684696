//! One request, one answer, over a unix socket or TCP.

use std::io::ErrorKind;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::address::Address;
use super::{Daemon, Trouble};
use crate::api::ErrorAnswer;

/// How long an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// A little over the minute that a daemon takes at most.
    Moment,
    /// As long as it takes: an apply.
    Endless,
}

/// Whether more lines are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// They are.
    More,
    /// They are not.
    Enough,
}

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(70);

/// One request and its whole answer; what is no success is a refusal.
pub(super) fn exchange(
    daemon: &Daemon,
    method: Method,
    path: &str,
    body: Vec<u8>,
    patience: Patience,
) -> Result<Vec<u8>, Trouble> {
    run(daemon, async {
        let whole = async {
            let answer = send(daemon, method, path, body).await?;
            let status = answer.status();
            let bytes = answer.into_body().collect().await;
            let bytes = bytes.map_err(|error| daemon.broken(&error))?.to_bytes();
            judged(status, bytes)
        };
        match patience {
            Patience::Endless => whole.await,
            Patience::Moment => timeout(ANSWER, whole).await.unwrap_or_else(|_| {
                Err(daemon.broken(&format!("it did not answer within {ANSWER:?}")))
            }),
        }
    })
}

/// A stream of lines.
pub(super) fn lines(
    daemon: &Daemon,
    path: &str,
    each: &mut dyn FnMut(&str) -> Lines,
) -> Result<(), Trouble> {
    run(daemon, async {
        let answer = send(daemon, Method::GET, path, Vec::new()).await?;
        let status = answer.status();
        let mut body = answer.into_body();
        if status != StatusCode::OK {
            let bytes = body.collect().await;
            let bytes = bytes.map_err(|error| daemon.broken(&error))?.to_bytes();
            return judged(status, bytes).map(drop);
        }
        let mut rest = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| ended(daemon, &error))?;
            rest.extend(frame.into_data().unwrap_or_default());
            if whole_lines(&mut rest, each) == Lines::Enough {
                return Ok(());
            }
        }
        Ok(())
    })
}

/// A stream that breaks off: most likely its daemon ended.
fn ended(daemon: &Daemon, error: &hyper::Error) -> Trouble {
    if error.is_incomplete_message() || error.is_body_write_aborted() {
        return Trouble::Dead(daemon.address.clone());
    }
    daemon.broken(error)
}

/// Hands on every line that is complete, and keeps the rest.
fn whole_lines(rest: &mut Vec<u8>, each: &mut dyn FnMut(&str) -> Lines) -> Lines {
    let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else {
        return Lines::More;
    };
    let whole: Vec<u8> = rest.drain(..=end).collect();
    let text = String::from_utf8_lossy(&whole);
    let mut lines = text.lines();
    if lines.any(|line| each(line) == Lines::Enough) {
        Lines::Enough
    } else {
        Lines::More
    }
}

fn judged(status: StatusCode, bytes: Bytes) -> Result<Vec<u8>, Trouble> {
    if status == StatusCode::OK {
        return Ok(bytes.into());
    }
    let answer = serde_json::from_slice(&bytes).unwrap_or_else(|_| ErrorAnswer {
        error: format!("the daemon answered {status}"),
        help: None,
    });
    Err(Trouble::Refused(answer, status.as_u16()))
}

fn run<T>(daemon: &Daemon, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| daemon.broken(&error))?;
    runtime.block_on(work)
}

async fn send(
    daemon: &Daemon,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<Response<Incoming>, Trouble> {
    let connected = timeout(
        CONNECT,
        connect(daemon, request(daemon, method, path, body)?),
    )
    .await;
    connected
        .unwrap_or_else(|_| Err(daemon.broken(&format!("no connection within {CONNECT:?}"))))?
        .await
        .map_err(|error| ended(daemon, &error))
}

/// The answer that is on its way.
type Answering = std::pin::Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>>>>;

async fn connect(daemon: &Daemon, request: Request<Full<Bytes>>) -> Result<Answering, Trouble> {
    match &daemon.address {
        Address::Unix(path) => {
            let stream = UnixStream::connect(path).await;
            hand(
                daemon,
                stream.map_err(|error| refused(daemon, &error))?,
                request,
            )
            .await
        }
        Address::Tcp(address) => {
            let stream = TcpStream::connect(address).await;
            hand(
                daemon,
                stream.map_err(|error| refused(daemon, &error))?,
                request,
            )
            .await
        }
    }
}

async fn hand(
    daemon: &Daemon,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answering, Trouble> {
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|error| daemon.broken(&error))?;
    tokio::spawn(connection);
    Ok(Box::pin(async move { sender.send_request(request).await }))
}

fn refused(daemon: &Daemon, error: &std::io::Error) -> Trouble {
    let place = daemon.address.clone();
    let local = matches!(place, Address::Unix(_));
    if local && error.kind() == ErrorKind::NotFound {
        Trouble::Absent(place)
    } else if local && error.kind() == ErrorKind::PermissionDenied {
        Trouble::Denied(place)
    } else if error.kind() == ErrorKind::ConnectionRefused {
        Trouble::Dead(place)
    } else {
        daemon.broken(error)
    }
}

fn request(
    daemon: &Daemon,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<Request<Full<Bytes>>, Trouble> {
    let host = match &daemon.address {
        Address::Unix(_) => "localhost",
        Address::Tcp(address) => address,
    };
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, host);
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    if let Some(token) = &daemon.token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Full::new(Bytes::from(body)));
    request.map_err(|error| daemon.broken(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_handed_on_when_they_are_whole() {
        let mut seen: Vec<String> = Vec::new();
        let mut rest = b"data: 1\nda".to_vec();
        let mut each = |line: &str| {
            seen.push(line.to_owned());
            Lines::More
        };
        assert_eq!(whole_lines(&mut rest, &mut each), Lines::More);
        rest.extend(b"ta: 2\n");
        assert_eq!(whole_lines(&mut rest, &mut each), Lines::More);
        assert_eq!(
            (seen, rest),
            (vec!["data: 1".into(), "data: 2".into()], vec![])
        );
    }
}
