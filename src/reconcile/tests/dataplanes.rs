//! Services stay on the data plane on which they were made.

use super::super::testing::{Bench, state_of_ports, target};
use super::super::*;
use crate::spec::DataplaneKind;
use crate::state::State;

fn shrinking() -> Request {
    Request {
        shrink: Shrink::Allowed,
        ..Request::default()
    }
}

/// A machine on which nftables forwards for one service.
fn bench() -> Bench {
    let bench = Bench::holding(State::default()).on_nftables();
    let outcome = bench.apply(&shrinking(), &target(state_of_ports(&[80])));
    assert_eq!(outcome.unwrap().exit_code(), 0);
    bench
}

/// The same machine where the file asks for ip_vs.
fn on_ip_vs(bench: Bench) -> Bench {
    let memory = bench.kernel.memory.take();
    bench
        .kernel
        .memory
        .replace(memory.playing(DataplaneKind::Ipvs));
    bench
}

#[test]
fn the_first_service_puts_the_data_plane_on_record() {
    let bench = bench();
    assert_eq!(bench.record().holder(), Some(DataplaneKind::Nftables));
    let text = std::fs::read_to_string(bench.store.directory().join("record.json")).unwrap();
    assert!(text.contains(r#""dataplane":"nftables""#), "{text}");
}

#[test]
fn a_run_on_another_data_plane_is_refused_while_there_are_services() {
    let bench = on_ip_vs(bench());
    let before = (bench.state(), bench.record());
    let error = bench.apply(&shrinking(), &target(state_of_ports(&[80, 81])));
    let error = error.unwrap_err();
    assert!(matches!(error, Error::OtherDataplane { .. }), "{error}");
    assert_eq!((bench.state(), bench.record()), before);
}

#[test]
fn another_data_plane_may_be_taken_once_the_services_are_gone() {
    let bench = bench();
    let outcome = bench.apply(&shrinking(), &target(State::default()));
    assert_eq!(outcome.unwrap().exit_code(), 0);
    assert_eq!(bench.record().holder(), None);
    let bench = on_ip_vs(bench);
    let outcome = bench.apply(&shrinking(), &target(state_of_ports(&[80])));
    assert_eq!(outcome.unwrap().exit_code(), 0);
    assert_eq!(bench.record().holder(), Some(DataplaneKind::Ipvs));
}

#[test]
fn an_unconfirmed_change_knows_the_data_plane_on_which_it_is_undone() {
    let bench = Bench::holding(State::default()).on_nftables();
    let request = Request {
        confirm: Some(std::time::Duration::from_secs(60)),
        ..shrinking()
    };
    let outcome = bench.apply(&request, &target(state_of_ports(&[80])));
    assert_eq!(outcome.unwrap().exit_code(), 0);
    let pending = Pending::load(&bench.store).unwrap().unwrap();
    assert_eq!(pending.dataplane(), DataplaneKind::Nftables);
}

#[test]
fn a_run_that_was_undone_leaves_the_choice_open() {
    let bench = Bench::holding(State::default()).on_nftables();
    let refusal = crate::dataplane::Error::Io {
        what: "do it".to_owned(),
        reason: "the test refuses it".to_owned(),
    };
    bench.kernel.memory.borrow_mut().refuse(0, refusal);
    let outcome = bench.apply(&shrinking(), &target(state_of_ports(&[80])));
    assert_eq!(outcome.unwrap().exit_code(), 1);
    assert_eq!(bench.record().holder(), None);
}

#[test]
fn what_the_data_plane_objects_to_is_told_with_its_place_before_anything_is_written() {
    let bench = Bench::holding(State::default()).on_nftables();
    let objection = crate::dataplane::Error::Refused {
        what: "add real server 10.0.0.21:80".to_owned(),
        reason: "it is no neighbour".to_owned(),
        errno: 0,
    };
    bench.kernel.memory.borrow_mut().object(objection);
    for mode in [Mode::DryRun, Mode::Write] {
        let request = Request {
            mode,
            ..shrinking()
        };
        let outcome = bench
            .apply(&request, &target(state_of_ports(&[80])))
            .unwrap();
        let Outcome::PreflightFailed(told) = &outcome else {
            panic!("{outcome}")
        };
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("it is no neighbour (where the file has"),
            "{told:?}"
        );
    }
    assert_eq!(bench.state(), State::default());
    assert!(bench.record().keys.is_empty());
}
