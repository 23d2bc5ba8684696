//! The health engine under simulated time: real servers that come, go, stutter, refuse and fall
//! silent; layouts that change; daemons that start again. No socket, no clock; a test that fails
//! names its seed.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod agents;
mod behaviour;
mod complaints;
mod files;
mod guard;
mod laws;
mod layouts;
mod long_run;
mod restart;
mod world;
