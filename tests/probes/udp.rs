//! Datagrams.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use farmctl::health::Question;
use farmctl::spec::{Kind, UdpCheck};

use crate::question::{HASTY, alone, asked, question, said, within};

/// A server that answers each datagram with these, one after another.
fn answering(answers: &'static [&'static [u8]]) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            for answer in answers {
                let told = [&buffer[..length], answer].concat();
                socket.send_to(&told, from).unwrap();
            }
        }
    });
    address
}

fn nobody() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.local_addr().unwrap()
}

fn udp(to: SocketAddr, send: Option<&str>, expect: Option<&str>) -> Question {
    let check = UdpCheck {
        send: send.map(str::to_owned),
        expect: expect.map(str::to_owned),
    };
    question(to, Kind::Udp(check))
}

#[test]
fn an_answer_that_matches_passes_and_one_that_does_not_fails() {
    let _node = alone();
    let server = answering(&[b" pong"]);
    let good = udp(server, Some(r"a\x00b"), Some(r"(?-u)^a\x00b pong$"));
    assert_eq!(said(&asked(&good)), "pass: answered as expected");
    let bad = udp(server, Some("ping"), Some("^pang"));
    assert_eq!(
        said(&asked(&bad)),
        "WrongAnswer: no match in its answer: \"ping pong\""
    );
}

#[test]
fn a_closed_port_refuses_whether_or_not_an_answer_is_expected() {
    let _node = alone();
    for expect in [None, Some("x")] {
        let answer = asked(&udp(nobody(), None, expect));
        assert_eq!(said(&answer), "Refused: connection refused", "{expect:?}");
    }
}

#[test]
fn silence_is_good_only_where_nothing_is_expected() {
    let _node = alone();
    let server = answering(&[]);
    let answer = asked(&within(HASTY, udp(server, Some("x"), None)));
    assert_eq!(said(&answer), "pass: not refused");
    assert!(
        answer.took >= Duration::from_millis(200),
        "{:?}",
        answer.took
    );
    let answer = asked(&within(HASTY, udp(server, Some("x"), Some("y"))));
    assert_eq!(
        said(&answer),
        "TimedOut: timed out after 300ms waiting for a datagram in answer"
    );
}

#[test]
fn any_answer_is_good_where_none_is_expected() {
    let _node = alone();
    let answer = asked(&udp(answering(&[b""]), None, None));
    assert_eq!(said(&answer), "pass: answered");
}

#[test]
fn what_a_stranger_sends_is_not_the_servers_answer() {
    let _node = alone();
    // The server lets somebody else answer, from another port.
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let (_, from) = socket.recv_from(&mut [0; 16]).unwrap();
        let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        stranger.send_to(b"OK", from).unwrap();
        thread::sleep(crate::question::PATIENT);
    });
    let answer = asked(&within(HASTY, udp(address, None, Some("OK"))));
    assert!(said(&answer).starts_with("TimedOut"), "{}", said(&answer));
}
