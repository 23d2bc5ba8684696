//! Mail: exim as the server, and servers that answer what they should not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use farmctl::health::{Fault, Question};
use farmctl::spec::{Kind, SmtpCheck, SmtpSecurity, TlsCheck};

use crate::memory::peak_growth;
use crate::program::{Folder, NOBODY, as_user, served_by};
use crate::question::{HASTY, alone, asked, fault, question, said, within};
use crate::server::{MUCH, Server};

fn exim(folder: &Folder, options: &str) -> SocketAddr {
    folder.make("spool");
    folder.write(
        "exim.conf",
        "spool_directory = {folder}/spool
         log_file_path = {folder}/spool/%slog
         primary_hostname = mx.farm.example
         tls_advertise_hosts = *
         tls_certificate = {folder}/cert.pem
         tls_privatekey = {folder}/key.pem
         keep_environment =
         queue_only
        ",
    );
    let line = format!("exim4 -bs {options}-C {}", folder.at("exim.conf"));
    // Without the rights of root it serves inetd only on a port that needed them.
    served_by(&as_user(NOBODY, &line), 25)
}

fn asking(to: SocketAddr, security: SmtpSecurity, tls: Option<TlsCheck>) -> Question {
    let check = SmtpCheck {
        hello: Some("lb1.farm.example".to_owned()),
        security: Some(security),
        tls,
    };
    question(to, Kind::Smtp(check))
}

fn plain(server: &Server) -> Question {
    asking(server.address(), SmtpSecurity::None, None)
}

#[test]
fn a_real_mail_server_greets() {
    let _node = alone();
    let folder = Folder::new();
    let answer = asked(&asking(exim(&folder, ""), SmtpSecurity::None, None));
    assert_eq!(said(&answer), "pass: greets, answers EHLO");
    assert_eq!(answer.certificate, None);
}

#[test]
fn a_real_mail_server_goes_over_to_tls() {
    let _node = alone();
    let folder = Folder::new();
    let answer = asked(&asking(exim(&folder, ""), SmtpSecurity::Starttls, None));
    assert_eq!(said(&answer), "pass: greets, answers EHLO over TLS");
    assert!(
        answer.certificate.is_some(),
        "its certificate expires some day"
    );
}

#[test]
fn a_real_mail_server_speaks_tls_from_the_first_byte() {
    let _node = alone();
    let folder = Folder::new();
    let tls = exim(&folder, "-tls-on-connect ");
    let answer = asked(&asking(tls, SmtpSecurity::Tls, None));
    assert_eq!(said(&answer), "pass: greets, answers EHLO over TLS");
    let answer = asked(&within(HASTY, asking(tls, SmtpSecurity::None, None)));
    assert!(
        fault(&answer).is_some(),
        "it waits for TLS: {}",
        said(&answer)
    );
}

#[test]
fn the_certificate_is_verified_where_the_check_says_so() {
    let _node = alone();
    let folder = Folder::new();
    let exim = exim(&folder, "");
    let verified = |server_name: &str| TlsCheck {
        verify: Some(true),
        server_name: Some(server_name.to_owned()),
        ca_file: folder.at("cert.pem").parse().ok(),
        ..TlsCheck::default()
    };
    let good = asking(exim, SmtpSecurity::Starttls, Some(verified("farm.example")));
    assert_eq!(said(&asked(&good)), "pass: greets, answers EHLO over TLS");
    let other = asking(exim, SmtpSecurity::Starttls, Some(verified("mail.example")));
    assert_eq!(fault(&asked(&other)), Some(Fault::Tls));
}

/// A server that answers each line with the next of these.
fn reciting(greeting: &'static str, replies: &'static [&'static str]) -> (Server, Heard) {
    let heard = Heard::default();
    let noted = heard.clone();
    let server = Server::start(move |mut stream| {
        let _told = stream.write_all(greeting.as_bytes());
        for reply in replies {
            let line = line(&mut stream);
            noted.0.lock().unwrap().push(line);
            let _told = stream.write_all(reply.as_bytes());
        }
    });
    (server, heard)
}

/// The lines that a server was told.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn line(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).is_ok_and(|length| length > 0) && byte != *b"\n" {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

#[test]
fn a_server_without_ehlo_is_greeted_with_helo_and_left_with_quit() {
    let _node = alone();
    let replies = &["502 what?\r\n", "250 hello\r\n", "221 bye\r\n"];
    let (server, heard) = reciting("220-old\r\n220 server\r\n", replies);
    assert_eq!(said(&asked(&plain(&server))), "pass: greets, answers EHLO");
    let lines = [
        "EHLO lb1.farm.example\r",
        "HELO lb1.farm.example\r",
        "QUIT\r",
    ];
    assert_eq!(heard.lines(), lines);
}

#[test]
fn a_refusal_is_shown_with_its_words() {
    let _node = alone();
    let refusals: [(&'static str, &'static [&'static str], &str); 4] = [
        (
            "421 too busy\r\n",
            &[],
            "WrongAnswer: its greeting is 421 \"too busy\", not 220",
        ),
        (
            "554 go away\r\n",
            &[],
            "WrongAnswer: its greeting is 554 \"go away\", not 220",
        ),
        (
            "220 mx\r\n",
            &["550 no\r\n"],
            "WrongAnswer: its answer to EHLO is 550 \"no\", not 250",
        ),
        (
            "SSH-2.0-x\r\n",
            &[],
            "Broken: no reply of SMTP: \"SSH-2.0-x\"",
        ),
    ];
    for (greeting, replies, text) in refusals {
        let (server, _) = reciting(greeting, replies);
        assert_eq!(said(&asked(&plain(&server))), text);
    }
}

#[test]
fn tls_that_is_not_offered_or_not_begun_is_a_failure() {
    let _node = alone();
    let starttls = |server: &Server| {
        said(&asked(&asking(
            server.address(),
            SmtpSecurity::Starttls,
            None,
        )))
    };
    let (none, heard) = reciting("220 mx\r\n", &["250-mx\r\n250 SIZE 1000\r\n"]);
    assert_eq!(starttls(&none), "WrongAnswer: it does not offer STARTTLS");
    assert_eq!(heard.lines(), ["EHLO lb1.farm.example\r"]);
    let replies = &["250-mx\r\n250 STARTTLS\r\n", "454 no key\r\n"];
    let (broken, _) = reciting("220 mx\r\n", replies);
    assert_eq!(
        starttls(&broken),
        "WrongAnswer: its answer to STARTTLS is 454 \"no key\", not 220"
    );
    // What stands behind the reply would be taken for a part of the encrypted talk.
    let replies = &["250-mx\r\n250 STARTTLS\r\n", "220 go\r\n250 injected\r\n"];
    let (injects, _) = reciting("220 mx\r\n", replies);
    assert_eq!(
        starttls(&injects),
        "Broken: it sent more ahead of the TLS handshake"
    );
}

#[test]
fn a_hostile_mail_server_ends_within_the_time_and_in_little_memory() {
    let _node = alone();
    let hasty = |server: &Server| said(&asked(&within(HASTY, plain(server))));
    let text = "TimedOut: timed out after 300ms waiting for the greeting";
    assert_eq!(hasty(&Server::silent()), text);
    assert_eq!(hasty(&Server::that_drips(b"220-")), text);
    let grown = peak_growth(|| {
        let line = Server::that_floods(b"220-", &[b'a'; 16384]);
        assert_eq!(
            said(&asked(&plain(&line))),
            "Broken: a line of more than 2048 bytes"
        );
        let lines = Server::that_floods(b"220-", b"more\r\n220-");
        assert_eq!(
            said(&asked(&plain(&lines))),
            "Broken: a reply of more than 128 lines"
        );
    });
    assert!(grown < MUCH, "{grown} bytes more");
    let resets = Server::start(|mut stream| {
        let _told = stream.write_all(b"220 mx\r\n");
        let _heard = stream.read(&mut [0]);
        crate::server::reset(stream);
    });
    assert_eq!(fault(&asked(&plain(&resets))), Some(Fault::Broken));
}

#[test]
fn a_server_that_does_not_answer_quit_has_passed_before() {
    let _node = alone();
    let (server, _) = reciting("220 mx\r\n", &["250 mx\r\n"]);
    assert_eq!(said(&asked(&plain(&server))), "pass: greets, answers EHLO");
    let silent = Server::start(|mut stream| {
        let _told = stream.write_all(b"220 mx\r\n");
        line(&mut stream);
        let _told = stream.write_all(b"250 mx\r\n");
        crate::server::hear_out(stream);
    });
    assert_eq!(said(&asked(&plain(&silent))), "pass: greets, answers EHLO");
}
