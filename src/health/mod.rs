//! Which real servers are well, and what share of new connections each gets.
//!
//! A state machine without input or output: questions go out ([`Output::Ask`]), answers and the
//! time come in, and what changed comes out. It opens no socket and knows no clock; `probe` asks
//! the questions, `daemon` drives it. Tests run it under a time of their own.

mod question;

pub use question::{Advice, Answer, Expiry, Fault, Question, Verdict, Welcome};
