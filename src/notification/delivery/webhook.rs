//! An HTTP POST with the message as JSON (RFC 9110, HTTP/1.1).
//!
//! An answer 2xx means delivered. Nothing else does: redirects are not followed, because a token
//! must not go where the file does not say.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::secret;
use crate::notification::engine::Failure;
use crate::notification::message::Message;
use crate::probe::Tools;
use crate::probe::tls::Protocols;
use crate::spec::{TlsCheck, Webhook};

/// So much of an answer that is not 2xx is read, to tell why.
const LONGEST_REASON: usize = 4096;
/// So long an answer's body is waited for.
const REASON_WAIT: Duration = Duration::from_secs(2);

/// Posts a message.
pub(super) async fn deliver(to: &Webhook, tools: &Tools, message: &Message) -> Result<(), Failure> {
    let uri = address(to).await?;
    let request = request(&uri, headers(to).await?, message)?;
    let host = host(&uri)?;
    let stream = connect(host, port(&uri)).await?;
    if uri.scheme_str() == Some("https") {
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| unusable("its host is no name"))?;
        let connector = TlsConnector::from(configuration(to, tools).await?);
        let stream = connector.connect(name, stream).await;
        post(
            stream.map_err(|error| unreachable(format!("TLS: {error}")))?,
            request,
        )
        .await
    } else {
        post(stream, request).await
    }
}

/// Where to; a secret address is in a file.
async fn address(to: &Webhook) -> Result<Uri, Failure> {
    let text = match (&to.url, &to.url_file) {
        (Some(url), _) => url.clone(),
        (None, Some(file)) => secret(file.as_path()).await?,
        (None, None) => return Err(unusable("it has no url")),
    };
    let uri: Uri = text
        .trim()
        .parse()
        .map_err(|_| unusable("its url can't be read"))?;
    match uri.scheme_str() {
        Some("http" | "https") => Ok(uri),
        Some(_) | None => Err(unusable("its url does not begin with https:// or http://")),
    }
}

fn host(uri: &Uri) -> Result<&str, Failure> {
    let host = uri.host().ok_or_else(|| unusable("its url has no host"))?;
    Ok(host.trim_start_matches('[').trim_end_matches(']'))
}

fn port(uri: &Uri) -> u16 {
    let usual = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    uri.port_u16().unwrap_or(usual)
}

/// The headers of the headers file: `Name: value` on each line.
async fn headers(to: &Webhook) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let Some(file) = &to.headers_file else {
        return Ok(Vec::new());
    };
    let text = secret(file.as_path()).await?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(header).collect()
}

/// The value is a secret: it is never in an error.
fn header(line: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let bad = || unusable("its headers_file has a line that is not `Name: value`");
    let (name, value) = line.split_once(':').ok_or_else(bad)?;
    let name = name.trim().parse().map_err(|_| bad())?;
    let mut value: HeaderValue = value.trim().parse().map_err(|_| bad())?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn request(
    uri: &Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    message: &Message,
) -> Result<Request<Full<Bytes>>, Failure> {
    let body = serde_json::to_vec(message).map_err(|error| unusable(&error.to_string()))?;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path)
        .header(HOST, authority)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("farmctl/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| unusable("its url can't be used"))?;
    for (name, value) in headers {
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

/// The first of the host's addresses that answers.
async fn connect(host: &str, port: u16) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect((host, port)).await;
    stream.map_err(|error| unreachable(format!("{host} port {port}: {error}")))
}

async fn configuration(
    to: &Webhook,
    tools: &Tools,
) -> Result<std::sync::Arc<rustls::ClientConfig>, Failure> {
    let options = TlsCheck {
        verify: Some(true),
        ca_file: to.ca_file.clone(),
        ..TlsCheck::default()
    };
    let configuration = tools.tls().get(&options, Protocols::Http1).await;
    configuration.map_err(|error| unusable(&error.to_string()))
}

async fn post(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<(), Failure> {
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| unreachable(error.to_string()))?;
    let conversation = async {
        let answer = sender.send_request(request).await;
        judge(answer.map_err(|error| unreachable(error.to_string()))?).await
    };
    tokio::pin!(connection);
    tokio::pin!(conversation);
    tokio::select! {
        biased;
        judged = &mut conversation => judged,
        // The connection may end first; what it brought is read all the same.
        _ = &mut connection => conversation.await,
    }
}

async fn judge(answer: Response<Incoming>) -> Result<(), Failure> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let said = format!("it answered {status}{}", reason(answer).await);
    let later = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if status.is_server_error() || later.contains(&status) {
        Err(Failure::Unreachable(said))
    } else {
        Err(Failure::Refused(said))
    }
}

/// The first line of the body, if it comes soon.
async fn reason(answer: Response<Incoming>) -> String {
    let body = Limited::new(answer.into_body(), LONGEST_REASON).collect();
    let Ok(Ok(body)) = timeout(REASON_WAIT, body).await else {
        return String::new();
    };
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let line: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect();
    if line.trim().is_empty() {
        line
    } else {
        format!(": {line}")
    }
}

fn unreachable(why: String) -> Failure {
    Failure::Unreachable(why)
}

/// Something on this machine is wrong: it is tried again, because a file may be corrected.
fn unusable(why: &str) -> Failure {
    Failure::Unreachable(why.to_owned())
}
