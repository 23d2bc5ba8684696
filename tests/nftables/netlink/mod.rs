//! The netlink codecs against the real kernel: what is written is what is read. Each test has a
//! network namespace of its own.

mod connections;
mod namespaces;
mod notifications;
mod refusals;
mod round_trip;
mod sample;
mod size;
mod unprivileged;

use farmctl::netlink::nft::{Client, Operation};

use crate::bed::Node;

/// A namespace without tables, and a client in it.
fn fresh() -> (Node, Client) {
    let node = Node::new("lb1");
    let client = node.run(|| Client::open().unwrap());
    (node, client)
}

/// Does what the kernel must take.
fn done(client: &mut Client, operations: &[Operation]) {
    let refused = client.commit(operations).unwrap();
    let first = refused.first().map(|one| &operations[one.operation]);
    assert_eq!(refused, [], "{first:?}");
}
