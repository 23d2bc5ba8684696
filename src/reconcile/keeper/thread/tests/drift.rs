//! What others change: put right, told, or left alone.

use super::bench::{Stage, bent, destination, farm, service};
use crate::reconcile::keeper::{Answer, DriftPolicy, Order, Said};
use crate::reconcile::testing::state_of_ports;
use crate::state::{Change, Share, State, Subject};

fn serving() -> Stage {
    Stage::serving(&farm(&[80, 81], &[(21, 1), (22, 2)]))
}

fn set_weight(stage: &Stage, weight: u32) {
    stage.meddle(|state| {
        let service = state.services.get_mut(&service(80)).unwrap();
        service
            .destinations
            .get_mut(&destination(21))
            .unwrap()
            .weight = weight;
    });
}

/// One thing done by hand is told as such and put right by the next reading.
#[track_caller]
fn is_put_right(act: impl FnOnce(&mut State), subject: &Subject) {
    let mut stage = serving();
    let right = stage.state();
    stage.meddle(act);
    assert_ne!(stage.state(), right, "something was done by hand");
    stage.read();
    assert_eq!(stage.state(), right);
    let said = stage.said();
    let told = said.iter().find_map(|one| {
        let Said::Drift { changes, answer } = one else {
            return None;
        };
        Some((changes, *answer))
    });
    let (changes, answer) = told.unwrap_or_else(|| panic!("no drift: {said:#?}"));
    assert_eq!(answer, Answer::Corrected);
    let subjects: Vec<Subject> = changes.iter().map(Change::subject).collect();
    assert_eq!(&subjects, std::slice::from_ref(subject));
    stage.read();
    let said = stage.said();
    assert!(matches!(&said[..], [Said::Seen(_)]), "{said:#?}");
}

/// acassen/keepalived#1877, #1018: what was changed with ipvsadm was not restored.
#[test]
fn a_weight_and_a_scheduler_and_a_setting_that_were_changed_are_put_right() {
    is_put_right(
        |state| {
            let service = state.services.get_mut(&service(80)).unwrap();
            service
                .destinations
                .get_mut(&destination(21))
                .unwrap()
                .weight = 99;
        },
        &Subject::Destination(service(80), destination(21)),
    );
    is_put_right(
        |state| {
            let service = state.services.get_mut(&service(80)).unwrap();
            service.attributes.scheduler = "sed".to_owned();
        },
        &Subject::Service(service(80)),
    );
    is_put_right(
        |state| {
            state.settings.insert(crate::state::Setting::ForwardV4, 0);
        },
        &Subject::Setting(crate::state::Setting::ForwardV4),
    );
}

/// acassen/keepalived#1877, #1018: entries removed with ipvsadm were not restored.
#[test]
fn a_server_or_a_service_that_was_removed_is_made_again() {
    is_put_right(
        |state| {
            let service = state.services.get_mut(&service(80)).unwrap();
            service.destinations.remove(&destination(22));
        },
        &Subject::Destination(service(80), destination(22)),
    );
    is_put_right(
        |state| {
            state.services.remove(&service(81));
        },
        &Subject::Service(service(81)),
    );
}

/// acassen/keepalived#534: a VIP deleted by hand was not restored.
#[test]
fn a_vip_that_was_removed_is_put_up_again() {
    let mut stage = serving();
    let key = stage.state().addresses.into_keys().next().unwrap();
    is_put_right(|state| state.addresses.clear(), &Subject::Address(key));
    stage.meddle(|state| state.addresses.clear());
    stage.read();
    assert_eq!(stage.state().addresses.len(), 1);
}

#[test]
fn a_server_that_somebody_put_into_our_service_is_drift_and_finishes_its_connections() {
    let mut stage = serving();
    stage.meddle(|state| {
        let service = state.services.get_mut(&service(80)).unwrap();
        let copy = service.destinations[&destination(21)];
        service.destinations.insert(destination(99), copy);
    });
    stage.connections(80, 99, 1, 0);
    stage.read();
    assert_eq!(stage.weight(80, 99), Some(0));
    stage.connections(80, 99, 0, 0);
    stage.read();
    assert_eq!(stage.weight(80, 99), None);
}

/// kubernetes-sigs kube-proxy#6: it flushed others' rules.
#[test]
fn what_others_made_is_neither_touched_nor_told() {
    let foreign = state_of_ports(&[8000]);
    let mut stage = Stage::holding(foreign.clone());
    stage.file(&farm(&[80], &[(21, 1)]));
    stage.said();
    let key = *foreign.services.keys().next().unwrap();
    stage.meddle(|state| {
        let service = state.services.get_mut(&key).unwrap();
        service.attributes.scheduler = "sed".to_owned();
        state
            .services
            .insert(super::bench::service(8001), foreign.services[&key].clone());
    });
    let before = stage.state();
    stage.read();
    let said = stage.said();
    assert!(matches!(&said[..], [Said::Seen(_)]), "{said:#?}");
    assert_eq!(stage.state(), before);
}

#[test]
fn a_reading_that_a_write_overtook_is_no_drift() {
    let mut stage = serving();
    let generation = stage.reads_begin();
    let old = crate::dataplane::Dataplane::observe(&mut stage.bench.kernel.clone()).unwrap();
    stage.bend(bent(&[(80, 21, Share::Weight(7))]));
    stage.said();
    stage.read_was(generation, old);
    let said = stage.said();
    assert!(matches!(&said[..], [Said::Seen(_)]), "{said:#?}");
    assert_eq!(stage.weight(80, 21), Some(7));
}

#[test]
fn a_reading_that_a_write_overtook_still_shows_what_else_changed() {
    let mut stage = serving();
    let generation = stage.reads_begin();
    stage.meddle(|state| {
        let service = state.services.get_mut(&service(81)).unwrap();
        service
            .destinations
            .get_mut(&destination(22))
            .unwrap()
            .weight = 50;
    });
    let old = crate::dataplane::Dataplane::observe(&mut stage.bench.kernel.clone()).unwrap();
    stage.bend(bent(&[(80, 21, Share::Weight(7))]));
    stage.read_was(generation, old);
    assert_eq!(stage.weight(81, 22), Some(2));
    assert_eq!(stage.weight(80, 21), Some(7));
}

#[test]
fn with_the_policy_report_drift_stays_until_something_else_is_wished_for() {
    let mut stage = Stage::new();
    stage.policy = DriftPolicy::Report;
    stage.file(&farm(&[80], &[(21, 1), (22, 2)]));
    stage.said();
    set_weight(&stage, 50);
    stage.read();
    let said = stage.said();
    assert!(
        matches!(
            &said[..],
            [
                Said::Drift {
                    answer: Answer::Reported,
                    ..
                },
                Said::Seen(_)
            ]
        ),
        "{said:#?}"
    );
    stage.bend(bent(&[(80, 22, Share::Weight(5))]));
    assert_eq!(stage.weight(80, 21), Some(50), "it is left alone");
    assert_eq!(stage.weight(80, 22), Some(5), "the rest goes on");
    stage.bend(bent(&[(80, 21, Share::Weight(4))]));
    assert_eq!(stage.weight(80, 21), Some(4), "it is wished for otherwise");
}

#[test]
fn with_the_policy_pause_nothing_is_written_until_somebody_says_so() {
    let mut stage = Stage::new();
    stage.policy = DriftPolicy::Pause;
    stage.file(&farm(&[80], &[(21, 1), (22, 2)]));
    set_weight(&stage, 50);
    stage.said();
    stage.read();
    let said = stage.said();
    assert!(
        matches!(
            &said[..],
            [
                Said::Drift {
                    answer: Answer::Paused,
                    ..
                },
                Said::Seen(_)
            ]
        ),
        "{said:#?}"
    );
    stage.bend(bent(&[(80, 22, Share::Weight(5))]));
    assert_eq!(stage.weight(80, 22), Some(2));
    stage.order(Order::Resume);
    assert_eq!(stage.weight(80, 21), Some(1));
    assert_eq!(stage.weight(80, 22), Some(5));
}

#[test]
fn a_fight_over_one_object_is_given_up_with_an_alarm_and_the_rest_goes_on() {
    let mut stage = serving();
    let subject = Subject::Destination(service(80), destination(21));
    for round in 1..=3 {
        set_weight(&stage, 50);
        stage.said();
        stage.read();
        let fights = stage.said().into_iter().filter_map(|one| {
            let Said::Fight { objects } = one else {
                return None;
            };
            Some(objects)
        });
        let fights: Vec<_> = fights.collect();
        if round < 3 {
            assert!(fights.is_empty());
            assert_eq!(stage.weight(80, 21), Some(1));
        } else {
            assert_eq!(fights, [vec![subject.clone()]]);
        }
    }
    assert_eq!(stage.weight(80, 21), Some(50), "it is left alone");
    stage.bend(bent(&[(81, 21, Share::Weight(9)), (80, 21, Share::Out)]));
    assert_eq!(stage.weight(81, 21), Some(9), "the rest goes on");
    assert_eq!(stage.weight(80, 21), Some(50), "it is still left alone");
    stage.order(Order::Resume);
    assert_eq!(stage.weight(80, 21), None);
}

#[test]
fn another_file_ends_a_fight() {
    let mut stage = serving();
    for _ in 0..3 {
        set_weight(&stage, 50);
        stage.read();
    }
    assert_eq!(stage.weight(80, 21), Some(50));
    stage.file(&farm(&[80, 81], &[(21, 1), (22, 3)]));
    assert_eq!(stage.weight(80, 21), Some(1));
}
