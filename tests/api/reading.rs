//! What is read, and by whom.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use farmctl::api::{BindError, Door, Status, bind_unix};

use crate::client::{Answer, exchange, get};
use crate::farm;
use crate::house::House;

/// keepalived#2001, #1296, #2609: the state of checks is nowhere to be read but in a file that a
/// signal makes it write.
#[test]
fn the_status_is_what_the_daemon_says_as_values() {
    let house = House::open();
    let answer = get(&house.socket, "/v1/status");
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/json"));
    let status: Status = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(status, farm::status());
}

/// mehdy/keepalived-exporter#169: the exporter read a file while keepalived wrote it. Here every
/// answer is made from one status: a half of one and a half of the next can't be seen.
#[test]
fn an_answer_is_never_half_of_one_status_and_half_of_the_next() {
    let house = House::open();
    let status = house.status.clone();
    let writer = std::thread::spawn(move || {
        for turn in 0..2_000_u64 {
            let mut next = farm::status();
            next.at = turn;
            next.daemon.started = turn;
            next.notes = vec![turn.to_string(); 500];
            status.send_replace(Arc::new(next));
        }
    });
    for _ in 0..50 {
        let status: Status = serde_json::from_str(&get(&house.socket, "/v1/status").body).unwrap();
        if !status.notes.is_empty() {
            let turn = status.at;
            assert_eq!(status.daemon.started, turn);
            assert!(status.notes.iter().all(|note| *note == turn.to_string()));
        }
    }
    writer.join().unwrap();
}

/// chr0nzz/traefik-manager#134: a page showed the state of a process that had died. Here nobody
/// answers for the dead.
#[test]
fn after_its_death_nobody_answers_and_the_next_daemon_takes_the_socket() {
    let house = House::open();
    assert_eq!(get(&house.socket, "/healthz").status, 200);
    let (socket, _place) = house.die();
    assert!(socket.exists(), "kill -9 leaves the file");
    let error = UnixStream::connect(&socket).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    let _next = bind_unix(&socket).unwrap();
    assert!(UnixStream::connect(&socket).is_ok());
}

#[test]
fn a_socket_at_which_somebody_answers_is_never_taken_away() {
    let house = House::open();
    let error = bind_unix(&house.socket).unwrap_err();
    assert!(matches!(error, BindError::Answered { .. }), "{error}");
    assert_eq!(get(&house.socket, "/healthz").status, 200);
}

#[test]
fn a_file_that_is_no_socket_is_never_removed() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("farm.yaml");
    std::fs::write(&path, "version: 1\n").unwrap();
    let error = bind_unix(&path).unwrap_err();
    assert!(matches!(error, BindError::NoSocket { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "version: 1\n");
}

#[test]
fn the_socket_is_for_its_owner_and_group() {
    let house = House::open();
    let mode = std::fs::metadata(&house.socket)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o660);
}

#[test]
fn it_is_ready_once_it_has_converged() {
    let house = House::open();
    assert_eq!(get(&house.socket, "/readyz").status, 200);
    let mut starting = farm::status();
    starting.daemon.converged = false;
    house.status.send_replace(Arc::new(starting));
    let answer = get(&house.socket, "/readyz");
    assert_eq!(answer.status, 503);
    assert!(answer.body.starts_with("not ready"), "{}", answer.body);
    assert_eq!(get(&house.socket, "/healthz").status, 200);
}

#[test]
fn the_overlay_is_what_diff_lays_over_the_file() {
    let house = House::open();
    let overlay = get(&house.socket, "/v1/overlay").json();
    let servers = &overlay["overlay"]["servers"];
    assert_eq!(servers[0]["member"]["server"], "web2");
    assert_eq!(servers[0]["share"], "out");
    assert_eq!(overlay["overrides"][0]["id"], 3);
}

#[test]
fn what_is_not_there_and_what_is_for_another_method_say_so() {
    let house = House::open();
    let missing = get(&house.socket, "/v2/status");
    assert_eq!(missing.status, 404);
    assert!(
        missing.json()["help"]
            .as_str()
            .unwrap()
            .contains("/openapi.json")
    );
    let wrong = get(&house.socket, "/v1/drain");
    assert_eq!(wrong.status, 405);
    assert!(wrong.head.contains("allow: post"), "{}", wrong.head);
}

fn over_tcp(house: &House, request: &str) -> Answer {
    exchange(TcpStream::connect(house.address.unwrap()).unwrap(), request)
}

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn with_token(token: &str) -> String {
    format!(
        "GET /v1/status HTTP/1.1\r\nhost: lb1:9000\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\n\r\n"
    )
}

#[test]
fn over_tcp_only_who_knows_the_token_reads() {
    let house = House::with_door(Some(Door::Token(TOKEN.into())));
    assert_eq!(over_tcp(&house, &with_token(TOKEN)).status, 200);
    let refused = over_tcp(&house, &with_token("guessed"));
    assert_eq!(refused.status, 401);
    assert!(
        refused.head.contains("www-authenticate: bearer"),
        "{}",
        refused.head
    );
    assert!(!refused.body.contains("shop"));
    let health = "GET /healthz HTTP/1.1\r\nhost: lb1\r\nconnection: close\r\n\r\n";
    assert_eq!(over_tcp(&house, health).status, 200);
}

#[test]
fn over_tcp_nothing_is_ordered() {
    let house = House::with_door(Some(Door::Token(TOKEN.into())));
    let order = format!(
        "POST /v1/drain HTTP/1.1\r\nhost: lb1\r\nauthorization: Bearer {TOKEN}\r\n\
         connection: close\r\ncontent-length: 17\r\n\r\n{{\"server\":\"web1\"}}"
    );
    assert_eq!(over_tcp(&house, &order).status, 403);
    assert_eq!(house.orders.lock().unwrap().len(), 0);
}

#[test]
fn a_loopback_address_is_read_without_a_token_but_not_under_another_name() {
    let house = House::with_door(Some(Door::Open));
    let request = |host: &str| {
        format!("GET /v1/status HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
    };
    assert_eq!(over_tcp(&house, &request("127.0.0.1:9000")).status, 200);
    assert_eq!(over_tcp(&house, &request("evil.example")).status, 403);
}
