//! The engine on a machine in memory.

mod announce;
mod apply;
mod atomic;
mod confirm;
mod dataplanes;
mod recovery;
mod verify;
