//! Connections, what is sent over them and what is expected.

use std::sync::atomic::Ordering;

use farmctl::health::{Fault, Question};
use farmctl::spec::{Kind, TcpCheck};

use crate::question::{HASTY, alone, asked, fault, question, said, tcp, within};
use crate::server::{Server, deaf, nobody};

fn talk(server: &Server, send: Option<&str>, expect: Option<&str>) -> Question {
    let check = TcpCheck {
        send: send.map(str::to_owned),
        expect: expect.map(str::to_owned),
        tls: None,
    };
    question(server.address(), Kind::Tcp(check))
}

#[test]
fn a_bare_connection_passes_and_the_servers_program_never_sees_it() {
    let _node = alone();
    let server = Server::silent();
    for _ in 0..20 {
        assert_eq!(said(&asked(&tcp(server.address()))), "pass: connected");
    }
    // One that says something is seen: the count counts.
    let seen = talk(&server, Some("x"), None);
    assert_eq!(said(&asked(&seen)), "pass: connected");
    while server.accepted() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(server.accepted(), 1);
}

#[test]
fn a_closed_port_refuses() {
    let _node = alone();
    let answer = asked(&tcp(nobody()));
    assert_eq!(said(&answer), "Refused: connection refused");
}

#[test]
fn a_server_that_does_not_take_connections_times_out() {
    let _node = alone();
    let (address, _held) = deaf();
    let answer = asked(&within(HASTY, tcp(address)));
    assert_eq!(
        said(&answer),
        "TimedOut: timed out after 300ms waiting for the connection"
    );
    assert!(answer.took >= HASTY);
}

#[test]
fn what_is_sent_arrives_and_what_is_expected_is_found() {
    let _node = alone();
    let server = Server::start(|mut stream| {
        use std::io::{Read, Write};
        let mut heard = [0; 6];
        stream.read_exact(&mut heard).unwrap();
        stream.write_all(b"you said ").unwrap();
        stream.write_all(&heard).unwrap();
    });
    let question = talk(
        &server,
        Some(r"a\x00\r\n\\z"),
        Some(r"(?-u)said a\x00\r\n\\z"),
    );
    assert_eq!(said(&asked(&question)), "pass: answered as expected");
}

#[test]
fn an_answer_that_does_not_match_fails_with_its_beginning() {
    let _node = alone();
    let server = Server::that_ends_after(b"-ERR busy\r\n");
    let answer = asked(&talk(&server, Some("hello"), Some("^\\+OK")));
    assert_eq!(
        said(&answer),
        "WrongAnswer: no match in what it sent: \"-ERR busy\\r\\n\""
    );
}

#[test]
fn an_answer_that_never_comes_or_never_ends_is_late() {
    let _node = alone();
    for server in [Server::silent(), Server::that_drips(b"+O")] {
        let answer = asked(&within(HASTY, talk(&server, Some("x"), Some("^\\+OK"))));
        assert_eq!(
            said(&answer),
            "TimedOut: timed out after 300ms waiting for an answer that matches"
        );
    }
}

#[test]
fn an_endless_answer_is_judged_by_its_first_64_kib() {
    let _node = alone();
    let (server, poured) = Server::that_pours(b"x", &[b'x'; 8192]);
    let answer = asked(&talk(&server, Some("x"), Some("y")));
    assert_eq!(fault(&answer), Some(Fault::WrongAnswer));
    assert!(said(&answer).contains("no match in the first 65536 bytes"));
    // What it got rid of beyond them is in the kernel's buffers.
    assert!(poured.load(Ordering::SeqCst) < 16 << 20);
}

#[test]
fn a_server_that_breaks_off_is_told_from_one_that_is_wrong() {
    let _node = alone();
    let reset = Server::that_resets_after(b"");
    let answer = asked(&talk(&reset, Some("hello"), Some("OK")));
    assert_eq!(said(&answer), "Broken: it reset the connection");
    let gone = Server::that_ends_after(b"");
    let answer = asked(&talk(&gone, Some("hello"), Some("OK")));
    assert_eq!(
        said(&answer),
        "WrongAnswer: it closed the connection without a word"
    );
}

#[test]
fn a_server_that_takes_nothing_of_what_is_sent_is_late() {
    let _node = alone();
    let server = Server::start(|stream| {
        std::thread::sleep(crate::question::PATIENT);
        drop(stream);
    });
    let much = "x".repeat(32 << 20);
    let answer = asked(&within(HASTY, talk(&server, Some(&much), None)));
    assert_eq!(
        said(&answer),
        "TimedOut: timed out after 300ms waiting for the server to take what is sent"
    );
}

#[test]
fn a_text_that_stands_for_no_bytes_says_nothing_about_the_server() {
    let _node = alone();
    let server = Server::silent();
    let answer = asked(&talk(&server, Some(r"\q"), None));
    assert!(said(&answer).starts_with("unasked: `send` cannot be sent"));
    let answer = asked(&talk(&server, None, Some("(")));
    assert!(said(&answer).starts_with("unasked: the expression `(`"));
}
