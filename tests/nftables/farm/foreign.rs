//! Another program's table on the director.

use farmctl::netlink::nft::model::{Chain, Expression, Hook, Rule};
use farmctl::netlink::nft::{Client, Operation};

use super::kernel::others;
use super::{Kernel, Site};

/// Makes it; what the kernel holds then.
pub(super) fn settle(site: &Site) -> Kernel {
    let chain = Chain {
        name: "input".to_owned(),
        hook: Some(Hook {
            kind: "filter".to_owned(),
            number: 1,
            priority: 0,
            devices: Vec::new(),
        }),
    };
    let rule = Rule {
        chain: "input".to_owned(),
        expressions: vec![Expression::Counter],
        comment: Some("somebody counts".to_owned()),
    };
    let made = [
        Operation::AddTable(others(), Some("not farmctl's".to_owned())),
        Operation::AddChain(others(), chain),
        Operation::AddRule(others(), rule),
    ];
    site.farm.director.run(|| {
        let refused = Client::open().unwrap().commit(&made).unwrap();
        assert!(refused.is_empty(), "{refused:?}");
    });
    Kernel::of(&site.farm.director)
}
