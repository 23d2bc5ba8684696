//! Names: nsd as the server, and servers that answer what they should not.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;

use farmctl::health::{Fault, Question};
use farmctl::spec::{DnsCheck, DnsRecord, Kind};

use crate::program::{Folder, Program};
use crate::question::{HASTY, alone, asked, fault, question, said, within};
use crate::server::{Server, nobody};

const PORT: u16 = 5300;

fn nsd(folder: &Folder) -> Program {
    // In a zone's file a space at the beginning of a line would mean something.
    let mut zone = String::from(
        "$ORIGIN farm.example.\n\
         @ 60 SOA ns hostmaster 1 3600 600 86400 60\n\
         @ 60 NS ns\n\
         @ 60 MX 10 mail\n\
         ns 60 A 192.0.2.53\n\
         www 60 A 192.0.2.80\n\
         www 60 A 192.0.2.81\n\
         www 60 AAAA 2001:db8::80\n\
         alias 60 CNAME www\n\
         _http._tcp 60 SRV 0 0 80 www\n\
         text 60 TXT \"a text\"\n",
    );
    for number in 0..100 {
        zone.push_str(&format!("many 60 A 198.51.100.{number}\n"));
    }
    folder.write("zone", &zone);
    folder.write(
        "nsd.conf",
        "server:
           ip-address: 127.0.0.1
           port: 5300
           username: \"\"
           chroot: \"\"
           zonesdir: \"{folder}\"
           database: \"\"
           pidfile: \"\"
           zonelistfile: \"{folder}/zone.list\"
           xfrdfile: \"{folder}/xfrd.state\"
           xfrdir: \"{folder}\"
           server-count: 1
         remote-control:
           control-enable: no
         zone:
           name: \"farm.example\"
           zonefile: \"zone\"
        ",
    );
    Program::start(folder, "nsd -d -c {folder}/nsd.conf", PORT)
}

fn asking(to: SocketAddr, name: &str, change: impl FnOnce(&mut DnsCheck)) -> Question {
    let mut check = DnsCheck {
        name: Some(name.to_owned()),
        ..DnsCheck::default()
    };
    change(&mut check);
    question(to, Kind::Dns(check))
}

#[test]
fn a_real_name_server_is_asked_for_every_kind_of_record() {
    let _node = alone();
    let folder = Folder::new();
    let _nsd = nsd(&folder);
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let record = |name, record| said(&asked(&asking(to, name, |c| c.record = Some(record))));
    assert_eq!(
        said(&asked(&asking(to, "www.farm.example", |_| ()))),
        "pass: 2 records of www.farm.example"
    );
    assert_eq!(
        record("farm.example.", DnsRecord::Soa),
        "pass: 1 record of farm.example"
    );
    assert_eq!(
        record("farm.example", DnsRecord::Ns),
        "pass: 1 record of farm.example"
    );
    assert_eq!(
        record("farm.example", DnsRecord::Mx),
        "pass: 1 record of farm.example"
    );
    assert_eq!(
        record("WWW.Farm.Example", DnsRecord::Aaaa),
        "pass: 1 record of www.farm.example"
    );
    assert_eq!(
        record("_http._tcp.farm.example", DnsRecord::Srv),
        "pass: 1 record of _http._tcp.farm.example"
    );
    assert_eq!(
        record("text.farm.example", DnsRecord::Txt),
        "pass: 1 record of text.farm.example"
    );
    assert_eq!(
        record("alias.farm.example", DnsRecord::Cname),
        "pass: 1 record of alias.farm.example"
    );
    assert_eq!(
        record("alias.farm.example", DnsRecord::A),
        "pass: 2 records of alias.farm.example"
    );
    assert_eq!(
        record("text.farm.example", DnsRecord::A),
        "WrongAnswer: text.farm.example has no such record"
    );
    assert_eq!(
        record("none.farm.example", DnsRecord::A),
        "WrongAnswer: NXDOMAIN for none.farm.example"
    );
    assert_eq!(
        record("elsewhere.example", DnsRecord::A),
        "WrongAnswer: REFUSED for elsewhere.example"
    );
    assert_eq!(
        said(&asked(&asking(to, ".", |_| ()))),
        "WrongAnswer: REFUSED for ."
    );
}

#[test]
fn a_real_name_server_is_held_to_an_address() {
    let _node = alone();
    let folder = Folder::new();
    let _nsd = nsd(&folder);
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let address = |text: &str| {
        let address = text.parse().ok();
        said(&asked(&asking(to, "www.farm.example", |c| {
            c.address = address;
        })))
    };
    assert_eq!(
        address("192.0.2.81"),
        "pass: www.farm.example is 192.0.2.81"
    );
    assert_eq!(
        address("2001:db8::80"),
        "pass: www.farm.example is 2001:db8::80"
    );
    let other = address("192.0.2.9");
    assert!(
        other.starts_with("WrongAnswer: www.farm.example is 192.0.2.8"),
        "{other}"
    );
    assert!(other.ends_with(", not 192.0.2.9"), "{other}");
}

#[test]
fn an_answer_that_does_not_fit_a_datagram_is_asked_for_over_tcp() {
    let _node = alone();
    let folder = Folder::new();
    let _nsd = nsd(&folder);
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let many = asking(to, "many.farm.example", |_| ());
    assert_eq!(
        said(&asked(&many)),
        "pass: 100 records of many.farm.example"
    );
    let tcp = asking(to, "www.farm.example", |c| c.tcp = Some(true));
    assert_eq!(said(&asked(&tcp)), "pass: 2 records of www.farm.example");
}

/// A server of datagrams that makes its answers of the question.
fn answering(answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut bytes = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            for answer in answers(&bytes[..length]) {
                socket.send_to(&answer, from).unwrap();
            }
        }
    });
    address
}

/// The question as an answer with these flags and without a record.
fn echo(question: &[u8], flags: u8) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2] = 0x80 | flags;
    answer
}

#[test]
fn nobody_there_refuses() {
    let _node = alone();
    assert_eq!(
        said(&asked(&asking(nobody(), "a.example", |_| ()))),
        "Refused: connection refused"
    );
}

#[test]
fn a_server_that_says_nothing_times_out() {
    let _node = alone();
    let silent = answering(|_| Vec::new());
    let answer = asked(&within(HASTY, asking(silent, "a.example", |_| ())));
    assert_eq!(
        said(&answer),
        "TimedOut: timed out after 300ms waiting for the answer"
    );
}

#[test]
fn answers_to_other_questions_are_passed_over_and_do_not_go_on_for_ever() {
    let _node = alone();
    let foreign = |question: &[u8]| {
        let mut answer = echo(question, 0);
        answer[0] ^= 0xff;
        answer
    };
    let late = answering(move |question| vec![foreign(question), echo(question, 0)]);
    let answer = asked(&asking(late, "a.example", |_| ()));
    assert_eq!(said(&answer), "WrongAnswer: a.example has no such record");
    let flood = answering(move |question| vec![foreign(question); 100]);
    let answer = asked(&asking(flood, "a.example", |_| ()));
    assert_eq!(
        said(&answer),
        "Broken: 32 datagrams that answer another question"
    );
}

#[test]
fn garbage_with_the_right_id_is_the_servers_failure() {
    let _node = alone();
    let short = answering(|question| vec![question[..2].to_vec()]);
    assert_eq!(
        fault(&asked(&asking(short, "a.example", |_| ()))),
        Some(Fault::Broken)
    );
    let looping = answering(|question| {
        let mut answer = echo(question, 0);
        answer[7] = 1;
        let here = u8::try_from(answer.len()).unwrap();
        answer.extend([0xc0, here, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
        vec![answer]
    });
    let answer = asked(&asking(looping, "a.example", |_| ()));
    assert_eq!(
        said(&answer),
        "Broken: what it sent is no DNS: a compression pointer points forward or to itself"
    );
}

#[test]
fn a_hostile_server_over_tcp_ends_within_the_time() {
    let _node = alone();
    let over = |to| asking(to, "a.example", |check| check.tcp = Some(true));
    let hasty = |server: &Server| fault(&asked(&within(HASTY, over(server.address()))));
    assert_eq!(hasty(&Server::silent()), Some(Fault::TimedOut));
    assert_eq!(
        hasty(&Server::that_drips(b"\xff\xff")),
        Some(Fault::TimedOut)
    );
    let resets = Server::that_resets_after(b"\x00");
    assert_eq!(fault(&asked(&over(resets.address()))), Some(Fault::Broken));
    let ends = Server::that_ends_after(b"\x00\x40short");
    assert_eq!(
        said(&asked(&over(ends.address()))),
        "Broken: it closed the connection too early"
    );
    let (pours, _) = Server::that_pours(b"\xff\xff", b"garbage");
    assert_eq!(fault(&asked(&over(pours.address()))), Some(Fault::Broken));
}
