//! Nodes: one form of writing, and addresses that a machine can have.
//!
//! Does not compare nodes with each other (`addresses` does). Called by `validate`.

use super::context::{Context, at, node_addresses, section};
use super::vips::flaw;
use crate::spec::{Name, Node, Place, Problem};

/// A node is written in the short form or in the long one.
pub(super) fn nodes_are_written_in_one_form(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for (name, node) in &context.farm.nodes {
        if let Some(problem) = two_forms(name, node) {
            problems.push(problem);
        }
        if node.address.is_some() && !node.addresses.is_empty() {
            problems.push(address_and_addresses(name));
        }
    }
}

fn two_forms(name: &Name, node: &Node) -> Option<Problem> {
    let path = section("nodes").key(name);
    let short = [
        ("address", node.address.is_some()),
        ("addresses", !node.addresses.is_empty()),
        ("interface", node.interface.is_some()),
    ];
    let (key, _) = short.into_iter().find(|(_, written)| *written)?;
    (!node.networks.is_empty()).then(|| {
        Problem::error(
            "node-forms",
            Place::Key(path.key(key)),
            format!("the node `{name}` is written in the short form and in the long form"),
        )
        .labelled("the short form")
        .helped(format!(
            "move `{key}` into `networks`, under the name of the network that it belongs to"
        ))
        .related(Place::Key(path.key("networks")), "the long form")
    })
}

fn address_and_addresses(name: &Name) -> Problem {
    let path = section("nodes").key(name);
    Problem::error(
        "both-given",
        Place::Key(path.key("address")),
        format!("the node `{name}` has both `address` and `addresses`"),
    )
    .labelled("a single address")
    .helped("write them all in `addresses`: `addresses: [10.0.0.21/24, \"2001:db8::21/64\"]`")
    .related(Place::Key(path.key("addresses")), "a list of addresses")
}

/// A node's addresses are addresses of a machine.
pub(super) fn node_addresses_can_be_used(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for (name, node) in &context.farm.nodes {
        for (_, address, path) in node_addresses(name, node) {
            if let Some(flaw) = flaw(address) {
                let message = format!("the node `{name}` can't have {}", flaw.what);
                let problem = Problem::error(flaw.code, at(path), message);
                problems.push(problem.labelled(flaw.label).helped(flaw.help));
            }
        }
    }
}
