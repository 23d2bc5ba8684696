//! Servers that the file no longer has, with live connections.

use farmctl::reconcile::keeper::{DrainEnd, Said};

use super::Kept;
use crate::bed::Family;
use crate::farm::{Live, Method, Site, Text};

/// How the next drain that ends has ended.
fn ended(kept: &mut Kept) -> DrainEnd {
    kept.hear(|one| {
        let Said::Drained { end, .. } = one else {
            return None;
        };
        Some(end)
    })
}

/// acassen/keepalived#1228, kubernetes#57841: no drain.
#[test]
fn a_server_that_the_file_no_longer_has_loses_no_connection_and_goes_when_it_has_none() {
    let text = Text::new(Method::Nat);
    let site = Site::new(Method::Nat);
    let mut kept = Kept::serving(&site, &text.to_string());
    let mut live = Live::start(&site, 6);
    kept.file(&text.with_servers(&[(1, 1), (3, 3)]).to_string());
    for family in Family::BOTH {
        assert_eq!(site.spread(family, 12)[1], 0, "it gets no new ones");
    }
    live.is_whole();
    let theirs = live.part_with("rs2");
    assert!(!theirs.is_empty(), "it had connections");
    for connection in theirs {
        connection.reset();
    }
    // The downloads may lead there, too.
    live.finish();
    assert_eq!(ended(&mut kept), DrainEnd::Empty);
    assert_eq!(ended(&mut kept), DrainEnd::Empty);
    let kernel = site.farmctl.kernel();
    assert!(
        kernel
            .services
            .values()
            .all(|(_, servers)| servers.len() == 2)
    );
}

/// kubernetes#84322: a drain without a deadline never ended.
#[test]
fn a_drain_ends_at_its_deadline_and_only_what_is_left_of_it_is_cut() {
    let text = Text::new(Method::Nat).with("drain: { timeout: 2s }");
    let site = Site::new(Method::Nat);
    let mut kept = Kept::serving(&site, &text.to_string());
    let mut live = Live::start(&site, 6);
    kept.file(&text.with_servers(&[(1, 1), (3, 3)]).to_string());
    let ends = [ended(&mut kept), ended(&mut kept)];
    let is_late = |end: &DrainEnd| matches!(end, DrainEnd::Deadline { live } if *live > 0);
    assert!(ends.iter().all(is_late), "{ends:?}");
    site.wait_until(|kernel| {
        let mut services = kernel.services.values();
        services.all(|(_, servers)| servers.len() == 2)
    });
    drop(live.part_with("rs2"));
}

#[test]
fn a_server_that_comes_back_while_it_drains_keeps_its_connections_and_gets_new_ones() {
    let text = Text::new(Method::Nat);
    let site = Site::new(Method::Nat);
    let mut kept = Kept::serving(&site, &text.to_string());
    let mut live = Live::start(&site, 6);
    let whole = site.farmctl.kernel();
    kept.file(&text.with_servers(&[(1, 1), (3, 3)]).to_string());
    kept.file(&text.to_string());
    assert_eq!(site.farmctl.kernel().services, whole.services);
    assert!(site.spread(Family::V4, 12)[1] > 0);
    live.is_whole();
    live.finish();
}
