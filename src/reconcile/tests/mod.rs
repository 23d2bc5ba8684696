//! The engine on a machine in memory.

mod apply;
mod confirm;
mod recovery;
mod verify;
