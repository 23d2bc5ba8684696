//! The engine against servers in this process, on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use super::*;
use crate::clock::SystemClock;
use crate::rehearsal::record::{Fault, Kind, Loss, Outcome};
use crate::rehearsal::scenario::Rate;

const NAME: &str = "web1";

/// Serves each connection on a thread of its own; the threads end with the test's process.
fn tcp(serve: fn(&TcpStream) -> Option<()>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(&stream));
        }
    });
    address
}

fn web(stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let path = request_path(&mut reader)?;
        match path.split_once("?kb=") {
            None => stream.write_all(page(NAME).as_bytes()).ok()?,
            Some((_, options)) => download(stream, options)?,
        }
    }
}

/// Says who it is, and never another word on that connection.
fn web_once(stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    request_path(&mut reader)?;
    let mut stream = stream;
    stream.write_all(page(NAME).as_bytes()).ok()
}

fn request_path(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut path = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            return path;
        }
        path = path.or_else(|| line.split(' ').nth(1).map(str::to_owned));
    }
}

fn page(name: &str) -> String {
    let length = name.len() + 1;
    format!("HTTP/1.1 200 OK\r\nX-Farm-Node: {name}\r\nContent-Length: {length}\r\n\r\n{name}\n")
}

fn download(mut stream: &TcpStream, options: &str) -> Option<()> {
    let (blocks, pause) = options.split_once("&ms=")?;
    let (blocks, pause): (usize, u64) = (blocks.parse().ok()?, pause.parse().ok()?);
    let length = blocks * 1024;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nX-Farm-Node: {NAME}\r\nContent-Length: {length}\r\n\r\n"
    )
    .ok()?;
    for _ in 0..blocks {
        stream.write_all(&[b'x'; 1024]).ok()?;
        thread::sleep(Duration::from_millis(pause));
    }
    Some(())
}

fn echo(stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    writeln!(stream, "{NAME}").ok()?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        stream.write_all(line.as_bytes()).ok()?;
    }
}

/// Takes the request and hangs up.
fn rude(mut stream: &TcpStream) -> Option<()> {
    stream.read(&mut [0; 512]).ok().map(drop)
}

/// Takes the request and says nothing.
fn silent(mut stream: &TcpStream) -> Option<()> {
    while stream.read(&mut [0; 512]).ok()? > 0 {}
    None
}

fn busy(mut stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    request_path(&mut reader)?;
    let sorry = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(sorry).ok()
}

fn udp(names: &'static [&'static str]) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 512];
        for name in names.iter().cycle() {
            let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                return;
            };
            let answer = [name.as_bytes(), b" ", &buffer[..length]].concat();
            drop(socket.send_to(&answer, from));
        }
    });
    address
}

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

fn load() -> Load {
    Load {
        clients: 4,
        rate: Rate(100),
        keep_alive: 0,
        downloads: 0,
        udp: Rate(100),
        timeout: Duration::from_secs(5),
        services: None,
    }
}

fn run(speech: Speech, to: SocketAddr, load: Load) -> Record {
    let order = Order {
        targets: vec![Target {
            service: "http".to_owned(),
            speech,
            endpoints: vec![to],
            flows: Flows::Kept,
        }],
        sources: (1..=4).map(|n| IpAddr::from([127, 0, 0, n])).collect(),
        load,
        duration: Duration::from_secs(1),
        start: SystemClock.now(),
    };
    drive(&order, &SystemClock, &Watch::default()).unwrap()
}

fn outcomes(record: &Record, kind: Kind) -> Vec<Outcome> {
    let samples = record.samples.iter().filter(|sample| sample.kind == kind);
    samples.map(|sample| sample.outcome).collect()
}

const FROM_WEB1: Outcome = Outcome::Answered(0);

#[test]
fn every_new_connection_that_is_due_is_asked_and_its_server_noted() {
    for (speech, to) in [
        (Speech::Http, tcp(web)),
        (Speech::TcpEcho, tcp(echo)),
        (Speech::UdpEcho, udp(&[NAME])),
    ] {
        let record = run(speech, to, load());
        assert_eq!(outcomes(&record, Kind::New), [FROM_WEB1; 100], "{speech:?}");
        assert_eq!(record.servers, [NAME]);
        assert_eq!(record.services, ["http"]);
        assert_eq!(record.duration, Duration::from_secs(1));
    }
}

#[test]
fn connections_that_stay_open_ask_ten_times_a_second_and_are_kept() {
    for (speech, to) in [
        (Speech::Http, tcp(web)),
        (Speech::TcpEcho, tcp(echo)),
        (Speech::UdpEcho, udp(&[NAME])),
    ] {
        let load = Load {
            rate: Rate(0),
            udp: Rate(0),
            keep_alive: 3,
            ..load()
        };
        let record = run(speech, to, load);
        assert_eq!(
            outcomes(&record, Kind::Standing),
            [FROM_WEB1; 30],
            "{speech:?}"
        );
        let broken: Vec<_> = record.standing.iter().map(|one| one.broken).collect();
        assert_eq!(broken, [None; 3], "{speech:?}");
    }
}

#[test]
fn a_download_lasts_as_long_as_the_load() {
    let load = Load {
        rate: Rate(0),
        downloads: 2,
        ..load()
    };
    let record = run(Speech::Http, tcp(web), load);
    assert_eq!(outcomes(&record, Kind::Download), [FROM_WEB1; 2]);
    assert!(record.standing.iter().all(|one| one.broken.is_none()));
}

#[test]
fn each_way_to_lose_a_request_has_its_name() {
    for (to, expected) in [
        (nobody(), Outcome::Lost(Loss::Refused)),
        (tcp(rude), Outcome::Lost(Loss::CutOff)),
        (tcp(busy), Outcome::Wrong(Fault::Status(503))),
        (tcp(echo), Outcome::Wrong(Fault::Garbled)),
    ] {
        let record = run(Speech::Http, to, load());
        assert_eq!(outcomes(&record, Kind::New), [expected; 100]);
    }
}

#[test]
fn a_request_without_an_answer_is_given_up_after_the_timeout() {
    let impatient = Load {
        timeout: Duration::from_millis(200),
        ..load()
    };
    let record = run(Speech::Http, tcp(silent), impatient);
    let timed_out = Outcome::Lost(Loss::TimedOut);
    assert_eq!(outcomes(&record, Kind::New), [timed_out; 100]);
    assert!(record.samples.iter().all(|sample| sample.took >= 200_000));
}

#[test]
fn a_connection_that_is_closed_is_noted_as_broken_and_opened_again() {
    let load = Load {
        rate: Rate(0),
        keep_alive: 1,
        ..load()
    };
    let record = run(Speech::Http, tcp(web_once), load);
    assert!(record.standing.len() > 3);
    let cut_off = Outcome::Lost(Loss::CutOff);
    let broken = record.standing.iter().filter_map(|one| one.broken);
    assert!(broken.clone().count() >= 3);
    assert!(broken.map(|(_, why)| why).all(|why| why == cut_off));
}

#[test]
fn a_udp_flow_that_another_server_answers_is_broken() {
    let load = Load {
        udp: Rate(0),
        keep_alive: 1,
        ..load()
    };
    let record = run(Speech::UdpEcho, udp(&["web1", "web2"]), load);
    let moved = Outcome::Wrong(Fault::OtherServer);
    assert!(outcomes(&record, Kind::Standing).contains(&moved));
    assert_eq!(record.servers, ["web1", "web2"]);
    let first = record.standing.first().and_then(|one| one.broken);
    assert_eq!(first.map(|(_, why)| why), Some(moved));
}

#[test]
fn the_clients_use_all_their_addresses() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let to = socket.local_addr().unwrap();
    let seen = thread::spawn(move || {
        let mut seen = std::collections::BTreeSet::new();
        let mut buffer = [0; 64];
        while seen.len() < 4 {
            let (_, from) = socket.recv_from(&mut buffer).unwrap();
            seen.insert(from.ip());
        }
        seen
    });
    run(Speech::UdpEcho, to, load());
    let expected: Vec<IpAddr> = (1..=4).map(|n| IpAddr::from([127, 0, 0, n])).collect();
    assert!(seen.join().unwrap().into_iter().eq(expected));
}

#[test]
fn a_load_that_is_stopped_ends_early_and_says_how_long_it_lasted() {
    let watch = std::sync::Arc::new(Watch::default());
    let other = watch.clone();
    let stopper = thread::spawn(move || {
        while other.answered() < 20 {
            thread::yield_now();
        }
        other.stop();
    });
    let order = Order {
        targets: vec![Target {
            service: "http".to_owned(),
            speech: Speech::Http,
            endpoints: vec![tcp(web)],
            flows: Flows::Kept,
        }],
        sources: Vec::new(),
        load: load(),
        duration: Duration::from_secs(3600),
        start: SystemClock.now(),
    };
    let record = drive(&order, &SystemClock, &watch).unwrap();
    stopper.join().unwrap();
    assert!(record.samples.len() >= 20);
    assert!(record.duration < Duration::from_secs(3600));
}
