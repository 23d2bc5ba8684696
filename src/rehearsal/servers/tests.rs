use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

use super::*;

/// A place on the loopback that was free a moment ago.
fn place() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

fn started(speech: Speech) -> Program {
    let mut program = Program::new("web1", speech, place());
    program.start().unwrap();
    program
}

fn connect(program: &Program) -> TcpStream {
    let stream = TcpStream::connect(program.at()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
}

/// Reads until so many bytes are there.
fn read(stream: &mut TcpStream, length: usize) -> String {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\nX-Farm-Node: web1\r\nContent-Length: 5\r\n\r\nweb1\n";

#[test]
fn http_says_who_answers_and_keeps_the_connection() {
    let program = started(Speech::Http);
    let mut stream = connect(&program);
    for _ in 0..2 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        assert_eq!(read(&mut stream, ANSWER.len()), ANSWER);
    }
    stream
        .write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, ANSWER);
}

#[test]
fn a_download_is_as_long_as_it_says() {
    let program = started(Speech::Http);
    let mut stream = connect(&program);
    let ask = b"GET /download?kb=3&ms=1 HTTP/1.1\r\nConnection: close\r\n\r\n";
    stream.write_all(ask).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let text = String::from_utf8_lossy(&all);
    assert!(text.contains("Content-Length: 3072\r\n"), "{text}");
    assert!(all.ends_with(&[2; 1024]));
}

#[test]
fn tcp_echo_greets_and_repeats() {
    let program = started(Speech::TcpEcho);
    let mut stream = connect(&program);
    assert_eq!(read(&mut stream, 5), "web1\n");
    stream.write_all(b"hello\n").unwrap();
    assert_eq!(read(&mut stream, 6), "hello\n");
}

#[test]
fn udp_echo_puts_its_name_first() {
    let mut program = started(Speech::UdpEcho);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    program.slow(Duration::from_millis(20));
    for text in ["one", "two"] {
        socket.send_to(text.as_bytes(), program.at()).unwrap();
    }
    let mut answers = [(); 2].map(|()| {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    });
    answers.sort();
    assert_eq!(answers, ["web1 one", "web1 two"]);
}

#[test]
fn a_program_that_is_stopped_hangs_up_and_refuses_until_it_is_started() {
    let mut program = started(Speech::Http);
    let mut stream = connect(&program);
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    read(&mut stream, ANSWER.len());
    program.end(Ending::Orderly);
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    let refused = TcpStream::connect(program.at()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    program.start().unwrap();
    connect(&program);
}

#[test]
fn a_program_that_is_killed_resets_its_connections() {
    let mut program = started(Speech::TcpEcho);
    let mut stream = connect(&program);
    read(&mut stream, 5);
    program.end(Ending::Killed);
    let reset = stream.read(&mut [0; 8]).unwrap_err();
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
}
