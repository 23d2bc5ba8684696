//! The API as a client meets it: a real server on a real socket, with a daemon behind it that is
//! played by the test.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic; the lint knows only functions that are tests themselves"
)]

mod client;
mod commands;
mod description;
mod events;
mod farm;
mod hostile;
mod house;
mod metrics;
mod orders;
mod reading;
