//! An HTTP request is answered as expected: its status, and what its body has or lacks.
//!
//! Redirections are not followed, and no more of a body is read than is needed to judge it.
//! HTTP/1.0, HTTP/1.1 and HTTP/2 (with prior knowledge, or agreed on over TLS). Called by
//! [`super::ask`].

mod body;
mod request;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};

use super::exchange::exchange;
use super::tls::{self, Protocols};
use super::{Failure, Report, Target, Tools, socket};
use crate::spec::{HttpCheck, HttpVersion, StatusRange, TlsCheck};
use body::Wanted;

/// The status codes that are good where the check names none.
const GOOD: StatusRange = StatusRange {
    first: 200,
    last: 299,
};

/// Asks over a plain connection.
pub(super) async fn ask(
    check: &HttpCheck,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<Report, Failure> {
    let request = request::of(check, "http", target)?;
    let wanted = Wanted::of(check, tools)?;
    let stream = socket::tcp(target).await?;
    let seen = talk(check, &wanted, target, stream, request).await?;
    Ok(Report::pass(seen))
}

/// Asks over TLS.
pub(super) async fn ask_tls(
    check: &HttpCheck,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<Report, Failure> {
    let request = request::of(check, "https", target)?;
    let wanted = Wanted::of(check, tools)?;
    let plain = TlsCheck::default();
    let options = check.tls.as_ref().unwrap_or(&plain);
    let protocols = match check.version.unwrap_or_default() {
        HttpVersion::V10 | HttpVersion::V11 => Protocols::Http1,
        HttpVersion::V2 => Protocols::Http2,
    };
    let stream = socket::tcp(target).await?;
    let host = check.host.as_deref();
    let stream = tls::connect(target, tools, options, host, protocols, stream).await?;
    tls::agreed(&stream, protocols)?;
    let certificate = tls::expiry(&stream);
    let report = match talk(check, &wanted, target, stream, request).await {
        Ok(seen) => Report::pass(seen),
        Err(failure) => failure.into(),
    };
    Ok(report.with_certificate(certificate))
}

/// Sends the request and judges the answer; gives what was seen.
async fn talk<S>(
    check: &HttpCheck,
    wanted: &Wanted,
    target: &Target<'_>,
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<String, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut exchange = exchange(target, stream, request).await?;
    let status = exchange.response.status();
    let told = told(status);
    if !is_good(check, status) {
        return Err(Failure::wrong(told));
    }
    target.waits_for("the body of the HTTP answer");
    body::judge(exchange.response.body_mut(), wanted, &told).await?;
    Ok(told)
}

fn is_good(check: &HttpCheck, status: StatusCode) -> bool {
    if check.status.is_empty() {
        return GOOD.contains(status.as_u16());
    }
    (check.status.iter()).any(|range| range.contains(status.as_u16()))
}

/// A status as an operator knows it: `HTTP 503 Service Unavailable`; a good one in short.
fn told(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) if !status.is_success() => format!("HTTP {} {reason}", status.as_u16()),
        Some(_) | None => format!("HTTP {}", status.as_u16()),
    }
}
