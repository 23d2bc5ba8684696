//! Which machines, networks, addresses and routes a farm.yaml is rehearsed with.

/// The machines and networks of a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Topology {}
