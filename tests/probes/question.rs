//! Questions for tests, and asking them.

use std::net::SocketAddr;
use std::time::Duration;

use farmctl::health::{Answer, Fault, Question, Verdict};
use farmctl::probe::{Tools, ask};
use farmctl::spec::{EffectiveCheck, Kind, TcpCheck, Timing, Vantage};

use crate::bed::Node;

/// Long enough for anything that is to come, on a machine that does other things too.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);

/// Short, for what is never to come.
pub(crate) const HASTY: Duration = Duration::from_millis(300);

/// A question of a kind, from no particular vantage.
pub(crate) fn question(to: SocketAddr, kind: Kind) -> Question {
    Question {
        address: to.ip(),
        port: to.port(),
        check: EffectiveCheck {
            kind: Some(kind),
            agent: None,
            timing: Timing {
                interval: Duration::from_secs(1),
                timeout: PATIENT,
                rise: 2,
                fall: 3,
                fast_retry: Duration::from_millis(250),
                warm_up: Duration::ZERO,
            },
            port: None,
            address: None,
            vantage: Vantage::default(),
        },
        vip: None,
        name: String::new(),
    }
}

/// The same with another time-out.
pub(crate) fn within(timeout: Duration, mut question: Question) -> Question {
    question.check.timing.timeout = timeout;
    question
}

/// The same from another vantage.
pub(crate) fn from(vantage: Vantage, mut question: Question) -> Question {
    question.check.vantage = vantage;
    question
}

/// A bare connection.
pub(crate) fn tcp(to: SocketAddr) -> Question {
    question(to, Kind::Tcp(TcpCheck::default()))
}

/// Asks on a runtime of its own.
pub(crate) fn asked(question: &Question) -> Answer {
    asked_with(&Tools::default(), question)
}

/// The same with tools that are kept.
pub(crate) fn asked_with(tools: &Tools, question: &Question) -> Answer {
    runtime().block_on(ask(question, tools))
}

/// A runtime as the daemon has it.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// What an answer says, as a text for assertions: `pass: …`, `Refused: …`, `unasked: …`.
pub(crate) fn said(answer: &Answer) -> String {
    match &answer.verdict {
        Verdict::Pass(text) => format!("pass: {text}"),
        Verdict::Fail { fault, text } => format!("{fault:?}: {text}"),
        Verdict::Unasked(text) => format!("unasked: {text}"),
    }
}

/// The kind of failure.
pub(crate) fn fault(answer: &Answer) -> Option<Fault> {
    match &answer.verdict {
        Verdict::Fail { fault, .. } => Some(*fault),
        Verdict::Pass(_) | Verdict::Unasked(_) => None,
    }
}

/// Moves this thread, and the threads and programs that it starts, into a fresh network namespace
/// with `lo` up: every port is free there, and nobody else is asked.
pub(crate) fn alone() -> Node {
    let node = Node::new("alone");
    node.enter();
    node
}
