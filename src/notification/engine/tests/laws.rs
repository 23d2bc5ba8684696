//! Laws that hold whatever happens.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Down(u8),
    Up(u8),
    Pass(u16),
    Die,
    Refuse,
    Recover,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u8..6).prop_map(Step::Down),
        4 => (0_u8..6).prop_map(Step::Up),
        4 => (0_u16..900).prop_map(Step::Pass),
        1 => Just(Step::Die),
        1 => Just(Step::Refuse),
        1 => Just(Step::Recover),
    ]
}

fn play(bench: &mut Bench, step: &Step) {
    match step {
        Step::Down(number) => bench.down(&format!("web{number}")),
        Step::Up(number) => bench.up(&format!("web{number}")),
        Step::Pass(seconds) => bench.pass(SECOND * u32::from(*seconds)),
        Step::Die => bench.answer = Err(Failure::Unreachable("gone".to_owned())),
        Step::Refuse => bench.answer = Err(Failure::Refused("no".to_owned())),
        Step::Recover => bench.answer = Ok(()),
    }
}

/// What a reader of all messages believes to be down.
fn believed(told: &[(Duration, Message)]) -> Vec<String> {
    let mut down = std::collections::BTreeSet::new();
    for (_, message) in told {
        for entry in &message.entries {
            let name = entry.subject.server.clone().unwrap();
            if entry.state == State::Lasts {
                down.insert(name);
            } else {
                down.remove(&name);
            }
        }
        down.extend(
            message
                .ongoing
                .iter()
                .map(|each| each.subject.server.clone().unwrap()),
        );
    }
    down.into_iter().collect()
}

proptest! {
    /// Whatever happened and however the receiver failed: once it is back, it knows every
    /// server that is down, and no event was told twice.
    #[test]
    fn a_receiver_that_is_back_knows_what_is_down(steps in proptest::collection::vec(step(), 1..120)) {
        let mut bench = Bench::new(wishes());
        let mut down = std::collections::BTreeSet::new();
        for step in &steps {
            match step {
                Step::Down(number) => drop(down.insert(*number)),
                Step::Up(number) => drop(down.remove(number)),
                Step::Pass(_) | Step::Die | Step::Refuse | Step::Recover => {}
            }
            play(&mut bench, step);
        }
        bench.answer = Ok(());
        bench.pass(HOUR * 24);
        let gone_up_unseen = bench.engine.count().dropped > 0;
        let believed = believed(&bench.told);
        for number in &down {
            let name = format!("web{number}");
            prop_assert!(believed.contains(&name), "{} is not known to be down", name);
        }
        if !gone_up_unseen {
            prop_assert_eq!(believed.len(), down.len());
        }
        let counted: u64 = bench.told.iter().flat_map(|(_, message)| &message.entries).map(|entry| entry.times).sum();
        prop_assert!(counted + bench.engine.count().dropped <= bench.sequence);
        prop_assert_eq!(bench.engine.waiting(), 0);
    }
}
