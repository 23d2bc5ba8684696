//! The gRPC health service says SERVING (`grpc.health.v1.Health/Check`).
//!
//! One request over HTTP/2, with prior knowledge or over TLS; the message is in the body, the
//! status of the call in the trailers, or in the headers where there is no body
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>). Called by [`super::ask`].

pub mod message;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE};
use hyper::{Method, Request, Response, StatusCode, Version};

use self::message::ServingStatus;
use super::conversation::beginning;
use super::exchange::{self, Exchange, exchange};
use super::tls::{self, Protocols};
use super::{Failure, Report, Target, Tools, socket};
use crate::health::Expiry;
use crate::spec::GrpcCheck;

/// The answer has seven bytes; more than this is none, in bytes.
const BODY_LIMIT: usize = 1024;

/// Asks one.
pub(super) async fn ask(
    check: &GrpcCheck,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<Report, Failure> {
    let (mut exchange, certificate) = call(check, target, tools).await?;
    target.waits_for("the answer of the health service");
    is_grpc(&exchange.response)?;
    let (body, trailers) = read(exchange.response.body_mut()).await?;
    let headers = exchange.response.headers();
    succeeded(trailers.as_ref().unwrap_or(headers))?;
    let status = message::response(&body).map_err(|bad| Failure::broken(bad.to_string()))?;
    if status != ServingStatus::Serving {
        return Err(Failure::wrong(format!("it says {status}")));
    }
    Ok(Report::pass("SERVING").with_certificate(certificate))
}

async fn call(
    check: &GrpcCheck,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<(Exchange, Option<Expiry>), Failure> {
    let request = request(check, target)?;
    let stream = socket::tcp(target).await?;
    let Some(options) = &check.tls else {
        return Ok((exchange(target, stream, request).await?, None));
    };
    let host = check.authority.as_deref();
    let stream = tls::connect(target, tools, options, host, Protocols::Http2, stream).await?;
    let certificate = tls::expiry(&stream);
    Ok((exchange(target, stream, request).await?, certificate))
}

fn request(check: &GrpcCheck, target: &Target<'_>) -> Result<Request<Full<Bytes>>, Failure> {
    let scheme = if check.tls.is_some() { "https" } else { "http" };
    let authority = match &check.authority {
        Some(authority) => authority.clone(),
        None => target.address().to_string(),
    };
    let message = message::request(check.service.as_deref().unwrap_or_default());
    let timeout = target.question().timeout().as_millis().min(99_999_999);
    Request::builder()
        .method(Method::POST)
        .uri(format!(
            "{scheme}://{authority}/grpc.health.v1.Health/Check"
        ))
        .version(Version::HTTP_2)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/grpc"))
        .header(TE, HeaderValue::from_static("trailers"))
        .header("grpc-timeout", format!("{timeout}m"))
        .header("user-agent", concat!("farmctl/", env!("CARGO_PKG_VERSION")))
        .body(Full::from(message))
        .map_err(|error| Failure::here(format!("no request can be made of the check: {error}")))
}

/// Whether gRPC answers at all, and not another program of HTTP.
fn is_grpc(response: &Response<Incoming>) -> Result<(), Failure> {
    let kind = response.headers().get(CONTENT_TYPE);
    let is_grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    if response.status() == StatusCode::OK && is_grpc {
        return Ok(());
    }
    let status = response.status().as_u16();
    Err(Failure::wrong(format!("no gRPC: HTTP {status}")))
}

/// The body and its trailers.
async fn read(body: &mut Incoming) -> Result<(Vec<u8>, Option<HeaderMap>), Failure> {
    let mut bytes = Vec::new();
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(exchange::failure)?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > BODY_LIMIT {
                let text = format!("a message of more than {BODY_LIMIT} bytes");
                return Err(Failure::broken(text));
            }
            bytes.extend_from_slice(data);
        }
        trailers = frame.into_trailers().ok().or(trailers);
    }
    Ok((bytes, trailers))
}

/// Whether the call went well: `grpc-status` is 0.
fn succeeded(trailers: &HeaderMap) -> Result<(), Failure> {
    let Some(status) = trailers.get("grpc-status") else {
        return Err(Failure::broken("it ends its answer without grpc-status"));
    };
    if status == "0" {
        return Ok(());
    }
    let name = code_name(status.as_bytes());
    let text = match trailers.get("grpc-message") {
        None => format!("the call failed: {name}"),
        Some(message) => format!("the call failed: {name} {}", beginning(message.as_bytes())),
    };
    Err(Failure::wrong(text))
}

/// The names of the codes (<https://grpc.io/docs/guides/status-codes>).
fn code_name(code: &[u8]) -> String {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND: it knows no such service",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED: it has no health service",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let number = std::str::from_utf8(code)
        .ok()
        .and_then(|text| text.parse::<usize>().ok());
    match number.and_then(|number| NAMES.get(number)) {
        Some(name) => (*name).to_owned(),
        None => format!("code {}", code.escape_ascii()),
    }
}
