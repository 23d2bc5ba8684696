//! `farmctl rehearse` on the host's kernel, by nftables: as root where the tests run as root, and
//! always as an ordinary user too. It needs namespaces and nothing else; the same on ip_vs is in
//! `tests/kernel/rehearsal.rs`.
//!
//! Every test has a state directory of its own in its command line, by which it knows its own
//! processes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod canary;
mod endings;
mod examples;
mod play;
mod refusals;
mod steps;
mod traces;
