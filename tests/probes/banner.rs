//! Greetings: vsftpd, dovecot, leafnode, mariadb and redis as the servers, and servers that greet
//! badly.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use farmctl::health::{Answer, Fault, Question};
use farmctl::spec::{BannerCheck, Kind, TlsCheck};

use crate::memory::peak_growth;
use crate::program::{Folder, NOBODY, Program, as_user, served_by};
use crate::question::{HASTY, alone, asked, fault, question, said, within};
use crate::server::{MUCH, Server, nobody};

type Make = fn(BannerCheck) -> Kind;

fn at(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn asking(to: SocketAddr, kind: Make) -> Question {
    question(to, kind(BannerCheck::default()))
}

fn over_tls(to: SocketAddr, kind: Make) -> Answer {
    let tls = Some(TlsCheck::default());
    asked(&question(to, kind(BannerCheck { tls })))
}

#[track_caller]
fn passes_with_a_certificate(answer: &Answer, text: &str) {
    assert!(said(answer).starts_with(text), "{}", said(answer));
    assert!(
        answer.certificate.is_some(),
        "its certificate expires some day"
    );
}

fn vsftpd(folder: &Folder, more: &str) -> Program {
    folder.make("empty");
    let text = format!(
        "listen=YES\nlisten_address=127.0.0.1\nlisten_port=2121\nbackground=NO\n\
         anonymous_enable=YES\nlocal_enable=NO\nrun_as_launching_user=YES\nseccomp_sandbox=NO\n\
         secure_chroot_dir={{folder}}/empty\n{more}"
    );
    folder.write("vsftpd.conf", &text);
    Program::start(folder, "vsftpd {folder}/vsftpd.conf", 2121)
}

#[test]
fn a_real_ftp_server_greets() {
    let _node = alone();
    let folder = Folder::new();
    let _vsftpd = vsftpd(&folder, "");
    let answer = asked(&asking(at(2121), Kind::Ftp));
    assert_eq!(said(&answer), "pass: greets \"220 (vsFTPd 3.0.3)\"");
}

#[test]
fn a_real_ftp_server_greets_over_tls() {
    let _node = alone();
    let folder = Folder::new();
    let tls = "ssl_enable=YES\nimplicit_ssl=YES\nallow_anon_ssl=YES\n\
               rsa_cert_file={folder}/cert.pem\nrsa_private_key_file={folder}/key.pem\n";
    let _vsftpd = vsftpd(&folder, tls);
    passes_with_a_certificate(&over_tls(at(2121), Kind::Ftp), "pass: greets \"220 (vsFTPd");
}

#[test]
fn a_real_ftp_server_that_is_full_fails_with_its_words() {
    let _node = alone();
    let folder = Folder::new();
    let _vsftpd = vsftpd(&folder, "max_clients=1\n");
    assert_eq!(
        filled(2121, Kind::Ftp),
        "WrongAnswer: greets \"421 There are too many connected users, please try later.\""
    );
}

/// What is answered once so many connections are held that no more are taken.
fn filled(port: u16, kind: Make) -> String {
    let mut held = Vec::new();
    loop {
        held.push(TcpStream::connect(at(port)).unwrap());
        let answer = asked(&asking(at(port), kind));
        if fault(&answer).is_some() || held.len() > 50 {
            return said(&answer);
        }
    }
}

/// Servers of IMAP and POP3, each with and without TLS.
fn dovecot(folder: &Folder) -> Program {
    folder.write(
        "dovecot.conf",
        "base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = 1143
  }
  inet_listener imaps {
    port = 1993
  }
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = 1110
  }
  inet_listener pop3s {
    port = 1995
  }
}
passdb {
  driver = static
  args = password=secret
}
",
    );
    let line = as_user(NOBODY, "dovecot -F -c {folder}/dovecot.conf");
    Program::start(folder, &line, 1995)
}

/// keepalived #1436: it has no checks of mail protocols over TLS, as ldirectord has.
#[test]
fn a_real_mailbox_server_greets_with_and_without_tls() {
    let _node = alone();
    let folder = Folder::new();
    let _dovecot = dovecot(&folder);
    let imap = said(&asked(&asking(at(1143), Kind::Imap)));
    assert!(
        imap.starts_with("pass: greets \"* OK [CAPABILITY IMAP4rev1"),
        "{imap}"
    );
    let pop = said(&asked(&asking(at(1110), Kind::Pop)));
    assert_eq!(pop, "pass: greets \"+OK Dovecot (Debian) ready.\"");
    passes_with_a_certificate(&over_tls(at(1993), Kind::Imap), "pass: greets \"* OK");
    passes_with_a_certificate(&over_tls(at(1995), Kind::Pop), "pass: greets \"+OK");
    let crossed = asked(&asking(at(1110), Kind::Imap));
    assert_eq!(
        said(&crossed),
        "WrongAnswer: greets \"+OK Dovecot (Debian) ready.\""
    );
}

/// leafnode wants a name of its own and a spool that belongs to the user `news`.
fn leafnode(folder: &Folder) -> SocketAddr {
    folder.write(
        "leafnode.conf",
        "server = news.farm-of-tests.org\nexpire = 20\n",
    );
    let script = folder.write(
        "leafnode",
        "mount -t tmpfs tmpfs /var/spool/news && mkdir /var/spool/news/leaf.node &&
         hostname news.farm-of-tests.org &&
         exec setpriv --inh-caps=-all --ambient-caps=-all leafnode -F {folder}/leafnode.conf
        ",
    );
    let news = as_user(9, "--uts --mount --keep-caps");
    served_by(&format!("{news} sh {script}"), 119)
}

#[test]
fn a_real_news_server_greets() {
    let _node = alone();
    let folder = Folder::new();
    let answer = said(&asked(&asking(leafnode(&folder), Kind::Nntp)));
    assert!(
        answer.starts_with("pass: greets \"200 Leafnode NNTP Daemon"),
        "{answer}"
    );
}

fn mariadb(folder: &Folder, more: &str) -> Program {
    folder.make("data");
    let line = format!(
        "mariadbd --no-defaults --user=root --datadir={{folder}}/data --skip-grant-tables \
         --skip-innodb --default-storage-engine=Aria --socket={{folder}}/socket --port=3306 \
         --bind-address=127.0.0.1 --pid-file={{folder}}/pid --log-error={{folder}}/program.log \
         --lc-messages-dir=/usr/share/mysql{more}"
    );
    Program::start(folder, &line, 3306)
}

#[test]
fn a_real_database_server_greets() {
    let _node = alone();
    let folder = Folder::new();
    let _mariadb = mariadb(&folder, "");
    let answer = said(&asked(&asking(at(3306), Kind::Mysql)));
    assert!(answer.starts_with("pass: greets \"5.5.5-"), "{answer}");
    assert!(answer.contains("MariaDB"), "{answer}");
}

#[test]
fn a_real_database_server_that_is_full_fails_with_its_words() {
    let _node = alone();
    let folder = Folder::new();
    let _mariadb = mariadb(&folder, " --max-connections=10 --extra-max-connections=1");
    assert_eq!(
        filled(3306, Kind::Mysql),
        "WrongAnswer: it refuses: error 1040 \"Too many connections\""
    );
}

fn redis(folder: &Folder, more: &str) -> Program {
    let line = format!(
        "redis-server --port 6379 --bind 127.0.0.1 --save  --dir {{folder}} --tls-port 6380 \
         --tls-cert-file {{folder}}/cert.pem --tls-key-file {{folder}}/key.pem \
         --tls-ca-cert-file {{folder}}/cert.pem --tls-auth-clients no{more}"
    );
    Program::start(folder, &line, 6379)
}

#[test]
fn a_real_redis_answers_with_and_without_tls() {
    let _node = alone();
    let folder = Folder::new();
    let _redis = redis(&folder, "");
    assert_eq!(
        said(&asked(&asking(at(6379), Kind::Redis))),
        "pass: answers PONG"
    );
    passes_with_a_certificate(&over_tls(at(6380), Kind::Redis), "pass: answers PONG");
}

#[test]
fn a_real_redis_that_wants_a_password_is_up() {
    let _node = alone();
    let folder = Folder::new();
    let _redis = redis(&folder, " --requirepass secret");
    let answer = asked(&asking(at(6379), Kind::Redis));
    assert_eq!(said(&answer), "pass: answers, and wants a password");
}

#[test]
fn a_real_redis_that_is_full_fails_with_its_words() {
    let _node = alone();
    let folder = Folder::new();
    let _redis = redis(&folder, " --maxclients 1");
    assert_eq!(
        filled(6379, Kind::Redis),
        "WrongAnswer: answers PING with \"-ERR max number of clients reached\""
    );
}

const KINDS: [Make; 6] = [
    Kind::Ftp,
    Kind::Imap,
    Kind::Pop,
    Kind::Nntp,
    Kind::Mysql,
    Kind::Redis,
];

#[test]
fn every_greeting_of_a_hostile_server_ends_within_the_time_and_in_little_memory() {
    let _node = alone();
    let grown = peak_growth(|| KINDS.into_iter().for_each(is_safe_from_hostile_servers));
    assert!(grown < MUCH, "{grown} bytes more");
}

fn is_safe_from_hostile_servers(kind: Make) {
    let hasty = |server: &Server| said(&asked(&within(HASTY, asking(server.address(), kind))));
    let waits = "TimedOut: timed out after 300ms waiting for the greeting";
    assert_eq!(hasty(&Server::silent()), waits);
    let drips = hasty(&Server::that_drips(b""));
    assert!(
        drips == waits || drips.starts_with("WrongAnswer"),
        "{drips}"
    );
    let floods = Server::that_floods(b"", &[b'a'; 16384]);
    let floods = asked(&asking(floods.address(), kind));
    let faults = [Some(Fault::Broken), Some(Fault::WrongAnswer)];
    assert!(faults.contains(&fault(&floods)), "{}", said(&floods));
    let resets = Server::start(crate::server::reset);
    assert_eq!(
        fault(&asked(&asking(resets.address(), kind))),
        Some(Fault::Broken)
    );
    assert_eq!(
        said(&asked(&asking(nobody(), kind))),
        "Refused: connection refused"
    );
    let tls = Some(TlsCheck::default());
    let over_tls = question(Server::silent().address(), kind(BannerCheck { tls }));
    assert_eq!(
        said(&asked(&within(HASTY, over_tls))),
        "TimedOut: timed out after 300ms waiting for the TLS handshake"
    );
}

#[test]
fn a_greeting_that_breaks_off_says_how_it_began() {
    let _node = alone();
    let server = Server::start(|mut stream| {
        use std::io::Write;
        let _told = stream.write_all(b"220 almo");
    });
    let answer = asked(&asking(server.address(), Kind::Ftp));
    assert_eq!(
        said(&answer),
        "Broken: it closed the connection inside its greeting \"220 almo\""
    );
}
