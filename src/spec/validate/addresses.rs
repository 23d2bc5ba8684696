//! Addresses that two things of the farm claim.
//!
//! Called by `validate`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::context::{Context, at, node_addresses};
use crate::spec::{MAIN_NETWORK, Name, Path, Problem};

/// Something that has an address of its own.
struct Claim<'a> {
    owner: Owner<'a>,
    path: Path,
}

#[derive(Clone, Copy)]
enum Owner<'a> {
    Node { name: &'a Name, network: &'a str },
    Vip(&'a Name),
}

impl Owner<'_> {
    /// Two machines may have the same address on networks that don't touch.
    fn clashes_with(self, other: Self) -> bool {
        match (self, other) {
            (Self::Node { network: one, .. }, Self::Node { network: other, .. }) => one == other,
            (Self::Vip(_), _) | (_, Self::Vip(_)) => true,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Node { name, .. } => format!("the node `{name}`"),
            Self::Vip(name) => format!("the VIP `{name}`"),
        }
    }
}

/// Each VIP and each node has its addresses for itself.
pub(super) fn no_address_is_claimed_twice(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for (address, claims) in claims(context) {
        let twice = claims.iter().enumerate().filter_map(|(place, claim)| {
            let earlier = claims.iter().take(place);
            let first = earlier
                .into_iter()
                .find(|first| claim.owner.clashes_with(first.owner))?;
            Some(claimed_twice(address, first, claim))
        });
        problems.extend(twice);
    }
}

/// Who claims each address: nodes first, so that a VIP is blamed for taking a node's.
fn claims<'a>(context: &Context<'a>) -> BTreeMap<IpAddr, Vec<Claim<'a>>> {
    let mut claims: BTreeMap<IpAddr, Vec<Claim<'a>>> = BTreeMap::new();
    for (name, node) in &context.farm.nodes {
        for (network, address, path) in node_addresses(name, node) {
            let network = network.map_or(MAIN_NETWORK, Name::as_str);
            let owner = Owner::Node { name, network };
            claims
                .entry(address.address)
                .or_default()
                .push(Claim { owner, path });
        }
    }
    for written in context.vip_addresses() {
        let owner = Owner::Vip(written.name);
        let claim = Claim {
            owner,
            path: written.path,
        };
        claims
            .entry(written.address.address.address)
            .or_default()
            .push(claim);
    }
    claims
}

fn claimed_twice(address: IpAddr, first: &Claim<'_>, second: &Claim<'_>) -> Problem {
    let (one, other) = (first.owner.words(), second.owner.words());
    let message = if one == other {
        format!("{other} has the address {address} twice")
    } else {
        format!("{address} is an address of {other} and of {one}")
    };
    let help = match (first.owner, second.owner) {
        (Owner::Node { .. }, Owner::Vip(_)) => {
            "a VIP moves between machines: give it an address that no machine has as its own"
        }
        (Owner::Vip(_), Owner::Vip(_)) => {
            "each address belongs to one VIP; services may share it, each on a port of its own"
        }
        (_, Owner::Node { .. }) => "correct one of them, or remove it",
    };
    Problem::error("duplicate-address", at(second.path.clone()), message)
        .labelled("the same address")
        .helped(help)
        .related(at(first.path.clone()), format!("{one} has it here"))
}
