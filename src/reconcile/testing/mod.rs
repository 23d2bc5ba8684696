//! What the tests of this module share: small states, a disk that fails on demand, and a machine.

mod bench;
mod fuse;
mod states;

pub(super) use bench::{Bench, Kernel, survive, target};
pub(super) use fuse::{Blow, Fuse};
pub(super) use states::{
    address_key, any_state, destination_key, merged, moved, origin, service_key, state_of_ports,
    state_of_weights, vip, with_address, with_node_address,
};
