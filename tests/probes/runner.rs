//! Many questions at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use farmctl::health::{Answer, Question};
use farmctl::probe::{Answers, Runner, Tools};
use farmctl::spec::{Kind, TcpCheck};

use crate::question::{HASTY, alone, question, runtime, said, tcp, within};
use crate::server::{Server, deaf, nobody};

fn talking(to: SocketAddr) -> Question {
    let check = TcpCheck {
        expect: Some("OK".to_owned()),
        ..TcpCheck::default()
    };
    question(to, Kind::Tcp(check))
}

async fn collect(answers: &mut Answers<u32>, length: usize) -> BTreeMap<u32, Answer> {
    let mut all = BTreeMap::new();
    while all.len() < length {
        for (id, answer) in answers.next().await.unwrap() {
            assert!(all.insert(id, answer).is_none(), "{id} was answered twice");
        }
    }
    all
}

#[test]
fn every_question_gets_its_own_answer_exactly_once() {
    let _node = alone();
    let server = Server::that_says(b"OK\n");
    let (deaf, _held) = deaf();
    let kinds = [
        (tcp(server.address()), "pass: connected"),
        (tcp(nobody()), "Refused: connection refused"),
        (
            within(HASTY, tcp(deaf)),
            "TimedOut: timed out after 300ms waiting for the connection",
        ),
        (talking(server.address()), "pass: answered as expected"),
        (talking(nobody()), "Refused: connection refused"),
    ];
    runtime().block_on(async {
        let (runner, mut answers) = Runner::new(Arc::new(Tools::default())).unwrap();
        for id in 0..1000 {
            let (question, _) = &kinds[id as usize % kinds.len()];
            runner.ask(id, Arc::new(question.clone()));
        }
        for (id, answer) in collect(&mut answers, 1000).await {
            assert_eq!(said(&answer), kinds[id as usize % kinds.len()].1);
        }
    });
}

#[test]
fn what_is_forgotten_gets_no_answer() {
    let _node = alone();
    let (deaf, _held) = deaf();
    let silent = Server::silent();
    runtime().block_on(async {
        let (runner, mut answers) = Runner::new(Arc::new(Tools::default())).unwrap();
        for id in 0..100 {
            let kinds = [
                within(HASTY, tcp(deaf)),
                within(HASTY, talking(silent.address())),
            ];
            runner.ask(id, Arc::new(kinds[id as usize % 2].clone()));
        }
        for id in (0..100).filter(|id| id % 10 < 8) {
            runner.forget(id);
        }
        let answered = collect(&mut answers, 20).await;
        assert!(answered.keys().all(|id| id % 10 >= 8), "{answered:?}");
        // The names are free again, and an answer is that of the new question.
        runner.ask(1, Arc::new(talking(nobody())));
        runner.ask(2, Arc::new(tcp(nobody())));
        let again = collect(&mut answers, 2).await;
        assert!(
            again
                .values()
                .all(|answer| said(answer).starts_with("Refused"))
        );
    });
}

#[test]
fn a_runner_that_is_gone_gives_no_more_answers() {
    let _node = alone();
    let (deaf, _held) = deaf();
    runtime().block_on(async {
        let (runner, mut answers) = Runner::new(Arc::new(Tools::default())).unwrap();
        runner.ask(1_u32, Arc::new(within(HASTY, tcp(deaf))));
        runner.ask(2, Arc::new(within(HASTY, talking(deaf))));
        drop(runner);
        assert_eq!(answers.next().await, None);
    });
}
