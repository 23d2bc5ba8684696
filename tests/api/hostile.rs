//! Clients that mean no good: each hurts at most its own connection.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use farmctl::event::Kind;

use crate::client::{ask, get};
use crate::house::House;

fn connect(house: &House) -> UnixStream {
    let stream = UnixStream::connect(&house.socket).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

/// What is left of a connection until the server ends it.
fn rest(mut stream: UnixStream) -> String {
    let mut bytes = Vec::new();
    let _reset = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn half_a_request_holds_up_nobody_and_is_cut_off() {
    let house = House::open();
    let mut half = connect(&house);
    half.write_all(b"GET /v1/status HTTP/1.1\r\nhost: x\r\n")
        .unwrap();
    assert_eq!(get(&house.socket, "/v1/status").status, 200);
    let answer = rest(half);
    assert!(!answer.contains(" 200 "), "{answer}");
}

#[test]
fn a_header_without_end_is_refused_long_before_its_end() {
    let house = House::open();
    let mut stream = connect(&house);
    stream.write_all(b"GET /v1/status HTTP/1.1\r\nx: ").unwrap();
    let mut sent: u64 = 0;
    // 10 GB, were it taken.
    while sent < 10 << 30 {
        match stream.write(&vec![b'a'; 65536]) {
            Ok(count) => sent += u64::try_from(count).unwrap(),
            Err(_) => break,
        }
    }
    assert!(sent < 4 << 20, "{sent} bytes were taken");
    assert_eq!(get(&house.socket, "/healthz").status, 200);
}

#[test]
fn thousands_of_silent_connections_leave_room_for_nobody_but_themselves_for_a_while_only() {
    let house = House::open();
    let crowd: Vec<UnixStream> = (0..3_000)
        .filter_map(|_| UnixStream::connect(&house.socket).ok())
        .collect();
    assert!(crowd.len() > 1_000, "{}", crowd.len());
    drop(crowd);
    // The places are free as soon as the server has looked at them.
    let served = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        let Ok(mut stream) = UnixStream::connect(&house.socket) else {
            return false;
        };
        let asked = stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n");
        asked.is_ok() && rest(stream).contains(" 200 ")
    });
    assert!(served);
}

#[test]
fn what_is_no_http_gets_no_answer_but_an_error() {
    let house = House::open();
    let requests = [
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\r\n\r\n",
        "GET\r\n\r\n",
        "GET /v1/status HTTP/9.9\r\n\r\n",
        "\0\0\0\0\0\0\0\0\r\n\r\n",
        "GET /v1/status HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for request in requests {
        let mut stream = connect(&house);
        stream.write_all(request.as_bytes()).unwrap();
        let answer = rest(stream);
        assert!(!answer.contains(" 200 "), "{request:?}: {answer}");
    }
    assert_eq!(get(&house.socket, "/healthz").status, 200);
}

#[test]
fn strange_paths_and_queries_are_refused_and_nothing_panics() {
    let house = House::open();
    let paths = [
        "/",
        "//",
        "/v1",
        "/v1/",
        "/v1/status/",
        "/../etc/passwd",
        "/v1/%2e%2e/status",
        "/v1/events?since=%00",
        "/v1/events?since=18446744073709551616",
        "/v1/diff?raw",
        "/v1/diff?raw=&raw=x",
        "/metrics/x",
        "/?",
        "/#",
        "*",
    ];
    for path in paths {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = ask(&house.socket, &request);
        let fine = path == "/v1/diff?raw";
        assert_eq!(answer.status == 200, fine, "{path}: {}", answer.status);
        assert_ne!(answer.status, 500, "{path}");
    }
}

#[test]
fn an_order_that_never_ends_arriving_reaches_nobody() {
    let house = House::open();
    let mut stream = connect(&house);
    stream
        .write_all(b"POST /v1/drain HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        .unwrap();
    assert_eq!(get(&house.socket, "/v1/status").status, 200);
    drop(stream);
    assert_eq!(house.orders.lock().unwrap().len(), 0);
}

#[test]
fn whoever_does_not_read_its_events_holds_up_nobody() {
    let house = House::open();
    let mut sleeper = connect(&house);
    sleeper
        .write_all(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    for _ in 0..30_000 {
        house.tell(Kind::ServerUp);
    }
    assert_eq!(get(&house.socket, "/v1/status").status, 200);
    assert_eq!(get(&house.socket, "/metrics").status, 200);
}
