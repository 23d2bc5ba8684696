//! The namespaces that every other test here takes for granted.

use farmctl::netlink::nft;

use std::net::SocketAddr;

use crate::bed::{Family, Farm, Net, Node};

const TABLE: &str = "farmctl_test";

fn has_table(node: &Node) -> bool {
    let mut client = node.run(|| nft::Client::open().unwrap());
    client.mark_rules(TABLE).unwrap().is_some()
}

#[test]
fn each_namespace_has_nftables_of_its_own() {
    let (one, other) = (Node::new("one"), Node::new("other"));
    let mut client = one.run(|| nft::Client::open().unwrap());
    client.replace_table(TABLE, &[]).unwrap();
    assert!(has_table(&one));
    assert!(!has_table(&other));
}

#[test]
fn the_test_bed_stands_here_as_it_does_in_the_lab() {
    let farm = Farm::new();
    let _servers = farm.serve(8080);
    farm.director.forward();
    for family in Family::BOTH {
        let server = SocketAddr::new(Net::Back.address(family, 12), 8080);
        assert_eq!(farm.client.ask(server).unwrap().server, "rs2");
    }
}
