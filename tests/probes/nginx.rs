//! HTTP in all its versions to nginx, as it comes from Debian.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use farmctl::health::Question;
use farmctl::probe::{Runner, Tools};
use farmctl::spec::{HttpCheck, HttpMethod, HttpVersion, Kind, TlsCheck};

use crate::authority::{Authority, Good};
use crate::program::{Folder, Program};
use crate::question::{alone, asked, question, runtime, said};

const PLAIN: u16 = 8080;
const PLAIN2: u16 = 8082;
const TLS: u16 = 8443;

/// It answers with the server name that the client asked for by TLS and by HTTP.
const CONFIGURATION: &str = "
daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {
    listen 127.0.0.1:8080;
    listen 127.0.0.1:8082 http2;
    listen 127.0.0.1:8443 ssl http2;
    ssl_certificate {folder}/web.pem;
    ssl_certificate_key {folder}/web.key;
    ssl_session_tickets on;
    location / { return 200 'tls [$ssl_server_name] host [$host] $server_protocol\\n'; }
    location /gone { return 410; }
    location /big { root {folder}; }
  }
}
";

fn nginx(folder: &Folder) -> Program {
    Authority::new(folder).issue("web", &["www.example"], Good::Now);
    folder.write("nginx.conf", CONFIGURATION);
    let line = "nginx -p {folder} -e {folder}/error.log -c {folder}/nginx.conf";
    Program::start(folder, line, PLAIN)
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn wants(body: &str, host: Option<&str>, version: HttpVersion) -> HttpCheck {
    HttpCheck {
        body: Some(body.to_owned()),
        host: host.map(str::to_owned),
        version: Some(version),
        ..HttpCheck::default()
    }
}

fn http(port: u16, check: HttpCheck) -> Question {
    question(at(port), Kind::Http(check))
}

#[test]
fn every_version_of_http_is_spoken_with_and_without_tls() {
    let _node = alone();
    let folder = Folder::new();
    let _nginx = nginx(&folder);
    let versions = [
        (HttpVersion::V10, "HTTP/1.0", PLAIN),
        (HttpVersion::V11, "HTTP/1.1", PLAIN),
        (HttpVersion::V2, "HTTP/2.0", PLAIN2),
    ];
    for (version, word, port) in versions {
        let body = format!("tls [] host [farm.example] {word}\n");
        let check = wants(&body, Some("farm.example"), version);
        assert_eq!(said(&asked(&http(port, check))), "pass: HTTP 200", "{word}");
        let body = format!("tls [farm.example] host [farm.example] {word}\n");
        let check = wants(&body, Some("farm.example"), version);
        let answer = asked(&question(at(TLS), Kind::Https(check)));
        assert_eq!(said(&answer), "pass: HTTP 200", "{word} over TLS");
        assert!(answer.certificate.is_some());
    }
}

/// keepalived#814, #2707: no server name in TLS, or none that can be chosen.
#[test]
fn the_name_that_tls_asks_for_is_the_host_or_the_one_that_is_written() {
    let _node = alone();
    let folder = Folder::new();
    let _nginx = nginx(&folder);
    let ask = |body: &str, host: Option<&str>, server_name: Option<&str>| {
        let mut check = wants(body, host, HttpVersion::V11);
        check.tls = Some(TlsCheck {
            server_name: server_name.map(str::to_owned),
            ..TlsCheck::default()
        });
        said(&asked(&question(at(TLS), Kind::Https(check))))
    };
    let pass = "pass: HTTP 200";
    assert_eq!(ask("tls [] host [127.0.0.1]", None, None), pass);
    assert_eq!(
        ask(
            "tls [www.example] host [www.example]",
            Some("www.example:8443"),
            None
        ),
        pass
    );
    assert_eq!(
        ask(
            "tls [a.example] host [www.example]",
            Some("www.example"),
            Some("a.example")
        ),
        pass
    );
    assert_eq!(
        ask("tls [a.example] host [127.0.0.1]", None, Some("a.example")),
        pass
    );
}

#[test]
fn statuses_methods_and_large_bodies() {
    let _node = alone();
    let folder = Folder::new();
    let _nginx = nginx(&folder);
    let large = "0123456789".repeat(300_000);
    folder.write("big", &large);
    let gone = HttpCheck {
        path: Some("/gone".to_owned()),
        ..HttpCheck::default()
    };
    let big = HttpCheck {
        path: Some("/big".to_owned()),
        body_lacks: Some("never".to_owned()),
        body_limit: Some(4_000_000),
        ..HttpCheck::default()
    };
    for version in [HttpVersion::V10, HttpVersion::V11, HttpVersion::V2] {
        let port = if version == HttpVersion::V2 {
            PLAIN2
        } else {
            PLAIN
        };
        let check = HttpCheck {
            version: Some(version),
            ..gone.clone()
        };
        assert_eq!(
            said(&asked(&http(port, check))),
            "WrongAnswer: HTTP 410 Gone"
        );
        let check = HttpCheck {
            version: Some(version),
            ..big.clone()
        };
        assert_eq!(said(&asked(&http(port, check))), "pass: HTTP 200");
        for method in [HttpMethod::Head, HttpMethod::Post, HttpMethod::Options] {
            let method = Some(method);
            let check = HttpCheck {
                version: Some(version),
                method,
                ..HttpCheck::default()
            };
            assert_eq!(said(&asked(&http(port, check))), "pass: HTTP 200");
        }
    }
}

/// keepalived#2351: HTTPS checks that fail now and then.
#[test]
fn of_a_thousand_https_checks_none_fails() {
    const ALL: u32 = 1000;
    let _node = alone();
    let folder = Folder::new();
    let _nginx = nginx(&folder);
    let versions = [HttpVersion::V10, HttpVersion::V11, HttpVersion::V2];
    let checks = versions.map(|version| {
        let mut check = wants("host [www.example]", Some("www.example"), version);
        check.tls = Some(TlsCheck {
            verify: Some(true),
            ca_file: Some(folder.at("ca.pem").parse().unwrap()),
            ..TlsCheck::default()
        });
        Arc::new(question(at(TLS), Kind::Https(check)))
    });
    runtime().block_on(async {
        let (runner, mut answers) = Runner::new(Arc::new(Tools::default())).unwrap();
        let ask = |id: u32| runner.ask(id, Arc::clone(&checks[id as usize % checks.len()]));
        let mut asked = 20;
        (0..asked).for_each(ask);
        let mut answered = 0;
        while answered < ALL {
            for (id, answer) in answers.next().await.unwrap() {
                assert_eq!(said(&answer), "pass: HTTP 200", "{id}");
                answered += 1;
                if asked < ALL {
                    ask(asked);
                    asked += 1;
                }
            }
        }
    });
}
