//! A keeper that starts over what is there.

use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use farmctl::reconcile::keeper::{Reason, Said, Way};
use farmctl::reconcile::{Key, Shrink};
use farmctl::state::Overlay;

use super::Kept;
use crate::bed::Family;
use crate::farm::{Live, Method, Site, Text};

/// The files of the state directory, with their texts and times.
fn disk(site: &Site) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let files = fs::read_dir(site.farmctl.state("")).unwrap();
    let files = files.map(|entry| {
        let entry = entry.unwrap();
        let changed = entry.metadata().unwrap().modified().unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, (fs::read(entry.path()).unwrap(), changed))
    });
    files.collect()
}

#[test]
fn a_keeper_that_starts_over_what_is_wanted_writes_nothing_to_the_kernel_nor_to_the_disk() {
    let text = Text::new(Method::Nat).to_string();
    let site = Site::new(Method::Nat);
    Kept::serving(&site, &text).stop();
    let (kernel, before) = (site.farmctl.kernel(), disk(&site));
    let mut live = Live::start(&site, 3);
    let mut kept = Kept::start(&site, &text);
    let converged = kept.file(&text);
    assert_eq!((converged.way, converged.report.writes), (Way::Nothing, 0));
    assert_eq!(disk(&site), before);
    assert_eq!(site.farmctl.kernel(), kernel);
    live.is_whole();
}

#[test]
fn what_apply_made_is_adopted_without_a_write() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let mut kept = Kept::start(&site, &text.to_string());
    let converged = kept.file(&text.to_string());
    assert_eq!((converged.way, converged.report.writes), (Way::Nothing, 0));
}

/// acassen/keepalived#1173, #1561: rules were left behind on stop.
#[test]
fn a_keeper_that_stops_keeps_everything_and_one_that_releases_keeps_nothing() {
    let text = Text::new(Method::Nat).to_string();
    let site = Site::new(Method::Nat);
    let kept = Kept::serving(&site, &text);
    let kernel = site.farmctl.kernel();
    kept.stop();
    assert_eq!(site.farmctl.kernel(), kernel);
    let mut kept = Kept::serving(&site, &text);
    kept.order(farmctl::reconcile::keeper::Order::Release);
    kept.hear(|one| matches!(one, Said::Released(Ok(_))).then_some(()));
    assert!(site.farmctl.kernel().services.is_empty());
    let vip = site.service(Family::V4).ip().to_string();
    let mut held = site.farmctl.kernel().addresses.into_values().flatten();
    assert!(!held.any(|address| address.starts_with(&vip)));
}

#[test]
fn a_file_that_shrinks_the_farm_is_refused_and_connections_go_on() {
    let text = Text::new(Method::Nat);
    let site = Site::new(Method::Nat);
    let mut kept = Kept::serving(&site, &text.to_string());
    let kernel = site.farmctl.kernel();
    let mut live = Live::start(&site, 3);
    let small = text.with_servers(&[(1, 1)]).to_string();
    kept.wish_with(&small, Shrink::Refused, Overlay::default());
    let reason = kept.hear(|one| {
        let Said::Refused { reason, .. } = one else {
            return None;
        };
        Some(reason)
    });
    assert_eq!(reason, Reason::Guard);
    assert_eq!(site.farmctl.kernel(), kernel);
    live.is_whole();
}

#[test]
fn a_second_keeper_is_told_who_the_first_is() {
    let text = Text::new(Method::Nat).to_string();
    let site = Site::new(Method::Nat);
    let _kept = Kept::serving(&site, &text);
    let refused = site.farmctl.apply(&text, &[]);
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("process"), "{refused}");
}

#[test]
fn the_record_names_what_the_keeper_made() {
    let text = Text::new(Method::Nat).to_string();
    let site = Site::new(Method::Nat);
    let mut kept = Kept::serving(&site, &text);
    kept.order(farmctl::reconcile::keeper::Order::Look);
    let seen = kept.hear(|one| {
        let Said::Seen(seen) = one else {
            return None;
        };
        Some(seen)
    });
    let services = seen.state.services.keys().copied().map(Key::Service);
    let record = fs::read_to_string(site.farmctl.state("record.json")).unwrap();
    assert_eq!(services.count(), 2);
    assert_eq!(record.matches("\"done\"").count(), 4, "{record}");
}
