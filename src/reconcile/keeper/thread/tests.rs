//! The keeper on a kernel in memory, under a time of its own, with a state directory that can fail.

mod bench;
mod confirming;
mod drains;
mod drift;
mod killed;
mod laws;
mod wishes;
