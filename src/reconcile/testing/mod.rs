//! What the tests of this module share: small states, and a disk that fails on demand.

mod fuse;
mod states;

pub(super) use fuse::Fuse;
pub(super) use states::{
    address_key, any_state, merged, origin, service_key, state_of_ports, state_of_weights, vip,
    with_node_address,
};
