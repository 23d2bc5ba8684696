//! Which real servers are well, and what share of new connections each gets.
//!
//! A state machine without input or output: questions go out ([`Output::Ask`]), answers and the
//! time come in, and what changed comes out. It opens no socket and knows no clock; `probe` asks
//! the questions, `daemon` drives it. Tests run it under a time of their own.

mod agent;
mod engine;
mod from_farm;
mod group;
mod guard;
mod lateness;
mod layout;
mod member;
mod memory;
mod probe;
mod question;
mod ramp;
mod slots;
mod standing;
mod timers;
mod told;
mod weigh;
mod word;

pub use engine::Engine;
pub use lateness::{LATENESS_BOUNDS, Lateness};
pub use layout::{Group, GroupKey, Layout, Server, SorryServer};
pub use memory::{
    MEMORY_VERSION, Memory, Remembered, RememberedAgent, RememberedFamily, RememberedService,
};
pub use question::{Advice, Answer, Expiry, Fault, Question, Verdict, Welcome};
pub use standing::{
    AgentStanding, Cause, Freshness, GroupStanding, Health, LastAnswer, QuorumStanding, Ramp,
    Reason, Serving, Standing,
};
pub use word::{AskId, Bend, Event, Output, Stance, Told};
