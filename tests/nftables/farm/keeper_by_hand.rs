//! What was changed by hand in farmctl's tables: the kernel tells of it, and the keeper puts it
//! right.

use std::time::Duration;

use farmctl::dataplane::nftables::content;

use farmctl::netlink::nft::{Client, Operation};
use farmctl::reconcile::keeper::Said;

use super::keeper::Kept;
use super::{Method, Site, Text};
use crate::bed::Family;

#[test]
fn tables_that_were_removed_by_hand_are_made_again_at_once() {
    let text = Text::new(Method::Nat).to_string();
    let site = Site::new(Method::Nat);
    let mut kept = Kept::start(&site, &text);
    kept.poll = Duration::from_secs(3600);
    kept.file(&text);
    let right = site.farmctl.kernel();

    site.farm.director.run(|| {
        let mut client = Client::open().unwrap();
        let gone = Operation::DeleteTable(content::inet());
        assert!(client.commit(&[gone]).unwrap().is_empty());
    });
    kept.hear(|one| matches!(one, Said::Drift { .. }).then_some(()));
    site.wait_until(|kernel| kernel.services == right.services);
    assert!(site.spread(Family::V4, 100).iter().all(|count| *count > 0));
}
