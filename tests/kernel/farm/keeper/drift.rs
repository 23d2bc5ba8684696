//! What others change on the machine, told by the kernel: nobody reads it by himself here.

use std::time::Duration;

use farmctl::netlink::route::Client;
use farmctl::reconcile::keeper::{Order, Said};
use farmctl::state::{Change, Subject};

use super::Kept;
use crate::farm::{Method, Site, Text};

/// The kernel tells of a change: the keeper need not look for it.
const NEVER: Duration = Duration::from_secs(3600);

/// A keeper that reads only when it is told of a change.
fn serving(site: &Site) -> Kept {
    let text = Text::new(Method::Nat).to_string();
    let mut kept = Kept::start(site, &text);
    kept.poll = NEVER;
    kept.file(&text);
    kept
}

fn drift(kept: &mut Kept) -> Vec<Subject> {
    kept.hear(|one| {
        let Said::Drift { changes, .. } = one else {
            return None;
        };
        Some(changes.iter().map(Change::subject).collect())
    })
}

/// acassen/keepalived#534: a VIP deleted by hand was not restored.
#[test]
fn a_vip_that_was_removed_by_hand_is_up_again_at_once() {
    let site = Site::new(Method::Nat);
    let mut kept = serving(&site);
    let right = site.farmctl.kernel();
    for address in ["10.8.0.100/32", "fd08::100/128"] {
        site.farm.director.remove_address("uplink", address);
        let subjects = drift(&mut kept);
        assert!(
            matches!(&subjects[..], [Subject::Address(_)]),
            "{subjects:?}"
        );
        site.wait_until(|kernel| *kernel == right);
    }
}

/// An interface that goes down loses its IPv6 addresses for good.
#[test]
fn a_vip_that_went_with_its_interface_is_up_again_when_the_interface_is() {
    let site = Site::new(Method::Nat);
    let mut kept = serving(&site);
    site.farm.director.run(|| {
        let mut client = Client::open().unwrap();
        let links = client.links().unwrap();
        let uplink = links.iter().find(|link| link.name == "uplink").unwrap();
        client.set_link_down(uplink.index).unwrap();
        client.set_link_up(uplink.index).unwrap();
    });
    drift(&mut kept);
    site.wait_until(|kernel| {
        let held = &kernel.addresses["uplink"];
        held.contains(&"fd08::100/128".to_owned()) && held.contains(&"10.8.0.100/32".to_owned())
    });
}

#[test]
fn a_program_that_takes_the_vip_away_again_and_again_is_left_alone_until_somebody_says_so() {
    let site = Site::new(Method::Nat);
    let mut kept = serving(&site);
    let right = site.farmctl.kernel();
    for _ in 0..2 {
        site.farm.director.remove_address("uplink", "10.8.0.100/32");
        site.wait_until(|kernel| kernel.addresses == right.addresses);
    }
    site.farm.director.remove_address("uplink", "10.8.0.100/32");
    let fought = kept.hear(|one| {
        let Said::Fight { objects } = one else {
            return None;
        };
        Some(objects)
    });
    assert!(matches!(&fought[..], [Subject::Address(_)]), "{fought:?}");
    kept.order(Order::Look);
    kept.hear(|one| matches!(one, Said::Seen(_)).then_some(()));
    assert!(site.farmctl.kernel().addresses != right.addresses);
    kept.order(Order::Resume);
    site.wait_until(|kernel| kernel.addresses == right.addresses);
}
