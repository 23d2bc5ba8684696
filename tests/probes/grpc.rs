//! The gRPC health service: gRPC's own implementation as the server, and servers that are none.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use farmctl::health::{Fault, Question};
use farmctl::spec::{GrpcCheck, Kind, TlsCheck};

use crate::memory::peak_growth;
use crate::program::{Folder, Program};
use crate::question::{HASTY, alone, asked, fault, question, said, within};
use crate::server::{MUCH, Server, nobody};

const PLAIN: u16 = 5000;
const TLS: u16 = 5001;

fn server(folder: &Folder, more: &str) -> Program {
    let script = folder.write("health_server.py", include_str!("health_server.py"));
    let line = format!("python3 {script} {{folder}}/key.pem {{folder}}/cert.pem{more}");
    Program::start(folder, &line, PLAIN)
}

fn asking(to: SocketAddr, service: Option<&str>, tls: Option<TlsCheck>) -> Question {
    let check = GrpcCheck {
        service: service.map(str::to_owned),
        authority: None,
        tls,
    };
    question(to, Kind::Grpc(check))
}

fn plain(server: &Server) -> Question {
    asking(server.address(), None, None)
}

#[test]
fn a_real_server_says_how_each_of_its_services_is() {
    let _node = alone();
    let folder = Folder::new();
    let _server = server(&folder, "");
    let service = |name| {
        let to = (Ipv4Addr::LOCALHOST, PLAIN).into();
        said(&asked(&asking(to, name, None)))
    };
    assert_eq!(service(None), "pass: SERVING");
    assert_eq!(service(Some("web")), "pass: SERVING");
    assert_eq!(service(Some("down")), "WrongAnswer: it says NOT_SERVING");
    assert_eq!(service(Some("unset")), "WrongAnswer: it says UNKNOWN");
    assert_eq!(
        service(Some("nobody")),
        "WrongAnswer: the call failed: NOT_FOUND: it knows no such service \"unknown service\""
    );
}

#[test]
fn a_real_server_is_asked_over_tls() {
    let _node = alone();
    let folder = Folder::new();
    let _server = server(&folder, "");
    let tls = TlsCheck {
        verify: Some(true),
        server_name: Some("farm.example".to_owned()),
        ca_file: folder.at("cert.pem").parse().ok(),
        ..TlsCheck::default()
    };
    let to = (Ipv4Addr::LOCALHOST, TLS).into();
    let answer = asked(&asking(to, None, Some(tls.clone())));
    assert_eq!(said(&answer), "pass: SERVING");
    assert!(answer.certificate.is_some());
    let server_name = Some("other.example".to_owned());
    let other = asking(to, None, Some(TlsCheck { server_name, ..tls }));
    assert_eq!(fault(&asked(&other)), Some(Fault::Tls));
}

#[test]
fn a_real_server_without_a_health_service_says_so() {
    let _node = alone();
    let folder = Folder::new();
    let _server = server(&folder, " --without");
    let to = (Ipv4Addr::LOCALHOST, PLAIN).into();
    let answer = said(&asked(&asking(to, None, None)));
    let text = "WrongAnswer: the call failed: UNIMPLEMENTED: it has no health service";
    assert!(answer.starts_with(text), "{answer}");
}

#[test]
fn a_real_server_whose_service_hangs_times_out() {
    let _node = alone();
    let folder = Folder::new();
    let _server = server(&folder, "");
    let to = (Ipv4Addr::LOCALHOST, PLAIN).into();
    let answer = asked(&within(HASTY, asking(to, Some("hangs"), None)));
    // The server is told the time-out too, and may answer just at its end.
    let text = said(&answer);
    assert!(
        fault(&answer) == Some(Fault::TimedOut) || text.contains("DEADLINE_EXCEEDED"),
        "{text}"
    );
}

/// An HTTP/2 answer: SETTINGS, then these frames on the first stream.
fn frames(frames: &[&[u8]]) -> &'static [u8] {
    let settings: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
    Vec::leak([settings, &frames.concat()].concat())
}

/// Waits for the request (a HEADERS frame after the preface of 24 bytes), then says this.
fn answering(what: &'static [u8]) -> Server {
    Server::start(move |mut stream| {
        stream.read_exact(&mut [0; 24]).unwrap();
        let mut head = [0; 9];
        while head[3] != 1 {
            stream.read_exact(&mut head).unwrap();
            let length = usize::from(head[1]) << 8 | usize::from(head[2]);
            stream.read_exact(&mut vec![0; length]).unwrap();
        }
        let _told = stream.write_all(what);
        crate::server::hear_out(stream);
    })
}

#[test]
fn what_is_no_grpc_says_what_it_is() {
    let _node = alone();
    assert_eq!(
        said(&asked(&asking(nobody(), None, None))),
        "Refused: connection refused"
    );
    let old = Server::that_ends_after(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(fault(&asked(&plain(&old))), Some(Fault::Broken));
    // HEADERS with END_STREAM and END_HEADERS: `:status 404` of the static table.
    let not_found = answering(frames(&[b"\0\0\x01\x01\x05\0\0\0\x01\x8d"]));
    assert_eq!(
        said(&asked(&plain(&not_found))),
        "WrongAnswer: no gRPC: HTTP 404"
    );
    let status_only = answering(frames(&[b"\0\0\x01\x01\x05\0\0\0\x01\x88"]));
    assert_eq!(
        said(&asked(&plain(&status_only))),
        "WrongAnswer: no gRPC: HTTP 200"
    );
}

#[test]
fn a_hostile_server_ends_within_the_time_and_in_little_memory() {
    let _node = alone();
    let hasty = |server: &Server| asked(&within(HASTY, plain(server)));
    assert_eq!(fault(&hasty(&Server::silent())), Some(Fault::TimedOut));
    assert_eq!(
        fault(&hasty(&Server::that_says(frames(&[])))),
        Some(Fault::TimedOut)
    );
    // A frame of 16 KiB that comes a byte at a time.
    assert_eq!(
        fault(&hasty(&Server::that_drips(b"\0\x40\0\x04\0\0\0\0\0"))),
        Some(Fault::TimedOut)
    );
    let grown = peak_growth(|| {
        let (garbage, _) = Server::that_pours(b"", &[b'a'; 16384]);
        assert_eq!(fault(&hasty(&garbage)), Some(Fault::Broken));
        // SETTINGS again and again, which want an answer each.
        let (settings, _) = Server::that_pours(frames(&[]), b"\0\0\0\x04\0\0\0\0\0");
        assert!(fault(&hasty(&settings)).is_some());
        // Headers that go on in CONTINUATION frames without end.
        let begun = frames(&[b"\0\0\x01\x01\0\0\0\0\x01\x88"]);
        let (headers, _) = Server::that_pours(begun, b"\0\0\x01\x09\0\0\0\0\x01\x88");
        assert!(fault(&hasty(&headers)).is_some());
    });
    assert!(grown < MUCH, "{grown} bytes more");
    let resets = Server::that_resets_after(frames(&[]));
    assert_eq!(fault(&asked(&plain(&resets))), Some(Fault::Broken));
}

#[test]
fn a_connection_ends_with_its_question() {
    let _node = alone();
    let (gone, told) = std::sync::mpsc::channel();
    let server = Server::start(move |stream| {
        crate::server::hear_out(stream);
        gone.send(()).unwrap();
    });
    let runtime = crate::question::runtime();
    let tools = farmctl::probe::Tools::default();
    let question = within(HASTY, plain(&server));
    let answer = runtime.block_on(farmctl::probe::ask(&question, &tools));
    assert_eq!(fault(&answer), Some(Fault::TimedOut));
    // The runtime goes on, and the server's end of the connection is closed none the less.
    runtime.block_on(async { tokio::time::sleep(HASTY).await });
    told.recv_timeout(crate::question::PATIENT).unwrap();
}
