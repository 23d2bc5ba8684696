//! The rehearsal: a whole farm out of network namespaces on one machine, under load and faults.
//!
//! From an unchanged farm.yaml it makes a [`Topology`]: which machines there are, on which
//! networks, with which addresses and routes. The stage builds that out of namespaces, starts
//! built-in real servers, lets the real program `apply` on each director, drives clients, does
//! what the scenario says, and hands what was seen to the report. It never touches anything
//! outside namespaces of its own, and decides nothing about a farm that `state` decides.
//! Called by `cli`.

pub mod backstage;
pub mod behind;
pub mod edit;
pub mod expect;
pub mod isolation;
pub mod load;
pub mod picture;
pub mod protocol;
pub mod record;
pub mod report;
pub mod scenario;
pub mod servers;
pub mod stage;
pub mod topology;
pub mod weights;

pub use topology::Topology;
