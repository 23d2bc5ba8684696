//! Requests to servers that are hostile, or that show what they were asked.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use farmctl::health::{Fault, Question};
use farmctl::spec::{HttpCheck, HttpMethod, HttpVersion, Kind, StatusRange};

use crate::memory::peak_growth;
use crate::question::{HASTY, alone, asked, fault, question, said, within};
use crate::server::{Server, nobody};

fn http(to: SocketAddr, check: HttpCheck) -> Question {
    question(to, Kind::Http(check))
}

fn get(to: SocketAddr) -> Question {
    http(to, HttpCheck::default())
}

#[expect(clippy::unnecessary_wraps, reason = "options are what a check has")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A server that answers this and hands over what it was asked.
fn listening(answer: &'static str) -> (Server, Receiver<String>) {
    let (heard, requests) = channel();
    let heard = Mutex::new(heard);
    let server = Server::start(move |mut stream| {
        let request = head(&mut stream);
        heard.lock().unwrap().send(request).unwrap();
        let _told = stream.write_all(answer.as_bytes());
    });
    (server, requests)
}

fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn a_plain_check_asks_for_the_root_of_the_address() {
    let _node = alone();
    let (server, requests) = listening("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(said(&asked(&get(server.address()))), "pass: HTTP 200");
    let address = server.address();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        requests.recv().unwrap(),
        format!(
            "GET / HTTP/1.1\r\nUser-Agent: farmctl/{version} (health check)\r\n\
             Host: {address}\r\nConnection: close\r\n\r\n"
        )
    );
}

#[test]
fn method_path_host_headers_and_version_are_sent_as_they_are_written() {
    let _node = alone();
    let (server, requests) = listening("HTTP/1.0 204 No Content\r\n\r\n");
    let check = HttpCheck {
        path: text("/a?b=c%20d"),
        method: Some(HttpMethod::Options),
        host: text("www.example:81"),
        headers: BTreeMap::from([
            ("User-Agent".to_owned(), "probe".to_owned()),
            ("X-Check".to_owned(), "1".to_owned()),
        ]),
        version: Some(HttpVersion::V10),
        ..HttpCheck::default()
    };
    assert_eq!(
        said(&asked(&http(server.address(), check))),
        "pass: HTTP 204"
    );
    assert_eq!(
        requests.recv().unwrap(),
        "OPTIONS /a?b=c%20d HTTP/1.0\r\nUser-Agent: probe\r\nHost: www.example:81\r\n\
         Connection: close\r\nX-Check: 1\r\n\r\n"
    );
}

/// keepalived#1350: classes of status codes.
#[test]
fn status_codes_are_good_by_number_and_by_range() {
    let _node = alone();
    let teapot = Server::that_ends_after(b"HTTP/1.1 418 I'm a teapot\r\n\r\n");
    let with = |ranges: &[(u16, u16)]| {
        let status = ranges.iter();
        let status = status
            .map(|&(first, last)| StatusRange { first, last })
            .collect();
        let check = HttpCheck {
            status,
            ..HttpCheck::default()
        };
        said(&asked(&http(teapot.address(), check)))
    };
    assert_eq!(with(&[]), "WrongAnswer: HTTP 418 I'm a teapot");
    assert_eq!(
        with(&[(200, 200), (400, 499)]),
        "pass: HTTP 418 I'm a teapot"
    );
    assert_eq!(with(&[(418, 418)]), "pass: HTTP 418 I'm a teapot");
    assert_eq!(
        with(&[(200, 417), (419, 599)]),
        "WrongAnswer: HTTP 418 I'm a teapot"
    );
}

#[test]
fn a_redirection_is_an_answer_and_not_followed() {
    let _node = alone();
    let (server, requests) = listening("HTTP/1.1 302 Found\r\nLocation: /other\r\n\r\n");
    let answer = asked(&get(server.address()));
    assert_eq!(said(&answer), "WrongAnswer: HTTP 302 Found");
    assert_eq!(requests.iter().take(1).count(), 1);
    assert!(requests.try_recv().is_err());
}

#[test]
fn a_body_must_have_what_is_wanted_and_lack_what_is_not() {
    let _node = alone();
    let server = Server::that_ends_after(b"HTTP/1.1 200 OK\r\n\r\n<p>all 12 systems go</p>\n");
    let ask = |check| said(&asked(&http(server.address(), check)));
    let good = HttpCheck {
        body: text("systems go</p>"),
        body_matches: text("all [0-9]+ systems"),
        body_lacks: text("(?i)error"),
        ..HttpCheck::default()
    };
    assert_eq!(ask(good.clone()), "pass: HTTP 200");
    let check = HttpCheck {
        body: text("[0-9]"),
        ..good.clone()
    };
    assert_eq!(
        ask(check),
        r#"WrongAnswer: HTTP 200, but its body lacks "[0-9]": "<p>all 12 systems go</p>\n""#
    );
    let check = HttpCheck {
        body_matches: text("all [a-z]+"),
        ..good.clone()
    };
    assert_eq!(
        ask(check),
        r#"WrongAnswer: HTTP 200, but its body does not match `all [a-z]+`: "<p>all 12 systems go</p>\n""#
    );
    let check = HttpCheck {
        body_lacks: text("SYSTEMS|systems"),
        ..good
    };
    assert_eq!(
        ask(check),
        r#"WrongAnswer: HTTP 200, but its body matches `SYSTEMS|systems`: "<p>all 12 systems go</p>\n""#
    );
}

#[test]
fn a_body_in_chunks_is_put_together() {
    let _node = alone();
    let server = Server::that_ends_after(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nO K\r\n2;x=y\r\n !\r\n0\r\nT: 1\r\n\r\n",
    );
    let check = HttpCheck {
        body_matches: text("^O K !$"),
        ..HttpCheck::default()
    };
    assert_eq!(
        said(&asked(&http(server.address(), check))),
        "pass: HTTP 200"
    );
}

#[test]
fn an_endless_body_is_judged_by_its_beginning_and_closed() {
    let _node = alone();
    let (server, poured) = Server::that_pours(b"HTTP/1.1 200 OK\r\n\r\nhello ", &[b'x'; 8192]);
    let ask = |check| said(&asked(&http(server.address(), check)));
    assert_eq!(ask(HttpCheck::default()), "pass: HTTP 200");
    let early = HttpCheck {
        body: text("hello"),
        ..HttpCheck::default()
    };
    assert_eq!(ask(early), "pass: HTTP 200");
    let never = HttpCheck {
        body: text("never"),
        body_limit: Some(100_000),
        ..HttpCheck::default()
    };
    assert!(ask(never).starts_with(r#"WrongAnswer: HTTP 200, but its body lacks "never""#));
    let lacks = HttpCheck {
        body_lacks: text("never"),
        ..HttpCheck::default()
    };
    assert_eq!(ask(lacks), "pass: HTTP 200");
    assert!(poured.load(Ordering::SeqCst) < 64 << 20);
}

/// A header of 10 GB would come in minutes; one that is poured for a second is endless enough.
#[test]
fn an_endless_head_is_broken_off_and_takes_no_memory() {
    let _node = alone();
    let endless: [(&'static [u8], &'static [u8]); 4] = [
        (b"HTTP/1.1 200 OK\r\nX: ", &[b'x'; 8192]),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\nZ: w\r\n"),
        (b"HTTP/1.1 200 ", &[b'x'; 8192]),
        (
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
        ),
    ];
    for (number, (beginning, more)) in endless.into_iter().enumerate() {
        let (server, poured) = Server::that_pours(beginning, more);
        let grown = peak_growth(|| {
            let answer = asked(&within(HASTY * 3, get(server.address())));
            let seen = fault(&answer);
            assert!(
                matches!(seen, Some(Fault::Broken | Fault::TimedOut)),
                "{number}: {}",
                said(&answer)
            );
            assert!(answer.took < HASTY * 6, "{number}: {:?}", answer.took);
        });
        assert!(grown < 16 << 20, "{number}: {grown} bytes of memory");
        assert!(poured.load(Ordering::SeqCst) > 0, "{number}: nothing came");
    }
}

#[test]
fn an_answer_one_byte_at_a_time_is_late() {
    let _node = alone();
    let cases: [(&'static [u8], &str); 3] = [
        (b"HTTP/1.1 200 O", "the head of the HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nX: ", "the head of the HTTP answer"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "the body of the HTTP answer"),
    ];
    for (beginning, waiting) in cases {
        let server = Server::that_drips(beginning);
        let check = HttpCheck {
            body: text("never"),
            ..HttpCheck::default()
        };
        let answer = asked(&within(HASTY * 3, http(server.address(), check)));
        let expected = format!("TimedOut: timed out after 900ms waiting for {waiting}");
        assert_eq!(said(&answer), expected);
    }
}

#[test]
fn a_server_that_never_answers_is_late() {
    let _node = alone();
    for version in [HttpVersion::V10, HttpVersion::V11, HttpVersion::V2] {
        let server = Server::silent();
        let check = HttpCheck {
            version: Some(version),
            ..HttpCheck::default()
        };
        let answer = asked(&within(HASTY, http(server.address(), check)));
        assert_eq!(
            said(&answer),
            "TimedOut: timed out after 300ms waiting for the head of the HTTP answer"
        );
    }
}

#[test]
fn a_server_that_breaks_off_is_broken() {
    let _node = alone();
    let body = HttpCheck {
        body: text("never"),
        ..HttpCheck::default()
    };
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort";
    let cases = [
        (
            Server::that_ends_after(b""),
            "it closed the connection before its answer was whole",
        ),
        (
            Server::that_ends_after(b"HTTP/1.1 200 OK\r\nX"),
            "it closed the connection before its answer was whole",
        ),
        (
            Server::that_ends_after(short),
            "it closed the connection before its answer was whole",
        ),
        (Server::that_resets_after(b""), "it reset the connection"),
        (
            Server::that_resets_after(b"HTTP/1.1 200 OK\r\nX"),
            "it reset the connection",
        ),
    ];
    for (number, (server, expected)) in cases.into_iter().enumerate() {
        let answer = asked(&http(server.address(), body.clone()));
        assert_eq!(said(&answer), format!("Broken: {expected}"), "{number}");
    }
    assert_eq!(said(&asked(&get(nobody()))), "Refused: connection refused");
}

#[test]
fn what_is_not_http_is_broken() {
    let _node = alone();
    let garbage: [&'static [u8]; 6] = [
        b"\x00\xff\x00\xff\r\n\r\n",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ];
    for bytes in garbage {
        let server = Server::that_answers(bytes);
        let answer = asked(&get(server.address()));
        let shown = bytes.escape_ascii();
        assert_eq!(
            fault(&answer),
            Some(Fault::Broken),
            "{shown}: {}",
            said(&answer)
        );
        let check = HttpCheck {
            version: Some(HttpVersion::V2),
            ..HttpCheck::default()
        };
        let answer = asked(&within(HASTY * 3, http(server.address(), check)));
        assert_ne!(fault(&answer), None, "{shown}: {}", said(&answer));
    }
}

#[test]
fn a_server_that_takes_its_answer_before_the_question_may_do_so() {
    let _node = alone();
    let server = Server::that_says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    // Either is right: hyper sees bytes that nobody asked for, or takes them for the answer.
    let answer = asked(&get(server.address()));
    assert!(
        matches!(fault(&answer), None | Some(Fault::Broken)),
        "{}",
        said(&answer)
    );
}

#[test]
fn a_half_closed_server_still_answers() {
    let _node = alone();
    let server = Server::start(|mut stream| {
        head(&mut stream);
        stream.shutdown(std::net::Shutdown::Read).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
            .unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        std::thread::sleep(crate::question::PATIENT);
    });
    let check = HttpCheck {
        body: text("OK"),
        ..HttpCheck::default()
    };
    assert_eq!(
        said(&asked(&http(server.address(), check))),
        "pass: HTTP 200"
    );
}

#[test]
fn what_http_cannot_say_says_nothing_about_the_server() {
    let _node = alone();
    let server = Server::silent();
    let bad = [
        HttpCheck {
            path: text("/a b"),
            ..HttpCheck::default()
        },
        HttpCheck {
            host: text("a\nb"),
            ..HttpCheck::default()
        },
        HttpCheck {
            headers: BTreeMap::from([("a b".to_owned(), String::new())]),
            ..HttpCheck::default()
        },
        HttpCheck {
            method: Some(HttpMethod::Head),
            body: text("OK"),
            ..HttpCheck::default()
        },
        HttpCheck {
            body_matches: text("("),
            ..HttpCheck::default()
        },
    ];
    for check in bad {
        let answer = asked(&http(server.address(), check));
        assert!(said(&answer).starts_with("unasked: "), "{}", said(&answer));
    }
    assert_eq!(server.accepted(), 0);
}

#[test]
fn head_asks_for_no_body_and_waits_for_none() {
    let _node = alone();
    let (server, requests) = listening("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    let check = HttpCheck {
        method: Some(HttpMethod::Head),
        ..HttpCheck::default()
    };
    assert_eq!(
        said(&asked(&http(server.address(), check))),
        "pass: HTTP 200"
    );
    assert!(requests.recv().unwrap().starts_with("HEAD / HTTP/1.1\r\n"));
}

#[test]
fn no_connection_outlives_its_question() {
    let _node = alone();
    let (ended, ends) = channel();
    let ended = Arc::new(Mutex::new(ended));
    let server = Server::start(move |stream| {
        crate::server::hear_out(stream);
        ended.lock().unwrap().send(()).unwrap();
    });
    let runtime = crate::question::runtime();
    runtime.block_on(async {
        for version in [HttpVersion::V11, HttpVersion::V2] {
            let check = HttpCheck {
                version: Some(version),
                ..HttpCheck::default()
            };
            let question = within(HASTY, http(server.address(), check));
            farmctl::probe::ask(&question, &farmctl::probe::Tools::default()).await;
        }
        // The runtime goes on, as the daemon's does; the connections must not.
        tokio::task::yield_now().await;
        for _ in 0..2 {
            ends.recv_timeout(crate::question::PATIENT).unwrap();
        }
    });
}
