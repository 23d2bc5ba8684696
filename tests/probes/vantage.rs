//! From where a question is asked, and what becomes of it where the way is cut: two namespaces
//! and a cable between them.

use std::fs;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use farmctl::health::{Answer, Fault, Question};
use farmctl::spec::{HttpCheck, Kind, PingCheck, TcpCheck, UdpCheck, Vantage};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::bed::Node;
use crate::question::{HASTY, asked, fault, from, question, said, tcp, within};

const PORT: u16 = 8080;

/// A director and a real server on one wire; the director has a second address and a second
/// interface that leads nowhere.
struct Pair {
    director: Node,
    server: Node,
    nowhere: Node,
}

impl Pair {
    fn new() -> Self {
        let pair = Self {
            director: Node::new("director"),
            server: Node::new("server"),
            nowhere: Node::new("nowhere"),
        };
        pair.director.cable("eth0", &pair.server, "eth0");
        for address in ["10.3.0.1/24", "10.3.0.2/24", "fd03::1/64", "fd03::2/64"] {
            pair.director.add_address("eth0", address);
        }
        for address in ["10.3.0.11/24", "fd03::11/64"] {
            pair.server.add_address("eth0", address);
        }
        pair.director.cable("eth1", &pair.nowhere, "eth0");
        pair
    }

    /// Serves on the real server, and tells each client the address that it sees.
    fn serve(&self) {
        self.server.run(|| {
            let listener = TcpListener::bind(("::", PORT)).unwrap();
            thread::spawn(move || {
                for mut stream in listener.incoming().flatten() {
                    let seen = stream.peer_addr().unwrap().ip().to_canonical();
                    let _told = writeln!(stream, "you are {seen}");
                }
            });
        });
    }

    fn ask(&self, question: &Question) -> Answer {
        self.director.run(|| asked(question))
    }
}

fn addresses() -> [IpAddr; 2] {
    ["10.3.0.11", "fd03::11"].map(|address| address.parse().unwrap())
}

fn seen_as(server: IpAddr, expect: &str) -> Question {
    let check = TcpCheck {
        expect: Some(format!("^you are {expect}\n")),
        ..TcpCheck::default()
    };
    question(SocketAddr::new(server, PORT), Kind::Tcp(check))
}

fn ping(to: IpAddr) -> Question {
    question(SocketAddr::new(to, 0), Kind::Ping(PingCheck::default()))
}

fn every_kind(to: IpAddr) -> [Question; 4] {
    let socket = SocketAddr::new(to, PORT);
    [
        tcp(socket),
        question(socket, Kind::Http(HttpCheck::default())),
        question(
            socket,
            Kind::Udp(UdpCheck {
                expect: Some("x".to_owned()),
                ..UdpCheck::default()
            }),
        ),
        ping(to),
    ]
}

#[test]
fn it_is_asked_from_the_address_that_is_written() {
    let pair = Pair::new();
    pair.serve();
    for (server, second) in addresses().into_iter().zip(["10.3.0.2", "fd03::2"]) {
        let vantage = Vantage {
            bind: Some(second.parse().unwrap()),
            ..Vantage::default()
        };
        let question = from(vantage, seen_as(server, second));
        assert_eq!(said(&pair.ask(&question)), "pass: answered as expected");
    }
}

/// keepalived#1637, #1680: checks that cannot fail where the local address is gone. Ours does not
/// pass either; it says that it could not be asked, and why.
#[test]
fn an_address_that_is_gone_passes_nothing_and_blames_nobody() {
    let pair = Pair::new();
    pair.serve();
    let vantage = |address: &str| Vantage {
        bind: Some(address.parse().unwrap()),
        ..Vantage::default()
    };
    for (server, gone) in addresses().into_iter().zip(["10.3.0.9", "fd03::9"]) {
        for question in every_kind(server) {
            let answer = pair.ask(&from(vantage(gone), question));
            assert_eq!(
                said(&answer),
                format!(
                    "unasked: {gone}, the address to ask from, is not an address of this machine"
                )
            );
        }
    }
}

#[test]
fn it_is_asked_through_the_interface_that_is_written() {
    let pair = Pair::new();
    pair.serve();
    let vantage = |interface: &str| Vantage {
        interface: Some(interface.parse().unwrap()),
        ..Vantage::default()
    };
    for server in addresses() {
        let socket = SocketAddr::new(server, PORT);
        let answer = pair.ask(&from(vantage("eth0"), tcp(socket)));
        assert_eq!(said(&answer), "pass: connected");
        let answer = pair.ask(&within(HASTY, from(vantage("eth1"), tcp(socket))));
        let seen = fault(&answer);
        assert!(
            matches!(seen, Some(Fault::TimedOut | Fault::Unreachable)),
            "{}",
            said(&answer)
        );
        for question in every_kind(server) {
            let answer = pair.ask(&from(vantage("eth7"), question));
            assert_eq!(
                said(&answer),
                "unasked: eth7, the interface to ask through, is not on this machine"
            );
        }
    }
}

#[test]
fn questions_carry_the_mark_that_is_written() {
    let pair = Pair::new();
    pair.serve();
    pair.director.run(|| {
        nft(
            "table inet guard { chain out { type filter hook output priority 0; \
             meta l4proto { tcp, udp, icmp } meta mark != 7 drop; \
             icmpv6 type echo-request meta mark != 7 drop; }; }",
        );
    });
    let marked = Vantage {
        mark: Some(7),
        ..Vantage::default()
    };
    for server in addresses() {
        let socket = SocketAddr::new(server, PORT);
        for question in [tcp(socket), ping(server)] {
            let answer = pair.ask(&from(marked.clone(), question.clone()));
            assert!(said(&answer).starts_with("pass: "), "{}", said(&answer));
            let answer = pair.ask(&within(HASTY, question));
            assert!(!said(&answer).starts_with("pass: "), "{}", said(&answer));
        }
    }
}

#[test]
fn a_ping_is_answered_through_either_kind_of_socket() {
    let pair = Pair::new();
    // Nobody may have a ping socket: a raw one is used. Then everybody may.
    for groups in ["1\t0", "0\t4294967294"] {
        pair.director
            .run(|| fs::write("/proc/sys/net/ipv4/ping_group_range", groups))
            .unwrap();
        for server in addresses() {
            for size in [0, 1, 1400] {
                let check = PingCheck { size: Some(size) };
                let question = question(SocketAddr::new(server, 0), Kind::Ping(check));
                assert_eq!(
                    said(&pair.ask(&question)),
                    "pass: answered",
                    "{server} {groups}"
                );
            }
        }
    }
}

#[test]
fn a_ping_that_is_not_answered_is_late() {
    let pair = Pair::new();
    pair.server.run(|| {
        nft(
            "table inet deaf { chain in { type filter hook input priority 0; \
             icmp type echo-request drop; icmpv6 type echo-request drop; }; }",
        );
    });
    for server in addresses() {
        let answer = pair.ask(&within(HASTY, ping(server)));
        assert_eq!(
            said(&answer),
            "TimedOut: timed out after 300ms waiting for the echo reply"
        );
    }
}

#[test]
fn a_question_is_asked_from_another_namespace_and_the_runtime_stays() {
    let pair = Pair::new();
    pair.serve();
    let name = Named::of(&pair.director);
    let outside = Node::new("outside");
    let vantage = Vantage {
        namespace: Some(name.0.clone()),
        ..Vantage::default()
    };
    for server in addresses() {
        for question in [tcp(SocketAddr::new(server, PORT)), ping(server)] {
            let inside = from(vantage.clone(), question.clone());
            let (first, inside, last) =
                outside.run(|| (asked(&question), asked(&inside), asked(&question)));
            assert!(said(&inside).starts_with("pass: "), "{}", said(&inside));
            for answer in [first, last] {
                assert_eq!(
                    fault(&answer),
                    Some(Fault::Unreachable),
                    "{}",
                    said(&answer)
                );
            }
        }
    }
}

#[test]
fn a_namespace_that_is_gone_says_nothing_about_the_server() {
    let pair = Pair::new();
    let vantage = Vantage {
        namespace: Some("no-such-farm".to_owned()),
        ..Vantage::default()
    };
    for question in every_kind(addresses()[0]) {
        let answer = pair.ask(&from(vantage.clone(), question));
        assert!(
            said(&answer).starts_with("unasked: no network namespace no-such-farm"),
            "{}",
            said(&answer)
        );
    }
}

/// keepalived#1637, #1680: checks that cannot fail where the local link is gone.
#[test]
fn no_check_passes_while_the_link_is_down() {
    let pair = Pair::new();
    pair.serve();
    for server in addresses() {
        assert_eq!(said(&pair.ask(&ping(server))), "pass: answered");
    }
    pair.director.run(|| shell("ip link set eth0 down", ""));
    for server in addresses() {
        for question in every_kind(server) {
            let answer = pair.ask(&within(HASTY, question));
            assert_eq!(
                fault(&answer),
                Some(Fault::Unreachable),
                "{}",
                said(&answer)
            );
        }
        // Also the one that takes silence for good.
        let silent = question(
            SocketAddr::new(server, PORT),
            Kind::Udp(UdpCheck::default()),
        );
        let answer = pair.ask(&within(HASTY, silent));
        assert_eq!(
            fault(&answer),
            Some(Fault::Unreachable),
            "{}",
            said(&answer)
        );
    }
}

#[test]
fn a_server_that_is_gone_from_the_wire_is_unreachable() {
    let pair = Pair::new();
    // Nobody has this address: the neighbour is looked for in vain, which takes the kernel 3 s.
    let nobody = SocketAddr::from(([10, 3, 0, 99], PORT));
    let answer = pair.ask(&within(Duration::from_secs(15), tcp(nobody)));
    assert_eq!(said(&answer), "Unreachable: host unreachable");
}

#[test]
fn a_network_that_rejects_is_told_from_a_server_that_refuses() {
    let pair = Pair::new();
    pair.serve();
    pair.server.run(|| {
        nft(
            "table inet wall { chain in { type filter hook input priority 0; \
             tcp dport 8080 reject with icmpx type admin-prohibited; }; }",
        );
    });
    for server in addresses() {
        let answer = pair.ask(&tcp(SocketAddr::new(server, PORT)));
        assert_eq!(
            fault(&answer),
            Some(Fault::Unreachable),
            "{}",
            said(&answer)
        );
        let answer = pair.ask(&tcp(SocketAddr::new(server, PORT + 1)));
        assert_eq!(said(&answer), "Refused: connection refused");
    }
}

#[test]
fn no_free_file_descriptor_is_this_machines_fault() {
    let pair = Pair::new();
    pair.serve();
    let question = tcp(SocketAddr::new(addresses()[0], PORT));
    let answer = pair.director.run(|| {
        let runtime = crate::question::runtime();
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, 128, hard).unwrap();
        let _kept: Vec<fs::File> =
            std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
        runtime.block_on(farmctl::probe::ask(
            &question,
            &farmctl::probe::Tools::default(),
        ))
    });
    assert_eq!(
        said(&answer),
        "unasked: no free file descriptor on this machine: raise LimitNOFILE"
    );
}

/// A name in /run/netns, as ip-netns(8) makes them, for as long as this lives. The folder is that
/// of a fresh mount.
struct Named(String);

/// An option of a mount that is not given.
const NOTHING: Option<&str> = None;

impl Named {
    fn of(node: &Node) -> Self {
        let name = format!("farmctl-test-{}", std::process::id());
        fs::create_dir_all("/run/netns").unwrap();
        mount(
            Some("tmpfs"),
            "/run/netns",
            Some("tmpfs"),
            MsFlags::empty(),
            NOTHING,
        )
        .unwrap();
        let path = format!("/run/netns/{name}");
        fs::write(&path, "").unwrap();
        node.run(|| {
            let own = "/proc/thread-self/ns/net";
            mount(Some(own), path.as_str(), NOTHING, MsFlags::MS_BIND, NOTHING)
        })
        .unwrap();
        Self(name)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _gone = umount2(
            format!("/run/netns/{}", self.0).as_str(),
            MntFlags::MNT_DETACH,
        );
        let _gone = umount2("/run/netns", MntFlags::MNT_DETACH);
    }
}

fn nft(ruleset: &str) {
    shell("nft -f -", ruleset);
}

#[expect(clippy::disallowed_methods, reason = "what an operator would type")]
fn shell(line: &str, input: &str) {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command
        .args(words)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut typed = child.stdin.take().unwrap();
    typed.write_all(input.as_bytes()).unwrap();
    drop(typed);
    assert!(child.wait().unwrap().success(), "{line}");
}
