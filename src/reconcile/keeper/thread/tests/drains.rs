//! Servers, services and addresses that the file no longer has.

use super::bench::{Stage, bent, farm, service};
use crate::reconcile::FileNews;
use crate::reconcile::keeper::{DrainEnd, Said, Way};
use crate::state::{Share, State};

const TWO: [(u8, u32); 2] = [(21, 1), (22, 1)];

/// Server 22 is gone from the file, and has connections still.
fn draining() -> Stage {
    let mut stage = Stage::serving(&farm(&[80], &TWO));
    stage.connections(80, 22, 3, 0);
    stage.file(&farm(&[80], &[(21, 1)]));
    stage
}

/// acassen/keepalived#1228, kubernetes#57841: no drain.
#[test]
fn a_server_that_the_file_no_longer_has_keeps_its_connections_and_gets_no_new_ones() {
    let mut stage = draining();
    assert_eq!(stage.weight(80, 22), Some(0));
    stage.read();
    let said = stage.said();
    let told = said.iter().rev().find_map(|one| {
        let Said::Draining(list) = one else {
            return None;
        };
        Some(list.clone())
    });
    let [drain] = told.unwrap().try_into().unwrap();
    assert_eq!(drain.live, Some(3));
    assert_eq!(drain.name.as_deref(), Some("rs22"));
    assert_eq!(stage.weight(80, 22), Some(0));
    stage.connections(80, 22, 0, 0);
    stage.read();
    assert_eq!(stage.weight(80, 22), None);
    assert_eq!(stage.drain_ends(), [DrainEnd::Empty]);
}

#[test]
fn clients_that_are_remembered_count_as_connections() {
    let mut stage = draining();
    stage.connections(80, 22, 0, 2);
    stage.read();
    assert_eq!(stage.weight(80, 22), Some(0));
    stage.connections(80, 22, 0, 0);
    stage.read();
    assert_eq!(stage.weight(80, 22), None);
}

#[test]
fn a_count_from_before_the_weight_was_taken_ends_no_drain() {
    let mut stage = Stage::serving(&farm(&[80], &TWO));
    stage.connections(80, 22, 0, 0);
    let generation = stage.reads_begin();
    let old = crate::dataplane::Dataplane::observe(&mut stage.bench.kernel.clone()).unwrap();
    stage.file(&farm(&[80], &[(21, 1)]));
    stage.connections(80, 22, 1, 0);
    stage.read_was(generation, old);
    assert_eq!(stage.weight(80, 22), Some(0));
}

/// kubernetes#84322: a drain without a deadline never ended for NFS.
#[test]
fn a_drain_ends_at_its_deadline_whatever_is_left() {
    let mut stage = draining();
    stage.read();
    stage.pass(59);
    assert_eq!(stage.weight(80, 22), Some(0));
    stage.pass(1);
    assert_eq!(stage.weight(80, 22), None);
    assert_eq!(stage.drain_ends(), [DrainEnd::Deadline { live: 3 }]);
}

#[test]
fn a_server_that_comes_back_while_it_drains_is_restored_in_place() {
    let mut stage = draining();
    stage.said();
    let writes = stage.writes();
    stage.file(&farm(&[80], &TWO));
    assert_eq!(stage.weight(80, 22), Some(1));
    assert_eq!(stage.writes(), writes + 1, "one edit, nothing is made anew");
    assert_eq!(stage.drain_ends(), [DrainEnd::Returned]);
    stage.pass(120);
    assert_eq!(stage.weight(80, 22), Some(1));
}

/// kubernetes#92019, #108319: the list of drains was only in memory.
#[test]
fn a_drain_survives_a_restart_with_its_deadline() {
    let mut stage = draining();
    stage.pass(40);
    stage.start();
    stage.said();
    let writes = stage.writes();
    stage.file(&farm(&[80], &[(21, 1)]));
    stage.expect_way(Way::Nothing);
    assert_eq!(stage.writes(), writes);
    assert_eq!(stage.weight(80, 22), Some(0));
    stage.pass(19);
    assert_eq!(stage.weight(80, 22), Some(0));
    stage.pass(1);
    assert_eq!(stage.weight(80, 22), None);
}

#[test]
fn a_drain_holds_no_other_change_up() {
    let mut stage = draining();
    stage.said();
    stage.bend(bent(&[(80, 21, Share::Weight(9))]));
    stage.expect_way(Way::Fast);
    stage.file(&farm(&[80, 81], &[(21, 2), (23, 4)]));
    assert_eq!(stage.weight(81, 23), Some(4));
    assert_eq!(stage.weight(80, 22), Some(0), "and it drains on");
}

/// acassen/keepalived#492, #596: a removed server that was inhibited stayed.
#[test]
fn a_server_that_was_inhibited_and_is_removed_goes() {
    let mut stage = Stage::serving(&farm(&[80], &TWO));
    stage.bend(bent(&[(80, 22, Share::Weight(0))]));
    stage.connections(80, 22, 0, 0);
    stage.overlay = crate::state::Overlay::default();
    stage.file(&farm(&[80], &[(21, 1)]));
    stage.read();
    assert_eq!(stage.weight(80, 22), None);
}

#[test]
fn a_server_that_health_takes_out_goes_at_once() {
    let mut stage = Stage::serving(&farm(&[80], &TWO));
    stage.connections(80, 22, 3, 0);
    stage.bend(bent(&[(80, 22, Share::Out)]));
    assert_eq!(stage.weight(80, 22), None);
    assert!(stage.drain_ends().is_empty());
}

#[test]
fn a_service_that_goes_drains_and_its_vip_stays_up_until_then() {
    let text = "version: 1\nfarm: shop\nvips: { www: { addresses: [192.0.2.10/32], interface: \
                eth0 }, old: { addresses: [192.0.2.11/32], interface: eth0 } }\ndefaults: { \
                service: { protocol: tcp, scheduler: rr, forwarding: nat } }\npools: { web: { \
                real_servers: [{ address: 10.0.0.21, port: 8080 }] } }\nservices:\n  s80: { vip: \
                www, port: 80, pool: web }\n  s81: { vip: www, port: 81, pool: web }\n";
    let whole = format!("{text}  gone: {{ vip: old, port: 80, pool: web }}\n");
    let without = text.replace(", old: { addresses: [192.0.2.11/32], interface: eth0 }", "");
    let mut stage = Stage::serving(&whole);
    let up = |state: &State| state.addresses.len();
    assert_eq!(up(&stage.state()), 2);
    let gone = *stage
        .state()
        .services
        .keys()
        .find(|key| **key != service(80) && **key != service(81))
        .unwrap();
    stage.shrunk_file(&without);
    let now = stage.state();
    assert_eq!(up(&now), 2, "the VIP stays up while its service drains");
    let weights: Vec<u32> = now.services[&gone]
        .destinations
        .values()
        .map(|it| it.weight)
        .collect();
    assert_eq!(weights, [0]);
    stage.said();
    stage.pass(60);
    assert_eq!(up(&stage.state()), 1);
    assert!(!stage.state().services.contains_key(&gone));
    assert_eq!(stage.drain_ends(), [DrainEnd::Deadline { live: 0 }]);
}

#[test]
fn a_sorry_server_that_is_wanted_no_more_finishes_its_connections() {
    let text = "version: 1\nfarm: shop\nvips: { www: { addresses: [192.0.2.10/32], interface: \
                eth0 } }\nservices:\n  s80: { vip: www, port: 80, protocol: tcp, scheduler: rr, \
                forwarding: nat, real_servers: [{ name: rs21, address: 10.0.0.21, port: 8080 }], \
                sorry_server: { address: 10.0.0.99, port: 8080 } }\n";
    let mut stage = Stage::new();
    stage.overlay = bent(&[(80, 21, Share::Out)]);
    stage.file(text);
    assert_eq!(stage.weight(80, 99), Some(1));
    stage.connections(80, 99, 1, 0);
    stage.bend(crate::state::Overlay::default());
    assert_eq!(
        (stage.weight(80, 21), stage.weight(80, 99)),
        (Some(1), Some(0))
    );
    stage.bend(bent(&[(80, 21, Share::Out)]));
    assert_eq!(
        (stage.weight(80, 21), stage.weight(80, 99)),
        (None, Some(1))
    );
}

#[test]
fn a_file_that_is_refused_begins_no_drain() {
    let mut stage = Stage::serving(&farm(&[80], &[(21, 1), (22, 9)]));
    stage.file(&farm(&[80], &[(21, 1)]));
    let said = stage.said();
    assert!(matches!(&said[..], [Said::Refused { .. }]), "{said:#?}");
    stage.pass(120);
    assert_eq!(stage.weight(80, 22), Some(9));
    let same = stage.wish_of(&farm(&[80], &[(21, 1), (22, 9)]), FileNews::Same);
    stage.wish(same);
    assert_eq!(stage.weight(80, 22), Some(9));
}

/// The last service of a family is never deleted to be made again: the kernel would reset every
/// connection.
#[test]
fn the_last_service_that_changes_its_port_is_never_missing() {
    let mut stage = Stage::serving(&farm(&[80], &TWO));
    stage.connections(80, 21, 1, 0);
    stage.shrunk_file(&farm(&[81], &TWO));
    let both = stage.state();
    assert_eq!(both.services.len(), 2);
    assert_eq!(stage.weight(80, 21), Some(0));
    stage.pass(60);
    assert_eq!(stage.state().services.len(), 1);
}
