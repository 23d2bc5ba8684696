//! TLS to `openssl s_server`, and to servers that only pretend to speak it.

use std::net::{Ipv4Addr, SocketAddr};

use farmctl::health::{Expiry, Fault, Question};
use farmctl::spec::{HttpCheck, HttpVersion, Kind, TcpCheck, TlsCheck, TlsVersion};

use crate::authority::{Authority, Good, LATE};
use crate::program::{Folder, Program};
use crate::question::{HASTY, alone, asked, fault, question, said, within};
use crate::server::{Server, nobody};

const PORT: u16 = 8443;

fn https(to: SocketAddr, tls: TlsCheck) -> Question {
    let check = HttpCheck {
        tls: Some(tls),
        ..HttpCheck::default()
    };
    question(to, Kind::Https(check))
}

fn here() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))
}

/// `openssl s_server` with a certificate of the folder, and what else it is told.
fn openssl(folder: &Folder, who: &str, more: &str) -> Program {
    let line = format!(
        "openssl s_server -quiet -www -accept {PORT} -cert {{folder}}/{who}.pem \
         -key {{folder}}/{who}.key {more}"
    );
    Program::start(folder, line.trim_end(), PORT)
}

fn verified(folder: &Folder, server_name: Option<&str>) -> TlsCheck {
    TlsCheck {
        verify: Some(true),
        ca_file: Some(folder.at("ca.pem").parse().unwrap()),
        server_name: server_name.map(str::to_owned),
        ..TlsCheck::default()
    }
}

#[test]
fn a_good_certificate_passes_and_its_expiry_is_read() {
    let _node = alone();
    let folder = Folder::new();
    Authority::new(&folder).issue("web", &["www.example", "127.0.0.1"], Good::Now);
    let _server = openssl(&folder, "web", "");
    for name in [Some("www.example"), Some("www.example."), None] {
        let answer = asked(&https(here(), verified(&folder, name)));
        assert_eq!(said(&answer), "pass: HTTP 200", "{name:?}");
        assert_eq!(answer.certificate, Some(Expiry(LATE)), "{name:?}");
    }
}

#[test]
fn a_bad_certificate_fails_with_what_is_wrong_and_passes_where_nobody_verifies() {
    let _node = alone();
    let folder = Folder::new();
    let authority = Authority::new(&folder);
    let cases = [
        (
            "past",
            "www.example",
            Good::Past,
            "TLS: its certificate expired ",
        ),
        (
            "future",
            "www.example",
            Good::Future,
            "TLS: its certificate is valid only in ",
        ),
        (
            "other",
            "ftp.example",
            Good::Now,
            "TLS: its certificate is not for www.example but for DnsName(\"ftp.example\")",
        ),
    ];
    for (who, name, good, expected) in cases {
        authority.issue(who, &[name], good);
        let _server = openssl(&folder, who, "");
        let answer = asked(&https(here(), verified(&folder, Some("www.example"))));
        assert_eq!(fault(&answer), Some(Fault::Tls), "{}", said(&answer));
        let told = said(&answer).replacen("Tls: ", "TLS: ", 1);
        assert!(told.starts_with(expected), "{told}");
        let answer = asked(&https(here(), TlsCheck::default()));
        assert_eq!(said(&answer), "pass: HTTP 200", "{who}");
        assert!(answer.certificate.is_some(), "{who}");
    }
}

#[test]
fn a_stranger_is_not_trusted() {
    let _node = alone();
    let (ours, theirs) = (Folder::new(), Folder::new());
    let _trusted = Authority::new(&ours);
    Authority::new(&theirs).issue("web", &["www.example"], Good::Now);
    let _server = openssl(&theirs, "web", "");
    let answer = asked(&https(here(), verified(&ours, Some("www.example"))));
    assert_eq!(
        said(&answer),
        "Tls: its certificate is of nobody who is trusted: name the issuer's file in `ca_file`"
    );
}

#[test]
fn a_version_that_is_too_old_fails() {
    let _node = alone();
    let folder = Folder::new();
    Authority::new(&folder).issue("web", &["www.example"], Good::Now);
    let _server = openssl(&folder, "web", "-tls1_2");
    let old = TlsCheck::default();
    assert_eq!(said(&asked(&https(here(), old))), "pass: HTTP 200");
    let new = TlsCheck {
        minimum_version: Some(TlsVersion::V13),
        ..TlsCheck::default()
    };
    let answer = asked(&https(here(), new));
    assert_eq!(fault(&answer), Some(Fault::Tls), "{}", said(&answer));
}

#[test]
fn a_server_that_wants_a_certificate_gets_one() {
    let _node = alone();
    let folder = Folder::new();
    let authority = Authority::new(&folder);
    authority.issue("web", &["www.example"], Good::Now);
    authority.issue("lb1", &["lb1.example"], Good::Now);
    for version in ["-tls1_2", "-tls1_3"] {
        let more = format!("{version} -Verify 1 -verify_return_error -CAfile {{folder}}/ca.pem");
        let _server = openssl(&folder, "web", &more);
        let answer = asked(&https(here(), TlsCheck::default()));
        assert_eq!(
            fault(&answer),
            Some(Fault::Tls),
            "{version}: {}",
            said(&answer)
        );
        let with = TlsCheck {
            certificate_file: Some(folder.at("lb1.pem").parse().unwrap()),
            key_file: Some(folder.at("lb1.key").parse().unwrap()),
            ..TlsCheck::default()
        };
        assert_eq!(
            said(&asked(&https(here(), with))),
            "pass: HTTP 200",
            "{version}"
        );
    }
}

#[test]
fn http2_over_tls_must_be_agreed_on() {
    let _node = alone();
    let folder = Folder::new();
    Authority::new(&folder).issue("web", &["www.example"], Good::Now);
    let check = HttpCheck {
        version: Some(HttpVersion::V2),
        ..HttpCheck::default()
    };
    for more in ["", "-alpn http/1.1"] {
        let _server = openssl(&folder, "web", more);
        let answer = asked(&question(here(), Kind::Https(check.clone())));
        assert_eq!(
            fault(&answer),
            Some(Fault::Tls),
            "{more}: {}",
            said(&answer)
        );
    }
}

#[test]
fn bytes_are_sent_and_expected_over_tls_too() {
    let _node = alone();
    let folder = Folder::new();
    Authority::new(&folder).issue("web", &["www.example"], Good::Now);
    let _server = openssl(&folder, "web", "");
    let check = TcpCheck {
        send: Some(r"GET / HTTP/1.0\r\n\r\n".to_owned()),
        expect: Some("^HTTP/1.0 200 ok".to_owned()),
        tls: Some(verified(&folder, Some("www.example"))),
    };
    let answer = asked(&question(here(), Kind::Tcp(check)));
    assert_eq!(said(&answer), "pass: answered as expected");
    assert_eq!(answer.certificate, Some(Expiry(LATE)));
}

#[test]
fn files_that_cannot_be_used_say_nothing_about_the_server() {
    let _node = alone();
    let folder = Folder::new();
    let empty = folder.write("empty.pem", "no certificate\n");
    let bad = [
        TlsCheck {
            ca_file: Some(folder.at("missing").parse().unwrap()),
            ..verified(&folder, None)
        },
        TlsCheck {
            ca_file: Some(empty.clone().parse().unwrap()),
            ..verified(&folder, None)
        },
        TlsCheck {
            certificate_file: Some(folder.at("cert.pem").parse().unwrap()),
            key_file: Some(empty.parse().unwrap()),
            ..TlsCheck::default()
        },
        TlsCheck {
            server_name: Some("a b".to_owned()),
            ..TlsCheck::default()
        },
    ];
    let server = Server::silent();
    for tls in bad {
        let answer = asked(&https(server.address(), tls));
        assert!(said(&answer).starts_with("unasked: "), "{}", said(&answer));
    }
}

#[test]
fn a_file_that_could_not_be_used_is_read_again() {
    let _node = alone();
    let folder = Folder::new();
    Authority::new(&folder).issue("web", &["www.example"], Good::Now);
    let _server = openssl(&folder, "web", "");
    let good = std::fs::read_to_string(folder.at("ca.pem")).unwrap();
    folder.write("ca.pem", "nothing\n");
    let question = https(here(), verified(&folder, Some("www.example")));
    let tools = farmctl::probe::Tools::default();
    crate::question::runtime().block_on(async {
        let answer = farmctl::probe::ask(&question, &tools).await;
        assert!(said(&answer).starts_with("unasked: "), "{}", said(&answer));
        folder.write("ca.pem", &good);
        let answer = farmctl::probe::ask(&question, &tools).await;
        assert_eq!(said(&answer), "pass: HTTP 200");
    });
}

#[test]
fn what_is_not_tls_fails_as_what_it_is() {
    let _node = alone();
    let ask = |server: &Server| asked(&within(HASTY, https(server.address(), TlsCheck::default())));
    let silent = Server::silent();
    assert_eq!(
        said(&ask(&silent)),
        "TimedOut: timed out after 300ms waiting for the TLS handshake"
    );
    let plain = Server::that_answers(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_eq!(said(&ask(&plain)), "Tls: what it sent is not TLS");
    let reset = Server::that_resets_after(b"");
    assert_eq!(said(&ask(&reset)), "Broken: it reset the connection");
    let gone = Server::that_ends_after(b"\x16\x03");
    assert_eq!(
        said(&ask(&gone)),
        "Broken: it closed the connection inside the TLS handshake"
    );
    let drips = Server::that_drips(b"\x16\x03\x03\x40\x00");
    assert_eq!(
        said(&ask(&drips)),
        "TimedOut: timed out after 300ms waiting for the TLS handshake"
    );
    let alert = Server::that_answers(b"\x15\x03\x03\x00\x02\x02\x28");
    assert_eq!(
        said(&ask(&alert)),
        "Tls: it refused the TLS handshake: HandshakeFailure"
    );
    let refused = asked(&https(nobody(), TlsCheck::default()));
    assert_eq!(said(&refused), "Refused: connection refused");
}
