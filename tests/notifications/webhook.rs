//! Webhooks, against a real HTTP server and against sockets that only pretend.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use farmctl::notification::message::Message;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;

use crate::place::{dispatcher, down, play, soon, until, written};

/// A request as the server saw it.
struct Seen {
    line: String,
    headers: HashMap<String, String>,
    message: Message,
}

async fn answer(
    request: Request<Incoming>,
    status: StatusCode,
    seen: UnboundedSender<Seen>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let line = format!(
        "{} {} {:?}",
        request.method(),
        request.uri(),
        request.version()
    );
    let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect();
    let body = request.into_body().collect().await?.to_bytes();
    let message = serde_json::from_slice(&body).expect("a message");
    drop(seen.send(Seen {
        line,
        headers,
        message,
    }));
    let mut response = Response::new(Full::new(Bytes::from("no room today\nsecond line")));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("location", "/elsewhere".parse().expect("a value"));
    Ok(response)
}

async fn converse<S>(stream: S, status: StatusCode, seen: UnboundedSender<Seen>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| answer(request, status, seen.clone()));
    drop(
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// A web server that answers each request in its turn with one of these; the last again and again.
async fn server(answers: &[u16]) -> (SocketAddr, UnboundedReceiver<Seen>) {
    let (listener, address) = listen().await;
    let (seen, requests) = unbounded_channel();
    let answers = answers.to_vec();
    tokio::spawn(async move {
        for turn in 0.. {
            let Ok((stream, _)) = listener.accept().await else {
                return;
            };
            let status = answers.get(turn).or(answers.last()).copied().unwrap_or(200);
            let status = StatusCode::from_u16(status).expect("a status");
            tokio::spawn(converse(stream, status, seen.clone()));
        }
    });
    (address, requests)
}

#[test]
fn a_web_server_gets_a_post_with_the_message_and_the_headers_of_the_file() {
    play(async {
        let (address, mut requests) = server(&[204]).await;
        let folder = tempfile::tempdir().expect("a folder");
        let headers = folder.path().join("headers");
        std::fs::write(&headers, "Authorization: Bearer s3cret\n\nX-Team: web\n").expect("written");
        let dispatcher = dispatcher(&format!(
            "hook:\n  group: 0s\n  webhook: {{ url: 'http://{address}/alarm?to=web', headers_file: {} }}",
            headers.display()
        ));
        dispatcher.tell(&down(1));
        let seen = soon(requests.recv()).await.expect("a request");
        assert_eq!(seen.line, "POST /alarm?to=web HTTP/1.1");
        assert_eq!(seen.headers["authorization"], "Bearer s3cret");
        assert_eq!(seen.headers["x-team"], "web");
        assert_eq!(seen.headers["content-type"], "application/json");
        assert_eq!(seen.headers["host"], address.to_string());
        assert_eq!(
            (seen.message.farm.as_str(), seen.message.node.as_str()),
            ("shop", "lb1")
        );
        assert_eq!(
            seen.message.entries[0].message,
            "web1 of http is down: connection refused"
        );
        assert!(seen.message.at > 1_700_000_000_000);
        let state = until(&dispatcher, |state| state.delivered == 1).await;
        assert_eq!((state.failed, state.waiting, state.trouble), (0, 0, None));
    });
}

#[test]
fn what_is_not_2xx_is_tried_again_and_a_redirect_is_not_followed() {
    play(async {
        let (address, mut requests) = server(&[503, 302, 200]).await;
        let dispatcher = dispatcher(&format!(
            "hook:\n  group: 0s\n  webhook: {{ url: 'http://{address}/' }}"
        ));
        dispatcher.tell(&down(1));
        let first = soon(requests.recv()).await.expect("a request");
        let state = until(&dispatcher, |state| state.failed == 1).await;
        assert_eq!(
            state.trouble.as_deref(),
            Some("it answered 503 Service Unavailable: no room today")
        );
        dispatcher.tell(&down(2));
        let second = soon(requests.recv()).await.expect("a request");
        until(&dispatcher, |state| state.failed == 2).await;
        let third = soon(requests.recv()).await.expect("a request");
        until(&dispatcher, |state| state.delivered == 1).await;
        assert_eq!(first.message.entries.len(), 1);
        assert_eq!(
            second.message.entries.len(),
            2,
            "what came meanwhile goes with it"
        );
        assert_eq!(third.line, "POST / HTTP/1.1");
        assert_eq!(third.message.entries, second.message.entries);
    });
}

/// The certificate of a server for `localhost`, and the issuer in a file.
fn certificate(folder: &tempfile::TempDir) -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, made.cert.pem()).expect("written");
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a configuration");
    (
        TlsAcceptor::from(Arc::new(config)),
        file.display().to_string(),
    )
}

async fn secure_server(acceptor: TlsAcceptor) -> (u16, UnboundedReceiver<Seen>) {
    let (listener, address) = listen().await;
    let (seen, requests) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(converse(stream, StatusCode::OK, seen.clone()));
            }
        }
    });
    (address.port(), requests)
}

#[test]
fn https_is_spoken_with_those_that_the_file_trusts_and_nobody_else() {
    play(async {
        let folder = tempfile::tempdir().expect("a folder");
        let (acceptor, ca_file) = certificate(&folder);
        let (port, mut requests) = secure_server(acceptor).await;
        let secret = folder.path().join("url");
        std::fs::write(&secret, format!("https://localhost:{port}/t0ken\n")).expect("written");
        let trusting = dispatcher(&format!(
            "hook:\n  group: 0s\n  webhook: {{ url_file: {}, ca_file: {ca_file} }}",
            secret.display()
        ));
        trusting.tell(&down(1));
        assert_eq!(
            soon(requests.recv()).await.expect("a request").line,
            "POST /t0ken HTTP/1.1"
        );
        until(&trusting, |state| state.delivered == 1).await;
        let other = tempfile::tempdir().expect("a folder");
        let (_, stranger) = certificate(&other);
        let strict = dispatcher(&format!(
            "hook:\n  group: 0s\n  webhook: {{ url: 'https://localhost:{port}/', ca_file: {stranger} }}"
        ));
        strict.tell(&down(1));
        let state = until(&strict, |state| state.failed > 0).await;
        assert!(state.trouble.expect("a reason").starts_with("TLS: "));
        assert!(
            requests.try_recv().is_err(),
            "nothing was sent to a stranger"
        );
    });
}

async fn hold(mut streams: Vec<TcpStream>, listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        streams.push(stream);
    }
}

#[test]
fn a_receiver_that_never_answers_holds_up_nobody_else() {
    play(async {
        let (listener, deaf) = listen().await;
        tokio::spawn(hold(Vec::new(), listener));
        let (address, mut requests) = server(&[200]).await;
        let dispatcher = dispatcher(&format!(
            "a_deaf:\n  group: 0s\n  webhook: {{ url: 'http://{deaf}/', timeout: 500ms }}\nb_good:\n  group: 0s\n  limit: 1000 per second\n  webhook: {{ url: 'http://{address}/' }}"
        ));
        for number in 1..=20_000 {
            dispatcher.tell(&down(number % 500));
        }
        let mut told = 0;
        while told < 20_000 {
            let message = soon(requests.recv()).await.expect("a request").message;
            told += message.entries.iter().map(|entry| entry.times).sum::<u64>() + message.dropped;
        }
        let state = until(&dispatcher, |state| state.failed > 0).await;
        assert_eq!(state.trouble.as_deref(), Some("it took longer than 0.5 s"));
        assert!(state.dropped + state.waiting == 20_000, "{state:?}");
    });
}

#[test]
fn a_receiver_that_breaks_off_is_tried_again_with_everything() {
    play(async {
        let (listener, address) = listen().await;
        let dispatcher = dispatcher(&format!(
            "hook:\n  group: 0s\n  webhook: {{ url: 'http://{address}/' }}"
        ));
        dispatcher.tell(&down(1));
        let (mut stream, _) = soon(listener.accept()).await.expect("a connection");
        socket2::SockRef::from(&stream)
            .set_linger(Some(std::time::Duration::ZERO))
            .expect("it resets");
        drop(stream.read(&mut [0; 16]).await);
        drop(stream);
        let state = until(&dispatcher, |state| state.failed == 1).await;
        assert_eq!((state.waiting, state.dropped), (1, 0));
        let (mut stream, _) = soon(listener.accept()).await.expect("a connection");
        drop(stream.read(&mut [0; 16384]).await);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\nx")
            .await
            .expect("written");
        let state = until(&dispatcher, |state| state.delivered == 1).await;
        assert_eq!(state.waiting, 0);
    });
}

#[test]
fn a_new_file_keeps_what_waits_even_if_the_address_changes() {
    play(async {
        let (listener, dead) = listen().await;
        drop(listener);
        let mut dispatcher = dispatcher(&format!(
            "hook:\n  group: 0s\n  webhook: {{ url: 'http://{dead}/' }}"
        ));
        dispatcher.tell(&down(1));
        until(&dispatcher, |state| state.failed > 0).await;
        let (address, mut requests) = server(&[200]).await;
        let changed = format!("hook:\n  group: 0s\n  webhook: {{ url: 'http://{address}/' }}");
        dispatcher.configure(written(&changed, ""));
        let message = soon(requests.recv()).await.expect("a request").message;
        assert_eq!(message.entries[0].sequence, 1);
        until(&dispatcher, |state| state.delivered == 1).await;
        dispatcher.configure(written(&changed, ""));
        assert_eq!(
            dispatcher.report()[0].delivered,
            1,
            "an unchanged receiver goes on"
        );
    });
}

#[test]
fn the_end_delivers_what_waits_but_does_not_wait_for_the_dead() {
    play(async {
        let (listener, deaf) = listen().await;
        tokio::spawn(hold(Vec::new(), listener));
        let (address, mut requests) = server(&[200]).await;
        let dispatcher = dispatcher(&format!(
            "deaf:\n  webhook: {{ url: 'http://{deaf}/', timeout: 10m }}\ngood:\n  group: 1h\n  webhook: {{ url: 'http://{address}/' }}"
        ));
        dispatcher.tell(&down(1));
        soon(dispatcher.stop()).await;
        assert_eq!(
            soon(requests.recv())
                .await
                .expect("a request")
                .message
                .entries
                .len(),
            1
        );
    });
}
