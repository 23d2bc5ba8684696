//! Agents: a real haproxy beside us, asked the same, and agents that say what they should not.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use farmctl::health::{Advice, Answer, Fault, Question, Welcome};
use farmctl::spec::{AgentCheck, Kind, TcpCheck};

use crate::memory::peak_growth;
use crate::program::{Folder, Program};
use crate::question::{HASTY, PATIENT, alone, asked, fault, question, said, within};
use crate::server::{MUCH, Server, nobody};

fn asking(to: SocketAddr, send: Option<&str>) -> Question {
    let mut question = question(to, Kind::Tcp(TcpCheck::default()));
    question.check.kind = None;
    question.check.agent = Some(AgentCheck {
        send: send.map(str::to_owned),
        ..AgentCheck::default()
    });
    question
}

fn told(words: &'static [u8]) -> Answer {
    let server = Server::start(move |mut stream| {
        let _told = stream.write_all(words);
    });
    asked(&asking(server.address(), None))
}

/// An agent that says the same to everybody until it is told to say something else.
struct Agent {
    server: Server,
    words: Arc<Mutex<Vec<u8>>>,
    told: Arc<AtomicUsize>,
}

impl Agent {
    fn start() -> Self {
        let words = Arc::new(Mutex::new(b"up\n".to_vec()));
        let told = Arc::new(AtomicUsize::new(0));
        let (said, counted) = (Arc::clone(&words), Arc::clone(&told));
        let server = Server::start(move |mut stream| {
            let words = said.lock().unwrap().clone();
            let _told = stream.write_all(&words);
            let _ended = stream.shutdown(std::net::Shutdown::Write);
            crate::server::hear_out(stream);
            counted.fetch_add(1, Ordering::SeqCst);
        });
        Self {
            server,
            words,
            told,
        }
    }

    /// Says this from now on, and waits until somebody has asked twice since: the first answer has
    /// then been read and acted upon.
    fn say(&self, words: &str) {
        *self.words.lock().unwrap() = words.as_bytes().to_vec();
        let before = self.told.load(Ordering::SeqCst);
        let mut waited = Duration::ZERO;
        while self.told.load(Ordering::SeqCst) < before + 3 {
            assert!(waited < PATIENT, "nobody asks the agent");
            thread::sleep(Duration::from_millis(5));
            waited += Duration::from_millis(5);
        }
    }
}

/// A haproxy whose one server, of weight 10, has this agent.
struct Haproxy {
    _program: Program,
    socket: String,
}

/// What haproxy makes of a server.
#[derive(Debug, PartialEq)]
struct Made {
    status: String,
    weight: u32,
}

impl Haproxy {
    fn start(folder: &Folder, agent: SocketAddr) -> Self {
        let text = format!(
            "global\n stats socket {{folder}}/stats\n\
             defaults\n mode tcp\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n\
             listen web\n bind 127.0.0.1:8000\n \
             server one 127.0.0.1:9 weight 10 agent-check agent-port {} agent-inter 20ms\n",
            agent.port()
        );
        folder.write("haproxy.cfg", &text);
        Self {
            _program: Program::start(folder, "haproxy -db -f {folder}/haproxy.cfg", 8000),
            socket: folder.at("stats"),
        }
    }

    /// haproxy's own words for the state: of what an agent may say, only these.
    fn made(&self) -> Made {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        stream.write_all(b"show stat\n").unwrap();
        let mut table = String::new();
        stream.read_to_string(&mut table).unwrap();
        let mut lines = table
            .lines()
            .map(|line| line.split(',').collect::<Vec<_>>());
        let names = lines.next().unwrap();
        let server = lines.find(|values| values.get(1) == Some(&"one")).unwrap();
        let value = |name| server[names.iter().position(|known| *known == name).unwrap()];
        let status = match value("status") {
            "DOWN (agent)" => "down",
            "DRAIN (agent)" | "DRAIN" => "drain",
            "MAINT" | "MAINT (agent)" => "maint",
            "no check" | "UP" => "up",
            other => panic!("haproxy says {other}"),
        };
        Made {
            status: status.to_owned(),
            weight: value("weight").parse().unwrap(),
        }
    }
}

/// What haproxy would make of this advice, for a server of weight 10 that was up and ready.
fn would_make(advice: Advice) -> Made {
    let status = match (advice.welcome, advice.up) {
        (Some(Welcome::Maintenance), _) => "maint",
        (_, Some(false)) => "down",
        (Some(Welcome::Drain), _) => "drain",
        (Some(Welcome::Ready) | None, Some(true) | None) => "up",
    };
    let percent = u32::from(advice.percent.unwrap_or(100));
    Made {
        status: status.to_owned(),
        weight: (10 * percent / 100).min(256),
    }
}

/// The words mean to us what they mean to haproxy, whose protocol it is.
#[test]
fn a_real_haproxy_makes_the_same_of_every_line() {
    let _node = alone();
    let folder = Folder::new();
    let agent = Agent::start();
    let haproxy = Haproxy::start(&folder, agent.server.address());
    let lines = [
        "up\n",
        "75%\n",
        "75%\r\n",
        "75%\rdown\n",
        "75%\ndown\n",
        "0%\n",
        "200%\n",
        "99999999999%\n",
        "drain\n",
        "maint\n",
        "down\n",
        "fail\n",
        "stopped\n",
        "down #disk full, 50%\n",
        "stopped because of me\n",
        "up down\n",
        "down up\n",
        "drain ready\n",
        "ready drain\n",
        "10% 20%\n",
        "down, 50%\n",
        "50% down 60% #x\n",
        "UP READY 60%\n",
        "\t40%,,drain \t,up\n",
        "maxconn:30 50%\n",
        "MAXCONN:30,drain\n",
        "fail#disk 30%\n",
        "turbo 40%\n",
        "+50% drain\n",
        "50 drain\n",
        "5%x drain\n",
        "x50% drain\n",
        "30%% drain\n",
        "#hello 80%\n",
        "80% #drain\n",
        "maint down\n",
        "drain down\n",
        "ready up 100%\n",
        "drain, maint, 70%\n",
    ];
    for line in lines {
        agent.say("up ready 100%\n");
        assert_eq!(
            haproxy.made(),
            would_make(Advice::default()),
            "before {line:?}"
        );
        agent.say(line);
        let answer = asked(&asking(agent.server.address(), None));
        let (theirs, ours) = (haproxy.made(), would_make(answer.advice.unwrap()));
        assert_eq!(theirs.status, ours.status, "{line:?}");
        // A server in maintenance keeps the weight that it had, until it is back.
        if theirs.status != "maint" {
            assert_eq!(theirs.weight, ours.weight, "{line:?}");
        }
    }
}

#[test]
fn a_line_without_an_end_is_not_taken_as_haproxy_does_not_take_it() {
    let _node = alone();
    let folder = Folder::new();
    let agent = Agent::start();
    let haproxy = Haproxy::start(&folder, agent.server.address());
    agent.say("50%");
    let answer = asked(&asking(agent.server.address(), None));
    assert_eq!(
        said(&answer),
        "Broken: the agent's line has no end: \"50%\""
    );
    assert_eq!(answer.advice, None);
    assert_eq!(haproxy.made(), would_make(Advice::default()));
}

#[test]
fn what_an_agent_says_is_given_on() {
    let _node = alone();
    let answer = told(b"75% drain up\n");
    assert_eq!(said(&answer), "pass: up, drain, 75%");
    let advice = Advice {
        percent: Some(75),
        welcome: Some(Welcome::Drain),
        up: Some(true),
    };
    assert_eq!(answer.advice, Some(advice));
    let answer = told(b"down #disk full\n");
    assert_eq!(said(&answer), "SaysDown: it says down: disk full");
    assert_eq!(answer.advice.unwrap().up, Some(false));
    assert_eq!(said(&told(b"\n")), "pass: nothing");
    assert_eq!(said(&told(b"turbo 5%\n")), "pass: 5% (unknown: \"turbo\")");
}

#[test]
fn what_the_check_sends_reaches_the_agent() {
    let _node = alone();
    let server = Server::start(|mut stream| {
        let mut heard = [0; 7];
        stream.read_exact(&mut heard).unwrap();
        let answer: &[u8] = if heard == *b"web/s1\n" {
            b"33%\n"
        } else {
            b"down\n"
        };
        let _told = stream.write_all(answer);
    });
    let answer = asked(&asking(server.address(), Some(r"web/s1\n")));
    assert_eq!(said(&answer), "pass: 33%");
}

#[test]
fn an_agent_that_is_none_or_hostile_advises_nothing() {
    let _node = alone();
    let http = told(b"HTTP/1.0 400 Bad Request\r\n\r\n");
    assert_eq!(
        said(&http),
        "WrongAnswer: no word that an agent says in \"HTTP/1.0 400 Bad Request\""
    );
    assert_eq!(http.advice, None);
    assert_eq!(
        said(&told(b"")),
        "Broken: the agent closed the connection without a word"
    );
    assert_eq!(
        said(&asked(&asking(nobody(), None))),
        "Refused: connection refused"
    );
    let hasty = |server: &Server| asked(&within(HASTY, asking(server.address(), None)));
    let silent = hasty(&Server::silent());
    assert_eq!(
        said(&silent),
        "TimedOut: timed out after 300ms waiting for the line of the agent"
    );
    let drips = hasty(&Server::that_drips(b"50% "));
    assert_eq!((fault(&drips), drips.advice), (Some(Fault::TimedOut), None));
    let grown = peak_growth(|| {
        let floods = Server::that_floods(b"50% ", &[b'a'; 16384]);
        let floods = asked(&asking(floods.address(), None));
        assert_eq!((fault(&floods), floods.advice), (Some(Fault::Broken), None));
    });
    assert!(grown < MUCH, "{grown} bytes more");
    let resets = Server::start(crate::server::reset);
    assert_eq!(
        fault(&asked(&asking(resets.address(), None))),
        Some(Fault::Broken)
    );
}

/// ldirectord (resource-agents #318): its checks run one after another, and one that hangs stalls
/// all the others.
#[test]
fn an_agent_that_hangs_holds_up_no_other_question() {
    let _node = alone();
    let (silent, quick) = (Server::silent(), Agent::start());
    let tools = farmctl::probe::Tools::default();
    let hangs = asking(silent.address(), None);
    let others = vec![asking(quick.server.address(), None); 20];
    crate::question::runtime().block_on(async {
        let hanging = Box::pin(farmctl::probe::ask(&hangs, &tools));
        let answers = others
            .iter()
            .map(|other| farmctl::probe::ask(other, &tools));
        let answers = Box::pin(futures_util::future::join_all(answers));
        match futures_util::future::select(hanging, answers).await {
            futures_util::future::Either::Left(_) => panic!("the one that hangs was first"),
            futures_util::future::Either::Right((answers, _)) => {
                assert!(answers.iter().all(|answer| said(answer) == "pass: up"));
            }
        }
    });
}
